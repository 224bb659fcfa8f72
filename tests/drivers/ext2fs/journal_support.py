# SPDX-License-Identifier: BSD-2-Clause
"""Tests of mounts that write: a device that remembers its writes, sessions on it, journals with any features."""

from __future__ import annotations

import itertools
import struct

from ext2_support import HOST, Bytes, lock, schedule

from rump.drivers.fs.ext2fs import superblock
from rump.drivers.fs.ext2fs.journal.recovery import open_log
from rump.drivers.fs.ext2fs.medium import Medium
from rump.drivers.fs.ext2fs.ops import Ext2Volume
from rump.drivers.fs.ext2fs.writing.mount import Session
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

MAGIC = struct.pack(">I", 0xC03B3998)
NOW = 1_700_000_000 * 10**9 + 5
WIDE, ASYNC, V2, V3, FAST, V1 = 2, 4, 8, 16, 32, 1 << 16        # V1 is a compatible feature
FEATURES = {
    "plain": 0, "64bit": WIDE, "v1": V1, "v1-64bit-async": V1 | WIDE | ASYNC, "v2": V2, "v2-64bit": V2 | WIDE,
    "v3": V3, "v3-64bit": V3 | WIDE, "v3-async": V3 | WIDE | ASYNC, "fast": V3 | FAST,
}  # fmt: skip
BARRIER = (-1, b"")


class Recorder(Bytes):
    """A device in memory.  `log` has all writes, (offset, bytes), and barriers; all that `fail` says true of fail."""

    def __init__(self, data: bytes, name: str = "memory") -> None:
        super().__init__(b"", name)
        self.data = bytearray(data)
        self.before = bytes(data)
        self.size = len(data)
        self.read_only = False
        self.log: list[tuple[int, bytes]] = []
        self.fail = lambda: False

    def read(self, offset: int, length: int) -> bytes:
        return bytes(super().read(offset, length))

    def write(self, offset: int, data) -> None:
        data = bytes(data)
        if self.fail() or offset < 0 or offset + len(data) > self.size:
            raise fault(e.EIO, f"{self.name}: {len(data)} bytes at {offset}")
        self.data[offset : offset + len(data)] = data
        self.log.append((offset, data))

    def sync(self, barrier: bool = False) -> None:
        if self.fail():
            raise fault(e.EIO, self.name)
        assert barrier
        self.log.append(BARRIER)

    @property
    def barriers(self) -> int:
        return self.log.count(BARRIER)


def services(log=None, now=lambda: NOW, sleep=None) -> v.Services:
    """Deterministic ones.  Lines logged fail the test, or go to `log`."""

    def unexpected(text: str) -> None:
        raise AssertionError(f"logged: {text}")

    say = unexpected if log is None else log.append
    more = () if sleep is None else (sleep,)
    return v.Services(now, lambda length: bytes(range(1, length + 1)), say, HOST.crc32c, HOST.crc32c_many, lock,
                      schedule, *more)  # fmt: skip


def session(device, log=None, lent=None, **options) -> Session:
    """What a mount for writing begins with."""
    arguments = v.MountArguments(device, lent or services(log), read_only=False, options=options)
    return Session(arguments, superblock.read(device, arguments.services, 1024))


def journal(device):
    """The log of the volume on a device."""
    lent = services([])
    return open_log(Ext2Volume(Medium(device, superblock.read(device, lent, 1024), lent, 1 << 20)))


def with_features(image: bytes, features: int, sequence: int = 1, errno: int = 0, version: int = 2) -> bytes:
    """The image, its journal empty and with these features."""
    data = bytearray(image)
    at = journal(Bytes(image)).offset(0)
    struct.pack_into(">I", data, at + 4, version + 2)
    struct.pack_into(">III", data, at + 0x18, sequence, 0, errno)
    if version == 1:
        data[at + 0x24 : at + 1024] = bytes(1024 - 0x24)
        return bytes(data)
    struct.pack_into(">II", data, at + 0x24, features >> 16, features & 0xFFFF)
    data[at + 0x50] = 4 if features & (V2 | V3) else 0
    struct.pack_into(">I", data, at + 0xFC, 0)
    if features & (V2 | V3):
        struct.pack_into(">I", data, at + 0xFC, HOST.crc32c(0xFFFFFFFF, bytes(data[at : at + 1024])))
    return bytes(data)


def prefixes(device):
    """(how many writes, the image) after every prefix of what was written."""
    image = bytearray(device.before)
    yield 0, bytes(image)
    for number, (offset, data) in enumerate(device.log, 1):
        if (offset, data) != BARRIER:
            image[offset : offset + len(data)] = data
            yield number, bytes(image)


def torn(device, order, most: int = 4):
    """Images as a power cut may leave them: all before some barrier, and of what follows, up to the next, any part: all
    writes but one, one alone, or any sectors of 512 bytes."""
    image = bytearray(device.before)
    for is_barrier, part in itertools.groupby(device.log, lambda entry: entry == BARRIER):
        if is_barrier:
            continue
        writes = list(part)
        sectors = [(offset + at, data[at : at + 512]) for offset, data in writes for at in range(0, len(data), 512)]
        states = [[sector for sector in sectors if order.random() < chance] for chance in (0.1, 0.5, 0.9)]
        for index in order.sample(range(len(writes)), min(most, len(writes))):
            states += [writes[:index] + writes[index + 1 :], [writes[index]]]
        for state in states:
            yield _with(image, state)
        image = bytearray(_with(image, writes))
    yield bytes(image)


def _with(image: bytearray, writes) -> bytes:
    copy = bytearray(image)
    for offset, data in writes:
        copy[offset : offset + len(data)] = data
    return bytes(copy)
