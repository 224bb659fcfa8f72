# SPDX-License-Identifier: BSD-2-Clause
"""Mount the file system in an image, so that every program of the host can use it.

The image is read and written by a process of the user who mounts it; root is not needed.  It ends when the directory
is unmounted (fsu umount, fusermount3 -u, umount) or when it gets SIGINT, SIGTERM or SIGHUP, which unmount it too.
Either way all that was written is then in the image, and the image is clean.
"""

from __future__ import annotations

import os
import signal

from rump.fsutils.errors import UsageError, reason
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, isolate_if_possible
from rump.kernel import abi
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.servers.daemon import Daemon

OPERANDS = "IMAGE[@PARTITION] DIRECTORY"
RELATED = ("umount", "shell", "cp")
MANUAL = {
    "OPTIONS OF THE MOUNT": """\
-o takes, beside those of the file system's driver: ro - nothing is written; allow_other - other users, root
among them, may use the mount (ordinary users need user_allow_other in /etc/fuse.conf for it); fakeroot - no
permissions are checked and new files are root's, so that a user can work on a system's image; suid, dev -
set-user-id bits and device nodes are in force, for root only; noexec; noatime.

Without fakeroot the host checks permissions by the owners and modes in the image.  Where a file system keeps
no owners (FAT, exFAT), all files belong to the user who mounts.
""",
}
EXAMPLES = """\
fsu mount disk.img@2 /mnt
    Mount the second partition of a disk image.
fsu mount -o ro -f cd.iso ~/cd
    Stay in the foreground; ^C unmounts.
fsu mount -o fakeroot rootfs.ext4 root
    Fill an image with files of root's, as an ordinary user:

        tar -xf base.tar -C root && fsu umount root
"""

_CHOICES = frozenset(("suid", "nosuid", "dev", "nodev", "exec", "noexec", "atime", "noatime", "allow_other"))
_OURS = _CHOICES | {"fakeroot", "default_permissions"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_UNWRITABLE = (e.EROFS, e.EACCES, e.EPERM, e.EOPNOTSUPP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-f", "--foreground", action="store_true", help="do not go into the background")
    parser.add_argument("-o", dest="fs_options", metavar="LIST", action="append", default=[],
                        help="options of the mount and of the file system's driver: NAME[=VALUE],...")  # fmt: skip
    parser.add_argument("-r", "--read-only", action="store_true", help="as -o ro")
    parser.add_argument("image", help="the image, or a partition of it")
    parser.add_argument("directory", help="where it is to appear")
    add_writing_options(parser)
    isolate_if_possible(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Serve the mount, here or behind this command."""
    from rump.servers.daemon import daemonize
    from rump.servers.fuse.connection import MountFailed, check

    operand = parse_operand(arguments.image, image_by_default=True)
    if operand.image is None or operand.path != b"/":
        raise UsageError(f"{operand.text}: IMAGE or IMAGE@PARTITION is wanted")
    try:
        os.close(os.open(arguments.directory, os.O_RDONLY | os.O_DIRECTORY))
        check()
    except MountFailed as error:
        command.say(str(error))
        return 1
    except OSError as error:
        command.fail(arguments.directory, error)
        return 1
    options = command.session.options
    chosen = {name for name in options.mount if name in _OURS}
    options.mount = {name: value for name, value in options.mount.items() if name not in chosen}
    options.read_only = options.read_only or arguments.read_only
    directory = os.path.abspath(arguments.directory)

    if arguments.foreground:
        return _work(command, operand, directory, chosen, lambda: None)

    def work(daemon: Daemon) -> int:
        from rump.fsutils.main import explain

        try:
            return _work(command, operand, directory, chosen, lambda: daemon.ready("/"))
        except Exception as error:
            return explain(command, error)

    return daemonize(work)


def _work(command: Command, operand: Operand, directory: str, chosen: set[str], ready: Callable[[], None]) -> int:
    """Mount the image, serve it, bring it to its end."""
    from rump.servers.fuse.connection import MountFailed

    before = [signal.getsignal(number) for number in _SIGNALS]
    try:
        try:
            lwp = _resolve(command, operand)
            _serve(command, lwp, operand, directory, chosen, ready)
        finally:
            for image, problem in command.session.end():
                command.fail(image, problem)
    except MountFailed as error:
        command.say(f"{directory}: {error}")
        return 1
    except OSError as error:
        command.fail(operand, error)
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
    return command.status


def _resolve(command: Command, operand: Operand) -> Lwp:
    """A process whose root is the file system: for writing, else, where that cannot be, for reading only."""
    session = command.session
    if not session.options.read_only:
        session.writes_to(operand)
        try:
            return session.resolve(operand)[0]
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            session.release()
            session.options.read_only = True
            command.warn(operand, f"read-only: {reason(error)}")
    return session.resolve(operand)[0]


def _serve(
    command: Command, lwp: Lwp, operand: Operand, directory: str, chosen: set[str], ready: Callable[[], None]
) -> None:
    """Answer the host until the directory is unmounted; signals are then ignored, for the image is still written."""
    from rump.servers.fuse.base import Settings
    from rump.servers.fuse.operations import Operations
    from rump.servers.fuse.server import Server

    kernel = command.session.kernel
    keeps_owners = lwp.rump_capabilities(b"/").owners
    settings = Settings(
        owner=None if keeps_owners else (os.getuid(), os.getgid()),
        as_root="fakeroot" in chosen,
        another=lambda: kernel.newproc(lwp, name=operand.volume),
        pid=os.getpid(),
    )
    operations = Operations(lwp, settings)
    server = Server(operations, directory, ready=ready, tick=kernel.tick)
    source = os.path.abspath(operand.image or "") + (f"@{operand.partition}" if operand.partition else "")
    try:
        for number in _SIGNALS:
            signal.signal(number, lambda *_: server.stop())
        server.serve(source, _mount_options(lwp, chosen))
        if operations.lost():           # the kernel said so then
            command.status = 1
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        server.close()


def _mount_options(lwp: Lwp, chosen: set[str]) -> list[str]:
    """What the host's mount is told."""
    read_only = lwp.statvfs(b"/").f_flag & abi.MNT_RDONLY
    words = ["ro" if read_only else "rw"]
    words += [f"no{name}" for name in ("suid", "dev") if name not in chosen]
    words += sorted(chosen & _CHOICES - {"atime", "exec"})
    return words if "fakeroot" in chosen else [*words, "default_permissions"]
