# SPDX-License-Identifier: BSD-2-Clause
"""Structures on the medium: the entries of system use fields.

- System Use Sharing Protocol (IEEE P1281) 1.12: SP CE PD ST ER ES
- Rock Ridge Interchange Protocol (IEEE P1282) 1.12, and its drafts 1.09 and 1.10: RR PX PN SL NM CL PL RE TF SF
- zisofs, versions 1 and 2 (libisofs, doc/zisofs_format.txt, doc/zisofs2_format.txt): ZF
- Arbitrary Attribute Interchange Protocol 2.0 (libisofs, doc/susp_aaip_2_0.txt): AL

Each entry begins with two letters, its length all in all (u8) and its version (u8, 1).
"""

from __future__ import annotations

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b2, b4, b8, u8, u16, u32, u64

HEAD = 4                    # bytes of signature, length and version
VERSION = 1

# ER: which protocol is in use.
ID_RRIP_1991A = b"RRIP_1991A"       # Rock Ridge 1.09, 1.10
ID_IEEE_P1282 = b"IEEE_P1282"       # Rock Ridge 1.10
ID_IEEE_1282 = b"IEEE_1282"         # Rock Ridge 1.12
ID_AAIP = (b"AAIP_0100", b"AAIP_0101", b"AAIP_0200")
ROCK_RIDGE_IDS = (ID_RRIP_1991A, ID_IEEE_P1282, ID_IEEE_1282)

SP_CHECK = b"\xbe\xef"

# RR (only up to 1.10): which entries a record has.
RR_PX = 0x01
RR_PN = 0x02
RR_SL = 0x04
RR_NM = 0x08
RR_CL = 0x10
RR_PL = 0x20
RR_RE = 0x40
RR_TF = 0x80

# SL, NM and AL: flags of the entry.
CONTINUE = 0x01             # the next entry of the kind goes on with it
NM_CURRENT = 0x02           # "."
NM_PARENT = 0x04            # ".."
NM_HOST = 0x20              # reserved: the name of the host

# SL: flags of a component.  Of AL only the first.
COMPONENT_CONTINUE = 0x01   # the next component goes on with it, without a slash
COMPONENT_CURRENT = 0x02    # "."
COMPONENT_PARENT = 0x04     # ".."
COMPONENT_ROOT = 0x08       # "/"
COMPONENT_VOLROOT = 0x10    # reserved (1.09): where the volume is mounted
COMPONENT_HOST = 0x20       # reserved (1.09): the name of the host

# TF: which times there are, in this order.
TF_CREATION = 0x01
TF_MODIFY = 0x02
TF_ACCESS = 0x04
TF_ATTRIBUTES = 0x08
TF_BACKUP = 0x10
TF_EXPIRATION = 0x20
TF_EFFECTIVE = 0x40
TF_LONG_FORM = 0x80         # of 17 bytes instead of 7

ZISOFS_MAGIC = b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"
ZISOFS2_MAGIC = b"\xef\x22\x55\xa1\xbc\x1b\x95\xa0"
ZF_DEFLATE = b"pz"          # ZF: algorithms
ZF_DEFLATE2 = b"PZ"

# SF: how many bytes of data a table of that depth reaches are 256 ** depth blocks.
SF_DEPTH_MAX = 7


class Entry(Structure, order="<", size=HEAD):
    """The head of every entry."""

    signature: b2
    length: u8
    version: u8


class SharingProtocol(Structure, order="<", size=7):
    """SP: in the root directory's own record, the first entry: the protocol is in use."""

    signature: b2
    length: u8              # 7
    version: u8
    check: b2               # SP_CHECK
    skip: u8                # bytes to be passed over in all other system use fields


class Continuation(Structure, order="<", size=28):
    """CE: where the field goes on."""

    signature: b2
    length: u8              # 28
    version: u8
    block: u32
    block_be: b4
    offset: u32             # bytes into the block
    offset_be: b4
    size: u32               # bytes
    size_be: b4


class ExtensionReference(Structure, order="<", size=8):
    """ER: which protocol the entries are of; then come three texts."""

    signature: b2
    length: u8
    version: u8
    identifier_length: u8
    descriptor_length: u8
    source_length: u8
    extension_version: u8


class ExtensionSelector(Structure, order="<", size=5):
    """ES: what follows is of the protocol of that ER."""

    signature: b2
    length: u8              # 5
    version: u8
    sequence: u8            # which ER, from 0


