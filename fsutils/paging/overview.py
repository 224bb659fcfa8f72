# SPDX-License-Identifier: BSD-2-Clause
"""The page of fsu itself: what all commands have in common."""

from __future__ import annotations

from rump.fsutils.main import VERBS
from rump.fsutils.paging.document import BOLD, ITALIC, PLAIN, STATUS, Block, Page, examples, paragraphs, see_also

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIPTION = """\
fsu does what the Unix file commands do with what is inside disk images: file systems in files, and in the partitions
of whole disks.  Nothing is mounted on the host, and no privileges are needed.

Each command has a manual page of its own, `man fsu-ls` for ``fsu ls``; ``fsu help ls`` shows it, too, and
``fsu ls --help`` lists the options.  They are those that Linux and the BSDs have for the command of the same name."""

_OPERANDS = """\
An operand is a host path, or ``IMAGE[@PARTITION]:/PATH``.  It is split at the first ``:/`` behind the longest host
path that exists, so that images may have colons in their names; a host file of exactly that name wins.  ``host:`` and
``image:`` in front say which is meant where it could be both.  IMAGE alone is its root.  ``*``, ``?`` and ``[`` in
the path are patterns, which the command itself expands inside the image; they have to be quoted for the shell, and
``--no-glob`` makes them mean themselves.

PARTITION is a number, a BSD letter (``a``, or ``2a`` inside of the second partition), the name in the partition table,
the label or the UUID of the partition or of its file system, or a type (``efi``, ``linux``, ``swap``, ``0x83``, a
GUID); ``number=``, ``name=``, ``label=``, ``uuid=`` and ``type=`` in front ask for one of these only.  A disk with but
one file system needs none."""

_SAFETY = """\
Images are opened read-only, but for those that a command writes to.  Those are refused while another program uses
them, and unmounted clean, with everything on stable storage, when the command ends: after an error and after ^C, too.
Inside images one is root, whoever one is outside."""

_OPTIONS = (
    ("-t", "TYPE", "The file system's type, which is found out otherwise."),
    ("-o", "NAME[=VALUE],...", "Options for its driver; ro keeps anything from being written."),
    ("--version", "", "Print the version."),
    ("--help", "", "List the commands."),
)

_ENVIRONMENT = (
    ("SOURCE_DATE_EPOCH", "Seconds since 1970.  The same commands on the same files then make the same image, byte for "
     "byte: it is the time in the image, and all that is drawn at random depends on it alone."),
    ("TZ", "The time zone in which times are shown and read."),
    ("LS_COLORS", "The colours of ls."),
    ("PAGER, EDITOR, SHELL", "Programs of the host that commands start."),
    ("XDG_STATE_HOME", "Where fsu shell keeps its history, in fsu/history."),
    ("RUMP_DEBUG", "If set, an internal error shows where it came up."),
    ("RUMP_NATIVE", "If 0, compiled pieces are not used."),
)  # fmt: skip

_EXAMPLES = """\
fsu info disk.img
    What it is, and what is in it.

fsu ls -l disk.img@2:/etc
    List a directory in the second partition.

fsu cp -a disk.img@rootfs:/home ./home
    Copy a tree out of the partition of that name, with all it has.

fsu mkfs -t ext4 x.img 1G
fsu cp -aR --owner 0:0 ./rootfs/. x.img:/
    Make an image and fill it.

fsu shell disk.img@2
    Look around."""


def overview() -> Page:
    """The page."""
    page = Page("fsu", "the Unix file commands on what is inside disk images")
    page.add("SYNOPSIS", [Block("paragraph", [
        (BOLD, "fsu"), (PLAIN, " ["), (BOLD, "-t"), (PLAIN, " "), (ITALIC, "TYPE"), (PLAIN, "] ["), (BOLD, "-o"),
        (PLAIN, " "), (ITALIC, "OPTIONS"), (PLAIN, "] "), (ITALIC, "COMMAND"), (PLAIN, " [option ...] [operand ...]"),
    ])])  # fmt: skip
    page.add("DESCRIPTION", paragraphs(_DESCRIPTION))
    page.add("COMMANDS", [Block("item", [(BOLD, name)], text) for name, (_, text) in VERBS.items()])
    page.add("OPERANDS", paragraphs(_OPERANDS))
    page.add("OPTIONS", _options())
    page.add("WHAT IS WRITTEN", paragraphs(_SAFETY))
    page.add("ENVIRONMENT", [Block("item", [(BOLD, name)], text) for name, text in _ENVIRONMENT])
    page.add("EXIT STATUS", paragraphs(STATUS))
    page.add("EXAMPLES", examples(_EXAMPLES))
    page.add("SEE ALSO", [see_also([f"fsu-{name}" for name in VERBS])])
    return page


def _options() -> Iterator[Block]:
    for name, value, text in _OPTIONS:
        yield Block("item", [(BOLD, name), *([(PLAIN, " "), (ITALIC, value)] if value else [])], text)
