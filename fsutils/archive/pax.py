# SPDX-License-Identifier: BSD-2-Clause
"""The pax interchange format (POSIX.1-2001, pax utility, "ustar" and "pax" interchange formats).

A member is a 512-byte header and its data, padded.  What does not fit into the header's fields goes into records of
an extended header in front of it; so do extended attributes (SCHILY.xattr.*) and the maps of sparse files (GNU, 1.0).
"""

from __future__ import annotations

from struct import Struct

BLOCK = 512
RECORD = 20 * BLOCK     # archives are padded to a multiple of this
END = bytes(2 * BLOCK)

HEADER = Struct(
    "100s"      # name
    "8s"        # mode          octal digits, here and below
    "8s"        # uid
    "8s"        # gid
    "12s"       # size of the data that follows
    "12s"       # mtime         seconds
    "8s"        # chksum        of the header, taken with eight spaces here
    "c"         # typeflag
    "100s"      # linkname
    "6s"        # magic         "ustar" and a NUL
    "2s"        # version       "00"
    "32s"       # uname
    "32s"       # gname
    "8s"        # devmajor
    "8s"        # devminor
    "155s"      # prefix        of the name; a slash goes between
    "12x"
)
assert HEADER.size == BLOCK

FILE, LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
EXTENDED = b"x"
MOST_IDS = 0o7777777
MOST_SIZE = 0o77777777777
SECOND = 10**9


class Member:
    """What an archive says of a file.

    name, target   the target of a symbolic link; of a hard link the first name
    mtime          nanoseconds since 1970
    size           bytes of data that follow, 0 for what is no file
    xattrs         (name, value)
    sparse         the file's real size if `size` is that of a map and the parts it names
    """

    __slots__ = ("device", "gid", "kind", "mode", "mtime", "name", "size", "sparse", "target", "uid", "xattrs")

    def __init__(self, name: bytes, kind: bytes, mode: int, uid: int, gid: int, mtime: int) -> None:
        self.name = name
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.size = 0
        self.target = b""
        self.device = (0, 0)
        self.xattrs: tuple[tuple[bytes, bytes], ...] = ()
        self.sparse: int | None = None


def padding(size: int) -> int:
    """How many bytes are missing to a full block."""
    return -size % BLOCK


def record(key: bytes, value: bytes) -> bytes:
    """A record of an extended header: its own length in digits, then key and value.

    >>> record(b"path", b"x" * 90)[:9], len(record(b"path", b"x" * 90))
    (b'99 path=x', 99)
    """
    rest = len(key) + len(value) + 3
    size = rest + len(str(rest))
    size = rest + len(str(size))
    return b"%d %b=%b\n" % (size, key, value)


def headers(member: Member) -> bytes:
    """All that comes before a member's data."""
    name, prefix = split_name(member.name)
    records = _records(member, name is None)
    if member.sparse is not None:
        name, prefix = split_name(_sparse_name(member.name))
    fields = _header(member, name, prefix)
    if not records:
        return fields
    body = b"".join(records)
    extended = Member(b"PaxHeaders/" + member.name.rstrip(b"/").rpartition(b"/")[2][:80], EXTENDED, 0o644, 0, 0, 0)
    extended.size = len(body)
    return _header(extended, extended.name, b"") + body + bytes(padding(len(body))) + fields


def split_name(name: bytes) -> tuple[bytes | None, bytes]:
    """A name in the header's two fields (name, prefix); None if it does not fit.

    >>> split_name(b"a/b"), split_name(b"p" * 90 + b"/" + b"n" * 90) == (b"n" * 90, b"p" * 90), split_name(b"x" * 101)
    ((b'a/b', b''), True, (None, b''))
    """
    if len(name) <= 100:
        return name, b""
    slash = name.find(b"/", len(name) - 101)
    while slash != -1 and slash <= 155:
        if slash and slash < len(name) - 1:
            return name[slash + 1 :], name[:slash]
        slash = name.find(b"/", slash + 1)
    return None, b""


def _sparse_name(name: bytes) -> bytes:
    """What a program that does not know sparse files will call the map with the parts."""
    head, slash, last = name.rpartition(b"/")
    return (head + slash + b"GNUSparseFile.0/" + last)[-100:].lstrip(b"/")


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _records(member: Member, long_name: bool) -> list[bytes]:
    """What does not fit into the header."""
    records = []
    if member.sparse is not None:
        records += [record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.minor", b"0")]
        records += [record(b"GNU.sparse.name", member.name), record(b"GNU.sparse.realsize", b"%d" % member.sparse)]
    elif long_name:
        records.append(record(b"path", member.name))
    if len(member.target) > 100:
        records.append(record(b"linkpath", member.target))
    if records and not (_is_text(member.name) and _is_text(member.target)):
        records.insert(0, record(b"hdrcharset", b"BINARY"))
    if member.mtime % SECOND or not 0 <= member.mtime // SECOND <= MOST_SIZE:
        records.append(record(b"mtime", decimal(member.mtime)))
    for key, value in ((b"uid", member.uid), (b"gid", member.gid)):
        if value > MOST_IDS:
            records.append(record(key, b"%d" % value))
    if member.size > MOST_SIZE:
        records.append(record(b"size", b"%d" % member.size))
    records += [record(b"SCHILY.xattr." + name, value) for name, value in member.xattrs]
    return records


def decimal(ns: int) -> bytes:
    """Nanoseconds as seconds with what is needed of a fraction.

    >>> decimal(1500000000), decimal(-1500000000), decimal(-1), decimal(2000000000)
    (b'1.5', b'-1.5', b'-0.000000001', b'2')
    """
    seconds, rest = divmod(abs(ns), SECOND)
    text = f"{'-' if ns < 0 else ''}{seconds}"
    return (text + f".{rest:09d}".rstrip("0") if rest else text).encode()


def _octal(value: int, digits: int) -> bytes:
    """A number in its field; 0 if it is in the extended header."""
    return b"%0*o" % (digits, value if 0 <= value < 1 << 3 * digits else 0)


def _header(member: Member, name: bytes | None, prefix: bytes) -> bytes:
    major, minor = (_octal(number, 7) for number in member.device)
    fields = (
        member.name[-100:].lstrip(b"/") if name is None else name, _octal(member.mode & 0o7777, 7),
        _octal(member.uid, 7), _octal(member.gid, 7), _octal(member.size, 11), _octal(member.mtime // SECOND, 11),
    )  # fmt: skip
    rest = (member.kind, member.target[:100], b"ustar\0", b"00", b"", b"", major, minor, prefix)
    total = sum(HEADER.pack(*fields, b" " * 8, *rest))
    return HEADER.pack(*fields, b"%06o\0 " % total, *rest)


def sparse_map(parts: list[tuple[int, int]]) -> bytes:
    """The map in front of the parts of a sparse file: (offset, length) of each, padded.

    >>> sparse_map([(0, 5), (4096, 0)])[:12], len(sparse_map([]))
    (b'2\\n0\\n5\\n4096\\n0', 512)
    """
    text = b"%d\n" % len(parts) + b"".join([b"%d\n%d\n" % part for part in parts])
    return text + bytes(padding(len(text)))
