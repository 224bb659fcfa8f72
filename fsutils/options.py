# SPDX-License-Identifier: BSD-2-Clause
"""The command line: what all verbs have in common."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.reader import HIDDEN, Reader
from rump.fsutils.session import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.parser import Parser

_SHORT = {"-t": "--fs-type", "-o": "--fs-options"}


def make_parser(verb: str, operands: str, description: str) -> Parser:
    """A verb's parser with the options that all verbs have."""
    def complete() -> Parser:
        from rump.fsutils.parser import Formatter, Parser

        return Parser(
            prog=f"fsu {verb}",
            usage=f"fsu {verb} [option ...] {operands}",
            description=description,
            formatter_class=Formatter,
            add_help=False,
            allow_abbrev=False,
        )

    parser: Parser = Reader(complete)  # type: ignore[assignment]   # it does what that does, sooner
    common = parser.add_argument_group("all commands")
    common.add_argument("--help", action="help", help="show this and end")
    common.add_argument("--fs-type", metavar="TYPE", help="the file system's type, found out otherwise [fsu -t TYPE]")
    common.add_argument("--fs-options", metavar="LIST", action="append", default=[],
                        help="options for its driver: NAME[=VALUE],... [fsu -o LIST]")  # fmt: skip
    common.add_argument("--trace", metavar="FILE", help="show every call to the host: --trace or --trace=FILE")
    common.add_argument("--record", metavar="FILE", help="record the run so that it can be replayed")
    common.add_argument("--host", metavar="MACHINE",
                        help="run on a machine with no operating system: metal, xen [fsu --host MACHINE]")  # fmt: skip
    common.add_argument("--no-glob", dest="glob", action="store_false",
                        help="* ? [ in paths inside images are what they are, no patterns")  # fmt: skip
    common.add_argument("--isolate", action="store_true", default=None,
                        help="run the file systems' drivers in confined processes of their own")  # fmt: skip
    common.add_argument("--no-isolate", dest="isolate", action="store_false",
                        help="run them in this one, as most commands do anyway")  # fmt: skip
    common.add_argument("--marshal", action="store_true", help=HIDDEN)
    return parser


def add_writing_options(parser: argparse.ArgumentParser) -> None:
    """The options of all verbs that write to images."""
    group = parser.add_argument_group("images that are written to")
    add = group.add_argument
    add("--force", dest="force_image", action="store_true",
        help="write although another program uses the image, or more is to be copied than there is room for")
    add("--no-sync", dest="sync", action="store_false",
        help="do not wait for the disk; if the host crashes now the image may be lost")
    add("--discard", action="store_true", help="give blocks that become free back to the host")
    add("--no-mmp-wait", dest="mmp_wait", action="store_false",
        help="do not wait to see whether another machine uses it (multiple mount protection)")  # fmt: skip


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The verb, and the arguments for its parser: options before the verb go behind it under their long names."""
    common: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        option = rest.pop(0)
        if option[:2] in _SHORT:
            common.append(_SHORT[option[:2]])
            if option[2:]:
                common.append(option[2:])
                continue
            option = ""
        else:
            common.append(option)
        if option in ("", "--fs-type", "--fs-options", "--record", "--host"):
            if not rest:
                raise UsageError(f"option {common[-1]} needs a value")
            value = rest.pop(0)
            if option == "--host":
                common[-1] += f"={value}"       # tar takes its first bare word for letters
            else:
                common.append(value)
    if not rest:
        return None, common
    return rest[0], _explicit(common) + _explicit(rest[1:])


def _explicit(arguments: list[str]) -> list[str]:
    """``--trace`` alone takes no value; for argparse it has an empty one."""
    return with_defaults(arguments, {"--trace": ""})


def with_defaults(arguments: list[str], values: dict[str, str]) -> list[str]:
    """The same words, with these values joined to options that stand alone: what follows them is not theirs.

    >>> with_defaults(["--color", "x", "--color=never", "--", "--color"], {"--color": "always"})
    ['--color=always', 'x', '--color=never', '--', '--color']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [f"{word}={values[word]}" if word in values else word for word in arguments[:end]] + arguments[end:]


def with_values(arguments: list[str], options: tuple[str, ...]) -> list[str]:
    """The same words, with the values of these options joined to them: they may begin with a dash.

    >>> with_values(["-n", "-5", "x", "--", "-n", "-3"], ("-n", "--lines"))
    ['-n-5', 'x', '--', '-n', '-3']
    """
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        words.append(word)
        if word == "--":
            break
        if word in options and (value := next(rest, None)) is not None:
            words[-1:] = [word, value] if value[:1] != "-" else [f"{word}={value}" if word[1] == "-" else word + value]
    return [*words, *rest]


_OF_THE_SESSION: tuple[tuple[str, str, object], ...] = (
    ("-t", "fs_type", None), ("-o", "fs_options", []), ("--trace", "trace", None), ("--record", "record", None),
    ("--host", "host", None), ("--isolate", "isolate", None),
    ("--marshal", "marshal", False), ("--no-glob", "glob", True), ("--force", "force_image", False),
    ("--no-sync", "sync", True), ("--discard", "discard", False), ("--no-mmp-wait", "mmp_wait", True),
)  # fmt: skip


def of_the_session(parsed: argparse.Namespace) -> list[str]:
    """Which options were given that say how images are reached, rather than what is done with them."""
    return [option for option, name, usual in _OF_THE_SESSION if getattr(parsed, name, usual) != usual]


def isolate_if_possible(parser: argparse.ArgumentParser) -> None:
    """For verbs that serve an image for long: drivers are isolated where the host can, unless told otherwise."""
    parser.set_defaults(isolates=None)


def _isolation(parsed: argparse.Namespace) -> bool | None:
    """Whether drivers are isolated (None: where the host can): as the command line says, else FSU_ISOLATE in the
    environment, else as is usual for the verb."""
    if parsed.isolate is not None:
        return bool(parsed.isolate)
    said = os.environ.get("FSU_ISOLATE", "")
    usual: bool | None = getattr(parsed, "isolates", False)
    return said != "0" if said else usual


def session_options(parsed: argparse.Namespace) -> Options:
    """What the options common to all verbs say."""
    mount: dict[str, str] = {}
    for item in ",".join(parsed.fs_options).split(","):
        name, _, value = item.partition("=")
        if name not in ("", "ro", "rw"):
            mount[name] = value
    written = {} if getattr(parsed, "mmp_wait", True) else {"nommpwait": ""}
    if getattr(parsed, "discard", False):
        written["discard"] = ""
    return Options(
        file_system=parsed.fs_type, mount=mount, trace=parsed.trace, record=parsed.record, marshal=parsed.marshal,
        read_only="ro" in ",".join(parsed.fs_options).split(","), written=written,
        force=getattr(parsed, "force_image", False), sync=getattr(parsed, "sync", True),
        glob=parsed.glob, isolate=_isolation(parsed),
    )  # fmt: skip
