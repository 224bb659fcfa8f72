# SPDX-License-Identifier: BSD-2-Clause
"""Long sequences of calls on files, by chance but the same everywhere, against a model of what files are."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EBADF, EEXIST, EINVAL, ENOENT, HostError
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    FT_REG,
    OPEN_ACCMODE,
    OPEN_CREATE,
    OPEN_EXCL,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STEPS = 150
_NAMES = ("a", "b", "c", "missing")
_LOWEST = 3


class _Chance:
    """Numbers by a linear congruence (Knuth's MMIX)."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, end: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % end

    def between(self, start: int, end: int) -> int:
        return start + self.below(end - start)

    def data(self, length: int) -> bytes:
        return bytes([self.between(1, 256) for _ in range(length)])


class _Model:
    """Files as the contract has them; a call has its result, or raises HostError."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.handles: dict[int, tuple[bytearray, int]] = {}

    def _file(self, handle: int, arguments_are_right: bool = True, refused: int = -1) -> bytearray:
        """No such handle, a wrong argument, a handle opened in the wrong mode: in this order."""
        if handle not in self.handles:
            raise HostError(EBADF)
        if not arguments_are_right:
            raise HostError(EINVAL)
        file, mode = self.handles[handle]
        if mode == refused:
            raise HostError(EBADF)
        return file

    def open(self, name: str, flags: int) -> int:
        mode = flags & OPEN_ACCMODE
        if mode == OPEN_ACCMODE or (flags & OPEN_EXCL and not flags & OPEN_CREATE):
            raise HostError(EINVAL)
        if name not in self.files and not flags & OPEN_CREATE:
            raise HostError(ENOENT)
        if name in self.files and flags & OPEN_EXCL:
            raise HostError(EEXIST)
        handle = _LOWEST
        while handle in self.handles:
            handle += 1
        self.handles[handle] = self.files.setdefault(name, bytearray()), mode
        return handle

    def close(self, handle: int) -> None:
        self._file(handle)
        del self.handles[handle]

    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        return len(self._file(handle)), FT_REG, 512

    def read(self, handle: int, buffer: bytearray, offset: int) -> int:
        data = self._file(handle, offset >= 0, OPEN_WRONLY)[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def write(self, handle: int, data: bytes, offset: int) -> int:
        file = self._file(handle, offset >= 0, OPEN_RDONLY)
        if data:
            file.extend(bytes(max(0, offset - len(file))))
            file[offset : offset + len(data)] = data
        return len(data)

    def truncate(self, handle: int, size: int) -> None:
        file = self._file(handle, size >= 0, OPEN_RDONLY)
        del file[size:]
        file.extend(bytes(size - len(file)))

    def sync(self, handle: int, flags: int, start: int, length: int) -> None:
        self._file(handle, start >= 0 and length >= 0 and 0 < flags < 8)

    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        same = self._file(source) is self._file(target)
        right = min(source_offset, target_offset, length) >= 0
        right = right and not (same and abs(source_offset - target_offset) < length)
        self._file(target, right, OPEN_RDONLY)
        data = bytes(self._file(source, right, OPEN_WRONLY)[source_offset : source_offset + length])
        return self.write(target, data, target_offset)

    def submit(self, handle: int, requests: list[tuple[int, Any, int]]) -> tuple[int, ...]:
        self._file(handle, all(operation in (BIO_READ, BIO_WRITE) for operation, _, _ in requests))
        return tuple([self._outcome(handle, *request) for request in requests])

    def _outcome(self, handle: int, operation: int, buffer: Any, offset: int) -> int:
        try:
            return (self.read if operation == BIO_READ else self.write)(handle, buffer, offset)
        except HostError as error:
            return -(error.errno or 0)


def _step(chance: _Chance) -> tuple[Any, ...]:
    """A call: name, arguments.  Buffers to fill are bytearrays."""
    handle, other = chance.between(2, 7), chance.between(2, 7)
    offset, length = chance.between(-1, 300), chance.between(-1, 200)
    buffer, data = bytearray(b"#" * max(0, length)), chance.data(max(0, length))
    flags = chance.below(4) | (0, 0, OPEN_CREATE, OPEN_CREATE | OPEN_EXCL, OPEN_EXCL)[chance.below(5)]
    calls: tuple[tuple[Any, ...], ...] = (
        ("open", _NAMES[chance.below(3 if flags & OPEN_CREATE else 4)], flags),
        ("open", "a", OPEN_RDWR | OPEN_CREATE),
        ("close", handle),
        ("getfileinfo", handle),
        ("read", handle, buffer, offset),
        ("write", handle, data, offset),
        ("write", handle, data, offset),
        ("truncate", handle, offset),
        ("sync", handle, chance.below(9), offset, length),
        ("copy_range", handle, offset, other, chance.between(-1, 300), length),
        ("submit", handle, [(BIO_WRITE, data, offset), (BIO_READ, buffer, 5)]),
        ("submit", handle, [(chance.below(4), buffer, offset)]),
    )
    return calls[chance.below(len(calls))]


def _made(host: Any, call: tuple[Any, ...]) -> object:
    """The result of a call, or its errno."""
    try:
        return ("done", getattr(host, call[0])(*call[1:]))
    except HostError as error:
        return error.errno


def _follow(t: ContractScenario, seed: int) -> None:
    """The calls of a seed, on files of their own."""
    model = _Model()
    one, two = _Chance(seed), _Chance(seed)
    for number in range(_STEPS):
        here, there = _step(one), _step(two)
        wanted = _made(model, there)
        if here[0] == "open":
            here = ("open", t.path(f"{seed}{here[1]}"), here[2])
        where = f"seed {seed}, step {number}, {there[0]}"
        t.equal(_made(t.host, here), wanted, where)
        if here[0] in ("read", "submit"):
            t.equal(here[2:], there[2:], where)
    for handle in model.handles:
        t.host.close(handle)
    for name, contents in model.files.items():
        handle = t.open(f"{seed}{name}", OPEN_RDONLY)
        t.equal(t.contents(handle), bytes(contents), f"seed {seed}, {name}")
        t.host.close(handle)


def of_one_seed(t: ContractScenario) -> None:
    _follow(t, 1)


def of_many_seeds(t: ContractScenario) -> None:
    for seed in range(2, 40):
        _follow(t, seed)
