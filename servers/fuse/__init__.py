# SPDX-License-Identifier: BSD-2-Clause
"""Images mounted for every program of the host, by Linux' FUSE: what ``fsu mount`` runs.

Linux' own protocol is spoken, without libfuse (docs/decisions/0013-fuse-without-libfuse.md).  `operations` answers
requests with the system calls of an lwp; `connection` is the device and the mount, `server` the loop between them.
"""
