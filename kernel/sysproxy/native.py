# SPDX-License-Identifier: BSD-2-Clause
"""The form of our own clients: a frame holds several system calls by name, its answer all of their results.

A frame of type BATCH holds a tuple of (name, arguments); they are made in order until one fails.  Its answer holds
(results, errno, detail, path): an errno of 0, or that of the first call which has no result.  A frame without a
payload asks whether the form is spoken here; the original refuses it as it refuses every unknown type.

Which values a call takes is read off its declaration, and a peer's are checked against it: what is no `bytes` never
gets where `bytes` are expected.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwps import system_calls
from rump.kernel.sysproxy.memory import PIECE, STREAM
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.sysproxy.calls import Call, Values

VERSION = 1
CALLS_MAX = 1024        # in one frame
RESULTS_MAX = 1 << 22   # bytes of results after which a batch stops taking up more, by estimate
COUNT_MAX = 1 << 16     # entries of a directory in one result
LARGEST = 1 << 64       # what no integer of a call reaches
ITEMS_MAX = 1 << 18
READS = {"read": 1, "pread": 1}
LISTINGS = {"getdents": 1, "rump_listdir": 2}
"""Calls whose result is as long as that argument says."""

EXCLUDED = (
    "readinto", "preadinto",        # fill the caller's buffer
    "rump_adopt", "rump_disown", "rump_copy_in", "rump_copy_out",       # are about files of the server's host
)  # fmt: skip


def _is_int(value: object) -> bool:
    return type(value) is int and -LARGEST <= value < LARGEST


def _is_time(value: object) -> bool:
    return value is None or value == "now" or _is_int(value)


def _is_pairs(value: object) -> bool:
    return type(value) is tuple and all(
        type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str and type(pair[1]) is str for pair in value
    )


CHECKS: dict[str, Callable[[object], bool]] = {
    "int": _is_int,
    "bool": lambda value: type(value) is bool,
    "bytes": lambda value: type(value) is bytes,
    "Buffer": lambda value: type(value) is bytes,
    "str": lambda value: type(value) is str and len(value) < 256,
    "int | None": lambda value: value is None or _is_int(value),
    "Time": _is_time,
    "dict[str, str] | None": lambda value: value is None or _is_pairs(value),
    "tuple[int, ...]": lambda value: type(value) is tuple and all(map(_is_int, value)),
    "tuple[int, int, int, int]": lambda value: type(value) is tuple and len(value) == 4 and all(map(_is_int, value)),
    "tuple[bytes, ...]": lambda value: type(value) is tuple and all(type(part) is bytes for part in value),
    "tuple[tuple[int, int], ...]": lambda value: type(value) is tuple and all(
        type(pair) is tuple and len(pair) == 2 and all(map(_is_int, pair)) for pair in value
    ),
}  # fmt: skip
_OFFERED: dict[str, tuple[str, ...]] = {}


def offered() -> dict[str, tuple[str, ...]]:
    """The calls that peers may make: name -> the types of the arguments."""
    if not _OFFERED:
        found = {}
        for name, call in system_calls().items():
            body: Any = call.__wrapped__  # type: ignore[attr-defined]
            names = body.__code__.co_varnames[1 : body.__code__.co_argcount + body.__code__.co_kwonlyargcount]
            types = tuple(str(body.__annotations__[argument]) for argument in names)
            if name not in EXCLUDED and body.__code__.co_kwonlyargcount == 0 and all(kind in CHECKS for kind in types):
                found[name] = types
        _OFFERED.update(found)      # at once: other threads look at it
    return _OFFERED


def run(call: Call, payload: bytes) -> Values:
    """Carry out a batch; its answer."""
    if not payload:
        return encode(VERSION)
    requests = decode(payload, items=ITEMS_MAX)
    if type(requests) is not tuple or len(requests) > CALLS_MAX:
        raise fault(e.EINVAL, "no batch")
    return _go_on(call, requests, [])


def _go_on(
    call: Call, requests: tuple[object, ...], results: list[object], most: int = RESULTS_MAX
) -> Values:
    """Make the calls that have no results yet.

    most    bytes of results, after which no more are taken up.  Behind a call that waited it is also the longest that
            one result may be: many a batch of a client may wait, and all results are kept until the client takes them.
    """
    size = 0
    while len(results) < len(requests):
        try:
            name, arguments = _checked(requests[len(results)])
            if _may_wait(call, name, arguments):
                return _wait(call, requests, results, name, arguments)
            result = _made(call, name, arguments)
        except OSError as error:
            return _answer(results, error)
        taken = _estimate(result)
        if taken > most and most < RESULTS_MAX:
            return _answer(results, fault(e.EMSGSIZE, f"{name}: too much behind a call that waited"))
        results.append(result)
        size += taken
        if size > most and len(results) < len(requests):
            return _answer(results, fault(e.EMSGSIZE, "too much for one answer"))
    return _answer(results, None)


def _wait(
    call: Call, requests: tuple[object, ...], results: list[object], name: str, arguments: tuple[Any, ...]
) -> Values:
    """Make a call that may wait, patiently, and those behind it."""
    more = len(results) + 1 < len(requests)
    held = weight(requests) + sum(map(weight, results)) + (2 * PIECE if more else STREAM)
    return call.patiently(lambda: _one_more(call, requests, results, name, arguments), held)


def weight(value: object) -> int:
    """About how many bytes of memory a decoded value takes."""
    if isinstance(value, bytes | str):
        return 64 + len(value)
    return 64 + 8 * len(value) + sum(map(weight, value)) if isinstance(value, tuple) else 32


def _one_more(
    call: Call, requests: tuple[object, ...], results: list[object], name: str, arguments: tuple[Any, ...]
) -> Values:
    """Make a call that waits, and those behind it."""
    try:
        results.append(_made(call, name, arguments))
    except OSError as error:
        return _answer(results, error)
    return _go_on(call, requests, results, PIECE)


def _checked(request: object) -> tuple[str, tuple[Any, ...]]:
    """A request that is one.  Errors: EINVAL; ENOSYS."""
    if type(request) is not tuple or len(request) != 2 or type(request[0]) is not str or type(request[1]) is not tuple:
        raise fault(e.EINVAL, "no system call")
    name, arguments = request
    types = offered().get(name)
    if types is None:
        raise fault(e.ENOSYS, name)
    if len(arguments) > len(types) or not all(CHECKS[kind](a) for kind, a in zip(types, arguments, strict=False)):
        raise fault(e.EINVAL, f"{name}: arguments")
    at = READS.get(name, len(arguments))
    if at < len(arguments) and arguments[at] > PIECE:
        raise fault(e.EINVAL, f"{name}: too much at once")
    at = LISTINGS.get(name, len(arguments))
    if at < len(arguments):
        arguments = (*arguments[:at], min(arguments[at], COUNT_MAX), *arguments[at + 1 :])
    return name, arguments


def _may_wait(call: Call, name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a call may wait for other lwps, as far as one can tell before."""
    if name == "poll":
        return len(arguments) < 2 or arguments[1] != 0
    if name in ("flock", "fcntl_lock") and len(arguments) > 1:
        return not arguments[1] & abi.LOCK_NB if name == "flock" else bool(arguments[1] == abi.F_SETLKW)
    try:
        if name in ("read", "write") and arguments:
            return call.lwp.process.file(arguments[0]).waits
        if name == "open" and arguments:
            return call.lwp.stat(arguments[0]).st_mode & abi.S_IFMT == abi.S_IFIFO
        if name == "openat" and len(arguments) > 1:
            return call.lwp.fstatat(arguments[0], arguments[1]).st_mode & abi.S_IFMT == abi.S_IFIFO
    except OSError:
        pass
    return False


def _made(call: Call, name: str, arguments: tuple[Any, ...]) -> object:
    if name == "mount" and len(arguments) > 4 and arguments[4] is not None:
        arguments = (*arguments[:4], dict(arguments[4]), *arguments[5:])
    try:
        result = getattr(call.lwp, name)(*arguments)
    except TypeError as error:
        if "argument" in str(error):        # one is missing
            raise fault(e.EINVAL, f"{name}: arguments") from None
        raise
    if name == "rump_capabilities":
        result = tuple(getattr(result, field) for field in type(result).__slots__)
    return result


def _estimate(result: object) -> int:
    """About how many bytes a result takes."""
    if isinstance(result, bytes):
        return len(result)
    return 16 + sum(map(_estimate, result)) if isinstance(result, tuple) else 16


def _answer(results: list[object], error: OSError | None) -> bytes:
    if error is None:
        return encode((tuple(results), 0, None, None))
    path = error.filename if isinstance(error.filename, bytes) else None
    return encode((tuple(results), error.errno or e.EIO, getattr(error, "detail", None), path))


def refusal(number: int) -> bytes:
    """The answer to a batch of which nothing was made."""
    return encode(((), number, None, None))
