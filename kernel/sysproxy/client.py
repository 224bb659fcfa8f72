# SPDX-License-Identifier: BSD-2-Clause
"""One client of a server: a process of the kernel whose programs are elsewhere.

A thread of the host reads the client's frames and makes its system calls, one after the other; those that may wait for
other programs get a thread each.  While a call copies from the client's memory, the thread that made it waits for the
answer: the reading thread by reading on - further calls stay behind -, the others by a condition.

What a client makes the server keep is bounded: one frame that comes and one call that is made, of the sizes of
`Limits`; and the calls that stay behind or wait, which together take `pending` bytes.  A reply is sent before the
thread that made it does anything else, so who does not read has no more than these.

When a program hands over to another (exec), questions to the old one's memory end: the new one could not answer them.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.sysproxy import frames as f
from rump.kernel.sysproxy import native, sysent
from rump.kernel.sysproxy.frames import Frame
from rump.kernel.sysproxy.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp
    from rump.kernel.sysproxy.calls import Values
    from rump.kernel.sysproxy.connection import Connection
    from rump.kernel.sysproxy.server import Server

NAME_MAX = 255      # bytes of a program's name
CALL = 4096         # bytes that a call which waits takes beside its data


class Later(Exception):
    """A call may wait: `body` is to be carried out by a thread of its own, and takes up to `held` bytes meanwhile."""

    def __init__(self, body: Callable[[], Values], held: int) -> None:
        super().__init__()
        self.body = body
        self.held = held


class ClientCall:
    """A system call of a client, as `calls.Call` has it.

    patient     whether it has a thread of its own
    held        bytes of memory that it takes while it waits
    """

    def __init__(self, client: Client, lwp: Lwp) -> None:
        self._client = client
        self.lwp = lwp
        self.patient = False
        self.held = 0
        self.memory = Memory(lambda type, payload, most: client.ask(type, payload, most, self.patient), client.tell)

    def patiently(self, body: Callable[[], Values], held: int = 0) -> Values:
        if not self.patient and self._client.limits.calls:
            raise Later(body, held)
        return body()

    def take_room(self, wanted: int) -> int:
        return self._client.server.take_room(wanted)

    def give_room(self, taken: int) -> None:
        self._client.server.give_room(taken)

    def reboot(self) -> None:
        self._client.reboots = True


class Client:
    """A client behind a connection; `run` is what its thread does.

    server      whose it is
    limits      the server's
    pending     bytes that calls take which wait or stay behind
    reboots     it has asked for the kernel's end
    """

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.limits = server.limits
        self._kernel = server.kernel
        self._connection = connection
        self._lwp: Lwp | None = None
        self._number = 0
        self._answers: dict[int, Frame | None] = {}
        self._longest: dict[int, int] = {}      # bytes that an answer may have
        self._backlog: list[Frame] = []
        self._patient = 0           # calls with a thread of their own
        self.pending = 0
        self._handing_over = False  # an exec stays behind
        self._executing: Frame | None = None
        self._ended = False
        self._condition = server.kernel.cpu.condition()
        self.reboots = False

    # ---- the client's life -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve the client until it is gone."""
        try:
            self._connection.send(f.BANNER)
            if self._shake_hands():
                self._connection.limit = self.limits.frame
                self._connection.patience = None
                while True:
                    self._dispatch(self._next_behind() if self._backlog else self._receive())
        except OSError:
            pass            # it is gone, or what it sent is no frame
        except Exception as error:
            self._kernel.log(f"sysproxy: {type(error).__name__}: {error}")
        finally:
            self._end()

    def end(self) -> None:
        """Hang up.  From any thread."""
        self._connection.close()

    def _end(self) -> None:
        self._connection.close()
        lwp = self._lwp
        with self._kernel.cpu.guard:
            self._ended = True
            self._condition.broadcast()
            if lwp is not None:
                self._kernel.interrupt(lwp.process)
            while self._patient:
                self._condition.wait(None)
        if lwp is not None:
            self._kernel.exit(lwp)
        self.server.forget(self)

    def _receive(self) -> Frame:
        """The next request."""
        while True:
            frame = self._connection.frame()
            if frame.kind == f.REQUEST:
                return frame
            self._deliver(frame)

    def _deliver(self, frame: Frame) -> None:
        """An answer, to who waits for it; others are passed over, and of one that is too long there is nothing kept."""
        with self._kernel.cpu.guard:
            if frame.number in self._answers:
                if len(frame.payload) > self._longest[frame.number]:
                    frame = Frame(frame.number, f.ERROR, frame.type, f.MALFORMED, b"")
                self._answers[frame.number] = frame
                self._condition.broadcast()

    def _next_behind(self) -> Frame:
        frame = self._backlog.pop(0)
        self._let_go(len(frame.payload) + CALL)
        return frame

    def _hold(self, count: int) -> bool:
        """Whether calls that wait or stay behind may take so many bytes more; then they do."""
        with self._kernel.cpu.guard:
            if self.pending + count > self.limits.pending:
                return False
            self.pending += count
            return True

    def _let_go(self, count: int) -> None:
        with self._kernel.cpu.guard:
            self.pending -= count

    # ---- handshakes --------------------------------------------------------------------------------------------------

    def _shake_hands(self) -> bool:
        """The first frame makes a process, or ends it all."""
        credentials, frame = self.server.admit(self._connection, self._connection.frame())
        if credentials is None or frame.kind != f.REQUEST or frame.type != f.HANDSHAKE:
            return self._refuse(frame, f.DENIED)
        if frame.extra == f.GUEST:
            self._lwp = self.server.newproc(_name(frame.payload), credentials)
        elif frame.extra == f.FORK and len(frame.payload) >= f.FORKING.size:
            cookie, cancel = f.FORKING.unpack_from(frame.payload)
            self._lwp = self.server.claim(cookie)
            if self._lwp is None:
                return self._refuse(frame, f.INVALID_PREFORK)
            if cancel:
                return False
        else:
            return self._refuse(frame, f.DENIED if frame.extra in (f.AUTH, f.EXEC) else f.MALFORMED)
        self._connection.send(f.encode(frame.number, f.RESPONSE, f.HANDSHAKE, 0, f.INTEGER.pack(0)))
        return True

    def _refuse(self, frame: Frame, error: int) -> bool:
        self._connection.send(f.encode(frame.number, f.ERROR, frame.type, error))
        return False

    def _dispatch(self, frame: Frame) -> None:
        assert self._lwp is not None
        if self._executing is not None and frame.type in (f.SYSCALL, f.BATCH, f.PREFORK, f.HANDSHAKE):
            self._refuse(frame, f.IN_EXEC)
            if frame.type in (f.PREFORK, f.HANDSHAKE):
                raise fault(e.ECONNRESET)
        elif frame.type == f.SYSCALL:
            call = ClientCall(self, self._lwp)
            self._make(frame, call, lambda: sysent.make(call, frame.extra, frame.payload))
        elif frame.type == f.BATCH:
            call = ClientCall(self, self._lwp)
            self._make(frame, call, lambda: native.run(call, frame.payload))
        elif frame.type == f.PREFORK:
            self._prefork(frame)
        elif frame.type == f.HANDSHAKE and frame.extra == f.EXEC:
            self._exec(frame)
        else:
            self._refuse(frame, f.MALFORMED)
            if frame.type == f.HANDSHAKE:
                raise fault(e.ECONNRESET)

    def _prefork(self, frame: Frame) -> None:
        assert self._lwp is not None
        cookie = self.server.prefork(self._lwp)
        if cookie is None:
            self._refuse(frame, f.TRYAGAIN)
        else:
            self._connection.send(f.encode(frame.number, f.RESPONSE, f.PREFORK, 0, cookie))

    def _exec(self, frame: Frame) -> None:
        """Another program takes over: calls under way end first."""
        assert self._lwp is not None
        with self._kernel.cpu.guard:
            self._executing = frame
            self._handing_over = any(map(_is_exec, self._backlog))
            waits = self._patient
            if waits:
                self._kernel.interrupt(self._lwp.process)
                self._condition.broadcast()         # for those that wait for memory of the old program
        if not waits:
            self._finish_exec()

    def _finish_exec(self) -> None:
        lwp, frame = self._lwp, self._executing
        assert lwp is not None and frame is not None
        for fd in lwp.process.descriptors():
            if lwp.process.is_close_on_exec(fd):
                try:
                    lwp.close(fd)
                except OSError:         # it is closed, whatever close says
                    pass
        with self._kernel.cpu.guard:
            lwp.process.name = _name(frame.payload)
            lwp.process.interrupted = self._ended
            self._executing = None
        self._connection.send(f.encode(frame.number, f.RESPONSE, f.HANDSHAKE, 0, f.INTEGER.pack(0)))

    # ---- system calls ------------------------------------------------------------------------------------------------

    def _make(self, frame: Frame, call: ClientCall, body: Callable[[], Values]) -> None:
        """Make a call and answer it, or have it made."""
        try:
            self._answer(frame, body)
        except Later as later:
            call.held = later.held + CALL
            self._make_patiently(Frame(frame.number, frame.kind, frame.type, frame.extra, b""), call, later.body)

    def _make_patiently(self, frame: Frame, call: ClientCall, body: Callable[[], Values]) -> None:
        kernel, lwp = self._kernel, call.lwp
        with kernel.cpu.guard:
            if self._patient >= self.limits.calls or self.pending + call.held > self.limits.pending:
                waits = False
            else:
                call.patient, call.lwp = True, kernel.newlwp(lwp)
                self._patient += 1
                self.pending += call.held
                try:
                    kernel.host.thread_create(lambda: self._work(frame, call, body), "rump sysproxy call")
                    waits = True
                except HostError:
                    self._worked(call)
                    waits = False
        if not waits:
            self._refuse(frame, f.TRYAGAIN)

    def _work(self, frame: Frame, call: ClientCall, body: Callable[[], Values]) -> None:
        """What the thread of a call does."""
        try:
            self._answer(frame, body)
        except OSError:
            self._connection.close()        # which the reading thread will find out
        except Exception as error:
            self._kernel.log(f"sysproxy: {type(error).__name__}: {error}")
        with self._kernel.cpu.guard:
            last = self._patient == 1 and self._executing is not None
            if not last:
                self._worked(call)
        if last:
            try:
                self._finish_exec()
            except OSError:
                self._connection.close()
            with self._kernel.cpu.guard:
                self._worked(call)

    def _worked(self, call: ClientCall) -> None:
        call.lwp.process.lwps.remove(call.lwp.lid)
        self._patient -= 1
        self.pending -= call.held
        self._condition.broadcast()

    def _answer(self, frame: Frame, body: Callable[[], Values]) -> None:
        """Carry out a call and send what it gives.  Errors: ECONNRESET."""
        payload: bytes | None = None
        error, values = 0, (0, 0)
        try:
            result = body()
            if isinstance(result, bytes):
                payload = result
            elif result is not None:
                values = (result, 0) if isinstance(result, int) else result
        except Later:
            raise
        except OSError as problem:
            if self._ended:
                raise
            error = problem.errno or e.EIO
        except Exception as problem:
            self._kernel.log(f"sysproxy: {type(problem).__name__}: {problem}")
            error = e.EIO
        if payload is None:
            payload = f.RESULT.pack(error, *values) if frame.type == f.SYSCALL else native.refusal(error)
        self._connection.send(f.encode(frame.number, f.RESPONSE, frame.type, 0, payload))
        if self.reboots:
            self.server.reboot()

    # ---- the client's memory -----------------------------------------------------------------------------------------

    def tell(self, type: int, payload: bytes) -> None:
        """Send a request that has no answer.  Errors: EINTR - the memory is another program's by now."""
        self._check_memory()
        self._connection.send(f.encode(self._next(), f.REQUEST, type, 0, payload))

    def _check_memory(self) -> None:
        """Errors: EINTR."""
        if self._executing is not None or self._handing_over:
            raise fault(e.EINTR)

    def ask(self, type: int, payload: bytes, most: int, patient: bool) -> bytes:
        """Send a request; the payload of its answer, up to `most` bytes.

        Errors: EFAULT - the client refuses, or says more; EINTR - the memory is another program's by now.
        """
        self._check_memory()
        number = self._next()
        with self._kernel.cpu.guard:
            self._longest[number] = most
            self._answers[number] = None
        try:
            self._connection.send(f.encode(number, f.REQUEST, type, 0, payload))
            answer = self._wait_for(number) if patient else self._read_for(number)
        finally:
            with self._kernel.cpu.guard:
                del self._answers[number], self._longest[number]
        if answer.kind != f.RESPONSE:       # its type says nothing: genuine clients answer COPYINSTR as COPYIN
            raise fault(e.EFAULT)
        return answer.payload

    def _next(self) -> int:
        with self._kernel.cpu.guard:
            self._number += 1
            return self._number

    def _wait_for(self, number: int) -> Frame:
        """An answer that the reading thread will deliver."""
        with self._kernel.cpu.guard:
            while (answer := self._answers[number]) is None:
                if self._ended:
                    raise fault(e.ECONNRESET)
                self._check_memory()
                self._condition.wait(None)
            return answer

    def _read_for(self, number: int) -> Frame:
        """An answer, read by ourselves; requests that come before it stay behind."""
        while (answer := self._answers[number]) is None:
            frame = self._connection.frame()
            if frame.kind != f.REQUEST:
                self._deliver(frame)
            elif len(self._backlog) >= self.limits.calls or not self._hold(len(frame.payload) + CALL):
                self._refuse(frame, f.TRYAGAIN)
            else:
                self._backlog.append(frame)
                self._handing_over |= _is_exec(frame)
                self._check_memory()
        return answer


def _is_exec(frame: Frame) -> bool:
    return frame.type == f.HANDSHAKE and frame.extra == f.EXEC


def _name(payload: bytes) -> str:
    """A program's name out of a handshake."""
    name = payload.partition(b"\0")[0][:NAME_MAX].decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else "?" for letter in name)


FIRST_DESCRIPTORS = (abi.O_RDONLY, abi.O_WRONLY, abi.O_WRONLY)
"""How a client's standard descriptors are opened on the console."""
