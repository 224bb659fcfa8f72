# SPDX-License-Identifier: BSD-2-Clause
"""Pages of the original's programs: from the tables by which they read their command lines."""

from __future__ import annotations

from rump.fsutils.original.main import PREFIX
from rump.fsutils.original.programs import PROGRAMS
from rump.fsutils.paging.document import BOLD, ITALIC, PLAIN, STATUS, Block, Page, paragraphs, see_also

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.fsutils.original.flags import Flag
    from rump.fsutils.original.translation import Program
    from rump.fsutils.paging.document import Spans

_DESCRIPTION = """\
{text}  It does what ``fsu {verb}`` does, with the command line of the programs of NetBSD's fs-utils: first what is to
be mounted, and how; then the command's own options and operands.  Paths are paths inside the image, from its root.
{mounted}"""
_READS = "The image is mounted read-only."
_WRITES = "The image is unmounted clean, with everything on stable storage, when the program ends."

_MOUNTING = (
    ("fsdevice", "", "The image or block device.  ``disk.img@2`` and ``disk.img%DISKLABEL:a%`` are partitions of one; "
     "a name of ~/.fsurc stands for what is written there.  Left out where FSU_DEVICE is set."),
    ("-f", "fsdevice", "An image that is no alias, whatever ~/.fsurc says."),
    ("-o", "mntopts", "Options of mounting, with commas between them: ro, and those of the file system's driver."),
    ("-s", "specopts", "The same in letters, as the command that mounts this type has them."),
    ("-t", "fstype", "The file system's type, which is found out otherwise."),
    ("-v", "", "Show which types are tried; twice: and which do not fit."),
)  # fmt: skip
_LONG = "A word that begins with two dashes is an option of ``fsu {verb}``."
_ENVIRONMENT = (
    ("FSU_DEVICE", "Stands for fsdevice."),
    ("FSU_MNTOPTS", "Stands for the value of -o."),
    ("FSU_TYPE", "Stands for the value of -t."),
)
_FILES = (
    ("~/.fsurc", "Aliases, one a line: name:path:type[:mntopts].  # begins a comment, ~/ is the home directory."),
)


def names() -> list[str]:
    """All programs, "fsu_ls" and so on."""
    return [PREFIX + name for name in PROGRAMS]


def page_of_program(name: str) -> Page:
    """The page of "fsu_ls" and the like."""
    program = PROGRAMS[name.removeprefix(PREFIX)]
    page = Page(name, program.text[0].lower() + program.text[1:].rstrip("."))
    page.add("SYNOPSIS", [Block("paragraph", _synopsis(name, program))])
    mounted = _WRITES if program.writes else _READS
    page.add("DESCRIPTION", paragraphs(_DESCRIPTION.format(text=program.text, verb=program.verb, mounted=mounted)))
    page.add("MOUNTING", [_item(*each) for each in _MOUNTING])
    options = [_item(f"-{letter}", value, text) for letter, value, _, text in program.flags]
    page.add("OPTIONS", [*options, *paragraphs(_LONG.format(verb=program.verb))])
    page.add("ENVIRONMENT", [_item(variable, "", text) for variable, text in _ENVIRONMENT])
    page.add("FILES", [_item(path, "", text) for path, text in _FILES])
    page.add("EXIT STATUS", paragraphs(STATUS))
    page.add("SEE ALSO", [see_also(["fsu", f"fsu-{program.verb}"])])
    return page


def _synopsis(name: str, program: Program) -> Spans:
    spans: Spans = [(BOLD, name)]
    for option, value in (("-o", "mntopts"), ("-s", "specopts"), ("-t", "fstype")):
        spans += [(PLAIN, " ["), (BOLD, option), (PLAIN, " "), (ITALIC, value), (PLAIN, "]")]
    spans += [(PLAIN, " ["), (BOLD, "-v"), (PLAIN, "] {"), (ITALIC, "fsdevice"), (PLAIN, " | "), (BOLD, "-f")]
    spans += [(PLAIN, " "), (ITALIC, "fsdevice"), (PLAIN, "}"), *_own(program.flags)]
    return [*spans, (PLAIN, f" {program.operands}")]


def _own(flags: tuple[Flag, ...]) -> Iterator[tuple[str, str]]:
    """The program's own options: letters without a value together."""
    if letters := "".join(letter for letter, value, _, _ in flags if not value):
        yield from ((PLAIN, " ["), (BOLD, f"-{letters}"), (PLAIN, "]"))
    for letter, value, _, _ in flags:
        if value:
            yield from ((PLAIN, " ["), (BOLD, f"-{letter}"), (PLAIN, " "), (ITALIC, value), (PLAIN, "]"))


def _item(name: str, value: str, text: str) -> Block:
    """What a word means."""
    return Block("item", [(BOLD, name), *([(PLAIN, " "), (ITALIC, value)] if value else [])], text.replace("``", ""))
