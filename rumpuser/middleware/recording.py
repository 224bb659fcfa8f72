# SPDX-License-Identifier: BSD-2-Clause
"""The form of a recording, shared by record and replay.

JSON Lines.  The first line is the header, an object: ``rump-recording`` (the form's version), ``interface`` (the
hypercalls' version), ``traits`` (the host's, by name).  Every other line is an array, in the order in which things
happened at the kernel's two edges:

    ["call", NAME, ARGUMENTS, RESULT]           a hypercall came back
    ["fail", NAME, ARGUMENTS, ERRNO]            likewise, with an errno by name
    ["enter", LWP, NAME, ARGUMENTS]             a system call began
    ["exit", LWP, NAME, ERRNO or null, RESULT]  and ended

Values: numbers, strings, null and true stand for themselves, arrays for tuples;
``{"bytes": BASE64, "zeros": N}`` is bytes with N zero bytes behind them, ``{"room": N}`` a buffer of N bytes to be
filled, ``{"crc32": C, "length": N}`` data that was written, of which only this much is kept.  The result of a read is
the bytes that were read.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64, crc32

from rump.rumpuser.interface.hypercalls import BIO_READ, Traits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from typing_extensions import Buffer

FORM = 1
KEY = "rump-recording"


def pack(value: object) -> Any:
    """A value as JSON has it.  Errors: TypeError - a recording cannot hold such a thing."""
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, bytes):
        shown = value.rstrip(b"\0")
        return {"bytes": b2a_base64(shown, newline=False).decode(), "zeros": len(value) - len(shown)}
    if isinstance(value, tuple | list):
        return [pack(part) for part in value]
    if isinstance(value, bytearray | memoryview):
        return {"room": memoryview(value).nbytes}
    raise TypeError(f"a recording cannot hold {value!r}")


def unpack(value: Any) -> Any:
    """The value that `pack` made this of.  Room comes back as a bytearray, a digest as itself."""
    if isinstance(value, list):
        return tuple([unpack(part) for part in value])
    if isinstance(value, dict) and "bytes" in value:
        return a2b_base64(value["bytes"]) + bytes(value["zeros"])
    if isinstance(value, dict) and "room" in value:
        return bytearray(value["room"])
    return value


def pack_arguments(name: str, arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments of a hypercall: all of what decides its result, and of bulk data a digest."""
    if name == "read":
        handle, buffer, offset = arguments
        return [handle, _room(buffer), offset]
    if name == "write":
        handle, data, offset = arguments
        return [handle, _digest(data), offset]
    if name in ("nic_send", "stream_send"):
        number, data = arguments
        return [number, _digest(data)]
    if name == "submit":
        handle, requests = arguments
        return [handle, [[op, (_room if op == BIO_READ else _digest)(data), at] for op, data, at in requests]]
    packed: list[Any] = pack(arguments)
    return packed


def pack_result(name: str, arguments: tuple[Any, ...], result: Any) -> Any:
    """The result of a hypercall, with the bytes that came in."""
    if name == "read":
        return pack(_bytes_of(arguments[1], result))
    if name == "submit":
        return [
            pack(_bytes_of(buffer, count)) if op == BIO_READ and count >= 0 else count
            for (op, buffer, _), count in zip(arguments[1], result, strict=True)
        ]
    if name == "components":
        return [driver for driver, _ in result]
    return pack(result)


def fill(name: str, arguments: tuple[Any, ...], packed: Any) -> Any:
    """The reverse: the result of a hypercall out of its recording, with buffers filled."""
    result = unpack(packed)
    if name == "read":
        return _fill(arguments[1], result)
    if name == "submit":
        requests: Sequence[tuple[int, Buffer, int]] = arguments[1]
        return tuple(
            [
                _fill(buffer, part) if isinstance(part, bytes) else part
                for (_, buffer, _), part in zip(requests, result, strict=True)
            ]
        )
    return result


def pack_traits(traits: Traits) -> dict[str, Any]:
    return {name: pack(getattr(traits, name)) for name in Traits.__slots__}


def unpack_traits(packed: dict[str, Any]) -> Traits:
    return Traits(**{name: unpack(value) for name, value in packed.items()})


def _bytes_of(buffer: Buffer, count: int) -> bytes:
    return bytes(memoryview(buffer).cast("B")[:count])


def _fill(buffer: Buffer, data: bytes) -> int:
    memoryview(buffer).cast("B")[: len(data)] = data
    return len(data)


def _room(buffer: Buffer) -> dict[str, int]:
    return {"room": memoryview(buffer).nbytes}


def _digest(data: Buffer) -> dict[str, int]:
    return {"crc32": crc32(data), "length": memoryview(data).nbytes}
