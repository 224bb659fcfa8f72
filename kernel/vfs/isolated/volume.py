# SPDX-License-Identifier: BSD-2-Clause
"""A volume whose driver runs in a process of its own.

When that process dies, hangs, or says what no driver says, who was waiting gets EIO or ETIMEDOUT, and one line on the
console tells why.  A volume mounted for reading only goes on with a new process, at the next request; one that could be
written to has lost what was not synced, fails from then on, and is mounted anew by `kernel.vfs.isolated.restart`.
"""

from __future__ import annotations

from bisect import bisect_right

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.isolated.broker import Broker, Lie
from rump.kernel.vfs.isolated.process import MEMORY, Broken, DriverProcess
from rump.kernel.vfs.isolated.protocol import CAPABILITIES, PIECE, PLAIN
from rump.kernel.vfs.isolated.shapes import CHECKS
from rump.kernel.vfs.marshal import OPERATIONS
from rump.kernel.vfs.volume import Capabilities, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Buffer

    from rump.kernel.vfs.volume import Handle, MountArguments, Run
    from rump.rumpuser.interface.hypercalls import Hypercalls

RESTARTS = 3
"""How often the process of a volume for reading is started again without a thousand requests in between."""
_FORGIVEN = 1000
_READ = 8 << 20
_KEYS = 4096
_AHEAD = 8 << 20
"""Who reads on where he had read is told at once where so many bytes are."""
_LOOKS = frozenset((
    "root", "statvfs", "describe", "attributes", "readlink", "map", "read", "gather", "lookup", "name_key", "list",
    "list_attributes", "list_xattr", "get_xattr", "device_read",
))  # fmt: skip
"""Operations behind which files are where they were."""
_PLACES = v.DATA, v.HOLE, v.UNWRITTEN


