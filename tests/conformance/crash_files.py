# SPDX-License-Identifier: BSD-2-Clause
"""Power loss while the files of a volume are being changed: scripts, and what must hold of what recovers.

A script is operations by name with arguments, ``("write", b"file", 0, 5000, 7)``; after each the tree is read back, so
that the check knows what there was when.  What recovers from a crash - by this kernel's own mount for writing -

- has all that was durable (`fsync`, `sync`) and has not been touched since, as it was;
- of what was touched since has no bytes but those the file had at that place, then or later;
- where there is a journal, has the names and attributes of one moment since.
"""

from __future__ import annotations

from rump.conformance.hosts import MemoryMachine
from rump.kernel import abi, boot
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.rumpuser.middleware.powerloss import Log

    Row: TypeAlias = tuple[Any, ...]
    Tree: TypeAlias = dict[bytes, Row]
    Step: TypeAlias = tuple[Any, ...]

MNT = b"/mnt"
IMAGE = "files.img"
DEVICE = b"/dev/files"
SECTOR = 512
GARBAGE = 0xA5
"""What the device is full of before a file system is made on it: what nobody wrote shows."""
DATA, FILEID = -1, 0        # of a row
LARGEST = 4 << 20
DURABLE = ("sync", "fsync", "handle_sync")


