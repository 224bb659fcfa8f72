# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what: mode bits, owners, groups, sticky directories, file flags (POSIX "File Access Permissions")."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e, reading

R, W, X = abi.R_OK, abi.W_OK, abi.X_OK


def bits_of_owner_group_others(t: Scenario) -> None:
    """The owner's bits for the owner, though others may more; then the group's, and those beside it; then others'."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chown(b"f", 1000, 100)
    owner, first, second, other = (
        t.process(1000), t.process(1001, 100), t.process(1002, 5, (7, 100)), t.process(1003),
    )  # fmt: skip
    for mode in (0o077, 0o707, 0o770, 0o421):
        t.chmod(b"f", mode)
        for who, shift in ((owner, 6), (first, 3), (second, 3), (other, 0)):
            for want in (R, W, X):
                if mode >> shift & want:
                    who.access(b"f", want)
                else:
                    who.expect(e.EACCES, who.access, b"f", want)


def root_may_all(t: Scenario) -> None:
    """Root reads and writes anything, and executes what anybody may."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chmod(b"f", 0)
    t.access(b"f", R | W)
    t.expect(e.EACCES, t.access, b"f", X)
    t.chmod(b"f", 0o001)
    t.access(b"f", R | W | X)
    t.mkdir(b"d", 0o700)
    t.chmod(b"d", 0)
    t.access(b"d", R | W | X)


def search_permission(t: Scenario) -> None:
    """EACCES: a directory on the way without the search bit; reading it needs only the read bit."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/f", b"x")
    user = t.process(1000)
    user.read_file(b"d/f")
    t.chmod(b"d", 0o744)
    for call in (user.stat, user.lstat, user.chdir):
        user.expect(e.EACCES, call, b"d/f" if call is not user.chdir else b"d")
    user.expect(e.EACCES, user.stat, b"d/missing")
    user.expect(e.EACCES, user.stat, b"d/..")
    t.equal(user.names(b"d"), [b"f"])
    t.chmod(b"d", 0o711)
    user.stat(b"d/f")
    user.expect(e.EACCES, user.open, b"d", abi.O_RDONLY)


def open_modes(t: Scenario) -> None:
    """open checks for what it is to be used: EACCES; the descriptor keeps what it was given."""
    t.needs("permissions", "owners")
    t.write_file(b"f", b"x")
    t.chmod(b"f", 0o604)
    user = t.process(1000)
    fd = user.open(b"f", abi.O_RDONLY)
    for flags in (abi.O_WRONLY, abi.O_RDWR, abi.O_RDONLY | abi.O_TRUNC):
        user.expect(e.EACCES, user.open, b"f", flags)
    t.chmod(b"f", 0o600)
    user.expect(e.EACCES, user.open, b"f", abi.O_RDONLY)
    t.equal(user.read(fd, 5), b"x")
    t.equal(t.stat(b"f").st_size, 1)


def create_needs_write(t: Scenario) -> None:
    """EACCES: making and removing names wants a writable directory, and search in it."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/f")
    t.mkdir(b"d/e", 0o755)
    user = t.process(1000)
    user.expect(e.EACCES, user.mkdir, b"d/x", 0o755)
    user.expect(e.EACCES, user.open, b"d/x", abi.O_WRONLY | abi.O_CREAT)
    user.expect(e.EACCES, user.symlink, b"t", b"d/x")
    user.expect(e.EACCES, user.mkfifo, b"d/x", 0o600)
    user.expect(e.EACCES, user.unlink, b"d/f")
    user.expect(e.EACCES, user.rmdir, b"d/e")
    t.chmod(b"d", 0o777)
    user.unlink(b"d/f")
    user.rmdir(b"d/e")