class IsolatedVolume(Volume):
    """Stands for the volume of a driver elsewhere.

    confines    names of what binds its process
    on_death    is called once, when a volume that could be written to has lost its driver
    """

    def __init__(self, host: Hypercalls, driver: str, arguments: MountArguments, patience: int) -> None:
        """`patience`: nanoseconds without a word after which the driver counts as hanging.

        Errors: those of the driver's mount; EOPNOTSUPP - it cannot be isolated here; EIO, ETIMEDOUT - its process
        did not get that far."""
        self._host = host
        self._driver = driver
        self._arguments = arguments
        self._patience = patience
        self._lock = arguments.services.lock()
        self._process: DriverProcess | None = None
        self._lost = ""
        self._ended = False
        self._answered = 0
        self._restarts = 0
        self._keys: dict[bytes, bytes] = {}
        self._known: tuple[Handle | None, tuple[Run, ...]] = None, ()
        self._next: tuple[Handle | None, int] = None, 0
        self.on_death: Callable[[], object] = _nothing
        for name in OPERATIONS:
            if name not in ("map", "name_key", "read", "unmount"):
                setattr(self, name, self._asking(name))
        kept, own, plain = self._mount()
        self.capabilities = Capabilities(**dict(zip(CAPABILITIES, kept, strict=True)))
        if own is not None:
            self.device = OwnDevice(self, own)
        for name in plain:
            setattr(self, name, getattr(Volume, name).__get__(self))

    def _asking(self, name: str) -> Callable[..., Any]:
        check = CHECKS[name]

        def ask(*arguments: Any) -> Any:
            return self.ask(name, arguments, check)

        return ask

    def ask(
        self, name: str, arguments: tuple[Any, ...], check: Callable[[Any, tuple[Any, ...]], None],
        within: int | None = None,
    ) -> Any:  # fmt: skip
        """Have the driver do something; its answer, checked.

        Errors: the driver's own; EIO, ETIMEDOUT - it went wrong; ETIMEDOUT, too, if others are asking it and do not
        come to an end `within` so many nanoseconds.
        """
        self._lock.exclusive(within)
        try:
            if self._process is None:
                self._start_again()
            return self._request(name, arguments, check)
        finally:
            self._lock.unlock()

    def _request(self, name: str, arguments: tuple[Any, ...], check: Callable[[Any, tuple[Any, ...]], None]) -> Any:
        process = self._process
        assert process is not None
        if name not in _LOOKS:
            self._known = None, ()
        try:
            answer = process.request(name, arguments)
            check(answer, arguments)
        except Broken as problem:
            self._lose(problem)
            raise
        except Lie as problem:
            self._lose(problem)
            raise
        except OSError:
            raise
        except BaseException:       # cut off: nobody knows what would come next over the stream
            self._lose(Broken(e.EINTR, "interrupted"))
            raise
        self._answered += 1
        return answer

    # ---- a process comes and goes --------------------------------------------------------------------------------

    def _mount(self) -> tuple[tuple[Any, ...], int | None, tuple[str, ...]]:
        """Start the process and mount."""
        arguments = self._arguments
        device, read_only = arguments.device, arguments.read_only
        direct = device.descriptor() if device is not None and read_only else None
        handles, base = ((direct[0],), direct[1]) if direct is not None else ((), 0)
        broker = Broker(device, not read_only, arguments.services, self._callout)
        without = ("newfs", "fsck", "writing") if read_only else ("newfs", "fsck")
        self._process = DriverProcess(
            self._host, self._driver, broker, handles, without=without, besides=_encodings(arguments.options),
            memory=MEMORY + arguments.cache_bytes, patience=self._patience,
        )  # fmt: skip
        self.confines = self._process.confines
        facts = None if device is None else (device.name, device.size, device.sector_size, device.read_only)
        given = facts, base, read_only, tuple(arguments.options.items()), arguments.cache_bytes
        try:
            answer = self._process.begin("mount", *given)
            return _mounted(answer)
        except BaseException as problem:
            process, self._process = self._process, None
            process.end()
            if isinstance(problem, Broken):
                raise fault(problem.errno or e.EIO, f"{self._driver}: {problem.detail}") from problem
            raise

    def _start_again(self) -> None:
        """Errors: EIO - what is lost cannot be had again, or it has been tried often enough, or it is unmounted."""
        if self._answered >= _FORGIVEN:
            self._restarts = 0
        if not self._arguments.read_only or self._restarts >= RESTARTS or self._ended:
            raise fault(e.EIO, self._lost or "unmounted")
        self._answered = 0
        self._restarts += 1
        self._mount()

    def _lose(self, problem: Broken | Lie) -> None:
        """The driver is gone: say so, once."""
        process, self._process = self._process, None
        assert process is not None
        self._known = None, ()
        status = process.end()
        device = self._arguments.device
        where = f" on {device.name}" if device is not None else ""
        how = f" (signal {-status})" if status < 0 and problem.detail == "its process has ended" else ""
        what = "it is started again" if self._arguments.read_only else "what was not synced is lost"
        self._lost = f"{self._driver}{where}: the isolated driver failed: {problem.detail}{how}"
        self._arguments.services.log(f"{self._lost}; {what}")
        if not self._arguments.read_only:
            on_death, self.on_death = self.on_death, _nothing
            on_death()

    def _callout(self, number: int) -> None:
        if self._process is not None:
            try:
                self.ask("callout", (number,), CHECKS["callout"])
            except OSError as error:
                self._arguments.services.log(f"{self._driver}: {error}")

    def _dispose(self) -> None:
        """End the process, if there is one; there will be none any more, whoever else waits to ask something."""
        self._lock.exclusive()
        try:
            self._ended = True
            process, self._process = self._process, None
            if process is not None:
                process.end()
        finally:
            self._lock.unlock()

    # ---- operations that are not just passed on ------------------------------------------------------------------

    def unmount(self) -> None:
        try:
            if self._process is not None:       # else it is lost, and that was said
                self.ask("unmount", (), CHECKS["unmount"])
        finally:
            self._dispose()

    def statvfs_soon(self) -> tuple[int, ...]:
        """As `statvfs`.  Errors: ETIMEDOUT, too - others have been waiting for the driver for too long."""
        found: tuple[int, ...] = self.ask("statvfs", (), CHECKS["statvfs"], self._patience)
        return found

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        whose, known = self._known
        found = cut(known, offset, length) if whose == file else ()
        if not found:
            # Of a file in many pieces they are many: only for who goes on reading.
            ahead = max(length, _AHEAD) if self._next == (file, offset) else length
            known = self.ask("map", (file, offset, ahead), CHECKS["map"])
            if not all(run[0] in _PLACES for run in known):
                return known if ahead == length else self._mapped(file, offset, length)
            self._known = (file, known) if ahead > length else (None, ())
            found = cut(known, offset, length)
        self._next = file, offset + length
        return found

    def _mapped(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        found: tuple[Run, ...] = self.ask("map", (file, offset, length), CHECKS["map"])
        return found

    def read(self, file: Handle, offset: int, length: int) -> bytes:
        pieces = []
        while length > 0:
            piece: bytes = self.ask("read", (file, offset, min(length, _READ)), CHECKS["read"])
            pieces.append(piece)
            if len(piece) < min(length, _READ):
                break
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def name_key(self, name: bytes) -> bytes:
        key = self._keys.get(name)
        if key is None:
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            key = self._keys[name] = self.ask("name_key", (name,), CHECKS["name_key"])
        return key


def cut(runs: tuple[Run, ...], offset: int, length: int) -> tuple[Run, ...]:
    """Those parts of runs that adjoin - DATA, HOLE and UNWRITTEN - which lie in a range; () if its first byte is not.

    >>> cut(((v.DATA, 0, 100, 5000), (v.HOLE, 100, 100, 0)), 50, 80)
    ((0, 50, 50, 5050), (1, 100, 30, 0))
    """
    end = offset + length
    first = bisect_right(runs, offset, key=_start) - 1
    if first < 0 or offset >= runs[first][1] + runs[first][2]:
        return ()
    found = []
    for kind, start, count, place in runs[first:]:
        if start >= end:
            break
        skipped = max(0, offset - start)
        where = place + skipped if kind == v.DATA or (kind == v.UNWRITTEN and place) else place
        found.append((kind, start + skipped, min(count, end - start) - skipped, where))
    return tuple(found)


def _start(run: Run) -> int:
    return run[1]


class OwnDevice(BlockDevice):
    """The device that an isolated volume has put before its own: a journal replayed in memory, say."""

    read_only = True

    def __init__(self, volume: IsolatedVolume, size: int) -> None:
        under = volume._arguments.device
        assert under is not None
        self._volume = volume
        self.name = under.name
        self.size = size
        self.sector_size = under.sector_size

    def readinto(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        if not 0 <= offset <= self.size - len(view):
            raise fault(e.EIO, f"{self.name}: bytes {offset}-{offset + len(view)} lie outside its {self.size}")
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            piece[:] = self._volume.ask("device_read", (offset + start, len(piece)), _whole)


def _whole(answer: Any, arguments: tuple[Any, ...]) -> None:
    if type(answer) is not bytes or len(answer) != arguments[1]:
        raise Lie("not the bytes that were asked for")


def _mounted(answer: Any) -> tuple[tuple[Any, ...], int | None, tuple[str, ...]]:
    """What a driver says of what it mounted, checked."""
    if type(answer) is not tuple or len(answer) != 3:
        raise Broken(e.EIO, "an answer to mount that cannot be")
    kept, own, plain = answer
    fits = (
        type(kept) is tuple and len(kept) == len(CAPABILITIES) and all(type(value) in (int, bool) for value in kept)
        and (own is None or (type(own) is int and 0 <= own < 1 << 63))
        and type(plain) is tuple and set(plain) <= set(PLAIN)
    )  # fmt: skip
    if not fits:
        raise Broken(e.EIO, "an answer to mount that cannot be")
    return kept, own, plain


def _encodings(options: dict[str, str]) -> tuple[str, ...]:
    """The module of a code page that is asked for; only before it is confined can a process load it."""
    number = options.get("codepage", "").removeprefix("cp")
    return (f"encodings.cp{number}",) if number.isdecimal() and number.isascii() else ()


def _nothing() -> None:
    """Nobody wants to know."""
