# SPDX-License-Identifier: BSD-2-Clause
"""``fsu``: the Unix file commands on what is inside disk images."""

from __future__ import annotations

import gc
import os
import sys

from rump.fsutils.command import Command, Output, OutputClosed, OutputFailed
from rump.fsutils.errors import UsageError, reason
from rump.fsutils.names import shown
from rump.fsutils.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import IO, NoReturn, Protocol

    class Verb(Protocol):
        """What the module of a verb exports."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
        def run(self, command: Command, arguments: argparse.Namespace) -> int: ...


VERBS = {
    "cat": ("cat", "print files"),
    "chgrp": ("chgrp", "change groups"),
    "chmod": ("chmod", "change permissions"),
    "chown": ("chown", "change owners"),
    "cp": ("cp", "copy files: out of images, into them, between them"),
    "df": ("df", "show how full file systems are"),
    "du": ("du", "show how much space directories take"),
    "example": ("example", "write a small disk image to try things on"),
    "find": ("find", "search for files"),
    "info": ("info", "tell what an image is and what is in it"),
    "ln": ("ln", "make links"),
    "ls": ("ls", "list directories"),
    "mkdir": ("mkdir", "make directories"),
    "mkfs": ("mkfs", "make an ext2, ext3 or ext4 file system"),
    "mv": ("mv", "move files: inside images, out of them, into them"),
    "part": ("part", "list the partitions of a disk image"),
    "readlink": ("readlink", "print where symbolic links lead"),
    "rm": ("rm", "remove files"),
    "rmdir": ("rmdir", "remove empty directories"),
    "stat": ("stat", "show all that is known of files"),
    "tar": ("tar", "write files as a tar archive, or extract one"),
    "touch": ("touch", "set times, make empty files"),
    "truncate": ("truncate", "set the size of files"),
}
"""Verb -> the module in `rump.fsutils`, and what it does."""

FAILED = 1
USAGE = 2
CLOSED = 128 + 13       # as a shell reports a command ended by SIGPIPE
INTERRUPTED = 128 + 2   # by SIGINT


def main(
    arguments: Sequence[str] | None = None, out: IO[bytes] | None = None, errors: IO[bytes] | None = None
) -> int:
    """Carry out a command line; the exit status.  Output goes to `out` and `errors`, else where the host's goes.

    Without `arguments` this is the console script: it takes those of the process, and ends the process.
    """
    if arguments is None:
        _tune()
        _leave(_carry_out(sys.argv[1:], out, errors))
    return _carry_out(list(arguments), out, errors)


def _carry_out(given: list[str], out: IO[bytes] | None, errors: IO[bytes] | None) -> int:
    output = Output(out or sys.stdout.buffer)
    complain = Command("fsu", Session(), output, errors or sys.stderr.buffer)
    try:
        return _dispatch(given, output, complain)
    except UsageError as error:
        complain.say(f"{reason(error)}\nTry '{complain.program} --help'.")
        return USAGE
    except OutputClosed:
        _abandon(out)
        return CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _confess(complain, error, out)


def _dispatch(given: list[str], output: Output, complain: Command) -> int:
    """Find the verb and run it."""
    from rump.fsutils.options import make_parser, session_options, split

    name, rest = split(given)
    if name is None:
        return _overview(output, rest, complain)
    if name not in VERBS:
        raise UsageError(f"unknown command {name!r}")
    complain.program = f"fsu {name}"
    module = _load(VERBS[name][0])
    parser = make_parser(name, getattr(module, "OPERANDS", "operand ..."), module.__doc__ or "")
    module.add_arguments(parser)
    parse: Callable[[list[str]], argparse.Namespace] = getattr(module, "parse", None) or parser.parse_intermixed_args
    try:
        parsed = parse(rest)
    except SystemExit:
        return 0                # --help
    return _run(module, Command(complain.program, Session(session_options(parsed)), output, complain.errors), parsed)


def _run(module: Verb, command: Command, parsed: argparse.Namespace) -> int:
    """Run a verb with SIGINT as a flag, and end its session; the exit status."""
    session = command.session
    session.log = lambda line: command.say(shown(line))
    restore = _catch_interrupts(session)
    try:
        try:
            status = module.run(command, parsed)
            command.out.flush()
        finally:
            for image, error in session.end():
                command.fail(image, error)
    finally:
        restore()
    if session.interrupted:
        return INTERRUPTED
    return status or command.status


def _load(name: str) -> Verb:
    from importlib import import_module

    module: Verb = import_module(f"rump.fsutils.{name}")
    return module


def _catch_interrupts(session: Session) -> Callable[[], None]:
    """Make SIGINT set the session's flag; undo it with the result.

    When it comes again it interrupts at once, unless an image is being written to: that is brought to a good end.
    """
    import signal

    def on_interrupt(number: int, frame: object) -> None:
        if session.interrupted and not session.writes:
            raise KeyboardInterrupt
        session.interrupted = True

    try:
        before = signal.signal(signal.SIGINT, on_interrupt)
    except ValueError:          # not the main thread: whoever runs us sees to signals
        return lambda: None
    return lambda: void(signal.signal(signal.SIGINT, before))


def void(_: object) -> None:
    """Drop a result."""


def _overview(output: Output, rest: list[str], complain: Command) -> int:
    """``fsu --help``, ``fsu --version``, and what to say to ``fsu`` alone."""
    if "--version" in rest:
        from importlib.metadata import version

        output.write(f"fsu (rumpkernel) {version('rumpkernel')}\n".encode())
        output.flush()
        return 0
    lines = ["usage: fsu [-t TYPE] [-o OPTIONS] COMMAND [option ...] [operand ...]", ""]
    lines += ["An operand is a host path or IMAGE[@PARTITION]:/PATH.  Commands:", ""]
    lines += [f"  {name:10}{text}" for name, (_, text) in VERBS.items()]
    text = "\n".join(lines) + "\n"
    if "--help" not in rest:
        complain.say("no command given\n" + text.rstrip())
        return USAGE
    output.write(text.encode())
    output.flush()
    return 0


def _confess(command: Command, error: Exception, out: IO[bytes] | None) -> int:
    """What went wrong that no verb expected, in one line; status 1."""
    if os.environ.get("RUMP_DEBUG"):
        import traceback

        traceback.print_exc()
    if isinstance(error, OutputFailed):
        _abandon(out)
        command.say(f"write error: {reason(error.args[0])}")
    elif isinstance(error, OSError):
        command.say(reason(error))
    else:
        kind = type(error).__name__
        command.say(f"internal error: {kind}: {error} (set RUMP_DEBUG=1 in the environment to see where)")
    return FAILED


def _abandon(out: IO[bytes] | None) -> None:
    """Nothing more can be written: keep the interpreter from trying at its end."""
    if out is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tune() -> None:
    """For a process that ends when the command does: what lives now stays, and big tables of tuples are no garbage."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _leave(status: int) -> NoReturn:
    """End the process with all that must be done and nothing that need not: taking the modules apart costs 4 ms."""
    import atexit

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


if __name__ == "__main__":
    main()
