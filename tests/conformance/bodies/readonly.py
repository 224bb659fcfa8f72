# SPDX-License-Identifier: BSD-2-Clause
"""A file system that is mounted for reading only: EROFS from all that would change it."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading


def _read_only(t: Scenario) -> None:
    if not t.subject.read_only:
        t.mkdir(b"/mnt2", 0o755)
        t.mount("tmpfs", b"/mnt2", abi.MNT_RDONLY, b"", {"mode": "777"})
        t.chdir(b"/mnt2")


@reading
def making_names(t: Scenario) -> None:
    """EROFS: nothing new is made."""
    _read_only(t)
    t.expect(e.EROFS, t.mkdir, b"x", 0o755)
    t.expect(e.EROFS, t.open, b"x", abi.O_RDWR | abi.O_CREAT)
    t.expect(e.EROFS, t.symlink, b"target", b"x")
    t.expect(e.EROFS, t.mkfifo, b"x", 0o600)
    t.expect(e.EROFS, t.mknod, b"x", abi.S_IFCHR | 0o600, 0)
    t.expect(e.EEXIST, t.mkdir, b".", 0o755)
    user = t.process(1000)
    user.expect(e.EROFS, user.mkdir, b"x", 0o755)


@reading
def changing_files(t: Scenario) -> None:
    """EROFS: files are not opened for writing, cut, removed or renamed."""
    t.needs("persistent")
    if not t.subject.read_only:
        t.remount(read_only=True)
    for flags in (abi.O_WRONLY, abi.O_RDWR, abi.O_RDONLY | abi.O_TRUNC, abi.O_WRONLY | abi.O_APPEND):
        t.expect(e.EROFS, t.open, b"small", flags)
    t.expect(e.EROFS, t.truncate, b"small", 0)
    t.expect(e.EROFS, t.unlink, b"small")
    t.expect(e.EROFS, t.rmdir, b"hollow")
    t.expect(e.EROFS, t.rename, b"small", b"other")
    t.expect(e.EROFS, t.link, b"small", b"other")
    t.close(t.open(b"small", abi.O_RDONLY | abi.O_CREAT))


@reading
def changing_attributes(t: Scenario) -> None:
    """EROFS: attributes stay as they are."""
    _read_only(t)
    t.expect(e.EROFS, t.chmod, b".", 0o700)
    t.expect(e.EROFS, t.chown, b".", 1, 1)
    t.expect(e.EROFS, t.chflags, b".", 0)
    t.expect(e.EROFS, t.utimens, b".", 0, 0)
    t.expect(e.EROFS, t.utimens, b".", "now", "now")
    t.expect(e.EROFS, t.setxattr, b".", b"user.a", b"1")
    t.expect(e.EROFS, t.removexattr, b".", b"user.a")
    t.expect(e.EROFS, t.access, b".", abi.W_OK)


@reading
def mount_for_writing(t: Scenario) -> None:
    """EROFS: what can only be read, or lies on a device for reading, is not mounted for writing."""
    t.needs("persistent")
    t.chdir(b"/")
    t.unmount(b"/mnt")
    if t.subject.read_only:
        t.expect(e.EROFS, t.mount, t.subject.fstype, b"/mnt", 0, t.device)
    t.mount(t.subject.fstype, b"/mnt", abi.MNT_RDONLY, t.device)


@reading
def type_found_out(t: Scenario) -> None:
    """A mount without a type finds out what is on the device."""
    t.needs("persistent")
    t.chdir(b"/")
    t.unmount(b"/mnt")
    t.mount("", b"/mnt", abi.MNT_RDONLY, t.device)
    t.equal(t.statvfs(b"/mnt").f_fstypename, t.subject.fstype.encode())