def pattern(seed: int, offset: int, length: int) -> bytes:
    """What a write of `seed` writes at an offset: each sector tells whose it is, and where."""
    first = offset // 16
    text = b"".join([b"%07d %07x\n" % (seed, number) for number in range(first, (offset + length) // 16 + 1)])
    return text[offset - first * 16 :][:length]


class Runner:
    """Does steps of a script to what is mounted at `MNT`.  What fails, fails: the tree says what came of it."""

    def __init__(self, lwp: Lwp) -> None:
        self.lwp = lwp
        self.handles: dict[bytes, int] = {}

    def do(self, step: Step) -> bool:
        """One step; whether everything is durable now."""
        try:
            getattr(self, step[0])(*step[1:])
        except OSError:
            return False
        return step[0] in DURABLE

    def _with(self, name: bytes, flags: int, body: Callable[[int], object]) -> None:
        fd = self.lwp.open(MNT + b"/" + name, flags)
        try:
            body(fd)
        finally:
            self.lwp.close(fd)

    def create(self, name: bytes) -> None:
        """An empty file."""
        self._with(name, abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, lambda fd: None)

    def write(self, name: bytes, offset: int, length: int, seed: int) -> None:
        """Into a file, made if need be."""
        data = pattern(seed, offset, length)
        self._with(name, abi.O_WRONLY | abi.O_CREAT, lambda fd: self.lwp.pwrite(fd, data, offset))

    def append(self, name: bytes, length: int, seed: int) -> None:
        """To the end of a file."""
        size = self.lwp.stat(MNT + b"/" + name).st_size
        self.write(name, size, length, seed)

    def truncate(self, name: bytes, size: int) -> None:
        """Shorter or longer."""
        self.lwp.truncate(MNT + b"/" + name, size)

    def fsync(self, name: bytes) -> None:
        """A file; here that means everything."""
        self._with(name, abi.O_RDONLY, self.lwp.fsync)

    def sync(self) -> None:
        """Everything."""
        self.lwp.sync()

    def open(self, name: bytes) -> None:
        """Keep a file open."""
        self.handles[name] = self.lwp.open(MNT + b"/" + name, abi.O_RDWR)

    def close(self, name: bytes) -> None:
        """No more."""
        self.lwp.close(self.handles.pop(name))

    def handle_write(self, name: bytes, offset: int, length: int, seed: int) -> None:
        """Into a file kept open, which may have no name any more."""
        self.lwp.pwrite(self.handles[name], pattern(seed, offset, length), offset)

    def handle_sync(self, name: bytes) -> None:
        """By a file kept open."""
        self.lwp.fsync(self.handles[name])

    def mkdir(self, name: bytes) -> None:
        """A directory."""
        self.lwp.mkdir(MNT + b"/" + name, 0o755)

    def rmdir(self, name: bytes) -> None:
        """It goes."""
        self.lwp.rmdir(MNT + b"/" + name)

    def symlink(self, name: bytes, length: int) -> None:
        """A symbolic link to a target of that length."""
        self.lwp.symlink(b"t" * length, MNT + b"/" + name)

    def link(self, old: bytes, new: bytes) -> None:
        """Another name."""
        self.lwp.link(MNT + b"/" + old, MNT + b"/" + new)

    def unlink(self, name: bytes) -> None:
        """One name less."""
        self.lwp.unlink(MNT + b"/" + name)

    def rename(self, old: bytes, new: bytes) -> None:
        """Another name instead."""
        self.lwp.rename(MNT + b"/" + old, MNT + b"/" + new)

    def scatter(self, name: bytes, pieces: int, seed: int) -> None:
        """As `fragment` in a script, in one step."""
        for number in reversed(range(pieces)):
            self.write(name, number * 2048, 1024, seed)

    def chmod(self, name: bytes, mode: int) -> None:
        """Permissions."""
        self.lwp.chmod(MNT + b"/" + name, mode)

    def setxattr(self, name: bytes, attribute: bytes, length: int, seed: int) -> None:
        """An extended attribute."""
        self.lwp.lsetxattr(MNT + b"/" + name, attribute, pattern(seed, 0, length))

    def removexattr(self, name: bytes, attribute: bytes) -> None:
        """It goes."""
        self.lwp.lremovexattr(MNT + b"/" + name, attribute)

    def fallocate(self, name: bytes, offset: int, length: int) -> None:
        """Space for a file."""
        self._with(name, abi.O_RDWR, lambda fd: self.lwp.posix_fallocate(fd, offset, length))

    def punch(self, name: bytes, offset: int, length: int) -> None:
        """A hole in a file."""
        self._with(name, abi.O_RDWR, lambda fd: self.lwp.fdiscard(fd, offset, length))


def expanded(script: Iterable[Step]) -> Iterator[Step]:
    """A script in single steps: `many` and `many_gone` are files with names of all lengths in a directory, `fragment`
    is every other kilobyte of a file, the last first."""
    for step in script:
        name, *arguments = step
        if name == "fragment":
            path, blocks, seed = arguments
            yield from [("write", path, number * 2048, 1024, seed) for number in reversed(range(blocks))]
        elif name in ("many", "many_gone"):
            folder, first, count = arguments
            verb = "create" if name == "many" else "unlink"
            for number in range(first, first + count):
                yield verb, folder + b"/" + b"%05d" % number * (1 + number % 7)
        else:
            yield step


# ---- what there is -------------------------------------------------------------------------------------------------


def tree_of(lwp: Lwp, top: bytes = MNT) -> Tree:
    """name -> (inode, mode, links, owners, size, target, attributes, contents) of all there is."""
    tree: Tree = {}
    todo = [b""]
    while todo:
        path = todo.pop()
        fd = lwp.open(top + path, abi.O_RDONLY | abi.O_DIRECTORY)
        cookie = 0
        while cookie != v.END:
            entries, cookie = lwp.rump_listdir(fd, cookie)
            for name, _, found in entries:
                if found is None:
                    raise AssertionError(f"{(path + b'/' + name)!r} cannot be read")
                tree[path + b"/" + name] = _row(lwp, top + path + b"/" + name, found)
                if found[v.MODE] & abi.S_IFMT == abi.S_IFDIR:
                    todo.append(path + b"/" + name)
        lwp.close(fd)
    return tree


def row_at(lwp: Lwp, path: bytes) -> Row:
    """The row of one file."""
    folder, _, name = path.rpartition(b"/")
    fd = lwp.open(folder, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        cookie = 0
        while cookie != v.END:
            entries, cookie = lwp.rump_listdir(fd, cookie)
            for other, _, found in entries:
                if other == name and found is not None:
                    return _row(lwp, path, found)
    finally:
        lwp.close(fd)
    raise AssertionError(f"{path!r} was durable and not touched, and is gone")


def _row(lwp: Lwp, path: bytes, found: tuple[int, ...]) -> Row:
    kind = found[v.MODE] & abi.S_IFMT
    names = _xattr_names(lwp, path)
    contents = None
    if kind == abi.S_IFREG and not found[v.SIZE]:
        contents = b""
    elif kind == abi.S_IFREG and found[v.SIZE] <= LARGEST:
        fd = lwp.open(path, abi.O_RDONLY)
        contents = lwp.pread(fd, found[v.SIZE], 0)
        lwp.close(fd)
    return (
        found[v.FILEID], found[v.MODE], found[v.NLINK], found[v.UID], found[v.GID],
        found[v.SIZE] if kind != abi.S_IFDIR else 0, lwp.readlink(path) if kind == abi.S_IFLNK else b"",
        tuple([(name, lwp.lgetxattr(path, name)) for name in names]), contents,
    )  # fmt: skip


def _xattr_names(lwp: Lwp, path: bytes) -> list[bytes]:
    try:
        return sorted(lwp.llistxattr(path))
    except OSError as error:
        if error.errno != e.EOPNOTSUPP:
            raise
        return []


def perform(kernel: Kernel, log: Log, device: bytes, script: tuple[Step, ...], fstype: str = "ext2fs") -> None:
    """Mount, do the script, unmount.  Promises: ("begun" or "durable", number of the step, the history), where
    history[n] is the tree after n steps."""
    lwp = kernel.lwp
    lwp.mkdir(MNT, 0o755)
    lwp.mount(fstype, MNT, device=device)
    runner = Runner(lwp)
    history = [tree_of(lwp)]
    steps = list(expanded(script))
    for number, step in enumerate(steps):
        log.promise(("begun", number, history))
        durable = runner.do(step)
        if durable:
            log.promise(("durable", number + 1, history))
        history.append(_after(lwp, history[-1], step))
    for name in list(runner.handles):
        runner.close(name)
    log.promise(("begun", len(steps), history))
    lwp.unmount(MNT)
    log.promise(("durable", len(steps), history))


def _after(lwp: Lwp, before: Tree, step: Step) -> Tree:
    """The tree after a step; one that makes or removes an empty file is not worth reading all of it."""
    name, path = step[0], b"/" + step[1] if len(step) > 1 else b""
    if name in DURABLE:
        return before
    alone = before[path][2] == 1 if path in before else name == "create"
    if not alone or name not in ("create", "unlink"):
        return tree_of(lwp)
    tree = dict(before)
    tree.pop(path, None)
    try:
        now = lwp.lstat(MNT + path)
        tree[path] = (now.st_ino, now.st_mode, now.st_nlink, now.st_uid, now.st_gid, now.st_size, b"", (), b"")
    except OSError:
        pass
    return tree


def recovered(
    image: bytes, *, read_only: bool = False, walk: Callable[[Lwp], Tree] = tree_of, fstype: str = "ext2fs"
) -> tuple[Tree, bytes]:
    """What this kernel makes of an image: its files, and the image after a mount (for writing) and unmount."""
    with MemoryMachine() as host:
        path = host.put(IMAGE, image)
        with boot(host.hypercalls(), log=lambda line: None) as kernel:
            kernel.etfs_register(DEVICE, path, read_only=read_only)
            kernel.lwp.mkdir(MNT, 0o755)
            kernel.lwp.mount(fstype, MNT, abi.MNT_RDONLY if read_only else 0, DEVICE)
            tree = walk(kernel.lwp)
            kernel.lwp.unmount(MNT)
        return tree, bytes(host.get(IMAGE))


# ---- what must hold ------------------------------------------------------------------------------------------------


def moments(promises: list[Any]) -> list[Tree]:
    """The trees that a crash may leave: from the last one that is durable to what was just being made."""
    durable, last, history = 0, 0, []
    for kind, number, trees in promises:
        history = trees
        if kind == "durable":
            durable = number
            last = max(last, number)
        else:
            last = max(last, min(number + 1, len(trees) - 1))
    return history[durable : last + 1]


def check_tree(tree: Tree, window: list[Tree], journal: bool, ignore: tuple[bytes, ...] = (b"/lost+found",)) -> None:
    """Hold what recovered against the moments it may be of.  Errors: AssertionError, saying what is wrong."""
    if not window:
        return
    for path, row in untouched(window).items():
        if path not in ignore and tree.get(path) != row:
            raise AssertionError(f"{path!r} was durable and not touched, and is {_difference(row, tree.get(path))}")
    _check_contents(tree, window)
    if journal and not any(_same_names(tree, moment) for moment in window):
        raise AssertionError(f"is of no one moment: {_nearest(tree, window)}")


def untouched(window: list[Tree]) -> Tree:
    """What all moments have in common."""
    return {path: row for path, row in window[0].items() if all(row == other.get(path) for other in window)}


def without_numbers(tree: Tree) -> Tree:
    """A tree of a format where a file's number is its place, and it gets another when it moves."""
    return {path: (0, *row[1:]) for path, row in tree.items()}


def check_unchecked(image: bytes, window: list[Tree], fstype: str = "ext2fs", numbers: bool = True) -> None:
    """Where there is no journal only a checker can mend what a crash left.  What was durable and has not been touched
    can be read without, if no checksum says that half of a directory's block is new.  `numbers`: files keep theirs.
    Errors: AssertionError."""
    if not window:
        return
    if not numbers:
        window = [without_numbers(tree) for tree in window]
    wanted = untouched(window)

    def walk(lwp: Lwp) -> Tree:
        return {path: row_at(lwp, MNT + path) for path in wanted}

    found, _ = recovered(image, read_only=True, walk=walk, fstype=fstype)
    check_tree(found if numbers else without_numbers(found), [wanted], False)


def _difference(row: Row, found: Row | None) -> str:
    if found is None:
        return "gone"
    fields = "inode", "mode", "links", "uid", "gid", "size", "target", "attributes", "contents"
    return "changed: " + ", ".join([name for name, old, new in zip(fields, row, found, strict=True) if old != new])


def _check_contents(tree: Tree, window: list[Tree]) -> None:
    """No file has bytes that it never had."""
    for path, row in tree.items():
        data = row[DATA]
        if not data or any(data == (moment.get(path) or row[:-1])[DATA] for moment in window):
            continue
        known = [
            other[DATA]
            for moment in window
            for name, other in moment.items()
            if other[DATA] is not None and (name == path or other[FILEID] == row[FILEID])
        ]
        for start in range(0, len(data), SECTOR):
            sector = data[start : start + SECTOR]
            versions = [each[start : start + SECTOR] for each in known]
            if not any(_agree(sector, each, versions) for each in versions):
                raise AssertionError(f"{path!r} has {sector[:20]!r} at {start}, which it never had")


def _agree(found: bytes, version: bytes, versions: list[bytes]) -> bool:
    """The same as far as both go; or zeros where some version has zeros or has ended: truncating clears the rest of a
    block in place, before the new size is durable."""
    padded = version[: len(found)].ljust(len(found), b"\0")
    return found == padded or all(
        byte == padded[at] or (not byte and any(not other[at : at + 1].strip(b"\0") for other in versions))
        for at, byte in enumerate(found)
    )


def _same_names(tree: Tree, moment: Tree) -> bool:
    """The same files of the same kinds and attributes; contents and sizes change in several steps."""
    return tree.keys() == moment.keys() and all(
        row[:5] == moment[path][:5] and row[6:8] == moment[path][6:8] for path, row in tree.items()
    )


def _nearest(tree: Tree, window: list[Tree]) -> str:
    """How a tree differs from the moment that is most like it."""
    best: list[str] | None = None
    for moment in window:
        words = [f"{path!r} {_difference(row, tree.get(path))}" for path, row in moment.items()
                 if tree.get(path, ())[:5] != row[:5] or tree[path][6:8] != row[6:8]]  # fmt: skip
        words += [f"{path!r} is there" for path in tree if path not in moment]
        if best is None or len(words) < len(best):
            best = words
    return "; ".join((best or [])[:5])


# ---- scripts -------------------------------------------------------------------------------------------------------

NAMES: tuple[Step, ...] = (
    ("write", b"kept", 0, 3000, 1), ("mkdir", b"d"), ("write", b"d/kept", 0, 700, 2), ("sync",),
    ("create", b"a"), ("write", b"d/b", 0, 2000, 3), ("rename", b"a", b"d/a"), ("fsync", b"d/b"),
    ("link", b"d/b", b"b2"), ("mkdir", b"e"), ("rename", b"d/b", b"e/b"), ("symlink", b"s", 20), ("symlink", b"l", 300),
    ("unlink", b"b2"), ("sync",), ("write", b"new", 0, 1500, 4), ("rename", b"new", b"kept"), ("fsync", b"kept"),
    ("rename", b"e", b"d/e"), ("mkdir", b"f"), ("rmdir", b"f"), ("rename", b"l", b"s"), ("unlink", b"d/e/b"),
    ("rmdir", b"d/e"), ("fsync", b"kept"), ("mkdir", b"g"), ("rename", b"g", b"d/g"), ("chmod", b"d", 0o700),
)  # fmt: skip

CONTENTS: tuple[Step, ...] = (
    ("write", b"kept", 0, 5000, 1), ("write", b"a", 0, 10_000, 2), ("fsync", b"a"), ("append", b"a", 3000, 3),
    ("write", b"a", 2500, 100, 4), ("truncate", b"a", 4000), ("fsync", b"a"), ("truncate", b"a", 9000),
    ("append", b"a", 20_000, 5), ("write", b"b", 40_000, 1000, 6), ("sync",), ("write", b"b", 0, 30_000, 7),
    ("truncate", b"b", 0), ("write", b"b", 0, 6000, 8), ("fsync", b"b"), ("fallocate", b"c", 0, 30_000),
    ("write", b"c", 5000, 3000, 9), ("fsync", b"c"), ("write", b"c", 0, 20_000, 10), ("punch", b"c", 2048, 10_240),
    ("fsync", b"c"), ("append", b"c", 100, 11), ("write", b"a", 0, 29_000, 12), ("punch", b"a", 0, 29_000), ("sync",),
    ("append", b"b", 60_000, 13), ("truncate", b"b", 1),
)  # fmt: skip

SPLITS: tuple[Step, ...] = (
    ("mkdir", b"d"), ("write", b"d/kept", 0, 900, 1), ("many", b"d", 0, 25), ("sync",), ("many", b"d", 25, 25),
    ("fsync", b"d/kept"), ("many", b"d", 50, 60), ("sync",), ("many", b"d", 110, 60), ("many_gone", b"d", 0, 40),
    ("fsync", b"d/kept"), ("many_gone", b"d", 40, 100), ("sync",), ("many", b"d", 200, 30),
    ("many_gone", b"d", 140, 30),
)  # fmt: skip

FRAGMENTS: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("fragment", b"f", 4, 2), ("sync",), ("fragment", b"g", 40, 3), ("fsync", b"g"),
    ("fragment", b"f", 120, 4), ("fsync", b"f"), ("write", b"g", 0, 50_000, 5), ("truncate", b"f", 100_000), ("sync",),
    ("punch", b"f", 3000, 70_000), ("unlink", b"g"), ("fsync", b"f"), ("truncate", b"f", 0), ("fragment", b"f", 30, 6),
)  # fmt: skip

WRAP: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("mkdir", b"d"), ("many", b"d", 0, 150), ("sync",),
    *[
        step
        for turn in range(24)
        for step in (
            ("many_gone", b"d", turn * 6, 6), ("many", b"d", 200 + turn * 5, 5), ("chmod", b"kept", 0o600 + turn % 8),
            ("fsync", b"kept"),
        )
    ],
)  # fmt: skip

ATTRIBUTES: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("setxattr", b"kept", b"user.k", 300, 1), ("create", b"a"), ("create", b"b"),
    ("setxattr", b"a", b"user.small", 20, 2), ("sync",), ("setxattr", b"a", b"user.big", 600, 3),
    ("setxattr", b"b", b"user.big", 600, 3), ("fsync", b"a"), ("setxattr", b"a", b"user.small", 70, 4),
    ("removexattr", b"b", b"user.big"), ("fsync", b"b"), ("setxattr", b"b", b"user.big", 600, 3),
    ("setxattr", b"a", b"user.big", 500, 5), ("removexattr", b"a", b"user.small"), ("sync",), ("unlink", b"a"),
    ("setxattr", b"b", b"user.other", 200, 6), ("fsync", b"b"), ("unlink", b"b"),
)  # fmt: skip

ORPHANS: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("write", b"big", 0, 200_000, 2), ("fragment", b"f", 80, 3), ("sync",),
    ("open", b"big"), ("unlink", b"big"), ("fsync", b"kept"), ("handle_write", b"big", 150_000, 80_000, 4),
    ("open", b"f"), ("unlink", b"f"), ("handle_sync", b"f"), ("close", b"big"), ("fsync", b"kept"),
    ("write", b"other", 0, 220_000, 5), ("truncate", b"other", 1000), ("fsync", b"other"), ("close", b"f"),
    ("write", b"third", 0, 100_000, 6), ("rename", b"third", b"other"), ("sync",), ("truncate", b"other", 0),
    ("mkdir", b"d"), ("sync",), ("rmdir", b"d"), ("unlink", b"other"),
)  # fmt: skip