def new_file_is_open_whatever_its_mode(t: Scenario) -> None:
    """The mode of a file that open makes does not bind that open."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.chmod(b"d", 0o777)
    user = t.process(1000)
    fd = user.open(b"d/f", abi.O_RDWR | abi.O_CREAT, 0)
    t.equal(user.write(fd, b"x"), 1)
    user.expect(e.EACCES, user.open, b"d/f", abi.O_RDONLY)


def sticky_directory(t: Scenario) -> None:
    """EPERM: in a sticky directory one removes only one's own files, unless the directory is one's own."""
    t.needs("permissions", "owners")
    t.mkdir(b"s", 0o755)
    t.chmod(b"s", 0o1777)
    t.chown(b"s", 1002, 0)
    for name in (b"s/a", b"s/b", b"s/c"):
        t.write_file(name)
        t.chown(name, 1000, 0)
    owner, other, keeper = t.process(1000), t.process(1001), t.process(1002)
    other.expect(e.EPERM, other.unlink, b"s/a")
    owner.unlink(b"s/a")
    keeper.unlink(b"s/b")
    t.unlink(b"s/c")


def chmod_owner(t: Scenario) -> None:
    """EPERM: only the owner and root change the mode."""
    t.write_file(b"f")
    t.without("permissions", e.EOPNOTSUPP, t.chmod, b"f", 0o600)
    t.chown(b"f", 1000, 100)
    owner, other = t.process(1000, 100), t.process(1001, 100)
    other.expect(e.EPERM, other.chmod, b"f", 0o777)
    t.pass_time(10**9)
    owner.chmod(b"f", 0o640)
    t.stat(b"f")
    t.expect(e.EINVAL, t.chmod, b"f", 0o10000)
    t.expect(e.ENOENT, t.chmod, b"x", 0o644)


def chmod_special_bits(t: Scenario) -> None:
    """A user sets no sticky bit on a file (EFTYPE), and no set-group-id of a group he is not in (EPERM)."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chown(b"f", 1000, 77)
    user = t.process(1000, 100)
    user.expect(e.EFTYPE, user.chmod, b"f", 0o1644)
    user.expect(e.EPERM, user.chmod, b"f", 0o2755)
    user.chmod(b"f", 0o4755)
    t.chmod(b"f", 0o7777)
    t.equal(t.stat(b"f").st_mode & 0o7777, 0o7777)


def chmod_forms(t: Scenario) -> None:
    """fchmod, fchmodat and lchmod; a symbolic link itself only by lchmod."""
    t.needs("permissions", "symlinks")
    t.write_file(b"f")
    t.symlink(b"f", b"s")
    t.chmod(b"s", 0o600)
    t.equal((t.stat(b"f").st_mode & 0o777, t.lstat(b"s").st_mode & 0o777), (0o600, 0o755))
    t.lchmod(b"s", 0o700)
    t.fchmodat(AT, b"s", 0o640)
    t.fchmodat(AT, b"s", 0o711, abi.AT_SYMLINK_NOFOLLOW)
    t.equal((t.stat(b"f").st_mode & 0o777, t.lstat(b"s").st_mode & 0o777), (0o640, 0o711))
    fd = t.open(b"f", abi.O_RDONLY)
    t.fchmod(fd, 0o444)
    t.close(fd)
    t.expect(e.EBADF, t.fchmod, fd, 0o644)


def chown_rules(t: Scenario) -> None:
    """Root gives files away; an owner gives one to a group he is in, and loses set-id bits; others nothing: EPERM."""
    t.write_file(b"f")
    t.without("owners", e.EOPNOTSUPP, t.chown, b"f", 1000, 100)
    t.chown(b"f", 1000, 100)
    t.chmod(b"f", 0o6755)
    owner, other = t.process(1000, 100, (200,)), t.process(1001, 100)
    owner.expect(e.EPERM, owner.chown, b"f", 1001, 100)
    owner.expect(e.EPERM, owner.chown, b"f", -1, 300)
    other.expect(e.EPERM, other.chown, b"f", -1, 100)
    owner.chown(b"f", -1, 200)
    t.equal((t.stat(b"f").st_gid, t.stat(b"f").st_mode & 0o7777), (200, 0o755))
    t.chown(b"f", -1, -1)
    t.chown(b"f", 4_000_000_000, 4_000_000_001)
    t.stat(b"f")
    t.expect(e.EINVAL, t.chown, b"f", 1 << 32, 0)


