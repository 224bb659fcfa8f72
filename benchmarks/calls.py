# SPDX-License-Identifier: BSD-2-Clause
"""What boot and single system calls cost, on a small ext4 image.

    python benchmarks/calls.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CALLS = 20_000


def best(function: Callable[[], object], calls: int = CALLS, rounds: int = 7) -> float:
    """Microseconds a call, in the best of some rounds."""
    found = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        found = min(found, (time.perf_counter() - start) / calls)
    return found * 1e6


def main() -> int:
    """Boot, mount, call."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        tree = Path(folder) / "tree" / "a" / "b"
        tree.mkdir(parents=True)
        (tree / "file").write_bytes(bytes(range(256)) * 256)
        command = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree.parents[1]), str(image), "8M"]
        subprocess.run(command, check=True)
        measure(bytes(image))
    return 0


def measure(image: bytes) -> None:
    """Print the figures."""
    start = time.process_time()
    from rump.kernel import abi, boot
    from rump.rumpuser.host import default

    host = default()
    imported = time.process_time()
    with boot(host) as kernel:
        kernel.etfs_register(b"/dev/disk", image)
        lwp = kernel.lwp
        lwp.mkdir(b"/mnt")
        lwp.mount("ext2fs", b"/mnt", abi.MNT_RDONLY, b"/dev/disk")
        booted = time.process_time()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"import {(imported - start) * 1e3:.1f} ms, boot and mount {(booted - imported) * 1e3:.1f} ms CPU")
        print(f"resident {memory:.0f} MiB, the interpreter included")
        path = b"/mnt/a/b/file"
        fd = lwp.open(path, abi.O_RDONLY)
        buffer = bytearray(65536)
        for name, call in (
            ("getpid", lwp.getpid),
            ("stat, cached path of four components", lambda: lwp.stat(path)),
            ("fstat", lambda: lwp.fstat(fd)),
            ("open and close", lambda: lwp.close(lwp.open(path, abi.O_RDONLY))),
            ("pread 4 KiB", lambda: lwp.pread(fd, 4096, 0)),
            ("pread 64 KiB into a buffer", lambda: lwp.preadinto(fd, buffer, 0)),
        ):
            print(f"{name}: {best(call):.2f} us")


if __name__ == "__main__":
    sys.exit(main())