LONG: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("scatter", b"f", 900, 2), ("sync",), ("truncate", b"f", 5000), ("fsync", b"kept"),
    ("scatter", b"f", 700, 3), ("write", b"kept", 0, 2000, 4), ("sync",), ("unlink", b"f"), ("fsync", b"kept"),
    ("scatter", b"g", 600, 5), ("fsync", b"g"), ("punch", b"g", 3000, 1_000_000), ("chmod", b"kept", 0o600),
)  # fmt: skip

# Blocks in their next life, on a full volume: metadata that is in the journal becomes a file's, a file's another's.
REUSE: tuple[Step, ...] = (
    ("write", b"kept", 0, 2000, 1), ("mkdir", b"d"), ("many", b"d", 0, 60), ("write", b"old", 0, 300_000, 2), ("sync",),
    ("many_gone", b"d", 0, 60), ("rmdir", b"d"), ("sync",), ("write", b"new", 0, 3_000_000, 3), ("fsync", b"new"),
    ("chmod", b"kept", 0o600), ("fsync", b"kept"), ("unlink", b"old"), ("write", b"next", 0, 250_000, 4),
    ("mkdir", b"e"), ("fsync", b"next"), ("unlink", b"new"), ("mkdir", b"f"), ("many", b"f", 0, 30), ("sync",),
)  # fmt: skip

SCRIPTS: dict[str, tuple[Step, ...]] = {
    "names": NAMES, "contents": CONTENTS, "splits": SPLITS, "fragments": FRAGMENTS, "wrap": WRAP,
    "attributes": ATTRIBUTES, "orphans": ORPHANS, "long": LONG, "reuse": REUSE,
}  # fmt: skip