def chown_forms(t: Scenario) -> None:
    """fchown, fchownat and lchown; a symbolic link itself only by lchown."""
    t.needs("owners", "symlinks")
    t.write_file(b"f")
    t.symlink(b"f", b"s")
    t.chown(b"s", 1, 2)
    t.lchown(b"s", 3, 4)
    t.fchownat(AT, b"s", 5, -1, abi.AT_SYMLINK_NOFOLLOW)
    t.stat(b"f")
    t.equal((t.lstat(b"s").st_uid, t.lstat(b"s").st_gid), (5, 4))
    fd = t.open(b"f", abi.O_RDONLY)
    t.fchown(fd, 6, 7)
    t.equal((t.fstat(fd).st_uid, t.fstat(fd).st_gid), (6, 7))
    t.close(fd)


def immutable(t: Scenario) -> None:
    """EPERM: an immutable file is not written, renamed, removed or changed, by root neither."""
    t.write_file(b"f", b"x")
    t.without("flags", e.EOPNOTSUPP, t.chflags, b"f", abi.UF_IMMUTABLE)
    flag = abi.UF_IMMUTABLE if t.capabilities.flags & abi.UF_IMMUTABLE else abi.SF_IMMUTABLE
    if not t.capabilities.flags & flag:
        t.expect(e.EOPNOTSUPP, t.chflags, b"f", flag)
        return
    fd = t.open(b"f", abi.O_RDWR)
    t.chflags(b"f", flag)
    t.equal(t.stat(b"f").st_flags, flag)
    t.expect(e.EPERM, t.open, b"f", abi.O_WRONLY)
    t.expect(e.EPERM, t.truncate, b"f", 0)
    t.expect(e.EPERM, t.unlink, b"f")
    t.expect(e.EPERM, t.rename, b"f", b"g")
    t.expect(e.EPERM, t.link, b"f", b"g")
    t.expect(e.EPERM, t.chmod, b"f", 0o600)
    t.expect(e.EPERM, t.utimens, b"f", 0, 0)
    t.equal(t.write(fd, b"who has it open"), 15)
    t.chflags(b"f", 0)
    t.unlink(b"f")


def append_only(t: Scenario) -> None:
    """EPERM: an append-only file is only appended to; an append-only directory only grows."""
    t.needs("flags")
    t.write_file(b"f", b"x")
    if not t.capabilities.flags & abi.SF_APPEND:
        t.expect(e.EOPNOTSUPP, t.chflags, b"f", abi.SF_APPEND)
        return
    t.chflags(b"f", abi.SF_APPEND)
    t.expect(e.EPERM, t.open, b"f", abi.O_WRONLY)
    t.expect(e.EPERM, t.open, b"f", abi.O_WRONLY | abi.O_APPEND | abi.O_TRUNC)
    t.expect(e.EPERM, t.truncate, b"f", 0)
    t.expect(e.EPERM, t.unlink, b"f")
    fd = t.open(b"f", abi.O_WRONLY | abi.O_APPEND)
    t.write(fd, b"y")
    t.expect(e.EPERM, t.ftruncate, fd, 0)
    t.fcntl(fd, abi.F_SETFL, 0)
    t.expect(e.EPERM, t.pwrite, fd, b"z", 0)
    t.close(fd)
    t.mkdir(b"d", 0o755)
    t.chflags(b"d", abi.UF_APPEND if t.capabilities.flags & abi.UF_APPEND else abi.SF_APPEND)
    t.write_file(b"d/f")
    t.expect(e.EPERM, t.unlink, b"d/f")
    t.chflags(b"d", 0)
    t.chflags(b"f", 0)


