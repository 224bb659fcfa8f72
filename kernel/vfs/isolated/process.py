# SPDX-License-Identifier: BSD-2-Clause
"""The process of an isolated driver, as the kernel sees it: one request at a time, and what may go wrong with it."""

from __future__ import annotations

from rump.kernel.component import BUILT_IN
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.isolated import protocol
from rump.kernel.vfs.isolated.broker import Broker, Lie
from rump.kernel.wire.channel import Channel
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Hypercalls

LONGEST = 600 * 10**9
"""Nanoseconds that one request may take, however much the driver has to say meanwhile."""
MEMORY = 512 << 20
"""Bytes of address space that a driver may have, besides its buffer cache."""
PROCESSOR = 3600
"""Seconds of a processor for a driver that only reads: it can be started again without loss."""

_ENTRY = "rump.kernel.vfs.isolated.child:serve"
_BESIDES = {
    "ext2fs": ("unicodedata",),
    "msdosfs": ("rump.drivers.fs.fat.*", "encodings.cp437", "encodings.cp850", "encodings.utf_16_le"),
    "exfat": ("rump.drivers.fs.fat.*", "encodings.utf_16_le"),
    "cd9660": ("encodings.utf_16_be", "encodings.utf_16_le"),
}
"""What a driver uses that is neither in its package nor loaded by what is."""
_LONGEST_DETAIL = 500


class NoProcess(Fault):
    """There is none for this driver on this host, whatever the image: EOPNOTSUPP.  A driver never brings it about."""

    def __init__(self, detail: str) -> None:
        super().__init__(e.EOPNOTSUPP, detail)


class Broken(Fault):
    """There is no driver any more that could be asked; why.  errno: ETIMEDOUT - it hung; else EIO."""


class DriverProcess:
    """A driver in a process of its own, not yet mounted.

    confines    names of what binds it
    longest     nanoseconds that one request may take
    """

    longest = LONGEST

    def __init__(
        self, host: Hypercalls, driver: str, broker: Broker, handles: tuple[int, ...], *, without: tuple[str, ...],
        besides: tuple[str, ...] = (), memory: int, patience: int,
    ) -> None:  # fmt: skip
        """`without` are the parts of the driver that it will not need: "newfs", "fsck", "writing"; `besides` names
        modules that it will.

        Errors: `NoProcess` - the host has no processes, or the driver is none of ours; those of `spawn_confined`;
        `Broken`.
        """
        self._host = host
        self._broker = broker
        self._patience = patience
        package = BUILT_IN.get(driver)
        if package is None:
            raise NoProcess(f"{driver} cannot be isolated: it is none of the drivers that come along")
        modules = (f"{package}.*", *[f"-{package}.{part}" for part in without], *_BESIDES.get(driver, ()), *besides)
        seconds = PROCESSOR if "writing" in without else 0
        try:
            self._process, self._stream = host.spawn_confined(_ENTRY, modules, handles, memory, seconds)
        except OSError as error:
            if error.errno in (e.ENOSYS, e.EOPNOTSUPP):
                raise NoProcess("this host has no processes for drivers to be isolated in") from error
            raise
        self._driver = driver
        self._channel = Channel(host, self._stream)
        try:
            self.confines = self._greeting()
        except BaseException:
            self.end()
            raise

    def _greeting(self) -> tuple[str, ...]:
        try:
            hello = self._channel.receive(self._patience)
        except OSError as error:
            raise self._broken(error) from error
        if type(hello) is not tuple or len(hello) != 2 or hello[0] != protocol.HELLO or type(hello[1]) is not tuple:
            raise Broken(e.EIO, "it began with something else than a greeting")
        return tuple([str(name) for name in hello[1]])

    def begin(self, what: str, *arguments: Any) -> Any:
        """"mount" or "fsck", of the driver that was loaded."""
        return self.request(what, (self._driver, *arguments))

    def request(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Have it do something; what it answers, of any form.

        Errors: the driver's own; EINVAL, EMSGSIZE - the arguments do not fit; `Broken` - it is to be ended.
        """
        try:
            self._channel.send((name, arguments, self._broker.now()))
        except OSError as error:
            if error.errno in (e.EINVAL, e.EMSGSIZE):
                raise
            raise self._broken(error) from error
        until = self._host.clock_gettime(CLOCK_ABSMONO) + self.longest
        while self._host.clock_gettime(CLOCK_ABSMONO) < until:
            try:
                message = self._channel.receive(self._patience)
                if type(message) is not tuple or not message:
                    raise Lie("no message")
                if message[0] == protocol.ANSWER and len(message) == 2:
                    return message[1]
                if message[0] == protocol.FAILED and len(message) == 3:
                    problem = _failure(message[1], message[2])
                    break
                self._other(message)
            except OSError as error:
                raise self._broken(error) from error
        else:
            raise Broken(e.ETIMEDOUT, f"{name} took longer than {self.longest / 10**9:g} s")
        raise problem

    def _other(self, message: tuple[Any, ...]) -> None:
        """What is no answer.  Errors: `Lie` - it is nothing at all."""
        if message[0] == protocol.ASK and len(message) == 3:
            self._channel.send(self._answer(message[1], message[2]))
        elif message[0] == protocol.CRASHED and len(message) == 2:
            raise Lie(printable(str(message[1])))
        elif message != (protocol.PROGRESS,):
            raise Lie("a message of no known kind")

    def _answer(self, name: object, arguments: object) -> tuple[Any, ...]:
        try:
            return protocol.ANSWER, self._broker.answer(name, arguments)
        except Lie:
            raise
        except Fault as problem:
            return protocol.FAILED, problem.errno, problem.detail
        except OSError as problem:
            return protocol.FAILED, problem.errno, None

    def _broken(self, error: OSError) -> Broken:
        """What to make of an error of the stream, or of what came by it."""
        if error.errno == e.ETIMEDOUT:
            return Broken(e.ETIMEDOUT, f"no answer for {self._patience / 10**9:g} s")
        if error.errno in (e.EPIPE, e.ECONNRESET):
            return Broken(e.EIO, "its process has ended")
        return Broken(e.EIO, getattr(error, "detail", None) or error.strerror)

    def end(self) -> int:
        """It goes; how its process ended: exit status, or -signal."""
        self._broker.close()
        self._host.stream_close(self._stream)
        return self._host.confined_end(self._process)


def _failure(number: object, detail: object) -> Fault:
    if type(number) is not int or number not in e.PHRASES or not isinstance(detail, str | None):
        raise Lie("an error that is none")
    return fault(number, None if detail is None else printable(detail))


def printable(text: str) -> str:
    """What a driver says, fit for a terminal, and no longer than a few lines."""
    return "".join([mark if mark.isprintable() else "?" for mark in text[:_LONGEST_DETAIL]])
