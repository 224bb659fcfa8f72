# SPDX-License-Identifier: BSD-2-Clause
"""The messages of 9P2000.L: ``size[4] type[1] tag[2]`` and fields, all little-endian.

The table has one row a message, fields as protocol.md of diod gives them (the tables of intro(5) for those of 9P2000).
Kinds of fields:

    1 2 4 8   integers of so many bytes
    s         a string: length[2] and the bytes
    q         a qid: type[1] version[4] path[8]
    d         data: count[4] and the bytes
    S Q       strings, qids: their number[2], and each
    4?        an integer that may be missing at the end; it is 0 then
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Qid: TypeAlias = tuple[int, int, int]       # type, version, path
    Values: TypeAlias = tuple[object, ...]

HEADER = struct.Struct("<IBH")      # size of all, with itself; type; tag
HEADER_SIZE = 7
IO_HEADER_SIZE = 24                 # IOHDRSZ: room for what stands before the data of Rread and Twrite
NO_TAG = 0xFFFF
NO_FID = 0xFFFFFFFF
NO_UNAME = 0xFFFFFFFF               # P9_NONUNAME
MAXIMUM_WALK = 16                   # MAXWELEM

R_LERROR = 7
T_VERSION, R_VERSION = 100, 101
T_AUTH, R_AUTH = 102, 103
T_FLUSH, R_FLUSH = 108, 109

QID_DIRECTORY, QID_SYMLINK, QID_FILE = 0x80, 0x02, 0x00

MESSAGES: dict[int, tuple[str, str]] = {
    7: ("Rlerror", "ecode[4]"),
    8: ("Tstatfs", "fid[4]"),
    9: ("Rstatfs", "type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]"),
    12: ("Tlopen", "fid[4] flags[4]"),
    13: ("Rlopen", "qid[q] iounit[4]"),
    14: ("Tlcreate", "fid[4] name[s] flags[4] mode[4] gid[4]"),
    15: ("Rlcreate", "qid[q] iounit[4]"),
    16: ("Tsymlink", "fid[4] name[s] symtgt[s] gid[4]"),
    17: ("Rsymlink", "qid[q]"),
    18: ("Tmknod", "dfid[4] name[s] mode[4] major[4] minor[4] gid[4]"),
    19: ("Rmknod", "qid[q]"),
    20: ("Trename", "fid[4] dfid[4] name[s]"),
    21: ("Rrename", ""),
    22: ("Treadlink", "fid[4]"),
    23: ("Rreadlink", "target[s]"),
    24: ("Tgetattr", "fid[4] request_mask[8]"),
    25: ("Rgetattr", "valid[8] qid[q] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8] blocks[8] atime_sec[8] "
                     "atime_nsec[8] mtime_sec[8] mtime_nsec[8] ctime_sec[8] ctime_nsec[8] btime_sec[8] btime_nsec[8] "
                     "gen[8] data_version[8]"),
    26: ("Tsetattr", "fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] mtime_sec[8] "
                     "mtime_nsec[8]"),
    27: ("Rsetattr", ""),
    30: ("Txattrwalk", "fid[4] newfid[4] name[s]"),
    31: ("Rxattrwalk", "size[8]"),
    32: ("Txattrcreate", "fid[4] name[s] attr_size[8] flags[4]"),
    33: ("Rxattrcreate", ""),
    40: ("Treaddir", "fid[4] offset[8] count[4]"),
    41: ("Rreaddir", "data[d]"),
    50: ("Tfsync", "fid[4] datasync[4?]"),
    51: ("Rfsync", ""),
    52: ("Tlock", "fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]"),
    53: ("Rlock", "status[1]"),
    54: ("Tgetlock", "fid[4] type[1] start[8] length[8] proc_id[4] client_id[s]"),
    55: ("Rgetlock", "type[1] start[8] length[8] proc_id[4] client_id[s]"),
    70: ("Tlink", "dfid[4] fid[4] name[s]"),
    71: ("Rlink", ""),
    72: ("Tmkdir", "dfid[4] name[s] mode[4] gid[4]"),
    73: ("Rmkdir", "qid[q]"),
    74: ("Trenameat", "olddirfid[4] oldname[s] newdirfid[4] newname[s]"),
    75: ("Rrenameat", ""),
    76: ("Tunlinkat", "dirfd[4] name[s] flags[4]"),
    77: ("Runlinkat", ""),
    100: ("Tversion", "msize[4] version[s]"),
    101: ("Rversion", "msize[4] version[s]"),
    102: ("Tauth", "afid[4] uname[s] aname[s] n_uname[4]"),
    103: ("Rauth", "aqid[q]"),
    104: ("Tattach", "fid[4] afid[4] uname[s] aname[s] n_uname[4]"),
    105: ("Rattach", "qid[q]"),
    108: ("Tflush", "oldtag[2]"),
    109: ("Rflush", ""),
    110: ("Twalk", "fid[4] newfid[4] wname[S]"),
    111: ("Rwalk", "wqid[Q]"),
    116: ("Tread", "fid[4] offset[8] count[4]"),
    117: ("Rread", "data[d]"),
    118: ("Twrite", "fid[4] offset[8] data[d]"),
    119: ("Rwrite", "count[4]"),
    120: ("Tclunk", "fid[4]"),
    121: ("Rclunk", ""),
    122: ("Tremove", "fid[4]"),
    123: ("Rremove", ""),
}  # fmt: skip
"""Type -> name, fields.  A reply's type is its request's and one."""

_INTEGERS = {"1": struct.Struct("<B"), "2": struct.Struct("<H"), "4": struct.Struct("<I"), "8": struct.Struct("<Q")}
_QID = struct.Struct("<BIQ")
_COUNT, _LENGTH = _INTEGERS["4"], _INTEGERS["2"]


class Malformed(Exception):
    """Bytes that are no message of the protocol; the argument says why."""


def _kinds(fields: str) -> tuple[str, ...]:
    """The kinds of a row's fields.

    >>> _kinds("fid[4] name[s] datasync[4?]")
    ('4', 's', '4?')
    """
    return tuple(field.partition("[")[2].rstrip("]") for field in fields.split())


_KINDS = {number: _kinds(fields) for number, (_, fields) in MESSAGES.items()}


class _Reader:
    """Takes fields from the body of a message."""

    __slots__ = ("_body", "_offset")

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._offset = 0

    def left(self) -> int:
        return len(self._body) - self._offset

    def fixed(self, layout: struct.Struct) -> Values:
        start = self._offset
        self._offset += layout.size
        if self._offset > len(self._body):
            raise Malformed("the message ends inside a field")
        return layout.unpack_from(self._body, start)

    def _counted(self, layout: struct.Struct) -> memoryview:
        start = self._offset + layout.size
        (length,) = layout.unpack_from(self._body, self._offset) if start <= len(self._body) else (0,)
        self._offset = start + length
        if self._offset > len(self._body):
            raise Malformed("the message ends inside a field")
        return self._body[start : self._offset]

    def field(self, kind: str) -> object:
        """The next field.  Errors: Malformed."""
        if kind in _INTEGERS:
            return self.fixed(_INTEGERS[kind])[0]
        if kind == "s":
            return bytes(self._counted(_LENGTH))
        if kind == "d":
            return self._counted(_COUNT)
        if kind == "q":
            return self.fixed(_QID)
        if kind == "4?":
            return self.fixed(_COUNT)[0] if self.left() else 0
        number = self.fixed(_LENGTH)[0]
        assert isinstance(number, int)
        return tuple(self.field(kind.lower()) for _ in range(number))


def decode(kind: int, body: memoryview) -> Values:
    """The fields of a message.  Data is a view of `body`.  Errors: Malformed; KeyError - no such type."""
    kinds = _KINDS[kind]
    reader = _Reader(body)
    values = tuple([reader.field(field) for field in kinds])
    if reader.left():
        raise Malformed(f"{reader.left()} bytes behind the last field of {MESSAGES[kind][0]}")
    return values


def _pack(kind: str, value: object) -> bytes:
    if kind[0] in _INTEGERS:
        return _INTEGERS[kind[0]].pack(value)
    if kind == "s":
        assert isinstance(value, bytes)
        return _LENGTH.pack(len(value)) + value
    if kind == "d":
        assert isinstance(value, bytes | bytearray | memoryview)
        return _COUNT.pack(len(value)) + value
    assert isinstance(value, tuple)
    if kind == "q":
        return _QID.pack(*value)
    return _LENGTH.pack(len(value)) + b"".join(_pack(kind.lower(), one) for one in value)


def encode(kind: int, tag: int, *values: object) -> bytes:
    """A whole message.

    >>> encode(T_VERSION, NO_TAG, 8192, b"9P2000.L").hex()
    '1500000064ffff0020000008003950323030302e4c'
    """
    body = b"".join([_pack(field, value) for field, value in zip(_KINDS[kind], values, strict=True)])
    return HEADER.pack(HEADER_SIZE + len(body), kind, tag) + body


def directory_entry(qid: Qid, offset: int, kind: int, name: bytes) -> bytes:
    """An entry in the data of Rreaddir: ``qid[13] offset[8] type[1] name[s]``."""
    return _QID.pack(*qid) + struct.pack("<QBH", offset, kind, len(name)) + name
