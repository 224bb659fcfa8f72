# SPDX-License-Identifier: BSD-2-Clause
"""python tests/drivers/msdosfs/fat_crash.py [--kind NAME] [--script NAME] [--count N] [--seed N]

Power loss on FAT volumes: after every crash what was durable and has not been touched since can be read as it is, and
is there when fsck.fat -a has mended the rest.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fat_session import KINDS, MNT, Mounted, fsck, new_image

from rump.conformance import crash
from rump.kernel import abi
from rump.rumpuser.middleware.crash_pieces import SplitMix
from rump.rumpuser.middleware.powerloss import verify

TREES: dict[str, tuple] = {
    "names": (
        ("mkdir", b"d"), ("write", b"kept", 0, 3000, 1), ("write", b"d/a rather long name.text", 0, 700, 2), ("sync",),
        ("write", b"new", 0, 1200, 3), ("rename", b"new", b"kept"), ("mkdir", b"d/sub"),
        ("write", b"d/sub/x", 0, 9000, 4),
        ("rename", b"d/a rather long name.text", b"short"), ("fsync", b"short"), ("unlink", b"kept"),
        ("rename", b"d/sub", b"moved directory"), ("sync",), ("rename", b"short", b"another long name of a file"),
        ("rename", b"moved directory/x", b"d/x"), ("rmdir", b"moved directory"), ("many", b"d", 0, 30), ("sync",),
        ("many_gone", b"d", 0, 30), ("write", b"d/last", 0, 100, 5),
    ),
    "contents": (
        ("write", b"a", 0, 5000, 1), ("write", b"b", 0, 20_000, 2), ("sync",), ("append", b"a", 4000, 3),
        ("truncate", b"b", 3000), ("fsync", b"b"), ("append", b"b", 9000, 4), ("write", b"a", 30_000, 500, 5),
        ("unlink", b"a"), ("sync",), ("write", b"c", 0, 30_000, 6), ("truncate", b"b", 0), ("write", b"d", 0, 8000, 7),
        ("fsync", b"d"), ("truncate", b"c", 40_000), ("unlink", b"d"), ("write", b"e", 0, 15_000, 8),
    ),
    "replaced": (
        ("write", b"settings", 0, 2500, 1), ("sync",),
        *[
            step
            for number in range(2, 9)
            for step in (
                ("write", b"settings.new", 0, 2500, number), ("fsync", b"settings.new"),
                ("rename", b"settings.new", b"settings"),
            )
        ],
    ),
}  # fmt: skip


def random_script(seed: int, length: int = 50) -> tuple:
    """Steps by chance; what cannot be done is refused, and that is all right."""
    below = SplitMix(seed).below
    names = [b"a", b"b", b"c", b"d/a", b"d/b", b"d/e/a", b"a long name of a file", b"d/" + b"m" * 150]

    def name() -> bytes:
        return names[below(len(names))]

    makers = (
        lambda: ("write", name(), below(3000), 1 + below(9000), below(10**6)),
        lambda: ("append", name(), 1 + below(5000), below(10**6)),
        lambda: ("truncate", name(), below(12_000)),
        lambda: ("rename", name(), name()),
        lambda: ("rename", (b"d/e", b"d/f", b"g")[below(3)], (b"d/e", b"d/f", b"g")[below(3)]),
        lambda: ("unlink", name()),
        lambda: ("mkdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("rmdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("many", b"d", below(40), 1 + below(12)),
        lambda: ("many_gone", b"d", below(40), 1 + below(12)),
        lambda: ("fsync", name()),
        lambda: ("sync",),
    )
    start = ("mkdir", b"d"), ("mkdir", b"d/e"), ("write", b"a", 0, 5000, 1), ("write", b"d/e/a", 0, 5000, 2), ("sync",)
    return (*start, *[makers[below(len(makers))]() for _ in range(length)])


def script_of(name: str) -> tuple:
    """A script by its name; "random-N" is one by chance."""
    return TREES[name] if name in TREES else random_script(int(name.removeprefix("random-")))


def pattern(length: int, seed: int) -> bytes:
    word = b"%d:%d," % (seed, length)
    return (word * (length // len(word) + 1))[:length]


def step_of(lwp, step: tuple) -> None:
    """Carry out one step."""
    kind, *rest = step
    if kind in ("write", "append"):
        path, *numbers = rest
        fd = lwp.open(path, abi.O_RDWR | abi.O_CREAT | (abi.O_APPEND if kind == "append" else 0), 0o644)
        length, seed = numbers[-2:]
        offset = numbers[0] if kind == "write" else lwp.fstat(fd).st_size
        try:
            lwp.pwrite(fd, pattern(length, seed), offset)
        finally:
            lwp.close(fd)
    elif kind == "fsync":
        fd = lwp.open(rest[0], abi.O_RDONLY)
        lwp.fsync(fd)
        lwp.close(fd)
    elif kind in ("many", "many_gone"):
        folder, first, count = rest
        for number in range(first, first + count):
            path = folder + b"/file number %d" % number
            if kind == "many":
                lwp.close(lwp.open(path, abi.O_WRONLY | abi.O_CREAT, 0o644))
            else:
                lwp.unlink(path)
    else:
        getattr(lwp, kind)(*rest, *((0o755,) if kind == "mkdir" else ()))


def tree_of(lwp, path: bytes = MNT) -> dict[bytes, bytes | None]:
    """path -> contents, None for directories."""
    found: dict[bytes, bytes | None] = {}
    fd = lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
    names = []
    while rows := lwp.getdents(fd, 64):
        names += [row[0] for row in rows if row[0] not in (b".", b"..")]
    lwp.close(fd)
    for name in names:
        below = path + b"/" + name
        if lwp.stat(below).st_mode & abi.S_IFMT == abi.S_IFDIR:
            found[below] = None
            found |= tree_of(lwp, below)
        else:
            fd = lwp.open(below, abi.O_RDONLY)
            found[below] = lwp.pread(fd, 1 << 20, 0)
            lwp.close(fd)
    return found


class Volume(crash.Workload):
    """A script on a volume of some kind."""

    def __init__(self, kind: str, script: tuple) -> None:
        self.name = kind
        self.kind, self.script = kind, script

    def base(self) -> bytes:
        return new_image(self.kind)

    def work(self, kernel, log) -> None:
        lwp = kernel.lwp
        lwp.mkdir(MNT, 0o755)
        lwp.mount("msdosfs", MNT, 0, crash.DEVICE)
        lwp.chdir(MNT)
        trees = [{}]
        durable = 0
        for step in self.script:
            log.promise(("begun", len(trees) - 1, durable, trees))
            try:
                step_of(lwp, step)
                done = True
            except OSError:
                done = False
            trees.append(tree_of(lwp))
            if done and step[0] in ("sync", "fsync"):
                durable = len(trees) - 1
            log.promise(("done", len(trees) - 1, durable, trees))
        lwp.chdir(b"/")
        lwp.unmount(MNT)
        log.promise(("end", len(trees) - 1, len(trees) - 1, trees))

    def check(self, state) -> None:
        image, promises = state.image(), state.promises
        if not promises:
            return
        word, last, durable, trees = promises[-1]
        last = min(last + (word == "begun"), len(trees) - 1)
        window = trees[durable : last + 1]
        wanted = {path: data for path, data in window[0].items() if all(same(path, data, tree) for tree in window)}
        status, said, mended = fsck(image, "-a")
        assert status in (0, 1), said
        for each in (image, mended):
            with Mounted(each, read_only=True) as mounted:
                for path, data in wanted.items():
                    assert self._at(mounted, path) == data, f"{path!r} {'as it is' if each is image else said}"
        # Of a directory with two names fsck.fat cuts one in the first run, and removes it in the second.
        status, said, _ = fsck(fsck(mended, "-a")[2])
        assert status == 0, said
        # Our own mount, changes and unmount of what is left does not make it worse.
        with Mounted(image) as mounted:
            try:
                mounted.write(b"after the crash", b"x" * 2000)
            except OSError:
                pass
            after = mounted.unmount()
        with Mounted(fsck(after, "-a")[2], read_only=True) as mounted:
            for path, data in wanted.items():
                assert self._at(mounted, path) == data, f"{path!r} after another mount"

    @staticmethod
    def _at(mounted: Mounted, path: bytes) -> bytes | None:
        mode = mounted.lwp.stat(path).st_mode
        return None if mode & abi.S_IFMT == abi.S_IFDIR else mounted.read(path)


def same(path: bytes, data: bytes | None, tree: dict[bytes, bytes | None]) -> bool:
    return path in tree and tree[path] == data


def sweep(volume: Volume, seed: int, count: int) -> int:
    """Look at about `count` states: half of them prefixes, half of the seed.  Errors: Lost."""
    states = crash.states_of("bare-memory", volume)
    prefixes = list(states.prefixes())
    step = max(1, len(prefixes) * 2 // count)
    return verify(prefixes[seed % step :: step], volume.check) + verify(states.seeded(seed, count // 2), volume.check)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--script", action="append", help=f"{' '.join(TREES)} random-N")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    for kind in options.kind or ("fat12", "fat16", "fat32", "fat32-4096"):
        for name in options.script or [*TREES, "random-1", "random-2"]:
            try:
                looked = sweep(Volume(kind, script_of(name)), options.seed, options.count)
                print(f"{kind} {name}: {looked} states", flush=True)
            except Exception as error:
                failed += 1
                print(f"{kind} {name}: FAILED: {type(error).__name__}: {str(error)[:2000]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
