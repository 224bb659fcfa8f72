# SPDX-License-Identifier: BSD-2-Clause
"""Numbers and layouts of Xen's interface to its guests, on x86-64.

From Xen's public headers, version 4.17 (xen/include/public/), named at each group; the wire protocol of xenstore is in
docs/misc/xenstore.txt.  All numbers are little-endian.
"""

from __future__ import annotations

from struct import Struct

PAGE = 4096
DOMAIN_SELF = 0x7FF0                    # xen.h: DOMID_SELF
DOMAIN_FIRST = 0

# Hypercalls (xen.h).
MEMORY_OP = 12
XEN_VERSION = 17
CONSOLE_IO = 18
GRANT_TABLE_OP = 20
VCPU_OP = 24
SCHED_OP = 29
EVENT_CHANNEL_OP = 32
HVM_OP = 34

# Errors (errno.h): the numbers of Linux.
ERRORS = {
    1: "EPERM", 2: "ENOENT", 3: "ESRCH", 4: "EINTR", 5: "EIO", 6: "ENXIO", 7: "E2BIG", 9: "EBADF", 11: "EAGAIN",
    12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 16: "EBUSY", 17: "EEXIST", 18: "EXDEV", 19: "ENODEV", 20: "ENOTDIR",
    21: "EISDIR", 22: "EINVAL", 23: "ENFILE", 24: "EMFILE", 28: "ENOSPC", 30: "EROFS", 31: "EMLINK", 33: "EDOM",
    34: "ERANGE", 35: "EDEADLK", 36: "ENAMETOOLONG", 38: "ENOSYS", 39: "ENOTEMPTY", 75: "EOVERFLOW", 84: "EILSEQ",
    95: "EOPNOTSUPP", 98: "EADDRINUSE", 105: "ENOBUFS", 106: "EISCONN", 107: "ENOTCONN", 110: "ETIMEDOUT",
}  # fmt: skip

# version.h
VERSION_NUMBER = 0                      # result: major << 16 | minor
VERSION_EXTRA = 1                       # char[16]
VERSION_FEATURES = 6
EXTRA_BYTES = 16

# memory.h
CURRENT_RESERVATION = 3                 # argument: a domain's number; result: pages
ADD_TO_PHYSMAP = 7
SPACE_SHARED_INFO = 0
SPACE_GRANT_TABLE = 1
PHYSMAP = Struct("<HHIQQ")              # domain, size, space, index, frame
DOMAIN = Struct("<H")

# sched.h
SCHED_YIELD = 0
SCHED_SHUTDOWN = 2
SCHED_POLL = 3
SHUTDOWN = Struct("<I")                 # reason
SHUTDOWN_POWEROFF = 0
SHUTDOWN_CRASH = 3
POLL = Struct("<QIIQ")                  # address of the ports, how many, pad, system time to give up at (0: never)

# event_channel.h
EVENT_BIND_INTERDOMAIN = 0
EVENT_BIND_VIRQ = 1
EVENT_CLOSE = 3
EVENT_SEND = 4
EVENT_ALLOCATE = 6
EVENT_UNMASK = 9
BIND_INTERDOMAIN = Struct("<HHII")      # remote domain, pad, remote port; local port
BIND_VIRQ = Struct("<III")              # interrupt, virtual processor; port
PORT = Struct("<I")
ALLOCATE = Struct("<HHI")               # domain, remote domain; port
VIRQ_TIMER = 0
PORTS = 4096                            # of the two-level interface: 64 words of 64 bits

# xen.h: struct shared_info, struct vcpu_info of processor 0, struct vcpu_time_info
UPCALL_PENDING = 0                      # one byte
PENDING_SELECTOR = 8                    # a bit for each word of the pending bits
TIME = 32
TIME_INFO = Struct("<IIQQIbB")          # version, pad, time stamp, system time, multiplier, shift, flags
EVENTS_PENDING = 0x800
EVENTS_MASK = 0xA00
WALL = 0xC00
WALL_CLOCK = Struct("<IIII")            # version, seconds, nanoseconds, upper half of the seconds

