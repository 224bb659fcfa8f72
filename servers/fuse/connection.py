# SPDX-License-Identifier: BSD-2-Clause
"""The connection with Linux: /dev/fuse, and the mount that requests come from.

Root mounts by mount(8); others by fusermount3(1) or fusermount(1), which are set-user-id and hand over the device they
opened.  Either runs while requests are answered: both look at what they mount and unmount.
"""

from __future__ import annotations

import array
import os
import shutil
import socket
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "/dev/fuse"
HELPERS = ("fusermount3", "fusermount")
_SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"


class MountFailed(Exception):
    """What a user is to be told."""


def program(*names: str) -> str | None:
    """Where the first of these programs is, None if none is there."""
    for name in names:
        path = shutil.which(name) or shutil.which(name, path=_SBIN)
        if path is not None:
            return path
    return None


def helper() -> str:
    """fusermount3(1) or its elder.  Errors: MountFailed."""
    path = program(*HELPERS)
    if path is None:
        raise MountFailed("mounting as an ordinary user needs fusermount3 (the package is called fuse3)")
    return path


def check() -> None:
    """Errors: MountFailed - there is no FUSE here, or this user may not have it."""
    if not os.path.exists(DEVICE):
        raise MountFailed(f"there is no {DEVICE}: FUSE is not in this kernel (modprobe fuse), or not in this container")
    if os.geteuid() != 0:
        helper()


def mount(directory: str, source: str, options: Sequence[str]) -> tuple[int, subprocess.Popen[bytes]]:
    """Start to mount: the device to answer on, and the program that is at it.

    options  of the mount(8), without commas in them.  Errors: MountFailed.
    """
    check()
    return _as_root(directory, source, options) if os.geteuid() == 0 else _as_user(directory, source, options)


def unmount(directory: str, *, lazy: bool) -> subprocess.Popen[bytes]:
    """Start to unmount.  Errors: MountFailed - there is no program for it."""
    if os.geteuid() == 0:
        words = [_umount(), "-i", *(["-l"] if lazy else [])]
    else:
        words = [helper(), "-u", *(["-z"] if lazy else [])]
    return subprocess.Popen([*words, "--", directory], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def last_line(said: bytes) -> str:
    """What a program said last of what was wrong, "" if it said nothing."""
    lines = said.decode("utf-8", "backslashreplace").strip().splitlines()
    return lines[-1] if lines else ""


def _as_root(directory: str, source: str, options: Sequence[str]) -> tuple[int, subprocess.Popen[bytes]]:
    path = program("mount")
    if path is None:
        raise MountFailed("mounting needs mount (the package is called mount or util-linux)")
    try:
        device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise MountFailed(f"{DEVICE}: {error.strerror}") from error
    own = f"fd={device},rootmode=40000,user_id={os.geteuid()},group_id={os.getegid()}"
    words = [path, "-i", "-t", "fuse.fsu", "-o", ",".join([*options, own]), "--", source, directory]
    return device, subprocess.Popen(words, pass_fds=(device,), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _as_user(directory: str, source: str, options: Sequence[str]) -> tuple[int, subprocess.Popen[bytes]]:
    """fusermount sends the device through the socket whose number is in its environment."""
    here, there = socket.socketpair()
    name = source.replace("\\", "\\\\").replace(",", "\\,")
    words = [helper(), "-o", ",".join([*options, f"fsname={name}", "subtype=fsu"]), "--", directory]
    with here:
        with there:
            running = subprocess.Popen(
                words, pass_fds=(there.fileno(),), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env=os.environ | {"_FUSE_COMMFD": str(there.fileno())},
            )  # fmt: skip
        device = _received(here)
    if device is None:
        _, said = running.communicate()
        raise MountFailed(last_line(said) or "fusermount did not open the device")
    os.set_inheritable(device, False)
    return device, running


def _received(connection: socket.socket) -> int | None:
    """The descriptor that comes through a socket, None if its other end is closed instead."""
    descriptors = array.array("i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(descriptors.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: descriptors.itemsize])
            return descriptors[0]
    return None


def _umount() -> str:
    path = program("umount")
    if path is None:
        raise MountFailed("unmounting needs umount (the package is called mount or util-linux)")
    return path