def flags_by_user(t: Scenario) -> None:
    """A user sets the user's flags of his own files only, and no system flags: EPERM."""
    t.needs("flags", "owners")
    t.write_file(b"f")
    t.chown(b"f", 1000, 0)
    owner, other = t.process(1000), t.process(1001)
    other.expect(e.EPERM, other.chflags, b"f", abi.UF_NODUMP)
    owner.chflags(b"f", abi.UF_NODUMP)
    owner.expect(e.EPERM, owner.chflags, b"f", abi.UF_NODUMP | abi.SF_ARCHIVED)
    t.chflags(b"f", abi.SF_IMMUTABLE)
    owner.expect(e.EPERM, owner.chflags, b"f", 0)
    t.chflags(b"f", 0)
    t.expect(e.EOPNOTSUPP, t.chflags, b"f", 0x100)


def real_and_effective(t: Scenario) -> None:
    """access(2) goes by the real user, AT_EACCESS by the effective one, as everything else."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chown(b"f", 1000, 0)
    t.chmod(b"f", 0o600)
    user = t.process(0)
    user.seteuid(1000)
    user.faccessat(AT, b"f", R, abi.AT_EACCESS)
    t.chown(b"f", 1001, 0)
    user.expect(e.EACCES, user.faccessat, AT, b"f", R, abi.AT_EACCESS)
    user.access(b"f", R)
    user.expect(e.EACCES, user.open, b"f", abi.O_RDONLY)


@reading
def access_errors(t: Scenario) -> None:
    """EINVAL for a mode there is not; ENOENT; F_OK asks only whether it is there."""
    t.access(b"small", abi.F_OK)
    t.access(b"dir", R | X)
    t.expect(e.EINVAL, t.access, b"small", 8)
    t.expect(e.ENOENT, t.access, b"missing", abi.F_OK)
    t.expect(e.EINVAL, t.faccessat, AT, b"small", R, 0x10)


@reading
def others_files(t: Scenario) -> None:
    """Owners and modes of others' making bind: EACCES on the file, and in the directory."""
    t.needs("permissions", "owners")
    owner, member, other = t.process(1000), t.process(1001, 100), t.process(1002)
    t.equal(owner.read_file(b"private"), b"mine\n")
    for user in (member, other):
        user.expect(e.EACCES, user.open, b"private", abi.O_RDONLY)
        user.expect(e.EACCES, user.stat, b"closed/inside")
        user.expect(e.EACCES, user.chdir, b"closed")
    owner.stat(b"closed/inside")


@reading
def modes_read(t: Scenario) -> None:
    """Modes and owners of the standard tree, or what the mount gives all files."""
    for path, entry in t.tree.items():
        if entry.kind not in (0, abi.S_IFLNK):
            st = t.lstat(path)
            t.equal(st.st_mode & abi.S_IFMT, entry.kind)
            if t.has("permissions"):
                t.equal(st.st_mode & 0o7777, entry.mode)
            if t.has("owners"):
                t.equal((st.st_uid, st.st_gid), (entry.uid, entry.gid))


def set_group_id(t: Scenario) -> None:
    """A user who is not in the directory's group makes no set-group-id file there."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.chmod(b"d", 0o777)
    t.chown(b"d", 0, 77)
    user = t.process(1000, 100)
    user.close(user.open(b"d/f", abi.O_WRONLY | abi.O_CREAT, 0o2755))
    t.equal(t.stat(b"d/f").st_mode & 0o7777, 0o755)


def write_clears_set_id(t: Scenario) -> None:
    """A user's write takes the set-id bits away; root's does not."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chmod(b"f", 0o6777)
    fd = t.open(b"f", abi.O_WRONLY)
    t.write(fd, b"root")
    t.close(fd)
    t.equal(t.stat(b"f").st_mode & 0o7777, 0o6777)
    user = t.process(1000)
    fd = user.open(b"f", abi.O_WRONLY)
    user.write(fd, b"user")
    t.equal(t.stat(b"f").st_mode & 0o7777, 0o777)
