# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes: AL entries (Arbitrary Attribute Interchange Protocol 2.0; libisofs, doc/susp_aaip_2_0.txt).

Components come in pairs, name and value.  The name's first byte may stand for a name space; an empty name is of access
control lists in a form of their own, which are shown as Linux shows them on a mounted file (version 2;
linux/posix_acl_xattr.h).  What libisofs notes for itself ("isofs.") is not shown.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.cd9660.disk_susp import COMPONENT_CONTINUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.susp import Entries

SIGNATURES = (b"AL", b"AA")
ACCESS = b"system.posix_acl_access"
DEFAULT = b"system.posix_acl_default"
SPACES = {1: b"", 2: b"system.", 3: b"user.", 5: b"trusted.", 6: b"security."}
OWN = 4                     # "isofs."
NAME_SPACE_BYTES = range(1, 32)

# Rules of an access control list: type << 4 | qualified << 3 | permissions; a qualifier has a byte of length before it.
QUALIFIED = 0x08
SWITCH = 8                  # what follows is of the default list
TAGS = {1: 0x01, 3: 0x04, 5: 0x10, 6: 0x20, 10: 0x02, 12: 0x08}     # to posix_acl's
BY_NUMBER = (10, 12)        # users and groups, by number
NOBODY = 0xFFFFFFFF
ACL_HEADER = b"\2\0\0\0"


def attributes(others: Entries) -> dict[bytes, bytes]:
    """Names and values of a file's attributes."""
    if all(signature not in SIGNATURES for signature, _ in others):
        return {}
    found: dict[bytes, bytes] = {}
    parts = _components(others)
    for name, value in zip(parts[::2], parts[1::2], strict=False):
        if not name:
            found.update(_lists(value))
        elif name[0] not in NAME_SPACE_BYTES:
            found[name] = value
        elif name[0] in SPACES and len(name) > 1:
            found[SPACES[name[0]] + name[1:]] = value
    return {name: value for name, value in found.items() if b"\0" not in name}


def _components(others: Entries) -> list[bytes]:
    """What AL entries hold, put together: a component may begin in one entry and end in the next."""
    data = b"".join([entry[5:] for signature, entry in others if signature in SIGNATURES])
    parts: list[bytes] = []
    pieces: list[bytes] = []
    at = 0
    while at + 2 <= len(data):
        flags, stop = data[at], at + 2 + data[at + 1]
        pieces.append(data[at + 2 : stop])
        if not flags & COMPONENT_CONTINUE:
            parts.append(b"".join(pieces))
            pieces = []
        at = stop
    return parts


def _lists(value: bytes) -> dict[bytes, bytes]:
    """Access control lists; none that has rules for users or groups by name, which nobody here knows."""
    rules: dict[bytes, list[tuple[int, int, int]]] = {ACCESS: [], DEFAULT: []}
    which = ACCESS
    at = 0
    while at < len(value):
        kind, permissions = value[at] >> 4, value[at] & 7
        qualifier = b""
        if value[at] & QUALIFIED:
            length = value[at + 1] if at + 1 < len(value) else 0
            qualifier = value[at + 2 : at + 2 + length]
            at += 1 + length
        at += 1
        if kind == SWITCH:
            which = DEFAULT
        elif kind not in TAGS:
            return {}
        else:
            rules[which].append((TAGS[kind], int.from_bytes(qualifier, "big") & NOBODY if kind in BY_NUMBER else NOBODY,
                                 permissions))  # fmt: skip
    return {name: ACL_HEADER + b"".join([pack("<HHI", tag, bits, number) for tag, number, bits in sorted(each)])
            for name, each in rules.items() if each}  # fmt: skip
