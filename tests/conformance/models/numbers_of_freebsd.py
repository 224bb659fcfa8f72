# SPDX-License-Identifier: BSD-2-Clause
"""What FreeBSD and DragonFly BSD, which parted at FreeBSD 4, have alike."""

from __future__ import annotations

from rump.conformance.models.numbers_of_bsd import *  # noqa: F403

ENOTSUP = 45
EOPNOTSUPP = 45
EIDRM = 82
ENOMSG = 83
EOVERFLOW = 84
ECANCELED = 85
EILSEQ = 86
ENOATTR = 87
EDOOFUS = 88
EBADMSG = 89
EMULTIHOP = 90
ENOLINK = 91
EPROTO = 92

O_NOCTTY = 0x8000
