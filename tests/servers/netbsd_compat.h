/* SPDX-License-Identifier: BSD-2-Clause */
/* What sources of NetBSD expect of a host, and Linux lacks. */
#ifndef COMPAT_H
#define COMPAT_H
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/param.h>
#include <sys/cdefs.h>
#include <stdint.h>
#define __RCSID(x)
#define __UNCONST(a) ((void *)(uintptr_t)(const void *)(a))
#define __arraycount(a) (sizeof(a) / sizeof((a)[0]))
#define __predict_false(x) __builtin_expect(!!(x), 0)
#define _DIAGASSERT(x) ((void)0)
#define INFTIM -1
#define SIN_SETLEN(a, b)
#endif
