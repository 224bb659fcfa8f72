# SPDX-License-Identifier: BSD-2-Clause
"""The device switch: from device numbers to devices.  Majors are NetBSD's (sys/conf/majors, majors.evbarm and so on
agree for these)."""

from __future__ import annotations

from rump.kernel.abi import makedev
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from rump.kernel.dev.block import BlockDevice
    from rump.rumpuser.interface.hypercalls import Hypercalls

CONSOLE = makedev(0, 0)
NULL = makedev(2, 2)
ZERO = makedev(2, 12)
FULL = makedev(2, 11)
RANDOM = makedev(46, 0)
URANDOM = makedev(46, 1)
RUMPBLK_MAJOR = 197
WEDGE_MAJOR = 168

CHUNK = 65536


class CharacterDevice:
    """A stream of bytes: nothing to read, and takes nothing, unless overridden."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; how many bytes, 0 at the end."""
        return 0

    def write(self, data: Buffer) -> int:
        """How many bytes were taken."""
        return memoryview(data).nbytes


class Null(CharacterDevice):
    """/dev/null: the end of all data."""


class Zero(CharacterDevice):
    """/dev/zero."""

    def readinto(self, buffer: memoryview) -> int:
        buffer[:] = bytes(len(buffer))
        return len(buffer)


class Full(Zero):
    """/dev/full: there is never room."""

    def write(self, data: Buffer) -> int:
        raise fault(e.ENOSPC)


class Console(CharacterDevice):
    """/dev/console: output only; reading finds the end."""

    def __init__(self, host: Hypercalls) -> None:
        self._host = host

    def write(self, data: Buffer) -> int:
        view = memoryview(data)
        self._host.console_write(bytes(view))
        return view.nbytes


class Random(CharacterDevice):
    """/dev/random and /dev/urandom; writing stirs nothing."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random

    def readinto(self, buffer: memoryview) -> int:
        for start in range(0, len(buffer), CHUNK):
            piece = buffer[start : start + CHUNK]
            piece[:] = self._random(len(piece))
        return len(buffer)


class DeviceTable:
    """The devices of a kernel by number."""

    def __init__(self, host: Hypercalls) -> None:
        random = Random(host.getrandom)
        self._character: dict[int, CharacterDevice] = {
            CONSOLE: Console(host),
            NULL: Null(),
            ZERO: Zero(),
            FULL: Full(),
            RANDOM: random,
            URANDOM: random,
        }
        self._block: dict[int, BlockDevice] = {}

    def character(self, rdev: int) -> CharacterDevice:
        """Errors: ENXIO."""
        found = self._character.get(rdev)
        if found is None:
            raise fault(e.ENXIO)
        return found

    def block(self, rdev: int) -> BlockDevice:
        """Errors: ENXIO."""
        found = self._block.get(rdev)
        if found is None:
            raise fault(e.ENXIO)
        return found

    def attach(self, major: int, device: BlockDevice) -> int:
        """Give a block device the next number of a major; the number."""
        minor = 0
        while makedev(major, minor) in self._block:
            minor += 1
        self._block[makedev(major, minor)] = device
        return makedev(major, minor)

    def attach_character(self, rdev: int, device: CharacterDevice) -> None:
        """A driver's character device.  Errors: EBUSY - the number is taken."""
        if rdev in self._character:
            raise fault(e.EBUSY, f"character device {rdev:#x}")
        self._character[rdev] = device

    def detach(self, rdev: int) -> BlockDevice:
        """Take a block device out.  Errors: ENXIO."""
        device = self.block(rdev)
        del self._block[rdev]
        return device

    def blocks(self) -> tuple[BlockDevice, ...]:
        """All block devices."""
        return tuple(self._block.values())


NODES: tuple[tuple[bytes, int, int], ...] = (
    (b"console", 0o600, CONSOLE),
    (b"null", 0o666, NULL),
    (b"zero", 0o666, ZERO),
    (b"full", 0o666, FULL),
    (b"random", 0o444, RANDOM),
    (b"urandom", 0o644, URANDOM),
)
"""What /dev holds from the start: (name, permissions, number)."""
