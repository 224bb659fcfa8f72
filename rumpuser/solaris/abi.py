# SPDX-License-Identifier: BSD-2-Clause
"""The numbers and layouts of Solaris and illumos, as far as this backend uses them without a compiler.

From illumos-gate: usr/src/uts/common/sys/fcntl.h, sys/dkio.h, sys/port.h; those of Oracle Solaris 11 are the same.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout

SYSTEM = "illumos"
HEADERS = ("sys/types.h", "fcntl.h", "sys/dkio.h", "port.h")
LP64_ONLY = True        # commands of programs with 32 bits have other numbers, so that off_t has 64 there

FLOCK = Layout(
    "struct flock",
    ("l_type", "h"), ("l_whence", "h"), ("l_start", "q"), ("l_len", "q"), ("l_sysid", "i"), ("l_pid", "i"),
    ("l_pad", "4q"),
)  # fmt: skip
F_FREESP = 11           # give space back; a range that reaches the end of the file may cut the file

DK_MINFO = Layout("struct dk_minfo", ("dki_media_type", "I"), ("dki_lbsize", "I"), ("dki_capacity", "Q"))
DKIOCGMEDIAINFO = 0x42A     # ('\4' << 8) | 42: the medium of a disk, in blocks
DKIOCPARTINFO = 0x416       # ('\4' << 8) | 22: the slice, in blocks of 512 bytes; no larger than 1 TB
PART_INFO = Layout("struct part_info", ("p_start", "q"), ("p_length", "i"))
DKIOCEXTPARTINFO = 0x413    # ('\4' << 8) | 19: the slice, of any size
EXTPART_INFO = Layout("struct extpart_info", ("p_start", "q"), ("p_length", "q"))

FILE_OBJ = Layout(
    "struct file_obj",
    ("fo_atime", "2l"), ("fo_mtime", "2l"), ("fo_ctime", "2l"), ("fo_pad", "3P"), ("fo_name", "P"),
)  # fmt: skip
