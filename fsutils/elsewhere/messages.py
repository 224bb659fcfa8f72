# SPDX-License-Identifier: BSD-2-Clause
"""The letters of the messages between `fsu --host` and its other half (`rump.servers.machine.line`).

There:  settings, images and files first, then the words of the command, then GO.
"""

from __future__ import annotations

SETTING = b"v"      # NAME=VALUE for the environment
UMASK = b"u"        # octal
IMAGE = b"d"        # serial of the disk, NUL, size in bytes (0: as the disk says), NUL, path of the image
ENTRY = b"p"        # a file of the host, NULs between: octal mode, uid, gid, mtime (ns), path, link's target
WORD = b"a"         # of the command line
GO = b"g"           # "o", "e": output, errors go to a terminal; NUL, the working directory
INPUT = b"i"        # standard input; empty at its end
INTERRUPT = b"k"    # SIGINT

OUTPUT = b"o"       # standard output
COMPLAINT = b"e"    # standard error
WANTED = b"r"       # at most so many bytes (decimal) of standard input
ENDED = b"x"        # exit status, decimal
