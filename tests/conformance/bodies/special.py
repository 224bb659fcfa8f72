# SPDX-License-Identifier: BSD-2-Clause
"""Device nodes, FIFOs and sockets on a file system (mknod(2), mkfifo(2), specfs, fifofs)."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e, reading

NULL = abi.makedev(2, 2)
ZERO = abi.makedev(2, 12)
NOWHERE = abi.makedev(250, 9)


def make_devices(t: Scenario) -> None:
    """A node keeps type, permissions and number; EOPNOTSUPP where there are none."""
    t.without("devices", e.EOPNOTSUPP, t.mknod, b"n", abi.S_IFCHR | 0o600, NULL)
    big = abi.makedev(0xABCDE, 0x1FEDCBA)
    nodes = [(abi.S_IFCHR, NULL), (abi.S_IFBLK, NOWHERE), (abi.S_IFCHR, big)]
    for number, (kind, device) in enumerate(nodes if t.has("big_rdev") else nodes[:2]):
        name = b"n%d" % number
        t.mknod(name, kind | 0o640, device)
        st = t.stat(name)
        t.equal((st.st_mode, st.st_rdev, st.st_size), (kind | 0o640, device, 0))


def mknod_rules(t: Scenario) -> None:
    """EPERM: devices are root's to make; EINVAL: directories and links are not made so; a plain file is."""
    t.write_file(b"f")
    t.expect(e.EINVAL, t.mknod, b"x", abi.S_IFDIR | 0o755)
    t.expect(e.EINVAL, t.mknod, b"x", abi.S_IFLNK | 0o755)
    t.expect(e.EEXIST, t.mknod, b"f", abi.S_IFCHR | 0o600, NULL)
    user = t.process(1000)
    user.expect(e.EPERM, user.mknod, b"x", abi.S_IFCHR | 0o600, NULL)
    t.mknod(b"plain", 0o600)
    t.mknodat(AT, b"plain2", abi.S_IFREG | 0o600, NULL)
    t.equal((t.stat(b"plain2").st_mode & abi.S_IFMT, t.stat(b"plain2").st_rdev), (abi.S_IFREG, 0))


def use_devices(t: Scenario) -> None:
    """A node leads to the device, whatever file system it is on; ENXIO where there is none."""
    t.needs("devices")
    t.mknod(b"null", abi.S_IFCHR | 0o666, NULL)
    t.mknod(b"zero", abi.S_IFCHR | 0o666, ZERO)
    t.mknod(b"nowhere", abi.S_IFCHR | 0o666, NOWHERE)
    t.mknod(b"block", abi.S_IFBLK | 0o666, NOWHERE)
    t.expect(e.ENXIO, t.open, b"nowhere", abi.O_RDONLY)
    t.expect(e.ENXIO, t.open, b"block", abi.O_RDONLY)
    null, zero = t.open(b"null", abi.O_RDWR | abi.O_TRUNC), t.open(b"zero", abi.O_RDONLY)
    t.equal((t.write(null, b"gone"), t.read(null, 10), t.read(zero, 5)), (4, b"", bytes(5)))
    t.expect(e.ESPIPE, t.lseek, zero, 0, abi.SEEK_SET)
    t.expect(e.EINVAL, t.truncate, b"null", 0)
    t.fsync(null)
    t.equal(t.fstat(null).st_rdev, NULL)
    t.close(null)
    t.close(zero)


def fifo(t: Scenario) -> None:
    """A FIFO: ENXIO to write without a reader, then both ends of one pipe; what is in it goes with the last close."""
    t.without("fifos", e.EOPNOTSUPP, t.mkfifo, b"p", 0o600)
    t.mkfifo(b"p", 0o600)
    t.expect(e.EEXIST, t.mkfifo, b"p", 0o600)
    t.expect(e.ENXIO, t.open, b"p", abi.O_WRONLY | abi.O_NONBLOCK)
    reader = t.open(b"p", abi.O_RDONLY | abi.O_NONBLOCK)
    t.equal(t.read(reader, 5), b"")
    writer = t.open(b"p", abi.O_WRONLY)
    t.expect(e.EAGAIN, t.read, reader, 5)
    t.write(writer, b"through")
    t.equal(t.read(reader, 4), b"thro")
    t.expect(e.ESPIPE, t.lseek, reader, 0, abi.SEEK_SET)
    t.equal(t.fstat(reader).st_mode, abi.S_IFIFO | 0o600)
    t.close(reader)
    t.expect(e.EPIPE, t.write, writer, b"x")
    t.close(writer)
    again = t.open(b"p", abi.O_RDWR | abi.O_NONBLOCK)
    t.expect(e.EAGAIN, t.read, again, 5)
    t.close(again)


def fifo_without_a_name(t: Scenario) -> None:
    """An open FIFO works on when its name is gone."""
    t.needs("fifos")
    t.mkfifo(b"p", 0o600)
    fd = t.open(b"p", abi.O_RDWR)
    t.unlink(b"p")
    t.write(fd, b"x")
    t.equal(t.read(fd, 9), b"x")
    t.equal(t.fstat(fd).st_nlink, 0)
    t.close(fd)


def socket(t: Scenario) -> None:
    """A socket's name is there, and cannot be opened: EOPNOTSUPP."""
    t.without("sockets", e.EOPNOTSUPP, t.mknod, b"s", abi.S_IFSOCK | 0o600)
    t.mknod(b"s", abi.S_IFSOCK | 0o600)
    t.equal(t.lstat(b"s").st_mode, abi.S_IFSOCK | 0o600)
    t.expect(e.EOPNOTSUPP, t.open, b"s", abi.O_RDONLY)


def special_permissions(t: Scenario) -> None:
    """EACCES by the node's mode, as for any file."""
    t.needs("devices", "permissions")
    t.mknod(b"null", abi.S_IFCHR | 0o604, NULL)
    user = t.process(1000)
    user.close(user.open(b"null", abi.O_RDONLY))
    user.expect(e.EACCES, user.open, b"null", abi.O_WRONLY)


@reading
def nodes_read(t: Scenario) -> None:
    """Device numbers and FIFOs of others' making."""
    for path, entry in t.tree.items():
        if entry.kind in (abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO):
            st = t.lstat(path)
            t.equal((st.st_mode, st.st_rdev), (entry.kind | entry.mode, entry.rdev))


@reading
def null_read(t: Scenario) -> None:
    """A device node of others' making leads to this kernel's device; it may be written on a read-only mount."""
    t.needs("devices")
    fd = t.open(b"null", abi.O_RDWR)
    t.equal((t.write(fd, b"x"), t.read(fd, 5)), (1, b""))
    t.close(fd)
    t.expect(e.ENXIO, t.open, b"disk", abi.O_RDONLY)
