# SPDX-License-Identifier: BSD-2-Clause
"""Change groups inside images.  Options are those of chown."""

from __future__ import annotations

from rump.fsutils.chown import add_arguments, change
from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

__all__ = ["OPERANDS", "add_arguments", "run"]

OPERANDS = "GID IMAGE[@PARTITION]:/PATH ..."
RELATED = ("chown", "chmod")
EXAMPLES = """\
fsu chgrp -R 100 x.img:/srv
    Give a tree to group 100.
"""


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Change each operand."""
    group, *texts = arguments.operands
    if not texts or not group:
        raise UsageError("change the group of what, and to which?")
    return change(command, arguments, texts, "", group)
