# SPDX-License-Identifier: BSD-2-Clause
"""Trace: one line for each hypercall, as strace writes system calls.

    open("disk.img", OPEN_RDWR|OPEN_CREATE) = 3
    read(3, "\\x7fELF"..., 4096, 0x1000) = 4096
    close(9) = -1 EBADF (Bad file descriptor)

Flags go by name, offsets in hexadecimal, lengths in decimal, times in seconds with nine digits; "?" is what there is
not (the bytes of a failed read, the result of exit).  Threads, locks, memory and accelerators do not leave the program
and are left out.
"""

from __future__ import annotations

from rump.rumpuser.interface import hypercalls
from rump.rumpuser.interface.errno import NAMES, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, CLOCK_ABSMONO, Hypercalls, Upcalls
from rump.rumpuser.middleware.base import PRIVATE, Middleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Buffer

    Format = Callable[[Any, int], str]      # of a value, with the most bytes of a string to show

SHOWN = 32
_ESCAPES = {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r", ord('"'): '\\"', ord("\\"): "\\\\"}


class Trace(Middleware):
    """`sink` takes each line as bytes, newline included, when the call has ended."""

    def __init__(
        self, host: Hypercalls, sink: Callable[[bytes], object], *, shown: int = SHOWN, timing: bool = False
    ) -> None:
        """shown: how many bytes of a string to show; timing: add how long the call took, <12us>."""
        super().__init__(host)
        self._sink = sink
        self._shown = shown
        self._timing = timing

    def _call(self, name: str, *arguments: Any) -> Any:
        call = getattr(self.host, name)
        if name in PRIVATE and name != "init":
            return call(*arguments)
        if name == "exit":
            self._line(name, arguments, None, "?", "")
        start = self._now()
        try:
            result = call(*arguments)
        except HostError as error:
            number = error.errno or 0
            self._line(name, arguments, None, f"-1 {NAMES.get(number, number)} ({error.strerror})", self._took(start))
            raise
        self._line(name, arguments, result, _RESULTS.get(name, _decimal)(result, self._shown), self._took(start))
        return result

    def _now(self) -> int:
        return self.host.clock_gettime(CLOCK_ABSMONO) if self._timing else 0

    def _took(self, start: int) -> str:
        return f" <{(self._now() - start) // 1000}us>" if self._timing else ""

    def _line(self, name: str, arguments: tuple[Any, ...], result: Any, shown: str, took: str) -> None:
        if name == "read":
            handle, buffer, offset = arguments
            arguments = (handle, (buffer, result), offset)
        elif name == "submit":
            arguments = (arguments[0], list(zip(arguments[1], result or _FAILED, strict=False)))
        formats = zip(_ARGUMENTS[name], arguments, strict=False)
        text = ", ".join([form(value, self._shown) for form, value in formats])
        self._sink(f"{name}({text}) = {shown}{took}\n".encode())


class _Failed:
    """The results of a submit that had none: as many as one likes."""

    def __iter__(self) -> _Failed:
        return self

    def __next__(self) -> None:
        return None


_FAILED = _Failed()


# ---- formats ---------------------------------------------------------------------------------------------------------


def _decimal(value: int | None, shown: int) -> str:
    return str(value or 0)


def _truth(value: bool, shown: int) -> str:
    return str(value)


def _offset(value: int, shown: int) -> str:
    return f"{value:#x}"


def _seconds(value: int, shown: int) -> str:
    sign, value = "-" if value < 0 else "", abs(value)
    return f"{sign}{value // 10**9}.{value % 10**9:09}"


def _timeout(value: int | None, shown: int) -> str:
    return "for ever" if value is None else _seconds(value, shown)


def _address(value: bytes, shown: int) -> str:
    return value.hex(":")


def _octal(value: int, shown: int) -> str:
    return f"{value:#o}"


def _peer(value: tuple[int, int, int], shown: int) -> str:
    return "{{pid={}, uid={}, gid={}}}".format(*value)


def _text(value: str, shown: int) -> str:
    return _string(value.encode("utf-8", "surrogateescape"), 1 << 30)


def _path(value: bytes, shown: int) -> str:
    return _string(value, 1 << 30)


def _string(value: Buffer, shown: int) -> str:
    view = memoryview(value).cast("B")
    inside = "".join(
        [_ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in view[:shown]]
    )
    return f'"{inside}"' + ("..." if len(view) > shown else "")


def _data(value: Buffer, shown: int) -> str:
    return f"{_string(value, shown)}, {memoryview(value).nbytes}"


def _filled(value: tuple[Buffer, int | None], shown: int) -> str:
    """A buffer with how many bytes a read put there, None if it failed; and how many it was to."""
    buffer, count = value
    view = memoryview(buffer).cast("B")
    failed = count is None or count < 0
    return f"{'?' if failed else _string(view[:count], shown)}, {len(view)}"


def _request(value: tuple[tuple[int, Buffer, int], int | None], shown: int) -> str:
    (operation, buffer, offset), count = value
    data = _filled((buffer, count), shown) if operation == BIO_READ else _data(buffer, shown)
    return f"{{{_one_of('BIO_')(operation, shown)}, {data}, {offset:#x}}}"


def _list(form: Format) -> Format:
    return lambda values, shown: f"[{', '.join([form(value, shown) for value in values])}]"


def _outcome(value: int, shown: int) -> str:
    return str(value) if value >= 0 else f"-{NAMES.get(-value, -value)}"


def _one_of(prefix: str) -> Format:
    """A constant by the name that begins so."""
    names = {value: name for name, value in vars(hypercalls).items() if name.startswith(prefix)}
    return lambda value, shown: names.get(value) or str(value)


def _flags(*names: str, lowest: str = "0") -> Format:
    """Flags by name; `lowest` is what no flag at all is called."""
    bits = [(getattr(hypercalls, name), name) for name in names]

    def form(value: int, shown: int) -> str:
        parts = [name for bit, name in bits if value & bit]
        rest = value & ~sum(bit for bit, _ in bits)
        return "|".join(parts + ([f"{rest:#x}"] if rest else [])) or lowest

    return form


_access = _one_of("OPEN_")
_how = _flags("OPEN_CREATE", "OPEN_EXCL", "OPEN_BIO", lowest="")


def _open_flags(value: int, shown: int) -> str:
    how = _how(value & ~hypercalls.OPEN_ACCMODE, shown)
    return _access(value & hypercalls.OPEN_ACCMODE, shown) + (f"|{how}" if how else "")


def _information(value: tuple[int, int, int], shown: int) -> str:
    size, kind, sector = value
    return f"{{size={size}, type={_one_of('FT_')(kind, shown)}, sector={sector}}}"


def _extent(value: tuple[int, int, int], shown: int) -> str:
    return f"{{{_one_of('EXTENT_')(value[0], shown)}, {value[1]:#x}, {value[2]}}}"


def _version(value: int | Upcalls, shown: int) -> str:
    return str(value)


_clock = _one_of("CLOCK_")
_ARGUMENTS: dict[str, tuple[Format, ...]] = {
    "init": (_version,),
    "clock_gettime": (_clock,),
    "clock_sleep": (_clock, _seconds),
    "getrandom": (_decimal, _flags("RANDOM_HARD", "RANDOM_NOWAIT")),
    "getparam": (_text,),
    "console_write": (_data,),
    "exit": (_decimal,),
    "components": (),
    "open": (_path, _open_flags),
    "adopt": (_decimal,),
    "close": (_decimal,),
    "getfileinfo": (_decimal,),
    "read": (_decimal, _filled, _offset),
    "write": (_decimal, _data, _offset),
    "submit": (_decimal, _list(_request)),
    "truncate": (_decimal, _decimal),
    "sync": (_decimal, _flags("SYNC_DATA", "SYNC_ALL", "SYNC_BARRIER"), _offset, _decimal),
    "discard": (_decimal, _offset, _decimal),
    "extents": (_decimal, _offset, _decimal),
    "copy_range": (_decimal, _offset, _decimal, _offset, _decimal),
    "lock": (_decimal, _offset, _decimal, _one_of("LOCK_")),
    "busy": (_decimal,),
    "watch_create": (_decimal,),
    "watch_wait": (_decimal, _timeout),
    "watch_close": (_decimal,),
    "nic_open": (_path,),
    "nic_address": (_decimal,),
    "nic_send": (_decimal, _data),
    "nic_receive": (_decimal, _timeout),
    "nic_close": (_decimal,),
    "stream_listen": (_path, _octal),
    "stream_address": (_decimal,),
    "stream_accept": (_decimal, _timeout),
    "stream_connect": (_path, _timeout),
    "stream_adopt": (_decimal,),
    "stream_send": (_decimal, _data),
    "stream_receive": (_decimal, _decimal, _timeout),
    "stream_peer": (_decimal,),
    "stream_close": (_decimal,),
    "spawn_confined": (_text, _list(_text), _list(_decimal), _decimal, _decimal),
    "confined_end": (_decimal,),
}
_RESULTS: dict[str, Format] = {
    "clock_gettime": _seconds,
    "getrandom": _string,
    "getparam": _text,
    "components": _list(lambda value, shown: _text(value[0], shown)),
    "getfileinfo": _information,
    "submit": _list(_outcome),
    "extents": _list(_extent),
    "busy": _text,
    "watch_wait": _truth,
    "nic_address": _address,
    "nic_receive": _data,
    "stream_address": _path,
    "stream_receive": _data,
    "stream_peer": _peer,
    "spawn_confined": _list(_decimal),
}
