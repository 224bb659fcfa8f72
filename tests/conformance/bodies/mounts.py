# SPDX-License-Identifier: BSD-2-Clause
"""Mounting: over directories, twice, while in use; options (mount(2), unmount(2), statvfs(2))."""

from __future__ import annotations

from rump.conformance.scenario import MOUNT, Scenario, abi, e, reading


def over_a_directory(t: Scenario) -> None:
    """What is mounted covers what is in the directory, until it is unmounted."""
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/under")
    t.mount("tmpfs", b"d")
    t.expect(e.ENOENT, t.stat, b"d/under")
    t.write_file(b"d/over")
    t.true(t.stat(b"d").st_dev != t.stat(b".").st_dev, "not another file system")
    t.equal(t.stat(b"d/..").st_ino, t.stat(b".").st_ino)
    t.unmount(b"d")
    t.equal(t.names(b"d"), [b"under"])


def mount_errors(t: Scenario) -> None:
    """EPERM for users, ENOTDIR, ENOENT, ENODEV, EINVAL for flags and options, EBUSY where one is already."""
    t.write_file(b"f")
    t.mkdir(b"d", 0o755)
    user = t.process(1000)
    user.expect(e.EPERM, user.mount, "tmpfs", b"d")
    user.expect(e.EPERM, user.unmount, b"d")
    t.expect(e.ENOTDIR, t.mount, "tmpfs", b"f")
    t.expect(e.ENOENT, t.mount, "tmpfs", b"x")
    t.expect(e.ENODEV, t.mount, "nosuchfs", b"d")
    t.expect(e.EINVAL, t.mount, "tmpfs", b"d", 1 << 40)
    t.expect(e.EINVAL, t.mount, "tmpfs", b"d", 0, b"", {"colour": "red"})
    t.expect(e.ENOTBLK, t.mount, "ext2fs", b"d")
    t.expect(e.ENOTBLK, t.mount, "ext2fs", b"d", abi.MNT_RDONLY, b"f")
    t.expect(e.EBUSY, t.mount, "tmpfs", MOUNT)
    t.mount("tmpfs", b"d")
    t.expect(e.EBUSY, t.mount, "tmpfs", b"d")
    t.unmount(b"d")


def unmount_errors(t: Scenario) -> None:
    """EINVAL for what is no mount, EBUSY for one in use - by a descriptor, a working directory, another mount."""
    t.mkdir(b"d", 0o755)
    t.expect(e.EINVAL, t.unmount, b"d")
    t.expect(e.EINVAL, t.unmount, b"/")
    t.expect(e.ENOENT, t.unmount, b"x")
    t.mount("tmpfs", b"d")
    t.mkdir(b"d/sub", 0o755)
    t.expect(e.EINVAL, t.unmount, b"d/sub")
    t.expect(e.EINVAL, t.unmount, b"d", 1)
    fd = t.open(b"d/sub", abi.O_RDONLY)
    t.expect(e.EBUSY, t.unmount, b"d")
    t.close(fd)
    t.chdir(b"d/sub")
    t.expect(e.EBUSY, t.unmount, b"/mnt/d")
    t.chdir(b"/mnt")
    t.mount("tmpfs", b"d/sub")
    t.expect(e.EBUSY, t.unmount, b"d")
    t.unmount(b"d/sub")
    t.unmount(b"d")


def forced(t: Scenario) -> None:
    """MNT_FORCE takes a mount away from those who use it; their descriptors fail, and close."""
    t.mkdir(b"d", 0o755)
    t.mount("tmpfs", b"d")
    t.write_file(b"d/f", b"x")
    fd = t.open(b"d/f", abi.O_RDWR)
    t.unmount(b"d", abi.MNT_FORCE)
    t.equal(t.names(b"d"), [])
    t.close(fd)
    t.rmdir(b"d")


