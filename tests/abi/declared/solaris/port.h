/* SPDX-License-Identifier: BSD-2-Clause */
/* usr/src/head/port.h: its declarations are in abi.h, which is included first. */
