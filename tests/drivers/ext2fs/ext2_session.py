# SPDX-License-Identifier: BSD-2-Clause
"""An image mounted for writing by a booted kernel, next to a model of what must be in it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from ext2_model import DIRECTORY, LINK, PAGE, REGULAR, Contents, Model, Node, Refusal, difference, pattern
from ext2_support import E2FSCK, loop_mounted, mke2fs

from rump.kernel import abi, boot
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

MNT = b"/mnt"
KEY = b"/dev/image"
OPEN_MAX = 4
NO_DISCARD = "nodiscard,lazy_itable_init=0,lazy_journal_init=0,hash_seed=fedcba98-7654-3210-fedc-ba9876543210"

FEATURES: dict[str, tuple[str, str]] = {
    # name: (size, options of mke2fs)
    "ext2-1k": ("16M", "-t ext2 -b 1024"),
    "ext2-4k-linear": ("16M", "-t ext2 -b 4096 -O ^dir_index"),
    "ext3": ("24M", "-t ext3 -b 1024 -J size=1"),
    "ext4": ("24M", "-t ext4"),
    "ext4-1k": ("24M", "-t ext4 -b 1024 -J size=1"),
    "ext4-indirect": ("24M", "-t ext4 -b 1024 -O ^extent,^64bit"),
    "ext4-plain-sums": ("24M", "-t ext4 -b 1024 -O ^metadata_csum"),
    "ext4-inline": ("24M", "-t ext4 -b 1024 -O inline_data"),
    "ext4-inline-4k": ("24M", "-t ext4 -O inline_data -I 512"),
    "ext4-ea-inode": ("24M", "-t ext4 -b 1024 -O ea_inode"),
    "ext3-128": ("24M", "-t ext3 -b 1024 -I 128"),
    "ext4-meta-bg": ("24M", "-t ext4 -b 1024 -O meta_bg,^resize_inode -g 1024"),
    "ext4-1024-inodes": ("24M", "-t ext4 -I 1024"),
    "ext4-no-journal": ("24M", "-t ext4 -b 1024 -O ^has_journal"),
    "ext4-no-journal-inline": ("24M", "-t ext4 -b 1024 -O ^has_journal,inline_data"),
    "ext4-32bit": ("24M", "-t ext4 -b 1024 -O ^64bit"),
    "ext4-large-dir": ("24M", "-t ext4 -b 1024 -O large_dir"),
    "ext4-uninit": ("24M", "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg -g 2048"),
    "ext4-small": ("4M", "-t ext4 -b 1024 -J size=1 -N 128"),
    "ext2-small": ("2M", "-t ext2 -b 1024 -N 128"),
    "ext4-no-journal-small": ("4M", "-t ext4 -O ^has_journal -N 96"),
    "ext4-orphan-file": ("24M", "-t ext4 -b 1024 -O orphan_file"),
    "ext4-lazy": ("64M", "-t ext4 -b 1024 -E lazy_itable_init=1,lazy_journal_init=1 -g 4096"),
}  # fmt: skip


def make_image(image: Path, features: str) -> Path:
    """An image that was full of garbage before: what is free and read shows."""
    size, options = FEATURES[features]
    length = int(size[:-1]) << 20
    image.write_bytes(b"\xa5" * length)
    words = options.split()
    if "-E" not in words:
        words += ["-E", NO_DISCARD]
    return mke2fs(image, size, *words)


class Damaged(AssertionError):
    """e2fsck finds fault with an image."""


def fsck(image: Path, *options: str, fine: tuple[int, ...] = (0,)) -> str:
    """e2fsck -fn (or with other options) must find nothing to do; what it says."""
    done = subprocess.run([E2FSCK, *(options or ("-fn",)), os.fspath(image)], capture_output=True, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode not in fine:
        raise Damaged(f"e2fsck {' '.join(options or ('-fn',))} says {done.returncode}:\n{text[:3000]}")
    return text


class Session:
    """A booted kernel with an image (None: tmpfs) mounted at `MNT`."""

    def __init__(self, image: Path | None, host=None, **boot_options) -> None:
        self.image = image
        self.small = False          # it may be full at any time
        self.log: list[str] = []
        self.kernel = boot(host or default(), log=self.log.append, **boot_options)
        self.lwp = self.kernel.lwp
        self.lwp.umask(0)
        self.lwp.mkdir(MNT, 0o755)
        if image is not None:
            self.kernel.etfs_register(KEY, os.fsencode(image), read_only=False)
        self.mount()

    def mount(self) -> None:
        if self.image is None:
            self.lwp.mount("tmpfs", MNT)
        else:
            self.lwp.mount("ext2fs", MNT, device=KEY)

    def remount(self) -> None:
        """Unmount, check, mount."""
        if self.image is not None:
            self.lwp.unmount(MNT)
            fsck(self.image)
            self.mount()

    def close(self, check: bool = True) -> None:
        self.kernel.halt()
        if self.image is not None and check:
            fsck(self.image)


# ---- what is there -------------------------------------------------------------------------------------------------


def full_path(path: tuple[bytes, ...]) -> bytes:
    return b"/".join((MNT, *path))


def walk_of(lwp, top: bytes = MNT) -> dict[tuple[bytes, ...], dict]:
    """path -> row of all that is at `top`, through system calls."""
    rows: dict[tuple[bytes, ...], dict] = {}
    todo: list[tuple[bytes, ...]] = [()]
    while todo:
        path = todo.pop()
        name = b"/".join((top, *path))
        info = lwp.lstat(name)
        rows[path] = row = _row(lwp, name, info)
        if row["kind"] == DIRECTORY:
            names = _names(lwp, name)
            assert len(set(names)) == len(names), f"{name!r}: a name is listed twice"
            todo += [(*path, child) for child in names]
    return rows


def _row(lwp, name: bytes, info) -> dict:
    kind = info.st_mode & abi.S_IFMT
    special = kind in (abi.S_IFCHR, abi.S_IFBLK)
    return {
        "fileid": info.st_ino, "kind": kind, "mode": info.st_mode & 0o7777, "uid": info.st_uid, "gid": info.st_gid,
        "rdev": info.st_rdev if special else 0, "links": info.st_nlink, "flags": info.st_flags,
        "mtime": info.st_mtime_ns, "atime": info.st_atime_ns, "target": lwp.readlink(name) if kind == LINK else b"",
        "xattrs": {key: lwp.lgetxattr(name, key) for key in lwp.llistxattr(name)},
        "contents": contents_of(lwp, name) if kind == REGULAR else None,
    }  # fmt: skip


def _names(lwp, name: bytes) -> list[bytes]:
    fd = lwp.open(name, abi.O_RDONLY | abi.O_DIRECTORY)
    names = []
    while entries := lwp.getdents(fd, 100):
        names += [entry[0] for entry in entries]
    lwp.close(fd)
    return [each for each in names if each not in (b".", b"..")]


def contents_of(lwp, name: bytes) -> Contents:
    """A file's bytes: small ones read from end to end, of large ones what is not a hole."""
    fd = lwp.open(name, abi.O_RDONLY)
    try:
        return contents_of_fd(lwp, fd)
    finally:
        lwp.close(fd)


