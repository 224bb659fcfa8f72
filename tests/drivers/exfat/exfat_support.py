# SPDX-License-Identifier: BSD-2-Clause
"""What the exFAT tests share: images by mkfs.exfat or newfs, mounted by a booted kernel, others' tools, a model."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from rump.drivers.fs.exfat import upcase
from rump.drivers.fs.exfat.checksum import boot_checksum
from rump.kernel import abi, boot
from rump.kernel.callout import Callout
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

MKFS, FSCK, DUMP = (
    shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    for tool in ("mkfs.exfat", "fsck.exfat", "dump.exfat")
)
FLS, ICAT = shutil.which("fls"), shutil.which("icat")
needs_exfatprogs = pytest.mark.skipif(not (MKFS and FSCK), reason="exfatprogs is not installed")
needs_sleuthkit = pytest.mark.skipif(not (FLS and ICAT), reason="sleuthkit is not installed")

MNT, KEY = b"/mnt", b"/dev/image"
HOST = default()
TABLE = upcase.standard()
GARBAGE = b"\xa5"


# ---- images ----------------------------------------------------------------------------------------------------------


def make(path: Path, size: int, cluster: int = 4096, sector: int = 512, **options: str) -> Path:
    """An image that was full of garbage before: what nobody wrote shows.  Sectors of other sizes only newfs makes."""
    path.write_bytes(GARBAGE * size)
    if sector == 512 and not options:
        subprocess.run([MKFS, "-c", str(cluster), "-L", "TEST", path], check=True, capture_output=True)
        return path
    with boot(HOST) as kernel:
        kernel.etfs_register(KEY, os.fsencode(path), read_only=False)
        given = {"cluster_size": str(cluster), "sector_size": str(sector), "label": "TEST", **options}
        kernel.newfs("exfat", KEY, given)
    return path


def fsck(path: Path, *options: str) -> str:
    """fsck.exfat -n must find nothing; what it says."""
    done = subprocess.run([FSCK, *(options or ("-n",)), path], capture_output=True, check=False, timeout=20)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, text[:3000]
    assert "clean." in text, text[:3000]
    assert "ERROR" not in text, text[:3000]
    assert "WARN" not in text, text[:3000]
    return text


class Memory(BlockDevice):
    """A device of bytes in memory, which can be made to fail."""

    def __init__(self, data: bytes, read_only: bool = True) -> None:
        self.data = bytearray(data)
        self.name = "memory"
        self.size = len(data)
        self.sector_size = 512
        self.read_only = read_only
        self.writes = self.reads = self.syncs = 0
        self.fail_after = -1

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise fault(e.EIO, f"{self.name}: {length} bytes at {offset}")

    def readinto(self, offset: int, buffer) -> None:
        view = memoryview(buffer).cast("B")
        self._check(offset, len(view))
        self.reads += 1
        view[:] = self.data[offset : offset + len(view)]

    def write(self, offset: int, data) -> None:
        view = memoryview(data).cast("B")
        self._check(offset, len(view))
        if self.read_only:
            raise fault(e.EROFS)
        self.writes += 1
        if self.fail_after >= 0 and self.writes > self.fail_after:
            raise fault(e.EIO, "this write fails")
        self.data[offset : offset + len(view)] = view

    def sync(self, barrier: bool = False) -> None:
        self.syncs += 1


def services(log: list[str] | None = None, now=lambda: 1_700_000_000 * 10**9) -> v.Services:
    """The kernel's services; lines logged go to `log`, or fail the test."""

    def unexpected(text: str) -> None:
        raise AssertionError(f"logged: {text}")

    def schedule(delay: int, function) -> Callout:
        return Callout(0, function)

    say = unexpected if log is None else log.append
    return v.Services(now, bytes, say, HOST.crc32c, HOST.crc32c_many, lambda: SleepLock(VirtualCPU(HOST)), schedule)


def mount(device, *, write: bool = False, log: list[str] | None = None, cache_bytes: int = 4 << 20, **options):
    """A volume on a device, bytes or a path, without a kernel."""
    from rump.drivers.fs.exfat import driver

    if isinstance(device, Path):
        device = device.read_bytes()
    if not isinstance(device, BlockDevice):
        device = Memory(device, not write)
    return driver.mount(
        v.MountArguments(device, services(log), read_only=not write, options=options, cache_bytes=cache_bytes)
    )


# ---- a booted kernel -------------------------------------------------------------------------------------------------


class Session:
    """A booted kernel with an image mounted at `MNT` for writing."""

    def __init__(self, image: Path, host=None, **boot_options) -> None:
        self.image = image
        self.log: list[str] = []
        self.kernel = boot(host or HOST, log=self.log.append, **boot_options)
        self.lwp = self.kernel.lwp
        self.lwp.umask(0)
        self.lwp.mkdir(MNT, 0o755)
        self.kernel.etfs_register(KEY, os.fsencode(image), read_only=False)
        self.mount()

    def mount(self, flags: int = 0, **options: str) -> None:
        self.lwp.mount("exfat", MNT, flags, KEY, options)

    def remount(self) -> None:
        """Unmount, check, mount."""
        self.lwp.unmount(MNT)
        fsck(self.image)
        self.mount()

    def close(self, check: bool = True) -> None:
        self.kernel.halt()
        if check:
            fsck(self.image)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind, *_) -> None:
        self.close(check=kind is None)

    # ---- short ways

    def write(self, name: bytes, data: bytes, offset: int = 0) -> None:
        fd = self.lwp.open(MNT + b"/" + name, abi.O_WRONLY | abi.O_CREAT, 0o644)
        try:
            if self.lwp.pwrite(fd, data, offset) != len(data):
                raise OSError(e.ENOSPC, "only a part of it")
        finally:
            self.lwp.close(fd)

    def read(self, name: bytes) -> bytes:
        fd = self.lwp.open(MNT + b"/" + name, abi.O_RDONLY)
        try:
            parts = []
            while part := self.lwp.read(fd, 1 << 20):
                parts.append(part)
            return b"".join(parts)
        finally:
            self.lwp.close(fd)

    def names(self, name: bytes = b"") -> list[bytes]:
        fd = self.lwp.open(MNT + b"/" + name, abi.O_RDONLY)
        try:
            found = []
            while entries := self.lwp.getdents(fd, 100):
                found += [entry[0] for entry in entries]
            return [each for each in found if each not in (b".", b"..")]
        finally:
            self.lwp.close(fd)

    def tree(self, top: bytes = b"") -> dict[bytes, bytes | None]:
        """Path -> contents, None of directories."""
        found: dict[bytes, bytes | None] = {}
        for name in self.names(top):
            path = top + b"/" + name if top else name
            if self.lwp.lstat(MNT + b"/" + path).st_mode & abi.S_IFMT == abi.S_IFDIR:
                found[path] = None
                found |= self.tree(path)
            else:
                found[path] = self.read(path)
        return found


def pattern(seed: int, length: int) -> bytes:
    """Bytes that nobody writes by chance."""
    return random.Random(seed).randbytes(length)


def fix_checksums(image: bytearray) -> None:
    """A right checksum of the main boot region."""
    total = boot_checksum(bytes(image[: 11 * 512]))
    image[11 * 512 : 12 * 512] = total.to_bytes(4, "little") * 128
