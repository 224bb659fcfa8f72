# SPDX-License-Identifier: BSD-2-Clause
"""Show POSIX access control lists of files inside images, as getfacl(1) does, owners by number unless told."""

from __future__ import annotations

from rump.fsutils.attributed import add_options, each_found, names_of, path_of, value_of
from rump.fsutils.attributes import is_link
from rump.fsutils.owners import CHOICES, Owners
from rump.fsutils.xattr_text import heading
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import GID, MODE, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

    Entry: TypeAlias = tuple[int, int, int]     # tag, permissions, user or group

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."

_ACCESS, _DEFAULT = b"system.posix_acl_access", b"system.posix_acl_default"
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_NAMES = {_USER_OBJ: "user", _USER: "user", _GROUP_OBJ: "group", _GROUP: "group", _MASK: "mask", _OTHER: "other"}
_MASKED = (_USER, _GROUP_OBJ, _GROUP)
_VERSION = 2                # of the attributes, as Linux's <linux/posix_acl_xattr.h> has them

RELATED = ("getfattr", "chmod")
EXAMPLES = """\
fsu getfacl x.img:/srv
    Show who may do what.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of getfacl(1)."""
    add = parser.add_argument
    add("-a", "--access", action="store_true", help="access lists only")
    add("-d", "--default", action="store_true", help="default lists only")
    add("-c", "--omit-header", dest="bare", action="store_true", help="no names and owners before lists")
    add("-e", "--all-effective", dest="effective", action="store_const", const=True,
        help="say what is effective of all entries")  # fmt: skip
    add("-E", "--no-effective", dest="effective", action="store_const", const=False, help="of none")
    add("-s", "--skip-base", action="store_true", help="only files that have more than permissions")
    add("-n", "--numeric", action="store_true", help="owners as numbers")
    add("-p", "--absolute-names", action="store_true", help="files by their full operands, IMAGE:/PATH")
    add("--names", default="numbers", choices=CHOICES,
        help="owners by name, from the image's /etc/passwd or the host's")  # fmt: skip
    add_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show each operand's lists."""
    o = arguments
    if not o.access and not o.default:
        o.access = o.default = True

    def show(found: Found) -> bool:
        if not (is_link(found.row[MODE]) and found.depth):
            command.out.write(_listing(found, o).encode("utf-8", "surrogateescape"))
        return True

    return each_found(command, o, show)


def _listing(found: Found, o: argparse.Namespace) -> str:
    """All lines of a file.  Errors: Fault; Corrupt."""
    there = set(names_of(found))
    mode, uid, gid = found.row[MODE], found.row[UID], found.row[GID]
    if o.skip_base and not there & {_ACCESS, _DEFAULT}:
        return ""
    owners = Owners("numbers" if o.numeric else o.names, found.lwp)
    lines = []
    if not o.bare:
        lines = [heading(path_of(found, o.absolute_names)).decode("utf-8", "surrogateescape").rstrip("\n"),
                 f"# owner: {owners.user(uid)}", f"# group: {owners.group(gid)}"]  # fmt: skip
        flags = "".join(letter if mode & bit else "-" for bit, letter in ((0o4000, "s"), (0o2000, "s"), (0o1000, "t")))
        if flags != "---":
            lines.append(f"# flags: {flags}")
    if o.access:
        lines += _lines(_read(value_of(found, _ACCESS)) if _ACCESS in there else _plain(mode), "", owners, o)
    if o.default and _DEFAULT in there:
        lines += _lines(_read(value_of(found, _DEFAULT)), "default:" if o.access else "", owners, o)
    return "\n".join([*lines, "\n"]) if lines else ""


def _plain(mode: int) -> list[Entry]:
    """The list of a file that has none: its permissions."""
    return [(_USER_OBJ, mode >> 6 & 7, 0), (_GROUP_OBJ, mode >> 3 & 7, 0), (_OTHER, mode & 7, 0)]


def _read(value: bytes) -> list[Entry]:
    """The entries of a list.  Errors: Corrupt."""
    from struct import iter_unpack

    if len(value) % 8 != 4 or int.from_bytes(value[:4], "little") != _VERSION:
        raise Corrupt("access control list: version or size")
    entries = list(iter_unpack("<HHI", value[4:]))
    if any(tag not in _NAMES or permissions > 7 for tag, permissions, _ in entries):
        raise Corrupt("access control list: an entry's tag or permissions")
    return entries


def _lines(entries: list[Entry], before: str, owners: Owners, o: argparse.Namespace) -> list[str]:
    mask = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    lines = []
    for tag, permissions, who in entries:
        name = owners.user(who) if tag == _USER else owners.group(who) if tag == _GROUP else ""
        line = f"{before}{_NAMES[tag]}:{name}:{_letters(permissions)}"
        effective = permissions & mask
        if tag in _MASKED and o.effective is not False and (o.effective or effective != permissions):
            line += f"\t#effective:{_letters(effective)}" if len(line) >= 8 else f"\t\t#effective:{_letters(effective)}"
        lines.append(line)
    return lines


def _letters(permissions: int) -> str:
    return "".join(letter if permissions & bit else "-" for bit, letter in ((4, "r"), (2, "w"), (1, "x")))
