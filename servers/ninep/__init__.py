# SPDX-License-Identifier: BSD-2-Clause
"""A 9P2000.L server: what an lwp's process sees as its root, for Linux' ``mount -t 9p`` and its like.

The documents: protocol.md of diod (the ".L" messages), intro(5) and its neighbours in the Plan 9 manual (the others),
Linux' Documentation/filesystems/9p.rst and include/net/9p/9p.h (what its client makes of them).
"""
