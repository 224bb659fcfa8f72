# SPDX-License-Identifier: BSD-2-Clause
"""Components: the parts a kernel is made of, started in an order that is declared, not coded.

A component names its phase - the classes of the original's RUMP_COMPONENT - and the components it requires.  Drivers
of file systems are found by name when something is mounted (`Drivers`); those built in are a table of names, loaded
when first used, and what others installed is looked for only when nothing built in fits.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.vfs.volume import FileSystem
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.init import Kernel
    from rump.rumpuser.interface.hypercalls import Hypercalls

KERN = 0
FACTION_VFS = 1
VFS = 2
FACTION_NET = 3
NET = 4
NET_ROUTE = 5
NET_IF = 6
NET_IFCFG = 7
FACTION_DEV = 8
DEV = 9
DEV_AFTERMAINBUS = 10
KERN_VFS = 11
POSTINIT = 12
SYSCALL = 13


class Component:
    """A part of a kernel.

    phase     one of the constants above: when it starts
    requires  names of components that must have started before it
    start     called with the kernel
    """

    __slots__ = ("name", "phase", "requires", "start")

    def __init__(
        self, name: str, phase: int, start: Callable[[Kernel], None], requires: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.phase = phase
        self.requires = requires
        self.start = start


def in_order(components: Iterable[Component]) -> list[Component]:
    """By phase; within one, what is required first, else as given.

    Errors: ENOENT - a required component is missing, or of a later phase; EDEADLK - they require each other;
    EEXIST - two of one name.
    """
    waiting = sorted(components, key=lambda component: component.phase)
    names = [component.name for component in waiting]
    for name in names:
        if names.count(name) > 1:
            raise fault(e.EEXIST, f"two components are called {name}")
    started: dict[str, Component] = {}
    result: list[Component] = []
    while waiting:
        phase = [component for component in waiting if component.phase == waiting[0].phase]
        ready = next((each for each in phase if all(name in started for name in each.requires)), None)
        if ready is None:
            stuck = waiting[0]
            missing = next(r for r in stuck.requires if r not in started)
            number = e.EDEADLK if missing in names else e.ENOENT
            raise fault(number, f"component {stuck.name} requires {missing}")
        waiting.remove(ready)
        started[ready.name] = ready
        result.append(ready)
    return result


BUILT_IN: dict[str, str] = {
    "tmpfs": "rump.drivers.fs.tmpfs",
    "ext2fs": "rump.drivers.fs.ext2fs",
    "msdosfs": "rump.drivers.fs.msdosfs",
    "exfat": "rump.drivers.fs.exfat",
    "cd9660": "rump.drivers.fs.cd9660",
}
"""File-system drivers that come along: name -> package with a table called `driver`, in the order they are probed."""

ALIASES: dict[str, str] = {
    "rumpfs": "tmpfs",
    "ext2": "ext2fs",
    "ext3": "ext2fs",
    "ext4": "ext2fs",
    "msdos": "msdosfs",
    "fat": "msdosfs",
    "vfat": "msdosfs",
    "fat12": "msdosfs",
    "fat16": "msdosfs",
    "fat32": "msdosfs",
    "iso9660": "cd9660",
    "iso": "cd9660",
    "isofs": "cd9660",
}
"""Other names for those; a test holds them equal to what the drivers' own tables say."""


class Drivers:
    """The file-system drivers a kernel can mount with."""

    def __init__(self, host: Hypercalls, given: tuple[FileSystem, ...] = ()) -> None:
        """`given` are tables of the program's own; they go before all others."""
        self._host = host
        self._given = given
        self._loaded: dict[str, FileSystem] = {}
        self._foreign: tuple[FileSystem, ...] | None = None

    def filesystem(self, name: str, device: BlockDevice | None) -> FileSystem:
        """The driver of that name; "" asks what the device holds.

        Errors: ENODEV - no such driver; EFTYPE - none knows the device.
        """
        if not name:
            found = self.probe(device) if device is not None else None
            if found is None:
                raise fault(e.EFTYPE, "no driver knows what is on the device")
            return found[0]
        driver = self.named(name)
        if driver is None:
            raise fault(e.ENODEV, f"no driver for file system type {name}")
        return driver

    def named(self, name: str) -> FileSystem | None:
        """A driver by name or alias."""
        for driver in self._given:
            if name == driver.name or name in driver.aliases:
                return driver
        built_in = ALIASES.get(name, name)
        if built_in in BUILT_IN:
            return self._load(built_in)
        for driver in self._others():
            if name == driver.name or name in driver.aliases:
                return driver
        return None

    def probe(self, device: BlockDevice) -> tuple[FileSystem, str] | None:
        """Which driver knows what the device holds, and what it calls it."""
        for driver in self._all():
            what = driver.probe(device) if driver.probe else None
            if what is not None:
                return driver, what
        return None

    def _all(self) -> Iterator[FileSystem]:
        """In the order they are asked; each loaded only when its turn comes."""
        yield from self._given
        for name in BUILT_IN:
            yield self._load(name)
        yield from self._others()

    def _load(self, name: str) -> FileSystem:
        driver = self._loaded.get(name)
        if driver is None:
            module = __import__(BUILT_IN[name], fromlist=["driver"])
            driver = self._loaded[name] = module.driver
        return driver

    def _others(self) -> tuple[FileSystem, ...]:
        """Those that other packages installed; one that does not load is passed over with a word on the console."""
        if self._foreign is None:
            found: list[FileSystem] = []
            for name, load in self._foreign_components():
                try:
                    table = load()
                except Exception as error:      # somebody else's code
                    self._host.console_write(f"rump: driver {name} cannot be loaded: {error}\n".encode())
                    continue
                if isinstance(table, FileSystem):
                    found.append(table)
            self._foreign = tuple(found)
        return self._foreign

    def _foreign_components(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        try:
            return self._host.components()
        except OSError as error:
            if error.errno == e.ENOSYS:
                return ()
            raise
