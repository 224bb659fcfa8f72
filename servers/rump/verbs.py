# SPDX-License-Identifier: BSD-2-Clause
"""What ``rump`` can do: a function for each verb, of the lwp and the parsed arguments; its value is the exit status."""

from __future__ import annotations

import os
import stat
import sys
import time

from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.sysproxy.memory import PIECE
from rump.servers import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.kernel.stat import Stat, Statvfs
    from rump.servers.client.lwp import RemoteLwp


def run(options: argparse.Namespace) -> int:
    """Carry out the verb."""
    if options.verb == "exec":
        return _exec(options)
    if options.verb == "monolith":
        from rump.servers.monolith.main import run as run_monolith

        return run_monolith(options.config, check=options.check)
    if options.verb == "top":
        from rump.servers.monolith import top

        return top.run(options.url, rounds=options.rounds, delay=options.delay, as_json=options.json)
    secret = None
    if options.secret_file:
        from rump.servers.rump_server import read_secret

        secret = read_secret(options.secret_file)
    with connect(options.url, name=f"rump {options.verb}", secret=secret) as lwp:
        return VERBS[options.verb](lwp, options)


def _exec(options: argparse.Namespace) -> int:
    from rump.servers.hijack import execute

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        sys.stderr.write("rump exec: which command?\n")
        return 2
    execute(options.url, command, options.prefix)
    return 0


def _print(line: str) -> None:
    data = line.encode("utf-8", "surrogateescape")
    sys.stdout.flush()
    sys.stdout.buffer.write(data + b"\n")


def _for_each(lwp: RemoteLwp, options: argparse.Namespace, act: Callable[[RemoteLwp, bytes], None]) -> int:
    """Do something with each path; those that fail do not stop the others."""
    status = 0
    for path in options.paths:
        try:
            act(lwp, os.fsencode(path))
        except Fault as error:
            sys.stderr.write(f"rump {options.verb}: {error}\n")
            status = 1
    return status


def _cat(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    def act(lwp: RemoteLwp, path: bytes) -> None:
        fd = lwp.open(path, abi.O_RDONLY)
        try:
            while data := lwp.read(fd, PIECE):
                sys.stdout.buffer.write(data)
        finally:
            lwp.close(fd)

    return _for_each(lwp, options, act)


def _df(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    _print(f"{'Filesystem':20} {'1K-blocks':>12} {'Used':>12} {'Avail':>12}  Mounted on")
    if options.paths:
        return _for_each(lwp, options, lambda lwp, path: _space(lwp.statvfs(path)))
    for mount in lwp.getvfsstat():
        _space(mount)
    return 0


def _space(mount: Statvfs) -> None:
    """A line of df."""
    total, free, room = (count * mount.f_frsize // 1024 for count in (mount.f_blocks, mount.f_bfree, mount.f_bavail))
    source = os.fsdecode(mount.f_mntfromname or mount.f_fstypename)
    _print(f"{source:20} {total:12} {total - free:12} {room:12}  {os.fsdecode(mount.f_mntonname or b'/')}")


def _halt(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    lwp.reboot()
    return 0


def _ls(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    several = len(options.paths) > 1

    def act(lwp: RemoteLwp, path: bytes) -> None:
        if lwp.stat(path).st_mode & abi.S_IFMT != abi.S_IFDIR:
            return _entry(lwp, path, path, options.long)
        if several:
            _print(os.fsdecode(path) + ":")
        for name in _names(lwp, path):
            if options.all or not name.startswith(b"."):
                _entry(lwp, path.rstrip(b"/") + b"/" + name, name, options.long)
        return None

    return _for_each(lwp, options, act)


def _names(lwp: RemoteLwp, path: bytes) -> list[bytes]:
    fd = lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        names: list[bytes] = []
        while entries := lwp.getdents(fd):
            names += [name for name, _, _ in entries]
        return sorted(names)
    finally:
        lwp.close(fd)


def _entry(lwp: RemoteLwp, path: bytes, name: bytes, long: bool) -> None:
    shown = "".join(letter if letter.isprintable() else "?" for letter in os.fsdecode(name))
    if not long:
        return _print(shown)
    found = lwp.lstat(path)
    if found.st_mode & abi.S_IFMT == abi.S_IFLNK:
        shown += " -> " + os.fsdecode(lwp.readlink(path))
    return _print(f"{_attributes(found)} {shown}")


def _attributes(found: Stat) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(found.st_mtime_ns // 10**9))
    size = (
        f"{abi.major(found.st_rdev)}, {abi.minor(found.st_rdev)}"
        if found.st_mode & abi.S_IFMT in (abi.S_IFCHR, abi.S_IFBLK)
        else str(found.st_size)
    )
    mode = stat.filemode(found.st_mode)
    return f"{mode} {found.st_nlink:3} {found.st_uid:5} {found.st_gid:5} {size:>10} {when}"


def _mount(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    if options.device is None:
        for mount in lwp.getvfsstat(abi.ST_NOWAIT):
            how = " read-only" if mount.f_flag & abi.MNT_RDONLY else ""
            where = os.fsdecode(mount.f_mntonname or b"/")
            source = os.fsdecode(mount.f_mntfromname or mount.f_fstypename)
            _print(f"{source} on {where} type {os.fsdecode(mount.f_fstypename)}{how}")
        return 0
    device, directory = options.device, options.directory
    if directory is None:       # a file system without a device
        device, directory = "", device
    given = dict(option.partition("=")[::2] for option in options.options.split(",") if option)
    flags = 0 if given.pop("ro", None) is None else abi.MNT_RDONLY
    lwp.mount(options.type, os.fsencode(directory), flags, os.fsencode(device), given)
    return 0


def _ps(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    _print(f"{'PID':>5} {'PPID':>5} {'UID':>5} {'FILES':>5} COMMAND")
    for pid, parent, user, files, name in lwp.rump_processes():
        _print(f"{pid:5} {parent:5} {user:5} {files:5} {os.fsdecode(name)}")
    return 0


def _sync(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    lwp.sync()
    return 0


def _umount(lwp: RemoteLwp, options: argparse.Namespace) -> int:
    lwp.unmount(os.fsencode(options.directory), abi.MNT_FORCE if options.force else 0)
    return 0


VERBS: dict[str, Callable[[RemoteLwp, argparse.Namespace], int]] = {
    "cat": _cat, "df": _df, "halt": _halt, "ls": _ls, "mount": _mount, "ps": _ps, "sync": _sync, "umount": _umount,
}  # fmt: skip
