# SPDX-License-Identifier: BSD-2-Clause
"""Make a file system in an image, or in a partition of one; with SIZE create or grow the image.

Each type has options of its own, under the names that its usual tool has for them: `fsu mkfs -t vfat --help` tells
those of FAT.  What is there already is not overwritten without --force.  With SOURCE_DATE_EPOCH in the environment the
outcome is reproducible: it gives all times, and UUIDs and numbers are derived from it and the label unless they are
given.

-d fills it, as `fsu cp -aR TREE/. IMAGE:/` would.  With SIZE auto it becomes as small as can be.  An ISO 9660 needs no
SIZE.
"""

from __future__ import annotations

from rump.fsutils.errors import ImageError, UsageError
from rump.fsutils.making import KINDS, USUAL, maker_of
from rump.fsutils.making.common import add_options
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import make_parser
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.parser import Parser

OPERANDS = "[-t TYPE] IMAGE[@PARTITION] [SIZE]"
RELATED = ("mkimage", "fsck")
EXAMPLES = """\
fsu mkfs -t ext4 -L root x.img 1G
    Make an ext4 in a new file.

fsu mkfs -t vfat -d esp disk.img@1
    Make a FAT in the first partition and fill it from a directory.

fsu mkfs -t ext4 -d rootfs.tar root.img auto
    Make an image as small as can be of an archive.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all types have."""
    add_options(parser)


def parser_of(kind: str | None) -> Parser:
    """The parser for a type; None: for all, with what they share."""
    parser = make_parser("mkfs", OPERANDS, __doc__ or "")
    add_options(parser)
    if kind is not None:
        known = maker_of(kind)
        known.add_arguments(parser.add_argument_group(known.title) if known.title else parser)
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; the type decides which options there are.  Errors: UsageError; SystemExit - of --help."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = ["--mbr=y" if word == "--mbr" and index < end else word for index, word in enumerate(arguments)]
    kind = _kind(words[:end])
    if "--help" in words[:end]:
        parser_of(kind).parse_args(["--help"])
    parsed = parser_of(kind or USUAL).parse_intermixed_args(words)
    said = parsed.type or parsed.fs_type or USUAL
    if KINDS.get(said) != KINDS.get(kind or USUAL):
        parsed = parser_of(said).parse_intermixed_args(words)       # -t stood among other letters
    parsed.type = said
    return parsed


def _kind(words: list[str]) -> str | None:
    """The type that a command line names, if it is plain to see."""
    found = None
    for index, word in enumerate(words):
        if word in ("--type", "--fs-type"):
            found = words[index + 1] if index + 1 < len(words) else None
        elif word.startswith(("--type=", "--fs-type=")):
            found = word.partition("=")[2]
        elif word.startswith("-") and word[1:].lstrip("q").startswith("t"):
            joined = word[1:].lstrip("q")[1:]           # -tTYPE, -qt TYPE
            found = joined or (words[index + 1] if index + 1 < len(words) else None)
    return found


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make the file system."""
    from rump.fsutils.making.recipe import Recipe

    recipe = Recipe(arguments.type, arguments)
    operand = parse_operand(arguments.image, image_by_default=True)
    if operand.image is None or operand.path != b"/":
        raise UsageError(f"{arguments.image}: a file system is made in an IMAGE[@PARTITION]")
    try:
        from rump.fsutils.making.target import Target

        target = Target(command.session, operand.image, operand.partition)
        if target.exists and getattr(arguments, "creates", False):
            raise ImageError("is there already; -C makes a new file", e.EEXIST)
        if not arguments.force:
            target.refuse_to_overwrite()
        made = recipe.attempt(command, target) if arguments.dry_run else recipe.make(command, target, operand)
    except OSError as error:
        command.fail(operand, error)
        return command.status
    finally:
        recipe.close()
    if made is not None and not arguments.quiet:
        _say(command, f"{'Would make' if arguments.dry_run else 'Made'} {recipe.maker.summary(made)}")
    return command.status


def _say(command: Command, text: str) -> None:
    from textwrap import fill

    command.out.write(fill(text, 78, break_long_words=False, break_on_hyphens=False).encode() + b"\n")
