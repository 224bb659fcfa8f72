# SPDX-License-Identifier: BSD-2-Clause
"""The platform that is our own kernel, whatever is under it: a machine, or a hypervisor's.

Clock, console, entropy, end and idle come from `_hyper`, the interpreter's door to that kernel; files that are no
devices are memory.  What differs are the devices: `Metal` and `Xen` say which there are.
"""

from __future__ import annotations

from rump.rumpuser.bare import _hyper
from rump.rumpuser.bare.memory import MemoryFile
from rump.rumpuser.bare.ramdisk import RamDisk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeVar

    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.pure.cards import Nic

    Kind = TypeVar("Kind", bound="Machinery")


class Machinery:
    """A `Platform`.  Devices are looked for when the first is asked for.

    files       what has a name: devices, their other names, and files in memory
    """

    name = "bare"
    clock_resolution = 1

    def __init__(self) -> None:
        self.environment = environment(_hyper.COMMAND_LINE)
        self._files: dict[bytes, Device] | None = None
        self._stirred = False

    # ---- what a kind of machine says of itself ---------------------------------------------------------------------

    def find_disks(self) -> list[tuple[bytes, Device]]:
        """The block devices: (another name or b"", device); they are disk0, disk1 ..., behind the `ramdisks`."""
        return []

    def seed(self) -> bytes:
        """Random bytes from a device made for that, b"" if there is none."""
        return b""

    def nic(self, name: bytes) -> Nic | None:
        """The network card of that name, opened (b"": the first that is free); None if there is none."""
        return None

    def consoles(self) -> list[Any]:
        """Streams of bytes beside the machine's console, to whoever started it: objects with read(length), ready(),
        write(view)."""
        return []

    # ---- the platform ----------------------------------------------------------------------------------------------

    def halt(self, status: int) -> NoReturn:
        _hyper.halt(status & 0xFF)

    def monotonic(self) -> int:
        return _hyper.monotonic()

    def epoch_offset(self) -> int:
        return _hyper.epoch_offset()

    def block_until(self, time: int) -> None:
        while _hyper.monotonic() < time:
            _hyper.wait(time)

    def console_write(self, data: bytes) -> None:
        _hyper.console_write(data)

    def entropy(self, length: int) -> bytes:
        if not self._stirred:
            self._stirred = True
            _hyper.random_add(self.seed())
        return _hyper.random(length)

    @property
    def files(self) -> dict[bytes, Device]:
        if self._files is None:
            self._files = {}
            for number, (name, disk) in enumerate([*ramdisks(), *self.find_disks()]):
                self._files[b"disk%d" % number] = disk
                self._files.setdefault(name or b"disk%d" % number, disk)
        return self._files

    def device(self, path: bytes, create: bool) -> Device | None:
        if create:
            self.files.setdefault(path, MemoryFile())
        return self.files.get(path)


def ramdisks() -> list[tuple[bytes, Device]]:
    """What was loaded with us, but for the first module, which holds the program: disks in memory."""
    modules = _hyper.MODULES[1:]
    return [
        (b"ramdisk%d" % number, RamDisk(_hyper.view(address, length)))
        for number, (address, length, _) in enumerate(modules)
    ]


_made: list[Any] = []


def the(kind: type[Kind]) -> Kind:
    """The platform that this machine is: there is one, whoever asks."""
    if not _made:
        _made.append(kind())
    platform: Kind = _made[0]
    return platform


def environment(command_line: bytes) -> dict[str, str]:
    """The settings in a kernel's command line: words with a ``=`` before a ``--``.

    >>> environment(b'RUMP_NCPU=1 NAME="a b" -- -m x=y')
    {'RUMP_NCPU': '1', 'NAME': 'a b'}
    """
    found: dict[str, str] = {}
    for word in words(command_line.decode("utf-8", "surrogateescape")):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
    return found


def words(line: str) -> list[str]:
    """A line in words, as a shell would with double quotes and backslashes."""
    found: list[str] = []
    word: list[str] | None = None
    quoted = escaped = False
    for letter in line:
        if escaped:
            word, escaped = [*(word or ()), letter], False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            word, quoted = word or [], not quoted
        elif letter.isspace() and not quoted:
            found += ["".join(word)] if word is not None else []
            word = None
        else:
            word = [*(word or ()), letter]
    return [*found, "".join(word)] if word is not None else found
