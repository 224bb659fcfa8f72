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
    from typing import IO, NoReturn, Protocol, TypeAlias

    Dispatch: TypeAlias = Callable[[list[str], Output, Command], int]

    class Verb(Protocol):
        """What the module of a verb exports."""

        __name__: str

        def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
        def run(self, command: Command, arguments: argparse.Namespace) -> int: ...


VERBS = {
    "batch": ("batch", "carry out a script of commands"),
    "cat": ("cat", "print files"),
    "chflags": ("chflags", "change file flags"),
    "chgrp": ("chgrp", "change groups"),
    "chmod": ("chmod", "change permissions"),
    "chown": ("chown", "change owners"),
    "completion": ("completion", "print the completion script of a shell"),
    "cp": ("cp", "copy files: out of images, into them, between them"),
    "df": ("df", "show how full file systems are"),
    "diff": ("diff", "compare files and trees, in images and on the host"),
    "du": ("du", "show how much space directories take"),
    "edit": ("edit", "edit files with $EDITOR"),
    "example": ("example", "write a small disk image to try things on"),
    "exec": ("exec", "run a command of the host on a copy of a file"),
    "find": ("find", "search for files"),
    "fsck": ("fsck", "check file systems, changing nothing"),
    "get": ("get", "copy out of images, as cp -a does"),
    "getfacl": ("getfacl", "show access control lists"),
    "getfattr": ("getfattr", "show extended attributes"),
    "grep": ("grep", "search for lines in files"),
    "head": ("head", "print the first lines of files"),
    "help": ("help", "show the manual page of a command"),
    "info": ("info", "tell what an image is and what is in it"),
    "ln": ("ln", "make links"),
    "ls": ("ls", "list directories"),
    "manual": ("manual", "print manual pages for man"),
    "mkdir": ("mkdir", "make directories"),
    "mkfifo": ("mkfifo", "make fifos"),
    "mkfs": ("mkfs", "make a file system: ext2-4, FAT, exFAT, ISO 9660"),
    "mkimage": ("mkimage", "make a whole disk image, with partitions and what is in them"),
    "mknod": ("mknod", "make device nodes"),
    "mount": ("mount", "mount an image for all programs of the host (Linux, FUSE)"),
    "mv": ("mv", "move files: inside images, out of them, into them"),
    "part": ("part", "list the partitions of a disk image"),
    "put": ("put", "copy into images, as cp -a does"),
    "readlink": ("readlink", "print where symbolic links lead"),
    "rm": ("rm", "remove files"),
    "rmdir": ("rmdir", "remove empty directories"),
    "serve": ("serve", "serve an image to browsers, WebDAV clients and 9P mounts"),
    "setfattr": ("setfattr", "set extended attributes"),
    "shell": ("shell", "work inside images interactively"),
    "stat": ("stat", "show all that is known of files"),
    "sum": ("sum", "print or check checksums"),
    "sync": ("sync", "bring file systems to a clean end"),
    "tail": ("tail", "print the last lines of files"),
    "tar": ("tar", "write files as a tar archive, or extract one"),
    "touch": ("touch", "set times, make empty files"),
    "tree": ("tree", "draw directories as trees"),
    "truncate": ("truncate", "set the size of files"),
    "umount": ("umount", "unmount what was mounted"),
    "write": ("write", "write standard input to a file"),
}
"""Verb -> the module in `rump.fsutils`, and what it does."""

COMPLETE = "__complete"         # what completion scripts call

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
    return run_program("fsu", _dispatch, arguments, out, errors)


def run_program(
    name: str, dispatch: Dispatch, arguments: Sequence[str] | None, out: IO[bytes] | None, errors: IO[bytes] | None
) -> int:
    """What `main` does, of a program with a grammar of its own: `dispatch` is given the arguments, the output and a
    `Command` to complain with, and returns the exit status."""
    if arguments is None:
        _tune()
        _leave(_carry_out(name, dispatch, sys.argv[1:], out, errors))
    return _carry_out(name, dispatch, list(arguments), out, errors)


