# SPDX-License-Identifier: BSD-2-Clause
"""Writing operations down: one line each, the same on every host.

    open("a", O_RDWR|O_CREAT, 0644) = 3
    stat("a") = {reg 0644 #2 nlink=1 0:0 size=5 blocks=32 times=+0,+2s,+2s,+0}
    rmdir("a") = ENOTDIR

File numbers are private to a file system: they become #1, #2 ... in the order they are met.  Times are given as what
has passed since the virtual clock began, those far from it in seconds since 1970.
"""

from __future__ import annotations

from binascii import crc32

from rump.kernel import abi
from rump.kernel.lwps import system_calls
from rump.kernel.stat import Stat, Statvfs
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SHOWN = 48
"""Bytes of a string that are shown in full; longer ones are cut, with length and CRC."""
NAMES_OF_TYPES = {
    abi.S_IFREG: "reg", abi.S_IFDIR: "dir", abi.S_IFLNK: "lnk", abi.S_IFCHR: "chr", abi.S_IFBLK: "blk",
    abi.S_IFIFO: "fifo", abi.S_IFSOCK: "sock",
}  # fmt: skip
RUNS = {v.DATA: "data", v.HOLE: "hole", v.UNWRITTEN: "unwritten", v.INLINE: "data", v.ENCODED: "data"}
NEAR = 86_400 * 10**9
SECOND = 10**9


def _named(prefix: str) -> list[tuple[int, str]]:
    return [(value, name) for name, value in vars(abi).items() if name.startswith(prefix) and isinstance(value, int)]


OPEN_FLAGS = [(value, name) for value, name in _named("O_") if value > abi.O_ACCMODE]
ACCESS_MODES = {abi.O_RDONLY: "O_RDONLY", abi.O_WRONLY: "O_WRONLY", abi.O_RDWR: "O_RDWR"}
AT_FLAGS = [(value, name) for value, name in _named("AT_") if value > 0]
MOUNT_FLAGS = _named("MNT_")
WHENCE = dict(_named("SEEK_"))
EVENTS = _named("POLL")
SYNC_FLAGS = [(abi.FDATASYNC, "FDATASYNC"), (abi.FFILESYNC, "FFILESYNC"), (abi.FDISKSYNC, "FDISKSYNC")]


def flags(value: int, names: list[tuple[int, str]]) -> str:
    """Flags by name, what is left in hexadecimal."""
    parts = [name for bit, name in names if value & bit]
    rest = value & ~sum(bit for bit, _ in names)
    return "|".join(parts + ([f"{rest:#x}"] if rest else [])) or "0"


def open_flags(value: int) -> str:
    mode = ACCESS_MODES.get(value & abi.O_ACCMODE, "O_ACCMODE")
    rest = value & ~abi.O_ACCMODE
    return f"{mode}|{flags(rest, OPEN_FLAGS)}" if rest else mode


def text(value: bytes) -> str:
    """Bytes as a quoted string of ASCII."""
    shown = value if len(value) <= SHOWN else value[: SHOWN // 2]
    inside = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in shown)
    return f'"{inside}"' if len(value) <= SHOWN else f'"{inside}"...[{len(value)} bytes, {crc32(value):08x}]'


