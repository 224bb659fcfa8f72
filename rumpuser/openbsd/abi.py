# SPDX-License-Identifier: BSD-2-Clause
"""OpenBSD's numbers and layouts, as far as this backend uses them without a compiler.

From the headers of OpenBSD 7.8: sys/fcntl.h, sys/dkio.h, sys/disklabel.h.  Releases before it have 16 partitions to a
disk instead of 64, and a label (so an ioctl number, too) of another size; the later kernels answer both.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout, ior

SYSTEM = "OpenBSD 7.8"
HEADERS = ("sys/types.h", "sys/fcntl.h", "sys/disklabel.h", "sys/dkio.h")

FLOCK = Layout("struct flock", ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"), ("l_type", "h"), ("l_whence", "h"))

MAXPARTITIONSUNIT = 64
MAXPARTITIONS16 = 16

_LABEL = (
    ("d_magic", "I"), ("d_type", "H"), ("d_subtype", "H"), ("d_typename", "16s"), ("d_packname", "16s"),
    ("d_secsize", "I"), ("d_nsectors", "I"), ("d_ntracks", "I"), ("d_ncylinders", "I"), ("d_secpercyl", "I"),
    ("d_secperunit", "I"), ("d_uid", "8s"), ("d_acylinders", "I"), ("d_bstarth", "H"), ("d_bendh", "H"),
    ("d_bstart", "I"), ("d_bend", "I"), ("d_flags", "I"), ("d_spare4", "5I"), ("d_secperunith", "H"),
    ("d_version", "H"), ("d_spare", "4I"), ("d_magic2", "I"), ("d_checksum", "H"), ("d_npartitions", "H"),
    ("d_spare2", "I"), ("d_spare3", "I"),
)  # fmt: skip
PARTITION = Layout(
    "struct partition",
    ("p_size", "I"), ("p_offset", "I"), ("p_offseth", "H"), ("p_sizeh", "H"), ("p_fstype", "B"), ("p_fragblock", "B"),
    ("p_cpg", "H"),
)  # fmt: skip
DISKLABEL = Layout("struct disklabel", *_LABEL, ("d_partitions", f"{MAXPARTITIONSUNIT * 4}I"))
_DISKLABEL16 = Layout("O_disklabel", *_LABEL, ("d_partitions", f"{MAXPARTITIONS16 * 4}I"))
DIOCGDINFO = ior("d", 101, DISKLABEL.size)
O_DIOCGDINFO = ior("d", 101, _DISKLABEL16.size)
