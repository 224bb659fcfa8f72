# SPDX-License-Identifier: BSD-2-Clause
"""What a plain listing loads: every module more is a tenth of a millisecond or two of each command's start."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {
    "": "drivers fsutils kernel rumpuser",
    "drivers.fs": "ext2fs tmpfs",
    "drivers.fs.ext2fs": "bmap dirent disk disk_files groups inode medium mount ops superblock",
    "drivers.fs.tmpfs": "inode mount ops",
    "fsutils": "attributes command descent errors listing ls main names operand options reader session",
    "fsutils.listing": "entries naming",
    "kernel": "abi callout component cpu devices errors file init lwp lwps pipe proc record select stat structure "
              "syscall syscalls",
    "kernel.dev": "block claims devsw disk",
    "kernel.syscalls": "descriptors",
    "kernel.vfs": "access buffer data etfs file locking mount mounts namei operation small special syscalls vnode "
                  "volume",
    "kernel.vfs.syscalls": "attributes bulk mounts names opening",
    "rumpuser": "host interface linux posix pure",
    "rumpuser.interface": "errno hypercalls traits",
    "rumpuser.linux": "_ffi _ffi.lib busy disk nic streams threads watch",
    "rumpuser.posix": "clock compiled components confined console copy crc entropy errors files getrandom inflate "
                      "layout locks no_discard no_holes parameters positioned seek_holes streams traits watch_polling",
    "rumpuser.pure": "arguments cards crc32c handles memory threads upcalls",
}  # fmt: skip
"""The modules of each package that may be there.  What is added here was weighed: could it wait until it is used?"""
SLOW = {
    "argparse", "dataclasses", "enum", "functools", "gettext", "inspect", "locale", "re", "select", "shutil", "signal",
    "socket", "subprocess", "tempfile", "threading", "typing", "zlib",
}  # fmt: skip
"""Of the standard library: not for a listing."""
PROGRAM = """
import sys
sys.path[:] = {path!r}
before = set(sys.modules)
from rump.fsutils.main import main
status = main(["ls", {image!r}])
print(status, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another host")
def test_a_listing_loads_only_what_it_uses(ext4_image: Path) -> None:
    program = PROGRAM.format(path=sys.path, image=str(ext4_image))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, check=True)
    status, *loaded = done.stderr.decode().split()
    assert status == "0" and b"etc" in done.stdout
    known = {f"rump.{package}.{name}".replace("..", ".") for package, names in KNOWN.items() for name in names.split()}
    known |= {"rump", "rump.drivers.fs", "rump.kernel.dev", "rump.kernel.vfs"}
    assert {name for name in loaded if name.partition(".")[0] == "rump"} - known == set()
    assert set(loaded) & SLOW == set()
