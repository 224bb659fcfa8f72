# SPDX-License-Identifier: BSD-2-Clause
"""POSIX access control lists, from the form of the system call (version 2; linux/posix_acl_xattr.h) to the disk's
(version 1: no number where there is none), and what they mean for a file's mode.  The way back: `ext2fs.xattr.acl`.
"""

from __future__ import annotations

from struct import Struct

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # (tag, permissions, number or NOBODY)
    Rule: TypeAlias = tuple[int, int, int]

OWNER, USER, GROUP, NAMED_GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF
HEADER = b"\2\0\0\0"
DISK_HEADER = b"\1\0\0\0"

_RULE = Struct("<HHI")
_SHORT = Struct("<HH")
_NUMBERED = (USER, NAMED_GROUP)
_SHIFTS = {OWNER: 6, GROUP: 3, OTHER: 0}       # the class of the mode that a rule is
# What may stand before a rule; 0: nothing.
_AFTER = {
    OWNER: (0,), USER: (OWNER, USER), GROUP: (OWNER, USER), NAMED_GROUP: (GROUP, NAMED_GROUP),
    MASK: (GROUP, NAMED_GROUP), OTHER: (GROUP, MASK),
}  # fmt: skip


def parse(value: bytes) -> list[Rule]:
    """The rules of a list; none: there is to be no list.  Errors: EOPNOTSUPP - another version; EINVAL."""
    if not value:
        return []
    if len(value) < len(HEADER) or len(value) % _RULE.size != len(HEADER):
        raise fault(e.EINVAL, f"access control list of {len(value)} bytes")
    if not value.startswith(HEADER):
        raise fault(e.EOPNOTSUPP, f"access control list of version {value[:4].hex()}")
    rules = list(_RULE.iter_unpack(value[len(HEADER) :]))
    for tag, _, number in rules:
        if tag not in _AFTER or (tag in _NUMBERED and number == NOBODY):
            raise fault(e.EINVAL, f"access control list: tag {tag:#x}, number {number}")
    return rules


def check(rules: list[Rule]) -> None:
    """Errors: EINVAL - permissions, the order of tags, one that is missing: a mask, where somebody has a name."""
    last = 0
    for tag, permissions, _ in rules:
        if last not in _AFTER[tag] or permissions > 7:
            raise fault(e.EINVAL, f"access control list: tag {tag:#x} behind {last:#x}, permissions {permissions:o}")
        last = tag
    tags = [tag for tag, _, _ in rules]
    if rules and (last != OTHER or (MASK not in tags and (USER in tags or NAMED_GROUP in tags))):
        raise fault(e.EINVAL, "access control list: it is not complete")


def to_disk(rules: list[Rule]) -> bytes:
    """The form on the disk."""
    pieces = [DISK_HEADER]
    for tag, permissions, number in rules:
        if tag in _NUMBERED:
            pieces.append(_RULE.pack(tag, permissions, number))
        else:
            pieces.append(_SHORT.pack(tag, permissions))
    return b"".join(pieces)


def mode_of(rules: list[Rule]) -> tuple[int, bool]:
    """(permission bits that a file with this list shows, whether they say all that the list does)."""
    bits = mask = 0
    for tag, permissions, _ in rules:
        if tag in _SHIFTS:
            bits |= permissions << _SHIFTS[tag]
        elif tag == MASK:
            mask = 0o1000 | permissions << 3
    return bits if not mask else bits & 0o707 | mask & 0o070, len(rules) == len(_SHIFTS)


def with_mode(rules: list[Rule], mode: int) -> list[Rule]:
    """The list of a file whose permission bits have been set: the group's are those of the mask, if there is one."""
    shifts = dict(_SHIFTS)
    if any(rule[0] == MASK for rule in rules):
        del shifts[GROUP]
        shifts[MASK] = 3
    return [(tag, mode >> shifts[tag] & 7 if tag in shifts else old, number) for tag, old, number in rules]
