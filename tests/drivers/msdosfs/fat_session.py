# SPDX-License-Identifier: BSD-2-Clause
"""Changes by chance to FAT volumes made by mkfs.fat, through a kernel, beside a model: what fsck.fat says, and what is
there when the volume is mounted again."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rump.conformance.hosts import MemoryMachine
from rump.kernel import abi, boot
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MKFS, FSCK, MCOPY = (shutil.which(tool, path=PATH) for tool in ("mkfs.fat", "fsck.fat", "mcopy"))
needs_dosfstools = pytest.mark.skipif(not (MKFS and FSCK), reason="dosfstools is not installed")
FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
IMAGE, DEVICE, MNT = "fat.img", b"/dev/fat", b"/mnt"
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}

KINDS = {
    "fat12": (300, "-F 12 -s 1 -r 112"),
    "fat12-4k": (8 << 10, "-F 12 -S 4096 -s 1 -r 512"),
    "fat12-one": (1440, "-F 12 -f 1"),
    "fat16": (5 << 10, "-F 16 -s 1"),
    "fat12-64k": (6 << 10, "-F 12 -s 128"),
    "fat16-2k": (10 << 10, "-F 16 -s 4"),
    "fat32": (2 << 10, "-F 32 -s 1"),
    "fat32-2k": (8 << 10, "-F 32 -S 1024 -s 2"),
    "fat32-4096": (6 << 10, "-F 32 -S 4096 -s 1"),
}
"""KiB, options of mkfs.fat."""
LARGE = {"fat32-large": (34 << 10, "-F 32 -s 1")}
"""mtools take a FAT32 of few clusters for something else."""


@lru_cache
def new_image(kind: str) -> bytes:
    """A volume as mkfs.fat makes it."""
    kibibytes, options = (KINDS | LARGE)[kind]
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "image"
        path.touch()
        os.truncate(path, kibibytes << 10)
        assert MKFS
        command = [MKFS, "-i", "1234abcd", "-n", "LABEL", *options.split(), path]
        subprocess.run(command, check=True, capture_output=True)
        return path.read_bytes()


def fsck(image: bytes | bytearray, *options: str) -> tuple[int, str, bytes]:
    """fsck.fat's status and text, and the image after it."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "image"
        path.write_bytes(image)
        assert FSCK
        done = subprocess.run([FSCK, *(options or ("-n",)), path], capture_output=True, check=False, env=ENVIRONMENT)
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"), path.read_bytes()


def assert_clean(image: bytes | bytearray) -> None:
    """fsck.fat finds nothing, and both FATs are the same."""
    status, said, _ = fsck(image)
    few = "Warning: Filesystem is FAT32 according"
    assert status == 0 and len(said.partition(few)[0].splitlines()) == 2, said


class Mounted:
    """A kernel with an image mounted at /mnt; a context manager that unmounts it."""

    def __init__(self, image: bytes | bytearray, read_only: bool = False, **options: str) -> None:
        self.log: list[str] = []
        self.machine = MemoryMachine()
        self._read_only = read_only
        self._options = options
        self.path = self.machine.put(IMAGE, bytes(image))
        self.kernel = boot(self.machine.hypercalls(), log=self.log.append)
        self.lwp = self.kernel.lwp
        self.kernel.etfs_register(DEVICE, self.path, read_only=read_only)
        self.lwp.mkdir(MNT, 0o755)
        self.mount()

    def mount(self) -> None:
        flags = abi.MNT_RDONLY if self._read_only else 0
        self.lwp.mount("msdosfs", MNT, flags, DEVICE, self._options)
        self.lwp.chdir(MNT)

    def unmount(self) -> bytes:
        """The image afterwards."""
        self.lwp.chdir(b"/")
        self.lwp.unmount(MNT)
        return self.image()

    def image(self) -> bytes:
        return bytes(self.machine.get(IMAGE))

    def __enter__(self) -> Mounted:
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is None:
            self.kernel.shutdown() if hasattr(self.kernel, "shutdown") else None
        self.machine.__exit__(*exception)

    def write(self, path: bytes, data: bytes, offset: int = -1) -> None:
        """Make a file, or write into one."""
        fd = self.lwp.open(path, abi.O_RDWR | abi.O_CREAT | (abi.O_TRUNC if offset < 0 else 0), 0o644)
        try:
            done = 0
            while done < len(data):
                done += self.lwp.pwrite(fd, data[done:], max(offset, 0) + done)
        finally:
            self.lwp.close(fd)

    def read(self, path: bytes) -> bytes:
        fd = self.lwp.open(path, abi.O_RDONLY)
        data: bytes = self.lwp.pread(fd, 1 << 26, 0)
        self.lwp.close(fd)
        return data

    def names(self, path: bytes) -> list[bytes]:
        fd = self.lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
        found: list[bytes] = []
        while rows := self.lwp.getdents(fd, 64):
            found += [row[0] for row in rows if row[0] not in (b".", b"..")]
        self.lwp.close(fd)
        return found

    def tree(self, path: bytes = b".") -> dict[bytes, bytes | None]:
        """path -> contents, None for directories."""
        found: dict[bytes, bytes | None] = {}
        for name, kind in self._walk(path, b""):
            found[name] = self.read(path + b"/" + name) if kind else None
        return found

    def _walk(self, path: bytes, prefix: bytes) -> Iterator[tuple[bytes, bool]]:
        for name in self.names(path):
            mode = self.lwp.stat(path + b"/" + name).st_mode
            regular = mode & abi.S_IFMT == abi.S_IFREG
            yield prefix + name, regular
            if not regular:
                yield from self._walk(path + b"/" + name, prefix + name + b"/")


