# SPDX-License-Identifier: BSD-2-Clause
"""A session on a disk: list all of it, copy, write, remove, unmount; on whatever host it runs the same is printed.

    python disk_session.py DISK FSTYPE

Clock and entropy are fixed.  Besides what each step gives, the digest of the disk is printed; "session: done" ends it.
"""

import hashlib
import sys

from rump.conformance.machines.base import Fixed
from rump.kernel import abi, boot
from rump.rumpuser.host import default

MOUNT = b"/mnt"
DEVICE = b"/dev/disk"
PIECE = 1 << 20


def listing(lwp, folder, say):
    """Like `ls -lR`."""
    fd = lwp.open(folder, abi.O_RDONLY)
    names, piece = [], lwp.getdents(fd)
    while piece:
        names += [name for name, _, _ in piece if name not in (b".", b"..")]
        piece = lwp.getdents(fd)
    lwp.close(fd)
    say(f"{folder.decode()}:")
    folders = []
    for name in sorted(names):
        path = folder + b"/" + name
        stat = lwp.lstat(path)
        link = b" -> " + lwp.readlink(path) if stat.st_mode & 0o170000 == 0o120000 else b""
        shown = (name + link).decode("ascii", "backslashreplace")
        fields = stat.st_mode, stat.st_nlink, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns
        say(f"{fields[0]:o} {' '.join(map(str, fields[1:]))} {shown}")
        folders += [path] if stat.st_mode & 0o170000 == 0o040000 else []
    for path in folders:
        listing(lwp, path, say)


def contents(lwp, path):
    fd = lwp.open(path, abi.O_RDONLY)
    data, piece = b"", lwp.read(fd, PIECE)
    while piece:
        data += piece
        piece = lwp.read(fd, PIECE)
    lwp.close(fd)
    return data


def put(lwp, path, data):
    fd = lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC, 0o640)
    lwp.write(fd, data)
    lwp.fsync(fd)
    lwp.close(fd)


def digest(lwp, device):
    """Of the whole disk."""
    fd, found = lwp.open(device, abi.O_RDONLY), hashlib.sha256()
    while piece := lwp.read(fd, PIECE):
        found.update(piece)
    lwp.close(fd)
    return found.hexdigest()


def session(path, kind, say):
    """All of it."""
    host = Fixed(default())
    with boot(host) as kernel:
        lwp = kernel.lwp
        kernel.etfs_register(DEVICE, path, read_only=False)
        lwp.mkdir(MOUNT, 0o755)
        lwp.mount(kind, MOUNT, device=DEVICE)
        listing(lwp, MOUNT, say)
        for name in (b"large", b"hello"):
            data = contents(lwp, MOUNT + b"/" + name)
            say(f"{name.decode()}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()}")
            put(lwp, MOUNT + b"/copy of " + name, data)
        lwp.mkdir(MOUNT + b"/new", 0o755)
        lwp.symlink(b"../hello", MOUNT + b"/new/link")
        for number in range(40):
            put(lwp, MOUNT + b"/new/%d" % number, b"%d\n" % number * (1 + 97 * number))
        lwp.rename(MOUNT + b"/new/7", MOUNT + b"/seven")
        lwp.unlink(MOUNT + b"/large")
        lwp.unmount(MOUNT)
        lwp.mount(kind, MOUNT, device=DEVICE, flags=abi.MNT_RDONLY)
        say("mounted again")
        listing(lwp, MOUNT, say)
        lwp.unmount(MOUNT)
        say(f"disk: {digest(lwp, DEVICE)}")
        kernel.etfs_remove(DEVICE)
    say("session: done")


if __name__ == "__main__":
    session(sys.argv[1].encode(), sys.argv[2], print)
