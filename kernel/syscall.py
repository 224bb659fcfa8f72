# SPDX-License-Identifier: BSD-2-Clause
"""The edge of the kernel: what happens around the body of every system call."""

from __future__ import annotations

from rump.kernel.errors import Fault, fault
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, ParamSpec, TypeVar

    from rump.kernel.lwp import LwpBase

    L = TypeVar("L", bound=LwpBase)
    P = ParamSpec("P")
    R = TypeVar("R")

SYSCALLS: dict[str, Callable[..., object]] = {}
"""The system calls loaded so far, by name; `rump.kernel.lwps.system_calls` has them all."""
PATHS = ("path", "old")
"""What parameters are called that say which file is meant."""


def syscall(body: Callable[Concatenate[L, P], R]) -> Callable[Concatenate[L, P], R]:
    """Make a method of an lwp a system call.

    It takes the virtual CPU and gives it back; drops what the lwp held; runs callouts that are due; turns a host's
    error into a `Fault`, and puts the path given into it.  Bodies never call other system calls.
    """
    code = body.__code__
    parameters = code.co_varnames[1 : code.co_argcount]
    path = next((index for index, name in enumerate(parameters) if name in PATHS), -1)

    def enter(self: L, /, *arguments: P.args, **named: P.kwargs) -> R:
        kernel = self.kernel
        if kernel.recorder is not None and not self.inside:
            return _recorded(enter, self, body.__name__, arguments, named)
        cpu = kernel.cpu
        with cpu.guard:         # as `VirtualCPU.run` does
            cpu.inside += 1
            try:
                try:
                    return body(self, *arguments, **named)
                except Fault as error:
                    _name_path(error, arguments, path)
                    raise
                except HostError as error:
                    raise _name_path(fault(error.errno or 0, error.detail), arguments, path) from None
                except BaseException:
                    kernel.mounts.distrust()
                    raise
                finally:
                    if self.held:
                        self.drop_held()
                    if kernel.callouts.scheduled:
                        kernel.callouts.run()
            finally:
                cpu.inside -= 1
                if cpu.sleepers:
                    cpu.wake_the_stuck()

    enter.__name__, enter.__qualname__, enter.__doc__ = body.__name__, body.__qualname__, body.__doc__
    enter.__wrapped__ = body  # type: ignore[attr-defined]
    SYSCALLS[body.__name__] = enter
    return enter


def _name_path(error: Fault, arguments: tuple[object, ...], path: int) -> Fault:
    """Put the path into an error that names none: the argument at that index, which is -1 for calls without one."""
    if error.filename is None and 0 <= path < len(arguments) and type(arguments[path]) is bytes:
        error.filename = arguments[path]
    return error


def _recorded(
    enter: Callable[..., R], lwp: LwpBase, name: str, arguments: tuple[object, ...], named: dict[str, object]
) -> R:
    """One system call with both its sides told to the recorder.  Named arguments go behind the others, as pairs."""
    recorder = lwp.kernel.recorder
    assert recorder is not None
    given = tuple(_plain(argument) for argument in arguments)
    if named:
        given += (("**", tuple((key, _plain(value)) for key, value in sorted(named.items()))),)
    recorder.syscall_enter(lwp.lid, name, given)
    lwp.inside = True
    try:
        result = enter(lwp, *arguments, **named)
    except Fault as error:
        recorder.syscall_exit(lwp.lid, name, error.errno or 0, None)
        raise
    finally:
        lwp.inside = False
    recorder.syscall_exit(lwp.lid, name, 0, _plain(result))
    return result


def _plain(value: object) -> object:
    """A value as a recording holds it: buffers to be filled become their length, to be filled again by a replay."""
    if isinstance(value, bytearray | memoryview):
        return ("buffer", memoryview(value).nbytes)
    if isinstance(value, tuple | list):
        return tuple(_plain(part) for part in value)
    if isinstance(value, dict):
        return ("dict", tuple((key, _plain(part)) for key, part in sorted(value.items())))
    if value is None or isinstance(value, int | str | bytes):
        return value
    return str(type(value).__name__)


def replayed(value: object) -> object:
    """The argument that `_plain` wrote down."""
    if isinstance(value, tuple | list):
        if len(value) == 2 and value[0] == "buffer":
            return bytearray(value[1])
        if len(value) == 2 and value[0] == "dict":
            return {key: replayed(part) for key, part in value[1]}
        return tuple(replayed(part) for part in value)
    return value


def replay(lwp: LwpBase, name: str, arguments: tuple[object, ...]) -> object:
    """Make a recorded system call again, by an lwp."""
    named: dict[str, object] = {}
    last = arguments[-1] if arguments else None
    if isinstance(last, tuple | list) and last and last[0] == "**":
        named = {key: replayed(value) for key, value in last[1]}
        arguments = arguments[:-1]
    return getattr(lwp, name)(*(replayed(argument) for argument in arguments), **named)
