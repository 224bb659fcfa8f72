# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel and an isolated driver say to one another: tuples over a `rump.kernel.wire.channel`.

The child first says (HELLO, what binds it).  The kernel then asks it (name of an operation, arguments, what time it is:
nanoseconds since 1970, so that it need not ask for that): "mount" first,
whose answer is

    (capabilities in the order of `CAPABILITIES`, whether it has a device of its own and that device's size,
     those operations of `PLAIN` that it does not have in a way of its own)

and then any of `Volume`'s, "device_read" of the device of its own, "callout", or of "fsck" and "next_findings".  Until
it has answered, by ANSWER or FAILED, the child may ask things in turn, by ASK; each of those the kernel answers before
anything else, by ANSWER or FAILED.  PROGRESS says that it is still at work.  CRASHED is its last word.
"""

from __future__ import annotations

from rump.kernel.vfs.volume import Capabilities

HELLO = 0               # (HELLO, names of what binds it)
ANSWER = 1              # (ANSWER, result)
FAILED = 2              # (FAILED, errno, detail or None)
ASK = 3                 # (ASK, name, arguments)
PROGRESS = 4            # (PROGRESS,)
CRASHED = 5             # (CRASHED, text)

CAPABILITIES = Capabilities.__slots__
"""The order in which they are sent."""

PLAIN = ("name_key", "inactive", "forget")
"""Operations that a driver may leave as `Volume` has them; they need not be asked then."""

PIECE = 1 << 20
"""The most bytes that are read from or written to the device by one ask."""
