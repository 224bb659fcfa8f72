# SPDX-License-Identifier: BSD-2-Clause
"""What ``fsu get`` and ``fsu put`` share: a copy of everything with few options."""

from __future__ import annotations

import sys
from time import time_ns

from rump.fsutils.copy.options import ALWAYS, NEVER, NO_CLOBBER, OVERWRITE, UPDATE, Rules, archive

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options they share."""
    add = parser.add_argument
    add("-L", "--dereference", action="store_true", help="what symbolic links lead to")
    add("-n", "--no-clobber", action="store_true", help="leave alone what is there")
    add("-u", "--update", action="store_true", help="replace only what is older")
    add("-v", "--verbose", action="store_true", help="print what is copied")
    add("--progress", action="store_true", help="show how far it is, on a terminal")


def copy(command: Command, arguments: argparse.Namespace, operands: list[Operand], target: Operand) -> int:
    """Copy; the exit status."""
    from rump.fsutils.copy.run import Copying

    existing = NO_CLOBBER if arguments.no_clobber else UPDATE if arguments.update else OVERWRITE
    rules = Rules(recursive=True, follow=ALWAYS if arguments.dereference else NEVER, existing=existing)
    copying = Copying(command, target, archive(), rules)
    copying.verbose = arguments.verbose
    if target.image is not None:
        from rump.fsutils.copy.changes import read_options
        from rump.fsutils.tracing import source_date_epoch

        copying.changes = changes = read_options(arguments, time_ns())
        changes.applied_to(copying.keep)
        changes.epoch = source_date_epoch()
    if arguments.progress and sys.stderr.isatty():
        from rump.fsutils.copy.progress import Progress

        copying.progress = Progress(sys.stderr)
    copying.copy(operands, into=False, exactly=False)
    return command.status