def contents_of_fd(lwp, fd: int) -> Contents:
    found = Contents()
    found.size = lwp.fstat(fd).st_size
    at = 0
    while at < found.size:
        length = min(1 << 20, found.size - at)
        if found.size > 4 << 20:
            try:
                at = lwp.lseek(fd, at, abi.SEEK_DATA) // PAGE * PAGE
            except OSError as error:
                assert error.errno == e.ENXIO
                break
            length = min(1 << 20, found.size - at)
        data = lwp.pread(fd, length, at)
        assert len(data) == length, f"{len(data)} bytes at {at}, not {length}"
        if data.count(0) != len(data):
            found._put(at, data)
        at += length
    return found


def walk_of_folder(top: Path) -> dict[tuple[bytes, ...], dict]:
    """The same of a folder of the host's, which the Linux kernel has mounted; without flags."""
    base = os.fsencode(top)
    rows: dict[tuple[bytes, ...], dict] = {}
    todo: list[tuple[bytes, ...]] = [()]
    while todo:
        path = todo.pop()
        name = b"/".join((base, *path))
        info = os.lstat(name)
        kind = stat.S_IFMT(info.st_mode)
        special = kind in (abi.S_IFCHR, abi.S_IFBLK)
        device = abi.makedev(os.major(info.st_rdev), os.minor(info.st_rdev)) if special else 0
        keys = [os.fsencode(key) for key in os.listxattr(name, follow_symlinks=False) if key != "security.selinux"]
        rows[path] = {
            "fileid": info.st_ino, "kind": kind, "mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid,
            "gid": info.st_gid, "rdev": device, "links": info.st_nlink, "mtime": info.st_mtime_ns,
            "atime": info.st_atime_ns, "target": os.readlink(name) if kind == LINK else b"",
            "xattrs": {key: os.getxattr(name, key, follow_symlinks=False) for key in keys},
            "contents": _contents_of_host(name) if kind == REGULAR else None,
        }  # fmt: skip
        if kind == DIRECTORY:
            todo += [(*path, child) for child in os.listdir(name)]
    return rows