class RockRidge(Structure, order="<", size=5):
    """RR: which entries are there.  Not in 1.12."""

    signature: b2
    length: u8              # 5
    version: u8
    flags: u8               # RR_*


class PosixAttributes(Structure, order="<", size=36):
    """PX: a file's attributes."""

    signature: b2
    length: u8              # 36; 1.12: 44, with the serial number behind these fields
    version: u8
    mode: u32               # st_mode, with the type
    mode_be: b4
    links: u32
    links_be: b4
    uid: u32
    uid_be: b4
    gid: u32
    gid_be: b4


class PosixAttributes112(Structure, order="<", size=44):
    """PX of Rock Ridge 1.12."""

    signature: b2
    length: u8              # 44
    version: u8
    mode: u32
    mode_be: b4
    links: u32
    links_be: b4
    uid: u32
    uid_be: b4
    gid: u32
    gid_be: b4
    serial: u32             # st_ino: the same for all names of a file
    serial_be: b4


class DeviceNumber(Structure, order="<", size=20):
    """PN: of a device node: st_rdev in two halves, or major and minor number."""

    signature: b2
    length: u8              # 20
    version: u8
    high: u32
    high_be: b4
    low: u32
    low_be: b4


class Link(Structure, order="<", size=5):
    """SL: a symbolic link's target, or a part of it; then come components."""

    signature: b2
    length: u8
    version: u8
    flags: u8               # CONTINUE


class Component(Structure, order="<", size=2):
    """A component of a target (SL) or of an attribute list (AL); then comes its content."""

    flags: u8               # COMPONENT_*
    length: u8              # bytes of the content


class AlternateName(Structure, order="<", size=5):
    """NM: a file's name, or a part of it; then come its bytes."""

    signature: b2
    length: u8
    version: u8
    flags: u8               # CONTINUE, NM_*


class Location(Structure, order="<", size=12):
    """CL: a file that stands for a directory too deep for its place: where that is.  PL: in the ".." of such a
    directory: where its parent is."""

    signature: b2
    length: u8              # 12
    version: u8
    block: u32
    block_be: b4


class TimeStamps(Structure, order="<", size=5):
    """TF: a file's times; then come as many as flags say, in the order of the flags."""

    signature: b2
    length: u8
    version: u8
    flags: u8               # TF_*


class SparseFile(Structure, order="<", size=21):
    """SF: of a sparse file: the extent is a table of 256 block numbers (each both-endian, counted from the extent's
    start; 0 is a hole), of tables of a lesser depth, and at last of the data's blocks."""

    signature: b2
    length: u8              # 21
    version: u8
    size_high: u32          # the file's size in bytes, upper half
    size_high_be: b4
    size_low: u32
    size_low_be: b4
    depth: u8               # of the tables: 1 to SF_DEPTH_MAX


class SparseFile110(Structure, order="<", size=12):
    """SF of Rock Ridge 1.10, which does not say how the file is laid out."""

    signature: b2
    length: u8              # 12
    version: u8
    size: u32
    size_be: b4


class Compressed(Structure, order="<", size=16):
    """ZF: a file whose data is compressed."""

    signature: b2
    length: u8              # 16
    version: u8             # 1; zisofs 2: 2
    algorithm: b2           # ZF_DEFLATE, ZF_DEFLATE2
    header_words: u8        # bytes of ZisofsHeader, divided by 4
    block_shift: u8         # a block is 1 << block_shift bytes: 15 to 17; zisofs 2: to 20
    size: b8                # of the data: both-endian; zisofs 2: u64


class ZisofsHeader(Structure, order="<", size=16):
    """What a compressed file begins with; then come the offsets (u32) of all its blocks and of the end."""

    magic: b8               # ZISOFS_MAGIC
    size: u32               # of the data, bytes
    header_words: u8        # 4
    block_shift: u8
    reserved: u16


class Zisofs2Header(Structure, order="<", size=24):
    """The same of zisofs 2; the offsets are u64."""

    magic: b8               # ZISOFS2_MAGIC
    version: u8             # 0
    header_words: u8        # 6
    algorithm: u8           # 1: PZ
    block_shift: u8         # 15 to 20
    size: u64
    reserved: b4


class AttributeList(Structure, order="<", size=5):
    """AL: extended attributes and access control lists; then come components, names and values by turns."""

    signature: b2
    length: u8
    version: u8
    flags: u8               # CONTINUE