def key(name: bytes) -> bytes:
    return name.decode().upper().encode()


NAMES = [
    b"A", b"b.txt", b"README.TXT", b"readme.md", b"Mixed.Case", b"a rather long name.text", b"n" * 120 + b".x",
    b"longname one.dat", b"longname two.dat", b"longname three.dat", "Übergröße.bin".encode(),
    "日本語.txt".encode(), b".hidden", b"a+b=c", b"dot.dot.dot", b"12345678.123", b"123456789.1234",
    "\U0001f600".encode(),
]  # fmt: skip


class Model:
    """Directories by the key of their path -> names; contents."""

    def __init__(self) -> None:
        self.nodes: dict[bytes, Any] = {b"": {}}

    # A node is a dict (a directory: key -> (name, node)) or a bytearray.

    def find(self, path: bytes) -> Any:
        node: Any = self.nodes[b""]
        for name in path.split(b"/") if path else ():
            node = node[key(name)][1]
        return node

    def tree(self) -> dict[bytes, bytes | None]:
        found: dict[bytes, bytes | None] = {}

        def walk(node: dict[bytes, Any], prefix: bytes) -> None:
            for name, below in node.values():
                found[prefix + name] = None if isinstance(below, dict) else bytes(below)
                if isinstance(below, dict):
                    walk(below, prefix + name + b"/")

        walk(self.nodes[b""], b"")
        return found