def _contents_of_host(name: bytes) -> Contents:
    found = Contents()
    with open(name, "rb") as file:
        found.size = os.fstat(file.fileno()).st_size
        at = 0
        while at < found.size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // PAGE * PAGE
            except OSError:
                break
            data = os.pread(file.fileno(), 1 << 20, at)
            if data.count(0) != len(data):
                found._put(at, data)
            at += len(data)
    return found


# ---- both sides ----------------------------------------------------------------------------------------------------


class Different(AssertionError):
    """The file system and the model disagree."""


class Pair:
    """Does operations to a mounted image and to a model, and holds results and errors equal.

    done        the operations so far
    full        how many were refused for want of space
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lwp = session.lwp
        self.capabilities = self.lwp.rump_capabilities(MNT)
        on_disk = session.image is not None
        self.model = Model(self.now(), abi.UF_NODUMP if on_disk else 0, acls=on_disk)
        self.open: list[tuple[int, Node]] = []
        self.done: list[tuple] = []
        self.full = 0
        self._adopt()

    def now(self) -> int:
        return self.session.kernel.now()

    def _adopt(self) -> None:
        """The model begins as what a new image holds: directories."""
        for path, row in sorted(walk_of(self.lwp).items()):
            node = self.model.make(path, row["kind"], row["mode"]) if path else self.model.root
            node.mode, node.uid, node.gid = row["mode"], row["uid"], row["gid"]
            node.mtime = node.atime = (False, 0)
        self.model.root.mtime = (False, 0)

    def do(self, operation: tuple) -> bool:
        """One operation; whether it was done.  Errors: Different."""
        self.done.append(operation)
        name, *arguments = operation
        self.model.now = self.now()
        try:
            return bool(getattr(self, "_" + name)(*arguments))
        except Different as problem:
            raise Different(f"operation {len(self.done)}, {_short(operation)}: {problem}") from None

    def run(self, script) -> None:
        for operation in script:
            self.do(operation)

    def _both(self, real, model, may: tuple[int, ...] = (e.ENOSPC,)) -> bool:
        """Run both: the model's errno must be the real one, but for those that only the real side can know."""
        try:
            result = real()
            found = 0
        except OSError as error:
            result, found = None, error.errno
            message = str(error)
        if found in may:
            self.full += 1
            return False
        try:
            model(result) if result is not None else model()
            wanted = 0
        except Refusal as refusal:
            wanted = refusal.args[0]
        if found != wanted:
            said = e.NAMES.get(found, found) if found else "success"
            raise Different(f"{said}{': ' + message if found else ''}; the model says {e.NAMES.get(wanted, wanted)}")
        return not found

    def _plain(self, call: str, path, *arguments) -> bool:
        model = getattr(self.model, call)
        return self._both(lambda: getattr(self.lwp, call)(full_path(path), *arguments), lambda: model(path, *arguments))

    # ---- names -----------------------------------------------------------------------------------------------------

    def _create(self, path, mode):
        def real():
            self.lwp.close(self.lwp.open(full_path(path), abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, mode))

        return self._both(real, lambda: self.model.create(path, mode))

    def _mkdir(self, path, mode):
        return self._plain("mkdir", path, mode)

    def _symlink(self, path, target):
        return self._both(lambda: self.lwp.symlink(target, full_path(path)), lambda: self.model.symlink(path, target))

    def _mknod(self, path, mode, rdev):
        return self._plain("mknod", path, mode, rdev)

    def _link(self, old, new):
        def real():
            self.lwp.linkat(abi.AT_FDCWD, full_path(old), abi.AT_FDCWD, full_path(new))

        return self._both(real, lambda: self.model.link(old, new))

    def _unlink(self, path):
        return self._plain("unlink", path)

    def _rmdir(self, path):
        return self._plain("rmdir", path)

    def _rename(self, old, new):
        return self._both(lambda: self.lwp.rename(full_path(old), full_path(new)), lambda: self.model.rename(old, new))

    def _many(self, path, first, count):
        """`count` empty files in a directory, numbered from `first`."""
        for number in range(first, first + count):
            self._create((*path, many_name(number)), 0o644)
        return True

    def _many_gone(self, path, first, count, step):
        for number in range(first, first + count, step):
            self._unlink((*path, many_name(number)))
        return True

    # ---- contents --------------------------------------------------------------------------------------------------

    def _at(self, path, flags, body):
        fd = self.lwp.open(full_path(path), flags | abi.O_NOFOLLOW)
        try:
            return body(fd)
        finally:
            self.lwp.close(fd)

    def _written(self, path, flags, offset, data):
        """A write may be cut short where the volume is full; the model then takes what was written."""
        try:
            node = self.model.at(path)
        except Refusal:
            node = None
        if node is None or node.kind not in (REGULAR, DIRECTORY):
            return False
        place = node.contents.size if offset is None else offset
        if data and place + len(data) > self.capabilities.file_size_max:
            return False

        def model(count=1 << 30):
            if offset is not None and node.flags & abi.SF_APPEND:
                raise Refusal(e.EPERM)      # such a file is not even opened for writing, but to append
            self.model.put(self.model.regular(path), place, data[:count])

        full = self.full
        if offset is None:
            done = self._both(lambda: self._at(path, flags, lambda fd: self.lwp.write(fd, data)), model)
        else:
            done = self._both(lambda: self._at(path, flags, lambda fd: self.lwp.pwrite(fd, data, offset)), model)
        if self.full > full and self.session.small and node.kind == REGULAR:
            self._settle(contents_of(self.lwp, full_path(path)), node.contents)
        return done

    def _settle(self, found, contents):
        """A write that was refused for space has changed nothing."""
        if found.size != contents.size:
            raise Different(f"size {found.size} after a write that was refused, not {contents.size}")
        if not found.same(contents):
            raise Different(f"a write that was refused: {found.difference(contents)}")

    def _write(self, path, offset, length, seed):
        return self._written(path, abi.O_WRONLY, offset, pattern(seed, length))

    def _fragment(self, path, count, step, seed):
        """Every other piece of a file, the last first."""
        for number in reversed(range(count)):
            self._write(path, number * step, step // 2, seed + number)
        return True

    def _append(self, path, length, seed):
        return self._written(path, abi.O_WRONLY | abi.O_APPEND, None, pattern(seed, length))

    def _truncate(self, path, size):
        return size <= self.capabilities.file_size_max and self._regular(path) and self._plain("truncate", path, size)

    def _regular(self, path) -> bool:
        try:
            return self.model.at(path).kind == REGULAR
        except Refusal:
            return False

    def _fallocate(self, path, offset, length):
        if not self._regular(path) or offset + length > self.capabilities.file_size_max or not self.can_allocate:
            return False
        real = lambda: self._at(path, abi.O_RDWR, lambda fd: self.lwp.posix_fallocate(fd, offset, length))  # noqa: E731
        return self._both(real, lambda: self.model.fallocate(path, offset, length))

    @property
    def can_allocate(self) -> bool:
        return self.session.image is not None and hasattr(self.lwp, "posix_fallocate")

    def _punch(self, path, offset, length):
        if not self._regular(path) or not self.can_allocate:
            return False
        real = lambda: self._at(path, abi.O_RDWR, lambda fd: self.lwp.fdiscard(fd, offset, length))  # noqa: E731
        return self._both(real, lambda: self.model.punch(path, offset, length))

    def _read(self, path, offset, length):
        if not self._regular(path):
            return False
        data = self._at(path, abi.O_RDONLY, lambda fd: self.lwp.pread(fd, length, offset))
        self._compare(data, self.model.at(path).contents, offset, length)
        return True

    def _compare(self, data, contents, offset, length):
        wanted = contents.read(offset, length)
        if data != wanted:
            both = enumerate(zip(data, wanted, strict=False))
            first = next((number for number, (a, b) in both if a != b), min(len(data), len(wanted)))
            raise Different(f"{len(data)} bytes read, not {len(wanted)}; the first that differs is {offset + first}")

    # ---- open files ------------------------------------------------------------------------------------------------

    def _open(self, path):
        if not self._regular(path) or len(self.open) >= OPEN_MAX or self.model.at(path).flags & 0x60000:
            return False
        self.open.append((self.lwp.open(full_path(path), abi.O_RDWR), self.model.at(path)))
        return True

    def _opened(self, index):
        return self.open[index % len(self.open)] if self.open else (None, None)

    def _hwrite(self, index, offset, length, seed):
        fd, node = self._opened(index)
        if fd is None or offset + length > self.capabilities.file_size_max:
            return False
        data = pattern(seed, length)

        def model(count=1 << 30):
            self.model.put(node, offset, data[:count], opened=True)

        full = self.full
        done = self._both(lambda: self.lwp.pwrite(fd, data, offset), model)
        if self.full > full and self.session.small:
            self._settle(contents_of_fd(self.lwp, fd), node.contents)
        return done

    def _hread(self, index, offset, length):
        fd, node = self._opened(index)
        if fd is not None:
            self._compare(self.lwp.pread(fd, length, offset), node.contents, offset, length)
        return fd is not None

    def _htruncate(self, index, size):
        fd, node = self._opened(index)
        if fd is None or size > self.capabilities.file_size_max:
            return False
        return self._both(lambda: self.lwp.ftruncate(fd, size), lambda: self.model.cut(node, size))

    def _hsync(self, index):
        fd, _ = self._opened(index)
        return fd is not None and self._both(lambda: self.lwp.fsync(fd), lambda: None, ())

    def _hclose(self, index):
        if not self.open:
            return False
        fd, node = self.open.pop(index % len(self.open))
        found = contents_of_fd(self.lwp, fd)
        if not found.same(node.contents):
            raise Different(f"open file: {found.difference(node.contents)}")
        self.lwp.close(fd)
        return True

    # ---- attributes ------------------------------------------------------------------------------------------------

    def _chmod(self, path, mode):
        return self._both(lambda: self.lwp.lchmod(full_path(path), mode), lambda: self.model.chmod(path, mode))

    def _chown(self, path, uid, gid):
        return self._both(lambda: self.lwp.lchown(full_path(path), uid, gid), lambda: self.model.chown(path, uid, gid))

    def _utimens(self, path, atime, mtime):
        step = self.capabilities.time_step
        atime, mtime = (min(time, self.capabilities.time_max) // step * step for time in (atime, mtime))
        real = lambda: self.lwp.lutimens(full_path(path), atime, mtime)  # noqa: E731
        return self._both(real, lambda: self.model.utimens(path, atime, mtime))

    def _chflags(self, path, flags):
        return self._both(lambda: self.lwp.lchflags(full_path(path), flags), lambda: self.model.chflags(path, flags))

    def _setxattr(self, path, name, length, seed):
        value = pattern(seed, length)
        size = 0
        try:
            node = self.model.at(path)
            size = sum(20 + len(key) + len(held) for key, held in node.xattrs.items())
            if node.kind == LINK and size + length > 500:
                # In an inode of its own it would count as blocks of the link, which e2fsck 1.47 then takes for a map:
                # of the Linux kernel's links, too.
                return False
        except Refusal:
            pass
        # What must fit fits: into the block of its own that a file may have for attributes.
        may = (e.ENOSPC,) if length + size + len(name) > 600 or self.session.small else ()
        real = lambda: self.lwp.lsetxattr(full_path(path), name, value)  # noqa: E731
        return self._both(real, lambda: self.model.setxattr(path, name, length, seed), may)

    def _setacl(self, path, name, value):
        real = lambda: self.lwp.lsetxattr(full_path(path), name, value)  # noqa: E731
        return self._both(real, lambda: self.model.setacl(path, name, value))

    def _removexattr(self, path, name):
        real = lambda: self.lwp.lremovexattr(full_path(path), name)  # noqa: E731
        return self._both(real, lambda: self.model.removexattr(path, name))

    # ---- the whole -------------------------------------------------------------------------------------------------

    def _sync(self):
        self.lwp.sync()
        return True

    def _fsync(self, path):
        if not self._regular(path):
            return False
        self._at(path, abi.O_RDONLY, self.lwp.fsync)
        return True

    def _check(self):
        problem = difference(self.model, walk_of(self.lwp), self.capabilities.time_step)
        if problem:
            raise Different(problem)
        return True

    def _remount(self):
        while self.open:
            self._hclose(0)
        self.session.remount()
        return self._check()

    def finish(self, linux: Path | None = None) -> None:
        """Compare, unmount, let e2fsck look, compare what our reader sees and (`linux`: a folder to mount on) Linux."""
        self.do(("check",))
        while self.open:
            self._hclose(0)
        step, image = self.capabilities.time_step, self.session.image
        self.session.close()
        if image is None:
            return
        self.difference_of(walk_of_image(image), step)
        if linux is not None:
            with loop_mounted(image, linux) as folder:
                self.difference_of(walk_of_folder(folder), step)

    def difference_of(self, rows: dict, step: int) -> None:
        problem = difference(self.model, rows, step)
        if problem:
            raise Different(f"after {len(self.done)} operations: {problem}")


def walk_of_image(image: Path) -> dict:
    """The same of an image, by our reader."""
    with boot(default(), log=lambda line: None) as kernel:
        kernel.etfs_register(KEY, os.fsencode(image))
        kernel.lwp.mkdir(MNT, 0o755)
        kernel.lwp.mount("ext2fs", MNT, abi.MNT_RDONLY, KEY)
        return walk_of(kernel.lwp)


def _short(operation: tuple) -> str:
    text = repr(operation)
    return text if len(text) < 300 else text[:300] + "..."


def many_name(number: int) -> bytes:
    """The names of `many`: short and long ones."""
    return b"m%d" % number if number % 3 else b"many-%d-" % number + b"x" * (number * 37 % 200)
