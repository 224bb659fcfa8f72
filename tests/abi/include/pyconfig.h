/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Python's headers want to know of a target, from what every compiler says of itself.  An interpreter's own
 * pyconfig.h speaks of the machine that it was built for.
 */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

#define SIZEOF_SHORT __SIZEOF_SHORT__
#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define SIZEOF_FLOAT __SIZEOF_FLOAT__
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define ALIGNOF_LONG __SIZEOF_LONG__
#define ALIGNOF_SIZE_T __SIZEOF_SIZE_T__
#ifndef __APPLE__   /* pymacconfig.h says these */
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && !defined(__APPLE__)
#define WORDS_BIGENDIAN 1
#endif
/* Which declarations are seen: as CPython's configure script chooses. */
#define _GNU_SOURCE 1
#define _NETBSD_SOURCE 1
#define _DARWIN_C_SOURCE 1
#define __EXTENSIONS__ 1
#define __BSD_VISIBLE 1
#ifdef __OpenBSD__
#define _BSD_SOURCE 1
#endif
#if !defined(__OpenBSD__) && !defined(__APPLE__) && !defined(__sun)
#define _XOPEN_SOURCE 700
#define _XOPEN_SOURCE_EXTENDED 1
#define _POSIX_C_SOURCE 200809L
#endif
#define HAVE_STDARG_PROTOTYPES 1
#define HAVE_SSIZE_T 1
#define HAVE_WCHAR_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_UNISTD_H 1
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_STDDEF_H 1
#define HAVE_PTHREAD_H 1
#define STDC_HEADERS 1
#define WITH_DOC_STRINGS 1

#endif
