# SPDX-License-Identifier: BSD-2-Clause
"""Run inside User-Mode Linux: mounts what a serial line leads to by 9P, and runs a script of the shell there.

Linux' client reads and writes descriptors (trans=fd).  UML's serial lines lose what comes in faster than it is read,
so the other side sends no more than was acknowledged, and a second line carries the acknowledgements.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
import tty

MODULES = ("net/9p/9pnet", "net/9p/9pnet_fd", "fs/netfs/netfs", "fs/fscache/fscache", "fs/9p/9p")
FINIT_MODULE = 313          # on x86-64
libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def line(number: int) -> int:
    found = os.open(f"/dev/ttyS{number}", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(found)
    return found


def relay() -> socket.socket:
    """A socket that the first serial line is behind."""
    ours, theirs = socket.socketpair()
    data, acknowledgements = line(0), line(1)

    def outwards() -> None:
        while piece := ours.recv(2048):
            while piece:
                piece = piece[os.write(data, piece) :]

    def inwards() -> None:
        while True:
            piece = os.read(data, 4096)
            ours.sendall(piece)
            os.write(acknowledgements, len(piece).to_bytes(2, "little"))

    for way in (outwards, inwards):
        threading.Thread(target=way, daemon=True).start()
    return theirs


def main() -> None:
    """Arguments: where to mount, options, the script."""
    where, options, script = sys.argv[1:]
    for name in MODULES:
        path = f"/usr/lib/uml/modules/{os.uname().release}/kernel/{name}.ko"
        with open(path, "rb") as module:
            check(libc.syscall(FINIT_MODULE, module.fileno(), b"", 0), path)
    if not os.path.exists("/dev/ttyS0"):
        check(libc.mount(b"dev", b"/dev", b"devtmpfs", 0, b""), "/dev")
    end = relay()
    os.mkdir(where)
    options = f"trans=fd,rfdno={end.fileno()},wfdno={end.fileno()},version=9p2000.L,{options}"
    check(libc.mount(b"image", where.encode(), b"9p", 0, options.encode()), options)
    done = subprocess.run(["/bin/sh", "-e", script], cwd=where, stderr=subprocess.STDOUT, check=False)
    check(libc.umount2(where.encode(), 0), where)
    print(f"status {done.returncode}", flush=True)


if __name__ == "__main__":
    main()
