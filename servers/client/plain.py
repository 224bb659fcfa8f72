# SPDX-License-Identifier: BSD-2-Clause
"""System calls in the batched form of our own servers (`rump.kernel.sysproxy.native`)."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.stat import Stat, Statvfs
from rump.kernel.sysproxy import frames as f
from rump.kernel.vfs.volume import Capabilities
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rump.servers.client.link import Link


def _capabilities(values: tuple[Any, ...]) -> Capabilities:
    made = Capabilities.__new__(Capabilities)
    for name, value in zip(Capabilities.__slots__, values, strict=True):
        setattr(made, name, value)
    return made


def _stat(values: tuple[Any, ...]) -> Stat:
    return Stat(*values)


def _statvfs(values: tuple[Any, ...]) -> Statvfs:
    return Statvfs(*values)


RESULTS: dict[str, Callable[[Any], object]] = {
    "stat": _stat, "lstat": _stat, "fstat": _stat, "fstatat": _stat,
    "statvfs": _statvfs, "fstatvfs": _statvfs, "getvfsstat": lambda rows: tuple(map(_statvfs, rows)),
    "rump_capabilities": _capabilities,
}  # fmt: skip
"""What comes as a tuple and is given as something else."""


def make(link: Link, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[list[object], OSError | None]:
    """The results of the calls up to the first that failed, and its failure."""
    asked = encode(tuple((name, tuple(_given(argument) for argument in arguments)) for name, arguments in requests))
    try:
        results, number, detail, path = decode(link.ask(f.BATCH, 0, asked))
        _check(requests, results, number, detail, path)
        made = [RESULTS.get(name, _itself)(result) for (name, _), result in zip(requests, results, strict=False)]
    except (AttributeError, TypeError, ValueError):
        raise fault(e.EPROTO, "an answer that is none") from None
    if not number:
        return made, None
    error = fault(number, detail)
    if path is not None:
        error.filename = path
    return made, error


def _check(requests: Sequence[object], results: object, number: object, detail: object, path: object) -> None:
    """Errors: ValueError - what a server says is not the answer to that many calls."""
    if type(results) is not tuple or type(number) is not int or not 0 <= number < 1 << 16:
        raise ValueError
    if len(results) > len(requests) or (len(results) == len(requests)) != (number == 0):
        raise ValueError
    if not isinstance(detail, str | None) or not isinstance(path, bytes | None):
        raise ValueError


def _itself(value: object) -> object:
    return value


def _given(argument: Any) -> Any:
    """An argument as a value that travels."""
    if isinstance(argument, dict):
        return tuple(argument.items())
    if isinstance(argument, bytearray | memoryview):
        return bytes(argument)
    if isinstance(argument, list | tuple):
        return tuple(_given(part) for part in argument)
    return argument