class Session:
    """Steps by chance on a mounted volume."""

    def __init__(self, kind: str, seed: int, **options: str) -> None:
        self.random = random.Random(seed)
        self.mounted = Mounted(new_image(kind), **options)
        self.lwp = self.mounted.lwp
        self.model = Model()
        self.open: list[tuple[int, bytearray]] = []
        self.counts: dict[str, int] = {}
        self.most = 40_000 if kind == "fat12" else 200_000

    def run(self, steps: int) -> None:
        kinds = (
            self.write, self.write, self.write, self.mkdir, self.mkdir, self.unlink, self.rmdir, self.rename,
            self.rename, self.rename, self.truncate, self.populate, self.remount, self.hold, self.use, self.drop,
            self.sync, self.times, self.fill, self.listing, self.allocate,
        )  # fmt: skip
        for _ in range(steps):
            step = self.random.choice(kinds)
            self.counts[step.__name__] = self.counts.get(step.__name__, 0) + 1
            step()

    # ---- choosing ----------------------------------------------------------------------------------------------------

    def directory(self) -> bytes:
        folders = [path for path, data in self.model.tree().items() if data is None]
        return self.random.choice([b"", *folders])

    def path(self, folder: bytes | None = None) -> bytes:
        folder = self.directory() if folder is None else folder
        taken = [name for name, _ in self.model.find(folder).values()]
        name = self.random.choice([*NAMES, *taken, *taken])
        if self.random.random() < 0.1:
            name = name.decode().swapcase().encode() if name.isascii() else name
        return folder + b"/" + name if folder else name

    def existing(self, directory: bool) -> bytes:
        found = [path for path, data in self.model.tree().items() if (data is None) == directory]
        return self.random.choice(found) if found else b""

    def data(self) -> bytes:
        size = self.random.choice((0, 1, 500, 512, 513, 4096, 5000, self.random.randrange(self.most)))
        return self.random.randbytes(size)

    def parts(self, path: bytes) -> tuple[dict[bytes, Any], bytes]:
        folder, _, name = path.rpartition(b"/")
        return self.model.find(folder), name

    def attempt(self, call: Any, *arguments: Any) -> int:
        try:
            call(*arguments)
        except OSError as error:
            return error.errno or -1
        return 0

    # ---- steps -------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        path, data = self.path(), self.data()
        node, name = self.parts(path)
        there = node.get(key(name))
        offset = -1
        if there is not None and isinstance(there[1], bytearray) and self.random.random() < 0.6:
            offset = self.random.choice((0, len(there[1]), self.random.randrange(len(there[1]) + 3000)))
        error = self.attempt(self.mounted.write, path, data, offset)
        if there is not None and isinstance(there[1], dict):
            assert error == e.EISDIR, error
            return
        if error:
            assert error == e.ENOSPC, error
            try:
                found = self.mounted.read(path)
            except FileNotFoundError:
                return
            node.setdefault(key(name), (name, bytearray()))[1][:] = found      # how much fits is not the model's affair
            return
        target = node.setdefault(key(name), (name, bytearray()))[1]
        if offset < 0:
            target[:] = data
        elif data:
            target.extend(bytes(max(0, offset - len(target))))
            target[offset : offset + len(data)] = data

    def mkdir(self) -> None:
        path = self.path()
        if path.count(b"/") > 5:
            return
        node, name = self.parts(path)
        error = self.attempt(self.lwp.mkdir, path, 0o755)
        if key(name) in node:
            assert error == e.EEXIST
        elif error:
            assert error == e.ENOSPC
        else:
            node[key(name)] = (name, {})

    def unlink(self) -> None:
        path = self.existing(False)
        if path:
            self.lwp.unlink(path)
            node, name = self.parts(path)
            del node[key(name)]

    def rmdir(self) -> None:
        path = self.existing(True)
        if path:
            error = self.attempt(self.lwp.rmdir, path)
            node, name = self.parts(path)
            assert error == (e.ENOTEMPTY if node[key(name)][1] else 0)
            if not error:
                del node[key(name)]

    def rename(self) -> None:
        old, new = self.existing(self.random.random() < 0.4), self.path()
        if not old:
            return
        node, name = self.parts(old)
        other, fresh = self.parts(new)
        moved, there = node[key(name)][1], other.get(key(fresh))
        error = self.attempt(self.lwp.rename, old, new)
        if isinstance(moved, dict) and (key(new) + b"/").startswith(key(old) + b"/") and key(new) != key(old):
            assert error in (e.EINVAL, e.ENOTDIR)
        elif there is not None and there[1] is not moved and isinstance(there[1], dict) != isinstance(moved, dict):
            assert error == (e.EISDIR if isinstance(there[1], dict) else e.ENOTDIR)
        elif there is not None and there[1] is not moved and isinstance(moved, dict) and there[1]:
            assert error in (e.ENOTEMPTY, e.EINVAL)
        elif error:
            assert error == e.ENOSPC
        else:
            del node[key(name)]
            # The name of what is replaced stays as it was spelled.
            spelled = there[0] if there is not None and there[1] is not moved else fresh
            other[key(fresh)] = (spelled, moved)

    def truncate(self) -> None:
        path = self.existing(False)
        if path:
            data = self.model.find(path)
            size = self.random.choice((0, len(data), len(data) // 2, len(data) + 700, self.random.randrange(self.most)))
            error = self.attempt(self.lwp.truncate, path, size)
            if error:
                assert error == e.ENOSPC
                return
            del data[size:]
            data.extend(bytes(size - len(data)))

    def allocate(self) -> None:
        path = self.existing(False)
        if path:
            data = self.model.find(path)
            offset, length = self.random.randrange(self.most), self.random.randrange(1, 5000)
            fd = self.lwp.open(path, abi.O_RDWR)
            error = self.attempt(self.lwp.posix_fallocate, fd, offset, length)
            self.lwp.close(fd)
            assert error in (0, e.ENOSPC)
            if not error:
                data.extend(bytes(max(0, offset + length - len(data))))

    def populate(self) -> None:
        folder = self.directory()
        node = self.model.find(folder)
        rows, wanted = [], []
        when = 1_500_000_000 * 10**9
        for _ in range(self.random.randrange(1, 12)):
            name, data = self.random.choice(NAMES) + b"%d" % self.random.randrange(30), self.data()
            kind = abi.S_IFDIR if self.random.random() < 0.2 else abi.S_IFREG
            data = b"" if kind == abi.S_IFDIR else data
            rows.append((name, kind | 0o644, 0, 0, 0, b"", 0, when, when, 0, data, ()))
            wanted.append((name, {} if kind == abi.S_IFDIR else bytearray(data)))
        fd = self.lwp.open(folder or b".", abi.O_RDONLY)
        results = self.lwp.rump_populate(fd, tuple(rows))
        self.lwp.close(fd)
        for error, (name, made) in zip(results, wanted, strict=True):
            if not error:
                assert key(name) not in node
                node[key(name)] = (name, made)
            else:
                assert error == (e.EEXIST if key(name) in node else e.ENOSPC), error

    def fill(self) -> None:
        """Many files with one beginning, and some of them removed again."""
        folder = self.directory()
        node = self.model.find(folder)
        stem = self.random.choice((b"some longer name %d.extension", b"S%d", b"s%d.txt"))
        for number in range(self.random.randrange(40)):
            name = stem % number
            if key(name) in node:
                continue
            path = folder + b"/" + name if folder else name
            error = self.attempt(self.mounted.write, path, b"x" * (number % 3), -1)
            assert error in (0, e.ENOSPC)
            if error == 0:
                node[key(name)] = (name, bytearray(b"x" * (number % 3)))
            elif self.attempt(self.lwp.stat, path) == 0:
                self.lwp.unlink(path)
        for number in range(0, 40, self.random.randrange(1, 5)):
            name = stem % number
            if key(name) in node and isinstance(node[key(name)][1], bytearray):
                self.lwp.unlink(folder + b"/" + name if folder else name)
                del node[key(name)]

    def hold(self) -> None:
        """Keep a file open, whatever becomes of its name."""
        path = self.existing(False)
        if path and len(self.open) < 5:
            self.open.append((self.lwp.open(path, abi.O_RDWR), self.model.find(path)))

    def use(self) -> None:
        if self.open:
            fd, data = self.random.choice(self.open)
            assert self.lwp.pread(fd, 1 << 20, 0) == bytes(data)
            if self.attempt(self.lwp.pwrite, fd, b"held", len(data)) == 0:
                data.extend(b"held")
            data[:] = self.lwp.pread(fd, 1 << 20, 0)

    def drop(self) -> None:
        if self.open:
            fd, data = self.open.pop(self.random.randrange(len(self.open)))
            assert self.lwp.pread(fd, 1 << 20, 0) == bytes(data)
            self.lwp.close(fd)

    def sync(self) -> None:
        self.lwp.sync()

    def times(self) -> None:
        path = self.existing(self.random.random() < 0.3)
        if path:
            moment = self.random.randrange(400_000_000, 4_000_000_000) * 2 * 10**9 // 2
            self.lwp.utimens(path, moment, moment)
            assert self.lwp.stat(path).st_mtime_ns == moment - moment % (2 * 10**9)

    def listing(self) -> None:
        folder = self.directory()
        node = self.model.find(folder)
        assert sorted(self.mounted.names(folder or b".")) == sorted(name for name, _ in node.values())

    def remount(self) -> None:
        if self.random.random() < 0.3:
            self.check()

    def check(self) -> None:
        """Unmount, look at what is there with fsck.fat and as a reader, and go on."""
        for fd, _ in self.open:
            self.lwp.close(fd)
        self.open.clear()
        assert self.mounted.tree() == self.model.tree()
        counted = self.lwp.statvfs(b".").f_bfree
        image = self.mounted.unmount()
        assert_clean(image)
        with Mounted(image, read_only=True) as again:
            assert again.tree() == self.model.tree()
            free = again.lwp.statvfs(b".").f_bfree
        self.mounted.mount()
        assert self.lwp.statvfs(b".").f_bfree == free == counted
