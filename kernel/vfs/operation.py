# SPDX-License-Identifier: BSD-2-Clause
"""The operations of a volume that changes through a `Store`: one at a time, whole or not at all."""

from __future__ import annotations

import struct

from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Concatenate, ParamSpec, TypeVar

    from rump.kernel.cpu import SleepLock
    from rump.kernel.vfs.transaction import Store

    P = ParamSpec("P")
    R = TypeVar("R")
    V = TypeVar("V", bound=Volume)
    C = TypeVar("C", bound="ChangingVolume")

UNFORESEEN = (struct.error, IndexError, KeyError, ValueError, OverflowError, MemoryError, RecursionError, TypeError)
"""What decoding an image may raise that lies; no such thing leaves a volume."""


def guarded(operation: Callable[Concatenate[V, P], R]) -> Callable[Concatenate[V, P], R]:
    """An operation of a volume that only reads.

    The last resort: whatever a damaged image may bring about that no check foresaw is a corrupt structure too.  Tests
    look for the cause that such a `Corrupt` has, and fail.
    """

    def call(self: V, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(self, *args, **kwargs)
        except UNFORESEEN as error:
            raise _corrupt(operation, error) from error

    return _named(call, operation)


def reading(operation: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """An operation that only reads, of a `ChangingVolume`: kept apart from those that change it."""

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        lock: SleepLock = self.store.lock
        lock.shared()
        try:
            return operation(self, *args, **kwargs)
        except UNFORESEEN as error:
            raise _corrupt(operation, error) from error
        finally:
            lock.unlock()

    return _named(call, operation)


def changing(operation: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """An operation that changes the volume: alone, and rolled back if anything at all goes wrong."""

    def call(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        store = self.store
        store.lock.exclusive()
        try:
            self.starting()
            store.begin()
            restarts = store.restarts
            try:
                result = operation(self, *args, **kwargs)
            except Fault as error:
                if not store.make_room(error, restarts):
                    raise
                store.begin()
                result = operation(self, *args, **kwargs)
            store.end()
            return result
        except UNFORESEEN as error:
            self.undo()
            raise _corrupt(operation, error) from error
        except BaseException:
            self.undo()
            raise
        finally:
            store.lock.unlock()

    return _named(call, operation)


def _corrupt(operation: Callable[..., object], error: Exception) -> Corrupt:
    return Corrupt(f"{operation.__name__}: {type(error).__name__}: {error}")


def _named(call: Callable[P, R], operation: Callable[..., object]) -> Callable[P, R]:
    call.__name__, call.__doc__ = operation.__name__, operation.__doc__     # functools.wraps costs a millisecond
    return call


class ChangingVolume(Volume):
    """A volume that changes through a store.

    store   see `rump.kernel.vfs.transaction`
    """

    store: Store

    def starting(self) -> None:
        """An operation that changes begins; the lock is held."""

    def undo(self) -> None:
        """The operation has failed: everything is as it was before, or nothing changes any more."""
        self.store.rollback()

    def sync(self) -> None:
        """As of any volume."""
        store = self.store
        store.lock.exclusive()
        try:
            store.commit()
        finally:
            store.lock.unlock()
