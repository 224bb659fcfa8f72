# SPDX-License-Identifier: BSD-2-Clause
"""What runs in the process of an isolated driver: mounts one volume, and carries out what the kernel asks of it."""

from __future__ import annotations

from rump.kernel.callout import Callout
from rump.kernel.component import Drivers
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.isolated import protocol
from rump.kernel.vfs.isolated.child_device import AskedDevice, ReadDevice
from rump.kernel.vfs.marshal import OPERATIONS
from rump.kernel.vfs.volume import MountArguments, Services, Volume
from rump.kernel.wire.channel import Channel
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import FileSystem, Finding
    from rump.rumpuser.interface.hypercalls import Hypercalls

_FINDINGS = 256
"""How many findings of a check go at once."""


def serve(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """The entry: work until the kernel closes the stream."""
    channel = Channel(host, stream)
    channel.send((protocol.HELLO, host.traits.confines))
    server = Server(host, channel, handles)
    while True:
        try:
            name, arguments, server.now = channel.receive()
        except OSError:
            return
        answer: tuple[Any, ...]
        try:
            answer = protocol.ANSWER, getattr(server, "do_" + name)(*arguments)
        except Fault as problem:
            answer = protocol.FAILED, problem.errno, problem.detail
        except OSError as problem:
            answer = protocol.FAILED, problem.errno or e.EIO, None
        except BaseException as problem:
            channel.send((protocol.CRASHED, f"{type(problem).__name__}: {problem}"[:500]))
            raise
        channel.send(answer)


class Server:
    """The driver's surroundings: what the kernel would be to it.

    now   the time when the request came, nanoseconds since 1970; None: it may be much later by now
    """

    now: int | None = None

    def __init__(self, host: Hypercalls, channel: Channel, handles: tuple[int, ...]) -> None:
        self._host = host
        self._channel = channel
        self._handles = handles
        self._callouts: dict[int, Callout] = {}
        self._number = 0
        self._volume = Volume()
        self._findings: Iterator[Finding] = iter(())
        self._device: BlockDevice | None = None

    # ---- what the kernel asks ------------------------------------------------------------------------------------

    def do_mount(self, driver: str, facts: tuple[Any, ...] | None, base: int, *rest: Any) -> tuple[Any, ...]:
        """Mount; what there is to know of the volume."""
        volume = self._volume = self._driver(driver).mount(self._arguments(facts, base, *rest))
        for name in OPERATIONS:
            setattr(self, f"do_{name}", getattr(volume, name))
        kept = tuple([getattr(volume.capabilities, name) for name in protocol.CAPABILITIES])
        own: BlockDevice | None = getattr(volume, "device", None)
        size = own.size if own is not None and own is not self._device else None
        plain = [name for name in protocol.PLAIN if getattr(type(volume), name) is getattr(Volume, name)]
        return kept, size, tuple(plain)

    def do_fsck(self, driver: str, facts: tuple[Any, ...] | None, base: int, *rest: Any) -> None:
        """Begin to check."""
        check = self._driver(driver).fsck
        if check is None:
            raise fault(e.EOPNOTSUPP)
        self._findings = check(self._arguments(facts, base, *rest))

    def do_next_findings(self) -> tuple[Finding, ...]:
        """Some more of what a check finds; () at its end."""
        found = []
        for finding in self._findings:
            found.append(finding)
            if len(found) >= _FINDINGS:
                break
        return tuple(found)

    def do_device_read(self, offset: int, length: int) -> bytes:
        """Bytes of the device that the volume has put before its own."""
        device: BlockDevice = self._volume.device  # type: ignore[attr-defined]
        return device.read(offset, length)

    def do_callout(self, number: int) -> None:
        """Something that the driver wanted to be called for is due."""
        callout = self._callouts.pop(number, None)
        if callout is not None and callout.function is not None:
            callout.function()

    def _driver(self, name: str) -> FileSystem:
        found = Drivers(self._host).named(name)
        if found is None:
            raise fault(e.ENODEV, name)
        return found

    # ---- what the driver asks ------------------------------------------------------------------------------------

    def _arguments(
        self, facts: tuple[Any, ...] | None, base: int, read_only: bool, options: tuple[tuple[str, str], ...],
        cache_bytes: int,
    ) -> MountArguments:  # fmt: skip
        self._device = self._make_device(facts, base)
        return MountArguments(
            self._device, self._services(), read_only=read_only, options=dict(options), cache_bytes=cache_bytes
        )

    def _make_device(self, facts: tuple[Any, ...] | None, base: int) -> BlockDevice | None:
        if facts is None:
            return None
        if not self._handles:
            return AskedDevice(self._ask, *facts)
        return ReadDevice(self._ask, facts, self._host, self._handles[0], base, self._progress)

    def _ask(self, name: str, *arguments: Any) -> Any:
        """Have the kernel do something."""
        self._channel.send((protocol.ASK, name, arguments))
        answer = self._channel.receive()
        if answer[0] == protocol.ANSWER:
            return answer[1]
        raise fault(answer[1], answer[2])

    def _progress(self) -> None:
        self.now = None
        self._channel.send((protocol.PROGRESS,))

    def _services(self) -> Services:
        host, ask, cpu = self._host, self._ask, VirtualCPU(self._host)
        return Services(
            self._time, lambda length: ask("random", length), lambda line: ask("log", line),
            lambda seed, data: host.crc32c(seed, data), lambda *arguments: host.crc32c_many(*arguments),
            lambda: SleepLock(cpu), self._schedule, self._sleep,
            lambda data, limit: host.inflate(data, limit),
        )  # fmt: skip

    def _time(self) -> int:
        if self.now is None:
            self.now = self._ask("now")
        return self.now

    def _sleep(self, nanoseconds: int) -> None:
        self.now = None
        self._ask("sleep", nanoseconds)

    def _schedule(self, delay: int, function: Callable[[], object]) -> Callout:
        self._number += 1
        callout = self._callouts[self._number] = Callout(delay, function)
        self._ask("schedule", self._number, delay)
        return callout
