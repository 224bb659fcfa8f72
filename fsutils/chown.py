# SPDX-License-Identifier: BSD-2-Clause
"""Change owners inside images: UID, UID:GID or :GID.

Owners are numbers unless --names says whose names count: the image's own /etc/passwd and /etc/group, or the host's.
With -R symbolic links are changed themselves unless -H or -L is given; else what they lead to, unless -h is given.
"""

from __future__ import annotations

from rump.fsutils.changing import add_options, change_all, flag, follows
from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options
from rump.fsutils.owners import CHOICES, Numbers
from rump.fsutils.writing import quoted
from rump.kernel.vfs.volume import GID, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

OPERANDS = "UID[:GID] IMAGE[@PARTITION]:/PATH ..."
RELATED = ("chgrp", "chmod")
EXAMPLES = """\
fsu chown -R 1000:1000 x.img:/home/ann
    By number.

fsu chown --names image ann x.img:/home/ann
    By a name from /etc/passwd in the image.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of chown."""
    add = parser.add_argument
    add("-h", "--no-dereference", dest="no_follow", action="store_true", help="symbolic links themselves")
    add("--names", choices=CHOICES, default="numbers", help="whose names of users and groups count")
    add_options(parser, "the owner, and what to change")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Change each operand."""
    owner, *texts = arguments.operands
    user, colon, group = owner.partition(":")
    if not texts or not (user or group):
        raise UsageError("change the owner of what, and to whom?")
    if colon and not group:
        raise UsageError(f"{owner}: which group?")
    return change(command, arguments, texts, user, group)


def change(command: Command, arguments: argparse.Namespace, texts: list[str], user: str, group: str) -> int:
    """Change owner and group, "" standing for no change."""
    known: dict[int, tuple[int, int]] = {}

    def wanted(found: Found) -> tuple[int, int]:
        """The numbers; each image has names of its own."""
        key = found.lwp.process.pid if arguments.names == "image" else 0
        if key not in known:
            numbers = Numbers(arguments.names, found.lwp)
            known[key] = numbers.user(user) if user else -1, numbers.group(group) if group else -1
        uid, gid = known[key]
        return found.row[UID] if uid < 0 else uid, found.row[GID] if gid < 0 else gid

    def one(found: Found) -> bool:
        uid, gid = wanted(found)
        if (uid, gid) == (found.row[UID], found.row[GID]):
            return False
        found.lwp.fchownat(found.fd, found.at, uid, gid, flag(found))
        return True

    def told(found: Found) -> bytes:
        before = found.row[UID], found.row[GID]
        return b"owner of %b changed from %d:%d to %d:%d" % (quoted(found.path), *before, *wanted(found))

    if arguments.names == "numbers":
        Numbers().check(user, group)        # before anything is changed
    return change_all(command, arguments, texts, follows(arguments), one, told)
