# SPDX-License-Identifier: BSD-2-Clause
"""``fsu_ls``, ``fsu_cat`` ...: finds out by which name it was called, and has the verb do the work."""

from __future__ import annotations

import os
import sys

from rump.fsutils.command import Command
from rump.fsutils.errors import UsageError
from rump.fsutils.original.programs import PROGRAMS
from rump.fsutils.original.translation import Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import IO

    from rump.fsutils.command import Output
    from rump.fsutils.main import Verb
    from rump.fsutils.original.grammar import Request
    from rump.fsutils.original.translation import Program
    from rump.fsutils.session import Session

PREFIX = "fsu_"
FAILED = 1


def main(
    arguments: Sequence[str] | None = None, out: IO[bytes] | None = None, errors: IO[bytes] | None = None,
    *, name: str | None = None,
) -> int:  # fmt: skip
    """Carry out the command line of the program `name`; as `rump.fsutils.main.main`.

    Without a name it is that by which the process was started.
    """
    from rump.fsutils.main import run_program

    name = os.path.basename(sys.argv[0]) if name is None else name

    def dispatch(given: list[str], output: Output, complain: Command) -> int:
        return _dispatch(name, given, output, complain)

    return run_program(name, dispatch, arguments, out, errors)


def _dispatch(name: str, given: list[str], output: Output, complain: Command) -> int:
    """Translate a command line and run the verb."""
    from rump.fsutils import main as fsu
    from rump.fsutils.options import session_options
    from rump.fsutils.original import flags, grammar, mount_options
    from rump.fsutils.session import Session

    program = PROGRAMS.get(name.removeprefix(PREFIX).removesuffix(".exe"))
    if program is None:
        raise UsageError(f"{name}: there is no such program; there are {', '.join(PREFIX + each for each in PROGRAMS)}")
    if given[:1] == ["--help"]:
        output.write(usage(name, program).encode())
        output.flush()
        return 0
    request = grammar.parse(given, os.environ)
    own = flags.read(request.rest, program.flags, program.stop)
    words = program.translate(program, own, Device(request.device))
    verb = program.verb_for(own)
    module = fsu.load(verb)
    options = session_options(parsed := fsu.parse(verb, module, words))
    options.file_system = options.file_system or request.type
    options.read_only = options.read_only or mount_options.read_only(request.options)
    options.glob = False
    mounted = Mounted(module, program, request)
    return fsu.run(mounted, Command(name, Session(options), output, complain.errors), parsed)


class Mounted:
    """A verb whose image is mounted first: what is wrong with that is said once, of the image."""

    def __init__(self, module: Verb, program: Program, request: Request) -> None:
        self.__name__ = module.__name__
        self._module = module
        self._program = program
        self._request = request

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The verb's."""
        self._module.add_arguments(parser)

    def run(self, command: Command, arguments: argparse.Namespace) -> int:
        """Mount, and have the verb run."""
        request, session = self._request, command.session
        if self._program.writes:
            session.writes_to(request.device)
        try:
            self._settle(session, command)
            session.resolve(request.device)
        except OSError as error:
            command.fail(request.device, error)
            return FAILED
        return self._module.run(command, arguments)

    def _settle(self, session: Session, command: Command) -> None:
        """Find out the type where that is asked for, or where mount options depend on it.  Errors: OSError."""
        from rump.fsutils.original.mount_options import translate

        request, options = self._request, session.options
        if not (request.verbose or request.special or any(request.options)):
            return
        device = session.volume(request.device)
        if options.file_system is not None:
            driver: str | None = session.kernel.drivers.filesystem(options.file_system, None).name
        else:
            driver = self._probe(session, device, command)
        if driver is not None:
            options.mount |= translate(driver, request.options, request.special)

    def _probe(self, session: Session, device: bytes, command: Command) -> str | None:
        """Which driver knows what is on a device, saying which were asked if people want to know."""
        from rump.kernel.component import BUILT_IN

        found = session.kernel.probe(device)
        name = None if found is None else found[0].name
        for tried in BUILT_IN if self._request.verbose else ():
            if not session.kernel.drivers.filesystem(tried, None).needs_device:
                continue
            command.say(f"Trying with fs {tried}")
            if tried == name:
                break
            if self._request.verbose > 1:
                command.say(f"{self._request.device.text} is not a valid {tried} image")
        return name


def usage(name: str, program: Program) -> str:
    """What --help says."""
    from rump.fsutils.original.grammar import USAGE

    letters = "".join(letter for letter, value, _, _ in program.flags if not value)
    valued = "".join(f" [-{letter} {value}]" for letter, value, _, _ in program.flags if value)
    own = (f" [-{letters}]" if letters else "") + valued
    lines = [f"usage: {name} {USAGE}{own} {program.operands}", "", program.text, ""]
    lines += [f"  -{letter + ' ' + value:12} {text}" for letter, value, _, text in program.flags]
    lines += [
        "",
        "Before the image: -o and -s are options of mounting, as names and as letters; -t is the file system's type;",
        "-f names an image that is no alias of ~/.fsurc; -v shows which types are tried.  FSU_DEVICE, FSU_TYPE and",
        "FSU_MNTOPTS in the environment stand for the image, -t and -o.  A word that begins with two dashes is an",
        f"option of fsu {program.verb}.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
