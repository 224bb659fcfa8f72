# SPDX-License-Identifier: BSD-2-Clause
"""A modelled system: how its calls behave by its documents, acting on files of the Linux that this runs on.

What Linux does as POSIX has it is Linux's own doing; a model changes what its system documents otherwise: numbers
(errors, flags, commands), layouts of structures, calls that are not there, ioctls, and what the class of each system
lists.  Regular files can be put forward as disks.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, TypeAlias

    Identity: TypeAlias = tuple[int, int]
    Status: TypeAlias = "os.stat_result | SimpleNamespace"

_NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN", errno.EDEADLK: "EDEADLK"}


def modelled(error: OSError) -> OSError:
    """Mark an error whose number is the modelled system's already."""
    error.modelled = True  # type: ignore[attr-defined]
    return error


class Disk:
    """A file that the system shows as a disk: `kind` S_IFBLK or S_IFCHR, `number` its device number.

    A character device takes whole sectors only.
    """

    def __init__(self, size: int, sector: int, kind: int, number: int) -> None:
        self.size = size
        self.sector = sector
        self.kind = kind
        self.number = number


class System:
    """Of each modelled system there is a class, which says what differs; an object of it is a machine that runs it.

    host       the backend's folder
    machine    what uname(3) says of the processor
    numbers    a module with the system's errno, O_*, SEEK_*, F_* and LOCK_*
    flock      struct flock: a format of `struct`, and its members in order
    lacks      functions of Python's `os` that are not there
    raw        disks are character devices
    kqueue     there is kqueue(2)
    seeks_holes  lseek(2) takes SEEK_DATA and SEEK_HOLE, where they have numbers
    """

    host = ""
    machine = "x86_64"
    numbers: ModuleType
    flock: tuple[str, tuple[str, ...]] = ("@hhqqi0q", ("type", "whence", "start", "len", "pid"))
    lacks: frozenset[str] = frozenset()
    raw = False
    kqueue = False
    seeks_holes = True

    def __init__(self) -> None:
        self.disks: dict[Identity, Disk] = {}
        self.names: dict[str, str | Callable[[], int]] = {}
        """Paths of devices: the file that is behind one, or what opens it."""
        self.texts: dict[str, str] = {}
        """Text files of the system itself."""
        self.changes: dict[Identity, int] = {}
        self.calls: list[tuple[Any, ...]] = []
        """What was asked of the system beyond POSIX, for tests."""
        self.thread_names: list[str] = []
        self.mounts: list[tuple[str, str]] = []
        self.swaps: list[str] = []
        self.ioctls: dict[int, Callable[[Disk, int], bytes]] = self.disk_ioctls()

    # ---- errors --------------------------------------------------------------------------------------------------

    def number_of(self, linux: int) -> int:
        """The system's number for one of Linux's; what the system does not have comes as EIO."""
        number: int = getattr(self.numbers, _NAMES.get(linux, "EIO"), self.numbers.EIO)
        return number

    def error(self, name: str, kind: type[OSError] = OSError) -> OSError:
        """An error of the system by its name, as Python there would raise it."""
        return modelled(kind(getattr(self.numbers, name), name))

    def foreign(self, error: OSError) -> OSError:
        """An error of Linux as Python would raise it there: the same class, another number."""
        if getattr(error, "modelled", False) or error.errno is None:
            return error
        return modelled(type(error)(self.number_of(error.errno or 0), error.strerror))

    # ---- files and disks -----------------------------------------------------------------------------------------

    def present(self, path: str, name: str, sector: int = 512, part: int = 0) -> None:
        """Show a file as the disk `name`; `part` is the partition, where device numbers tell."""
        status = os.stat(path)
        kind = stat.S_IFCHR if self.raw else stat.S_IFBLK
        self.disks[status.st_dev, status.st_ino] = Disk(status.st_size, sector, kind, self.device_number(part))
        self.names[name] = path

    def device_number(self, part: int) -> int:
        """Of the first disk's partition."""
        return os.makedev(3, part)

    def disk(self, descriptor: int) -> Disk | None:
        """The disk that a descriptor stands for."""
        try:
            status = os.fstat(descriptor)
        except OSError as error:
            raise self.foreign(error) from None
        return self.disks.get((status.st_dev, status.st_ino))

    def status(self, real: os.stat_result) -> Status:
        """What fstat(2) tells."""
        disk = self.disks.get((real.st_dev, real.st_ino))
        return real if disk is None else self.disk_status(real, disk)

    def disk_status(self, real: os.stat_result, disk: Disk) -> Status:
        """What fstat(2) tells of a disk: hardly a system tells its size."""
        return SimpleNamespace(
            st_mode=disk.kind | stat.S_IMODE(real.st_mode), st_size=0, st_dev=real.st_dev, st_ino=real.st_ino,
            st_rdev=disk.number, st_blksize=4096, st_nlink=1, st_mtime_ns=real.st_mtime_ns,
            st_ctime_ns=real.st_ctime_ns,
        )  # fmt: skip

    def changed(self, descriptor: int) -> None:
        """Note that a file was changed."""
        status = os.fstat(descriptor)
        key = status.st_dev, status.st_ino
        self.changes[key] = self.changes.get(key, 0) + 1

    def look(self, descriptor: int) -> tuple[int, ...]:
        """What is another tuple when a file has changed."""
        status = os.fstat(descriptor)
        changes = self.changes.get((status.st_dev, status.st_ino), 0)
        return changes, status.st_size, status.st_mtime_ns, status.st_nlink

    def open_text(self, path: str, *arguments: Any, **named: Any) -> io.StringIO:
        """Python's `open`, on the system's own text files."""
        if path not in self.texts:
            raise self.error("ENOENT", FileNotFoundError)
        return io.StringIO(self.texts[path])

    def open_flags(self, path: str, flags: int) -> None:
        """What the system has to say of an open of that path; an OSError refuses it."""

    # ---- what the systems differ in ------------------------------------------------------------------------------

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        """Request -> what it answers about a disk on a descriptor (an OSError: it refuses)."""
        return {}

    def fcntls(self) -> dict[int, Callable[[int, Any], Any]]:
        """Commands of fcntl(2) beyond POSIX's: what they do with descriptor and argument."""
        return {}

    def lock_commands(self) -> dict[int, int]:
        """Commands of fcntl(2) for locks -> Linux's command that behaves so."""
        import fcntl

        return {self.numbers.F_SETLK: fcntl.F_SETLK, self.numbers.F_GETLK: fcntl.F_GETLK}

    def locks_of_open_files(self, setting: int, getting: int) -> dict[int, int]:
        """Two commands that behave as Linux's F_OFD_SETLK and F_OFD_GETLK."""
        import fcntl

        linux: Any = fcntl
        return {setting: linux.F_OFD_SETLK, getting: linux.F_OFD_GETLK}

    def native(self) -> dict[str, Callable[..., Any]]:
        """The functions of the compiled pieces that the backend has on this system, by name."""
        return {}
