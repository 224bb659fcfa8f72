# SPDX-License-Identifier: BSD-2-Clause
"""Linux' numbers and layouts, as far as this backend uses them without a compiler.

From the C library's fcntl.h and the kernel's linux/fs.h, linux/if.h, linux/if_tun.h.
"""

from __future__ import annotations

import struct

from rump.rumpuser.linux.ioctl import io, ior, iow
from rump.rumpuser.posix.layout import Layout

SYSTEM = "Linux"
HEADERS = ("sys/types.h", "fcntl.h", "sys/socket.h", "linux/fs.h", "linux/if.h", "linux/if_tun.h")

FLOCK = Layout("struct flock", ("l_type", "h"), ("l_whence", "h"), ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"))

BLKSSZGET = io(0x12, 104)                               # int: bytes of a sector
BLKGETSIZE64 = ior(0x12, 114, struct.calcsize("N"))     # 64 bits: bytes

IFNAMSIZ = 16
IFREQ = Layout(
    "struct ifreq",
    ("ifr_name", f"{IFNAMSIZ}s"), ("ifr_map.mem_start", "P"), ("ifr_map.mem_end", "P"), ("ifr_map.base_addr", "H"),
    ("ifr_map.irq", "B"), ("ifr_map.dma", "B"), ("ifr_map.port", "B"),
)  # fmt: skip
"""The longest of its kinds; the flags stand where the union begins."""
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000                                      # frames alone, without four bytes before each
TUNSETIFF = iow(ord("T"), 202, struct.calcsize("i"))