def _carry_out(
    name: str, dispatch: Dispatch, given: list[str], out: IO[bytes] | None, errors: IO[bytes] | None
) -> int:
    output = Output(out or sys.stdout.buffer)
    complain = Command(name, Session(), output, errors or sys.stderr.buffer)
    try:
        return dispatch(given, output, complain)
    except OutputClosed:
        _abandon(out)
        return CLOSED
    except OutputFailed as error:
        _abandon(out)
        complain.say(f"write error: {reason(error.args[0])}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return explain(complain, error)


def _dispatch(given: list[str], output: Output, complain: Command) -> int:
    """Find the verb and run it."""
    from rump.fsutils.options import session_options, split

    name, rest = split(given)
    if name is None:
        return _overview(output, rest, complain)
    if name == COMPLETE:
        from rump.fsutils.completing.callback import complete

        return complete(rest, output)
    if name not in VERBS:
        from rump.fsutils.hints import unknown_command

        raise unknown_command(name, VERBS)
    complain.program = f"fsu {name}"
    module = load(name)
    try:
        parsed = parse(name, module, rest)
    except SystemExit:
        return 0                # --help
    if getattr(parsed, "host", None) is not None:
        from rump.fsutils.elsewhere import carry_out

        return carry_out(name, rest, parsed, complain)
    return run(module, Command(complain.program, Session(session_options(parsed)), output, complain.errors), parsed)


def load(verb: str) -> Verb:
    """The module of a verb."""
    from importlib import import_module

    module: Verb = import_module(f"rump.fsutils.{VERBS[verb][0]}")
    return module


def parse(verb: str, module: Verb, words: list[str]) -> argparse.Namespace:
    """What the words behind a verb say.  Errors: UsageError; SystemExit - they asked for help, and got it."""
    return reader(verb, module)(words)


def reader(verb: str, module: Verb) -> Callable[[list[str]], argparse.Namespace]:
    """What reads the words behind a verb, as often as needed."""
    own: Callable[[list[str]], argparse.Namespace] | None = getattr(module, "parse", None)
    if own is not None:
        return own
    from rump.fsutils.options import make_parser

    parser = make_parser(verb, getattr(module, "OPERANDS", "operand ..."), module.__doc__ or "")
    module.add_arguments(parser)
    return parser.parse_intermixed_args


def run(module: Verb, command: Command, parsed: argparse.Namespace) -> int:
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


def _catch_interrupts(session: Session) -> Callable[[], None]:
    """Make SIGINT set the session's flag; undo it with the result.

    When it comes again it interrupts at once, unless an image is being written to: that is brought to a good end.
    """
    # The module `signal` makes enumerations of the numbers, and takes a tenth of a small command's time for it.
    from _signal import SIGINT, signal  # type: ignore[import-not-found]

    def on_interrupt(number: int, frame: object) -> None:
        if session.interrupted and not session.writes:
            raise KeyboardInterrupt
        session.interrupted = True

    try:
        before = signal(SIGINT, on_interrupt)
    except ValueError:          # not the main thread: whoever runs us sees to signals
        return lambda: None
    return lambda: void(signal(SIGINT, before))


def void(_: object) -> None:
    """Drop a result."""


def _overview(output: Output, rest: list[str], complain: Command) -> int:
    """``fsu --help``, ``fsu --version``, and what to say to ``fsu`` alone."""
    if "--version" in rest:
        from rump.fsutils.manual import version

        output.write(f"fsu (rumpkernel) {version() or 'not installed'}\n".encode())
        output.flush()
        return 0
    lines = ["usage: fsu [-t TYPE] [-o OPTIONS] COMMAND [option ...] [operand ...]", ""]
    lines += ["An operand is a host path or IMAGE[@PARTITION]:/PATH.  Commands:", ""]
    lines += [f"  {name:12}{text}" for name, (_, text) in VERBS.items()]
    text = "\n".join(lines) + "\n"
    if "--help" not in rest:
        complain.say("no command given\n" + text.rstrip())
        return USAGE
    output.write(text.encode())
    output.flush()
    return 0


def explain(command: Command, error: Exception) -> int:
    """Say what ended a command: a line that makes no sense, or what went wrong that no verb expected.  The status."""
    if isinstance(error, UsageError):
        command.say(f"{reason(error)}\nTry '{command.program} --help'.")
        return USAGE
    if os.environ.get("RUMP_DEBUG"):
        import traceback

        traceback.print_exc()
    if isinstance(error, OSError):
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