# hvm/hvm_op.h, hvm/params.h
HVM_SET_PARAMETER = 0
HVM_GET_PARAMETER = 1
HVM_SET_UPCALL_VECTOR = 23
HVM_PARAMETER = Struct("<HHIQ")         # domain, pad, index, value
UPCALL_VECTOR = Struct("<IBxxx")        # virtual processor, vector
PARAMETER_STORE_FRAME = 1
PARAMETER_STORE_PORT = 2

# grant_table.h, version 1 of the table
GRANT_QUERY_SIZE = 6
QUERY_SIZE = Struct("<HHIIhH")          # domain, pad; frames, most frames, status, pad
GRANT_ENTRY = Struct("<HHI")            # flags, domain, frame
GRANT_PERMIT = 1                        # GTF_permit_access
GRANT_READ_ONLY = 4                     # GTF_readonly
GRANT_READING = 8                       # the other domain has it mapped
GRANT_WRITING = 16
GRANTS_RESERVED = 8                     # the first references belong to the tool stack

# io/xs_wire.h
STORE_DIRECTORY = 1
STORE_READ = 2
STORE_TRANSACTION_START = 6
STORE_TRANSACTION_END = 7
STORE_WRITE = 11
STORE_RM = 13
STORE_WATCH_EVENT = 15
STORE_ERROR = 16
STORE_HEADER = Struct("<IIII")          # type, request, transaction, length
STORE_PAYLOAD_MAX = 4096
STORE_PATH_MAX = 3072                   # XENSTORE_ABS_PATH_MAX
STORE_RING = 1024
STORE_REQUESTS, STORE_RESPONSES = 0, 1024
STORE_INDICES = 2048                    # request consumer and producer, response consumer and producer: 32 bits each

# io/xenbus.h: states of either end of a device
STATE_INITIALISING = 1
STATE_INITWAIT = 2
STATE_INITIALISED = 3
STATE_CONNECTED = 4
STATE_CLOSING = 5
STATE_CLOSED = 6

# io/ring.h: indices at the start of a ring's page, entries behind them
RING_INDICES = Struct("<IIII")          # request producer and event, response producer and event
RING_REQUEST_PRODUCER, RING_REQUEST_EVENT, RING_RESPONSE_PRODUCER, RING_RESPONSE_EVENT = 0, 4, 8, 12
RING_ENTRIES = 64

# io/blkif.h
BLOCK_PROTOCOL = b"x86_64-abi"          # io/protocols.h
BLOCK_READ = 0
BLOCK_WRITE = 1
BLOCK_BARRIER = 2
BLOCK_FLUSH = 3
BLOCK_DISCARD = 5
BLOCK_ENTRY = 112
BLOCK_RING = 32                         # entries: the power of two that fits a page
BLOCK_REQUEST = Struct("<BBHxxxxQQ")    # operation, segments, handle, identity, sector
BLOCK_DISCARD_REQUEST = Struct("<BBHxxxxQQQ")   # operation, flags, handle, identity, sector, sectors
BLOCK_SEGMENT = Struct("<IBBxx")        # grant reference, first and last sector in the page
BLOCK_SEGMENTS = 11
BLOCK_RESPONSE = Struct("<QBxh")        # identity, operation, status
BLOCK_OKAY = 0
BLOCK_ERROR = -1
BLOCK_UNSUPPORTED = -2
BLOCK_SECTOR = 512                      # the unit of sector numbers, whatever the device's
BLOCK_INFO_READ_ONLY = 4                # VDISK_READONLY
BLOCK_INFO_CDROM = 1

# io/netif.h
NET_RING = 256                          # entries, of either ring: the power of two that fits a page
NET_TRANSMIT_ENTRY = 12
NET_RECEIVE_ENTRY = 8
NET_TRANSMIT_REQUEST = Struct("<IHHHH")     # grant reference, offset, flags, identity, size of the frame
NET_TRANSMIT_RESPONSE = Struct("<Hh")       # identity, status
NET_RECEIVE_REQUEST = Struct("<HxxI")       # identity, grant reference
NET_RECEIVE_RESPONSE = Struct("<HHHh")      # identity, offset, flags, status: bytes, or an error
NET_OKAY = 0
NET_ERROR = -1
NET_DROPPED = -2
NET_CHECKED = 1                         # NETRXF_data_validated: the one flag of those that need not be offered first

# arch-x86/hvm/start_info.h: struct hvm_start_info; its flags are those of xen.h
START_FLAGS = 8
START_FIRST_DOMAIN = 2