def mount_point_stays(t: Scenario) -> None:
    """EBUSY: a directory that is mounted on is not removed, nor unlinked."""
    t.mkdir(b"d", 0o755)
    t.mount("tmpfs", b"d")
    t.expect(e.EBUSY, t.rmdir, b"d")
    t.expect(e.EPERM, t.unlink, b"d")
    t.expect(e.EEXIST, t.mkdir, b"d", 0o755)
    t.unmount(b"d")
    t.rmdir(b"d")


def no_devices(t: Scenario) -> None:
    """MNT_NODEV: device nodes lead nowhere, ENXIO; FIFOs still work."""
    t.mkdir(b"d", 0o755)
    t.mount("tmpfs", b"d", abi.MNT_NODEV)
    t.mknod(b"d/null", abi.S_IFCHR | 0o666, abi.makedev(2, 2))
    t.expect(e.ENXIO, t.open, b"d/null", abi.O_RDWR)
    t.mkfifo(b"d/p", 0o600)
    t.close(t.open(b"d/p", abi.O_RDWR))
    t.unmount(b"d")


def tmpfs_options(t: Scenario) -> None:
    """mount_tmpfs(8): size, nodes, uid, gid, mode; EINVAL for values that are none."""
    t.mkdir(b"d", 0o755)
    t.mount("tmpfs", b"d", 0, b"", {"size": "64k", "nodes": "3", "uid": "5", "gid": "6", "mode": "1770"})
    st = t.stat(b"d")
    t.equal((st.st_uid, st.st_gid, st.st_mode & 0o7777), (5, 6, 0o1770))
    t.statvfs(b"d")
    t.write_file(b"d/f", bytes(65_536))
    t.unmount(b"d")
    for options in ({"size": "much"}, {"mode": "9"}, {"mode": "77777"}, {"uid": "-1"}, {"nodes": ""}):
        t.expect(e.EINVAL, t.mount, "tmpfs", b"d", 0, b"", options)


def listing_shows_what_covers(t: Scenario) -> None:
    """A listing with attributes shows the root of what is mounted."""
    t.mkdir(b"d", 0o755)
    t.mount("tmpfs", b"d", 0, b"", {"mode": "711"})
    fd = t.open(b".", abi.O_RDONLY)
    rows, _ = t.rump_listdir(fd)
    t.equal([row[2][2] & 0o777 for row in rows], [0o711])
    t.close(fd)
    t.unmount(b"d")


@reading
def statvfs(t: Scenario) -> None:
    """statvfs of a path and of a descriptor is the mount's; all mounts are listed in order."""
    st = t.statvfs(b"small")
    fd = t.open(b"dir", abi.O_RDONLY)
    t.equal(t.fstatvfs(fd), st)
    t.equal((st.f_mntonname, st.f_fsid), (b"/mnt", t.stat(b".").st_dev))
    t.true(st.f_bfree <= st.f_blocks and st.f_ffree <= st.f_files, "more free than there is")
    t.equal(t.lwp.getvfsstat()[-1], st)
    t.equal(t.lwp.getvfsstat()[0].f_mntonname, b"/")


@reading
def again(t: Scenario) -> None:
    """Unmounted and mounted again, everything is as it was."""
    t.needs("persistent")
    before = (t.stat(b"lines"), t.names(b"."), t.statvfs(b".").f_bfree)
    t.remount()
    after = (t.stat(b"lines"), t.names(b"."), t.statvfs(b".").f_bfree)
    t.equal((after[0]._replace(st_dev=0), *after[1:]), (before[0]._replace(st_dev=0), *before[1:]))


@reading
def mounted_device(t: Scenario) -> None:
    """EBUSY: a device that is mounted is not mounted again."""
    t.needs("persistent")
    t.expect(e.EBUSY, t.mount, t.subject.fstype, b"dir", abi.MNT_RDONLY, t.device)


@reading
def describe(t: Scenario) -> None:
    """What the volume says of itself."""
    t.rump_describe(b".")
    t.equal(t.rump_describe(b"dir"), t.rump_describe(b"."))
    t.sync()
