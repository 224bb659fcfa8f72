# SPDX-License-Identifier: BSD-2-Clause
"""Copy files: out of images, into them, from one to another, inside one; on the host, too.

A directory that is there gets the copies; so does a copy of `IMAGE:/` or of a path that ends in `/.`, whose contents go
straight into it, as do the attributes of the directory itself with -a.  What is in the way is replaced, symbolic links
in the target too; nothing is written through them.  - is standard input, or output.  Files that come into an image
belong to root unless owners are kept or given.  With SOURCE_DATE_EPOCH in the environment times are made reproducible,
and so is the image.
"""

from __future__ import annotations

import sys
from time import time_ns

from rump.fsutils.copy.changes import add_options as add_change_options
from rump.fsutils.copy.changes import read_options
from rump.fsutils.copy.options import (
    ALWAYS,
    COMMAND_LINE,
    KEEP_HOLES,
    MAKE_HOLES,
    NEVER,
    NO_CLOBBER,
    NO_HOLES,
    OVERWRITE,
    UPDATE,
    Keep,
    Rules,
)
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, make_parser, with_defaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand

OPERANDS = "SOURCE ... TARGET"

_WORDS = ("mode", "ownership", "timestamps", "links", "xattr", "context", "all")
_USUAL = ("mode", "ownership", "timestamps")
_SPARSE = {"auto": KEEP_HOLES, "always": MAKE_HOLES, "never": NO_HOLES}

RELATED = ("get", "put", "mv", "tar")
EXAMPLES = """\
fsu cp disk.img@2:/etc/fstab .
    Copy a file out.

fsu cp -aR --owner 0:0 ./rootfs/. x.img:/
    Fill an image with what is in a directory; all of it belongs to root.

fsu cp -a x.img:/etc y.img@2:/backup/
    Copy from one image to another.

hostname | fsu cp - x.img:/etc/hostname
    Write what another program prints.
"""


def _attributes(text: str) -> tuple[str, ...]:
    """The words of --preserve=mode,xattr."""
    words = tuple(text.split(","))
    for word in words:
        if word not in _WORDS:
            raise UsageError(f"--preserve: unknown attribute {word!r}; there are {', '.join(_WORDS)}")
    return words


def _keep(text: str) -> tuple[str, tuple[str, ...]]:
    return "+", _attributes(text)


def _drop(text: str) -> tuple[str, tuple[str, ...]]:
    return "-", _attributes(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of cp."""
    add = parser.add_argument
    add("-R", "-r", "--recursive", dest="recursive", action="store_true", help="directories with all that is in them")
    add("-a", "--archive", action="store_true", help="keep everything: -dR --preserve=all")
    add("-P", "--no-dereference", dest="follow", action="store_const", const=NEVER,
        help="copy symbolic links as links (with -R, unless -H or -L)")  # fmt: skip
    add("-H", dest="follow", action="store_const", const=COMMAND_LINE, help="follow those among the operands")
    add("-L", "--dereference", dest="follow", action="store_const", const=ALWAYS, help="follow them all")
    add("-d", dest="no_links", action="store_true", help="-P --preserve=links")
    add("-p", dest="keep", action="append_const", const=("+", _USUAL), help="--preserve=mode,ownership,timestamps")
    add("--preserve", dest="keep", action="append", type=_keep, metavar="LIST",
        help=f"keep these: {', '.join(_WORDS)}")  # fmt: skip
    add("--no-preserve", dest="keep", action="append", type=_drop, metavar="LIST", help="do not keep these")
    add("--xattrs", dest="keep", action="append_const", const=("+", ("xattr",)), help="--preserve=xattr")
    add("--sparse", choices=tuple(_SPARSE), default="auto",
        help="holes: as they are, also for blocks of zeros, or none")  # fmt: skip
    add("-f", "--remove-destination", action="store_true", help="accepted; what is in the way is always replaced")
    add("-i", "--interactive", action="store_true", help="ask before anything is replaced")
    add("-n", "--no-clobber", action="store_true", help="leave alone what is there")
    add("-u", "--update", action="store_true", help="replace only what is older")
    add("-x", "--one-file-system", action="store_true", help="leave out what is mounted below")
    add("-v", "--verbose", action="store_true", help="print what is copied")
    add("-t", "--target-directory", metavar="DIR", help="copy all operands into DIR")
    add("-T", "--no-target-directory", action="store_true", help="TARGET is the copy itself, not where it goes")
    add("--progress", action="store_true", help="show how far it is, on a terminal")
    add("operands", nargs="*", help="what to copy, and where")
    add_change_options(parser)
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; ``--preserve`` has a value only behind ``=``."""
    parser = make_parser("cp", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_defaults(arguments, {"--preserve": ",".join(_USUAL)}))


def make_keep(arguments: argparse.Namespace) -> Keep:
    """What is to be kept, as the options say in their order."""
    wanted = set(_WORDS) if arguments.archive else set()
    if arguments.no_links:
        wanted.add("links")
    strict = False
    for sign, words in arguments.keep or ():
        named = set(_WORDS) if "all" in words else set(words)
        wanted = wanted | named if sign == "+" else wanted - named
        strict = (sign == "+" and "xattr" in words) or (strict and "xattr" in wanted)
    return Keep(
        mode="mode" in wanted, owner="ownership" in wanted, times="timestamps" in wanted, links="links" in wanted,
        xattrs="xattr" in wanted, strict=strict, sparse=_SPARSE[arguments.sparse],
    )  # fmt: skip


def make_rules(arguments: argparse.Namespace) -> Rules:
    """How to go about it.  Without -R links are followed: they can only be operands."""
    recursive = arguments.recursive or arguments.archive
    follow = arguments.follow
    if follow is None:
        follow = NEVER if recursive or arguments.no_links else COMMAND_LINE
    existing = NO_CLOBBER if arguments.no_clobber else UPDATE if arguments.update else OVERWRITE
    return Rules(recursive=recursive, follow=follow, existing=existing, one_volume=arguments.one_file_system)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Copy."""
    operands, target = split_operands(arguments, "copy")
    from rump.fsutils.copy.run import Copying

    copying = Copying(command, target, make_keep(arguments), make_rules(arguments))
    copying.verbose = arguments.verbose
    if arguments.interactive:
        from rump.fsutils.asking import overwriting

        copying.rules.agree = overwriting(command)
    copying.changes = changes = read_options(arguments, time_ns())
    changes.applied_to(copying.keep)
    if target.image is not None:
        from rump.fsutils.tracing import source_date_epoch

        changes.epoch = source_date_epoch()
    if arguments.progress and sys.stderr.isatty():
        from rump.fsutils.copy.progress import Progress

        copying.progress = Progress(sys.stderr)
    copying.copy(operands, into=arguments.target_directory is not None, exactly=arguments.no_target_directory)
    return 0


def split_operands(arguments: argparse.Namespace, verb: str) -> tuple[list[Operand], Operand]:
    """What is to go, and where: -t, or the last operand.  Errors: UsageError."""
    operands = [parse_operand(text, image_by_default=False) for text in arguments.operands]
    if arguments.target_directory is not None:
        target = parse_operand(arguments.target_directory, image_by_default=False)
    elif len(operands) < 2:
        raise UsageError(f"{verb} what?" if not operands else f"{operands[0].text}: where to?")
    else:
        target = operands.pop()
    if not operands:
        raise UsageError(f"{verb} what?")
    if arguments.no_target_directory and (len(operands) > 1 or arguments.target_directory is not None):
        raise UsageError("-T takes one operand and its target")
    return operands, target