class Writer:
    """Writes one scenario down.  `start` is when its virtual clock began."""

    def __init__(self, start: int) -> None:
        self.lines: list[str] = []
        self._start = start
        self._numbers: dict[tuple[int, int], int] = {}

    def operation(self, who: str, name: str, arguments: tuple[Any, ...], named: dict[str, Any], result: str) -> None:
        """One system call."""
        parameters = system_calls()[name].__wrapped__.__code__.co_varnames[1:]  # type: ignore[attr-defined]
        shown = [self.argument(name, key, value) for key, value in zip(parameters, arguments, strict=False)]
        shown += [f"{key}={self.argument(name, key, value)}" for key, value in sorted(named.items())]
        self.lines.append(f"{who}{name}({', '.join(shown)}) = {result}")

    def argument(self, call: str, key: str, value: Any) -> str:
        """An argument, by what it means."""
        form = _FORMS.get((call, key)) or _FORMS.get(("", key))
        if form is not None and isinstance(value, int):
            return form(value)
        if isinstance(value, bytes):
            return text(value)
        if isinstance(value, bytearray | memoryview):
            return f"buffer[{memoryview(value).nbytes}]"
        if call == "rump_populate" and isinstance(value, tuple):
            rows = list(map(self.row, value))
            more = [f"...[{len(rows)}, {crc32(''.join(rows).encode()):08x}]"] if len(rows) > 12 else []
            return "[" + ", ".join(rows[: 3 if more else 12] + more) + "]"
        if call == "poll" and isinstance(value, tuple):
            return "[" + ", ".join(f"{fd}:{flags(events, EVENTS)}" for fd, events in value) + "]"
        if isinstance(value, dict):
            return ",".join(f"{name}={part}" for name, part in sorted(value.items()))
        return str(value)

    def result(self, call: str, value: Any) -> str:
        """A result, by its type."""
        if value is None:
            return "0"
        if isinstance(value, bytes):
            return text(value)
        if isinstance(value, Stat):
            return self.stat(value)
        if isinstance(value, Statvfs):
            return self.statvfs(value)
        form = _RESULTS.get(call)
        if form is not None:
            return form(self, value)
        if isinstance(value, tuple):
            return "[" + ", ".join(self.result("", part) for part in value) + "]"
        return str(value)

    def number(self, device: int, fileid: int) -> str:
        """The canonical number of a file."""
        return f"#{self._numbers.setdefault((device, fileid), len(self._numbers) + 1)}"

    def time(self, value: int) -> str:
        """Nanoseconds since 1970."""
        passed = value - self._start
        if abs(passed) >= NEAR:
            return f"{value // SECOND}" if value % SECOND == 0 else f"{value // SECOND}.{value % SECOND:09}"
        return f"+{passed // SECOND}s" if passed and passed % SECOND == 0 else f"{passed:+}"

    def stat(self, st: Stat) -> str:
        kind = st.st_mode & abi.S_IFMT
        times = ",".join(map(self.time, (st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns, st.st_birthtime_ns)))
        device = f" {abi.major(st.st_rdev)},{abi.minor(st.st_rdev)}" if kind in (abi.S_IFCHR, abi.S_IFBLK) else ""
        more = f" flags={st.st_flags:#x}" if st.st_flags else ""
        return (
            f"{{{NAMES_OF_TYPES.get(kind, kind)} {st.st_mode & 0o7777:04o} {self.number(st.st_dev, st.st_ino)}"
            f" nlink={st.st_nlink} {st.st_uid}:{st.st_gid}{device} size={st.st_size} blocks={st.st_blocks}"
            f" times={times}{more}}}"
        )

    def statvfs(self, st: Statvfs) -> str:
        return (
            f"{{{flags(st.f_flag, MOUNT_FLAGS)} bsize={st.f_bsize} frsize={st.f_frsize} blocks={st.f_blocks}"
            f" free={st.f_bfree} avail={st.f_bavail} files={st.f_files} ffree={st.f_ffree} namemax={st.f_namemax}"
            f" {text(st.f_fstypename)} on {text(st.f_mntonname)} from {text(st.f_mntfromname)}}}"
        )

    def entries(self, value: tuple[tuple[bytes, int, int], ...]) -> str:
        """What getdents returns, in its order."""
        kinds = {kind >> 12: name for kind, name in NAMES_OF_TYPES.items()}
        return "[" + ", ".join(f"{text(name)}:{kinds.get(kind, kind)}" for name, _, kind in value) + "]"

    def row(self, value: tuple[Any, ...]) -> str:
        """A file to be made, by rump_populate."""
        name, mode, uid, gid, rdev, target, flags, atime, mtime, birthtime, contents, xattrs = value
        kind = NAMES_OF_TYPES.get(mode & abi.S_IFMT, mode & abi.S_IFMT)
        device = f" {abi.major(rdev)},{abi.minor(rdev)}" if rdev else ""
        more = "".join(f" {text(key)}={text(data)}" for key, data in xattrs)
        more += f" -> {text(target)}" if target else ""
        more += f" flags={flags:#x}" if flags else ""
        times = ",".join(map(self.time, (atime, mtime))) + (f",{self.time(birthtime)}" if birthtime else "")
        return f"{text(name)} {kind} {mode & 0o7777:04o} {uid}:{gid}{device} {times} {text(contents)}{more}"

    def errors(self, value: tuple[int, ...]) -> str:
        """What rump_populate returns: names of errors."""
        names = [e.NAMES.get(number, str(number)) if number else "0" for number in value]
        if len(names) > 12:
            return ", ".join(f"{names.count(name)} times {name}" for name in sorted(set(names)))
        return "[" + ", ".join(names) + "]"

    def listing(self, value: Any) -> str:
        """What rump_listdir returns; cookies are private."""
        rows, cookie = value
        shown = [
            f"{text(name)}:" + ("?" if row is None else f"{NAMES_OF_TYPES.get(row[v.MODE] & abi.S_IFMT)},{row[v.SIZE]}")
            for name, _, row in rows
        ]
        return f"[{', '.join(shown)}] {'end' if cookie == v.END else 'more'}"


def _octal(value: int) -> str:
    return f"0{value:o}"


def _events(writer: Writer, value: Any) -> str:
    return "[" + ", ".join(f"{fd}:{flags(events, EVENTS)}" for fd, events in value) + "]"


def _extents(writer: Writer, value: Any) -> str:
    """Runs; inline or not is the driver's business."""
    return "[" + ", ".join(f"{RUNS[kind]} {start}+{count}" for kind, start, count in value) + "]"


_FORMS: dict[tuple[str, str], Callable[[int], str]] = {
    ("open", "flags"): open_flags,
    ("openat", "flags"): open_flags,
    ("pipe2", "flags"): lambda value: flags(value, OPEN_FLAGS),
    ("mount", "flags"): lambda value: flags(value, MOUNT_FLAGS),
    ("unmount", "flags"): lambda value: flags(value, MOUNT_FLAGS),
    ("access", "mode"): str,
    ("faccessat", "mode"): str,
    ("fsync_range", "how"): lambda value: flags(value, SYNC_FLAGS),
    ("lseek", "whence"): lambda value: WHENCE.get(value, str(value)),
    ("", "mode"): _octal,
    ("", "mask"): _octal,
    ("", "flag"): lambda value: flags(value, AT_FLAGS),
    ("", "dirfd"): lambda value: "AT_FDCWD" if value == abi.AT_FDCWD else str(value),
    ("", "new_dirfd"): lambda value: "AT_FDCWD" if value == abi.AT_FDCWD else str(value),
    ("", "handle"): lambda value: "TARGET",
    ("rump_copy_in", "handle"): lambda value: "SOURCE",
    ("rump_listdir", "cookie"): lambda value: "COOKIE" if value > 0 else str(value),
}
_RESULTS: dict[str, Callable[[Writer, Any], str]] = {
    "getdents": Writer.entries,
    "rump_listdir": Writer.listing,
    "rump_extents": _extents,
    "rump_populate": Writer.errors,
    "rump_capabilities": lambda writer, value: "capabilities",
    "poll": _events,
    "umask": lambda writer, value: _octal(value),
}
