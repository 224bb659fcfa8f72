# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong in the kernel: `Fault`, an OSError whose ``errno`` is NetBSD's number on every host.

A fault of ENOENT is also a FileNotFoundError, one of EACCES a PermissionError, and so on, so that callers may use
either the number or Python's own classes.
"""

from __future__ import annotations

from rump.rumpuser.interface import errno as e


class Fault(OSError):
    """A system call (or anything inside the kernel) failed.  Make one with `fault`.

    errno     NetBSD's number
    strerror  its phrase
    detail    what was at fault, for people ("inode 12 (block 345): extent header: depth 9"), or None
    filename  the path the caller gave, set by the system calls that were given one
    """

    detail: str | None

    def __init__(self, number: int, detail: str | None = None) -> None:
        super().__init__(number, e.PHRASES.get(number, "Unknown error"))
        self.detail = detail

    def __str__(self) -> str:
        """``path: detail: phrase`` - what is known of the three."""
        words = [self.filename.decode("utf-8", "surrogateescape")] if isinstance(self.filename, bytes) else []
        if self.detail:
            words.append(self.detail)
        words.append(self.strerror or "")
        return ": ".join(words)

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (isinstance(self, Corrupt), self.errno, self.detail, self.filename)


class Corrupt(Fault):
    """A structure on a medium is not what its format says.  errno is EIO; the detail names block and field."""

    def __init__(self, detail: str) -> None:
        super().__init__(e.EIO, detail)


class _NotFound(Fault, FileNotFoundError): ...


class _Exists(Fault, FileExistsError): ...


class _NotADirectory(Fault, NotADirectoryError): ...


class _IsADirectory(Fault, IsADirectoryError): ...


class _Permission(Fault, PermissionError): ...


class _Blocking(Fault, BlockingIOError): ...


class _Interrupted(Fault, InterruptedError): ...


class _BrokenPipe(Fault, BrokenPipeError): ...


class _TimedOut(Fault, TimeoutError): ...


class _NoProcess(Fault, ProcessLookupError): ...


_CLASSES: dict[int, type[Fault]] = {
    e.ENOENT: _NotFound,
    e.EEXIST: _Exists,
    e.ENOTDIR: _NotADirectory,
    e.EISDIR: _IsADirectory,
    e.EACCES: _Permission,
    e.EPERM: _Permission,
    e.EAGAIN: _Blocking,
    e.EINTR: _Interrupted,
    e.EPIPE: _BrokenPipe,
    e.ETIMEDOUT: _TimedOut,
    e.ESRCH: _NoProcess,
}


def fault(number: int, detail: str | None = None) -> Fault:
    """A `Fault` of the class that fits its number; to be raised."""
    return _CLASSES.get(number, Fault)(number, detail)


def _remade(corrupt: bool, number: int, detail: str | None, filename: object) -> Fault:
    """The same error in another process."""
    error = Corrupt(detail or "") if corrupt else fault(number, detail)
    error.filename = filename
    return error
