# SPDX-License-Identifier: BSD-2-Clause
"""Unmount what fsu mount has mounted, and wait until all is in the image.

What cannot be written is told before anything is unmounted, and the mount stays.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "DIRECTORY ..."
RELATED = ("mount",)
EXAMPLES = """\
fsu umount /mnt
    Unmount /mnt; disk.img, which was mounted there, can then be copied or booted.
"""

_PATIENCE = 600_000         # ms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-l", "--lazy", action="store_true",
                        help="although it is in use: who uses it may go on, nobody else sees it")  # fmt: skip
    parser.add_argument("directories", nargs="+", metavar="directory", help="where it is mounted")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Unmount one after the other."""
    from rump.servers.fuse.connection import MountFailed

    for directory in arguments.directories:
        try:
            _unmount(command, os.path.abspath(directory), arguments.lazy)
        except (OSError, MountFailed) as error:
            command.fail(directory, error if isinstance(error, OSError) else str(error))
    return command.status


def _unmount(command: Command, directory: str, lazy: bool) -> None:
    """Unmount one.  Errors: OSError - it cannot be synced; MountFailed - it is none of ours, or in use."""
    from rump.servers.fuse.connection import MountFailed, last_line, unmount

    server = _server(directory)
    running = unmount(directory, lazy=lazy or server is None)
    _, said = running.communicate()
    if running.returncode != 0:
        if server is not None:
            os.close(server)
        raise MountFailed(last_line(said))
    if server is None:
        command.warn(directory, "its server had died; the image is as after a power cut")
        return
    try:
        if not lazy and not _ended(server):
            raise MountFailed("unmounted; the image is still being written")
    finally:
        os.close(server)


def _server(directory: str) -> int | None:
    """A pidfd of the server of a mount, which has synced it; None if it is dead.

    Errors: OSError; MountFailed - nothing is mounted there by us.
    """
    import errno
    from fcntl import ioctl

    from rump.servers.fuse.connection import MountFailed
    from rump.servers.fuse.control import SERVER, SYNC

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return None
        raise
    try:
        try:
            pid = int.from_bytes(ioctl(descriptor, SERVER, bytes(4)), sys.byteorder)
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                return None
            raise MountFailed("not the root of what fsu mount has mounted") from error
        ioctl(descriptor, SYNC)
        process: int = os.pidfd_open(pid)  # type: ignore[attr-defined, unused-ignore]
        return process
    finally:
        os.close(descriptor)


def _ended(process: int) -> bool:
    """Wait for the end of a process."""
    import select

    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(_PATIENCE))
