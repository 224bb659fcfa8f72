# SPDX-License-Identifier: BSD-2-Clause
"""NetBSD's numbers and layouts, as far as this backend uses them without a compiler.

From the headers of NetBSD 10: sys/fcntl.h, sys/dkio.h, sys/disk.h, sys/disklabel.h, machine/disklabel.h, net/if.h,
net/if_tap.h, dev/vndvar.h.  The ports differ in how many partitions a disk may have, and in how they are numbered.
"""

from __future__ import annotations

import os

from rump.rumpuser.posix.layout import Layout, ior, iowr

SYSTEM = "NetBSD 10"
HEADERS = (
    "sys/types.h", "sys/fcntl.h", "sys/disk.h", "sys/disklabel.h", "sys/dkio.h", "sys/socket.h", "net/if.h",
    "net/if_tap.h", "dev/vndvar.h",
)  # fmt: skip

FLOCK = Layout("struct flock", ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"), ("l_type", "h"), ("l_whence", "h"))

_MACHINE = os.uname().machine
MAXPARTITIONS = 8 if _MACHINE.startswith(("sparc", "mac68k")) else 16
split = _MACHINE in ("i386", "x86") or _MACHINE.startswith(("evbarm", "arm", "aarch64"))
"""There were eight once, and the later ones have device numbers of their own."""
if split:
    OLDMAXPARTITIONS = 8

PARTITION = Layout("struct partition", ("p_size", "I"), ("p_offset", "I"), ("p_fsize", "I"), ("p_fstype", "B"),
                   ("p_frag", "B"), ("p_cpg", "H"))  # fmt: skip
DISKLABEL = Layout(
    "struct disklabel",
    ("d_magic", "I"), ("d_type", "H"), ("d_subtype", "H"), ("d_typename", "16s"),
    ("d_packname", "2Q"),       # a union with two pointers and an integer of 64 bits
    ("d_secsize", "I"), ("d_nsectors", "I"), ("d_ntracks", "I"), ("d_ncylinders", "I"), ("d_secpercyl", "I"),
    ("d_secperunit", "I"), ("d_sparespertrack", "H"), ("d_sparespercyl", "H"), ("d_acylinders", "I"), ("d_rpm", "H"),
    ("d_interleave", "H"), ("d_trackskew", "H"), ("d_cylskew", "H"), ("d_headswitch", "I"), ("d_trkseek", "I"),
    ("d_flags", "I"), ("d_drivedata", "5I"), ("d_spare", "5I"), ("d_magic2", "I"), ("d_checksum", "H"),
    ("d_npartitions", "H"), ("d_bbsize", "I"), ("d_sbsize", "I"), ("d_partitions", f"{MAXPARTITIONS * 4}I"),
)  # fmt: skip
DKWEDGE_INFO = Layout(
    "struct dkwedge_info",
    ("dkw_devname", "16s"), ("dkw_wname", "128s"), ("dkw_parent", "16s"), ("dkw_offset", "q"), ("dkw_size", "Q"),
    ("dkw_ptype", "32s"),
)  # fmt: skip
DIOCGDINFO = ior("d", 101, DISKLABEL.size)          # the label, of the disk that a partition is on
DIOCGWEDGEINFO = ior("d", 122, DKWEDGE_INFO.size)   # a wedge: sectors; ENOTTY for anything else
DIOCGMEDIASIZE = ior("d", 132, 8)                   # bytes of the whole medium (off_t)
DIOCGSECTORSIZE = ior("d", 133, 4)                  # u_int

IFREQ = Layout("struct ifreq", ("ifr_name", "16s"), ("ifr_space", "16Q"))
TAPGIFNAME = ior("e", 0, IFREQ.size)                # the name of the interface behind a tap device

VND_USER = Layout("struct vnd_user", ("vnu_unit", "i"), ("vnu_dev", "Q"), ("vnu_ino", "Q"))
VNDIOCGET = iowr("F", 3, VND_USER.size)             # the file behind a vnd; ENXIO without a unit of that number
