# SPDX-License-Identifier: BSD-2-Clause
"""python tests/drivers/ext2fs/ext2_crash.py [--kind NAME] [--script NAME] [--count N] [--seed N]
                                             [--index I] [--save FILE] [--linux N]

Power loss on volumes that mke2fs made: what a crash leaves is recovered by this kernel, by e2fsck and, for a sample and
as root, by the Linux kernel; e2fsck then finds nothing, and what was durable is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import weakref
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ext2_session import NO_DISCARD, Damaged, fsck
from ext2_support import ROOT, loop_mounted, mke2fs, run

from rump.conformance import crash, crash_files
from rump.conformance.crash_files import SCRIPTS, check_tree, check_unchecked, moments, perform, recovered
from rump.rumpuser.middleware.crash_pieces import SplitMix
from rump.rumpuser.middleware.powerloss import verify

FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())


KINDS: dict[str, tuple[str, str, bool]] = {
    # name: (size, options of mke2fs, whether there is a journal)
    "ext2": ("2M", "-t ext2 -b 1024 -N 128", False),
    "ext3": ("3M", "-t ext3 -b 1024 -N 128 -J size=1", True),
    "ext4": ("3M", "-t ext4 -b 1024 -N 128 -J size=1", True),
    "ext4-8m": ("8M", "-t ext4 -b 1024 -N 128 -J size=1", True),
    "ext3-8m": ("8M", "-t ext3 -b 1024 -N 128 -J size=1", True),
    "ext2-8m": ("8M", "-t ext2 -b 1024 -N 128", False),
    "ext4-4k": ("8M", "-t ext4 -N 128", True),
    "ext4-inline": ("3M", "-t ext4 -b 1024 -N 128 -J size=1 -O inline_data", True),
    "ext4-ea-inode": ("3M", "-t ext4 -b 1024 -N 128 -J size=1 -O ea_inode,^64bit", True),
    "ext4-orphan-file": ("3M", "-t ext4 -b 1024 -N 128 -J size=1 -O orphan_file", True),
    "no-journal": ("2M", "-t ext4 -b 1024 -N 128 -O ^has_journal", False),
    "no-journal-inline": ("2M", "-t ext4 -b 1024 -N 128 -O ^has_journal,inline_data", False),
}  # fmt: skip

SHORT = (
    ("write", b"kept", 0, 1500, 1), ("sync",), ("write", b"new", 0, 1200, 2), ("rename", b"new", b"kept"),
    ("fsync", b"kept"), ("unlink", b"kept"),
)  # fmt: skip


@lru_cache
def base_of(kind: str) -> bytes:
    size, options, _ = KINDS[kind]
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        image = Path(folder) / "image"
        image.write_bytes(bytes([crash_files.GARBAGE]) * (int(size[:-1]) << 20))
        return mke2fs(image, size, *options.split(), "-E", NO_DISCARD).read_bytes()


class Volume(crash.Workload):
    """A script on a volume of some kind.

    looked  how many states were looked at; every `linux`-th is given to the Linux kernel, too
    """

    def __init__(self, kind: str, script: tuple, linux: int = 0) -> None:
        self.name = kind
        self.kind, self.script = kind, script
        self.journal = KINDS[kind][2]
        self.linux = linux if ROOT else 0
        self.looked = 0
        self.mounted = 0
        folder = tempfile.mkdtemp(dir=FAST, prefix="rump-crash-")
        weakref.finalize(self, shutil.rmtree, folder)
        self.image = Path(folder) / "image"

    def base(self) -> bytes:
        return base_of(self.kind)

    def work(self, kernel, log) -> None:
        perform(kernel, log, crash.DEVICE, self.script)

    def check(self, state) -> None:
        image, window = state.image(), moments(state.promises)
        self.looked += 1
        tree: dict = {}
        if self.journal:
            tree, after = recovered(image)
            self._fsck(after, "-fn")
            check_tree(tree, window, True)
            theirs = self._repaired(image)
            compare(tree, theirs)
        else:
            # Nobody but a checker can tell what is in use; mounting before must not make it worse.
            _, after = recovered(image, walk=lambda lwp: {})
            for each in (image, after):
                check_tree(self._repaired(each), window, False)
            if self.kind == "ext2":
                check_unchecked(image, window)
        if self.linux and self.looked % self.linux == 0:
            self._linux(image, tree)

    def _fsck(self, image: bytes, *options: str, fine: tuple[int, ...] = (0,)) -> str:
        self.image.write_bytes(image)
        return fsck(self.image, *options, fine=fine)

    def _repaired(self, image: bytes) -> dict:
        """What e2fsck makes of it.  With a journal there is nothing to mend but what the journal and the list of
        orphans say."""
        said = self._fsck(image, "-fy", fine=(0, 1))
        # A tree of extents may be narrower than truncating leaves it: that is no fault.
        if self.journal and "? yes" in said.replace("Optimize? yes", ""):
            raise Damaged(f"after its own recovery e2fsck says\n{said}")
        fsck(self.image)
        return recovered(self.image.read_bytes(), read_only=True)[0]

    def _linux(self, image: bytes, tree: dict) -> None:
        """Linux replays the journal and finishes the orphans."""
        self.image.write_bytes(image)
        with loop_mounted(self.image, self.image.with_name("mnt"), "rw") as folder:
            run("sync", "-f", folder)
        self.mounted += 1
        if self.journal:
            fsck(self.image)
            compare(tree, recovered(self.image.read_bytes(), read_only=True)[0])


def compare(ours: dict, theirs: dict) -> None:
    """Two trees are the same."""
    for path in sorted({*ours, *theirs}):
        if ours.get(path) != theirs.get(path):
            mine, other = (str(tree.get(path))[:300] for tree in (ours, theirs))
            raise AssertionError(f"{path!r}: we recover {mine}, others {other}")


def random_script(seed: int, length: int = 60) -> tuple:
    """Steps by chance; what cannot be done is refused, and that is all right."""
    numbers = SplitMix(seed)
    below = numbers.below
    names = [b"a", b"b", b"c", b"d/a", b"d/b", b"d/e/a", b"n" * 200, b"d/" + b"m" * 150]

    def name() -> bytes:
        return names[below(len(names))]

    makers = (
        lambda: ("write", name(), below(30_000), 1 + below(20_000), below(10**6)),
        lambda: ("append", name(), 1 + below(9000), below(10**6)),
        lambda: ("truncate", name(), below(40_000)),
        lambda: ("rename", name(), name()),
        lambda: ("link", name(), name()),
        lambda: ("unlink", name()),
        lambda: ("symlink", name(), 1 + below(300)),
        lambda: ("mkdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("rmdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("many", b"d", below(100), 1 + below(12)),
        lambda: ("many_gone", b"d", below(100), 1 + below(12)),
        lambda: ("fragment", name(), 2 + below(20), below(10**6)),
        lambda: ("setxattr", name(), b"user." + b"ab"[below(2) :][:1], below(600), below(10**6)),
        lambda: ("removexattr", name(), b"user." + b"ab"[below(2) :][:1]),
        lambda: ("fallocate", name(), below(30_000), 1 + below(20_000)),
        lambda: ("punch", name(), below(30_000), 1 + below(20_000)),
        lambda: ("fsync", name()),
        lambda: ("sync",),
    )
    start = ("mkdir", b"d"), ("mkdir", b"d/e"), ("write", b"a", 0, 5000, 1), ("write", b"d/e/a", 0, 5000, 2), ("sync",)
    return (*start, *[makers[below(len(makers))]() for _ in range(length)])


def sweep(volume: Volume, seed: int, count: int, host: str = "bare-memory") -> int:
    """Look at about `count` states: half of them prefixes, half of the seed.  Errors: Lost."""
    states = crash.states_of(host, volume)
    prefixes = list(states.prefixes())
    step = max(1, len(prefixes) * 2 // count)
    return verify(prefixes[seed % step :: step], volume.check) + verify(states.seeded(seed, count // 2), volume.check)


def script_of(name: str) -> tuple:
    """A script by its name; "random-N" is one by chance."""
    return SCRIPTS[name] if name in SCRIPTS else random_script(int(name.removeprefix("random-")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--script", action="append", help=f"{' '.join(SCRIPTS)} random-N")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--index", type=int, help="one state of the seed only")
    parser.add_argument("--save", type=Path, help="write its image")
    parser.add_argument("--linux", type=int, default=50, help="every n-th state is given to the Linux kernel")
    options = parser.parse_args()
    failed = 0
    for kind in options.kind or KINDS:
        for name in options.script or SCRIPTS:
            volume = Volume(kind, script_of(name), options.linux)
            start = time.perf_counter()
            try:
                if options.index is not None:
                    state = crash.states_of("bare-memory", volume).state(options.seed, options.index)
                    if options.save:
                        options.save.write_bytes(state.image())
                    looked = verify([state], volume.check)
                else:
                    looked = sweep(volume, options.seed, options.count)
            except Exception as error:
                failed += 1
                print(f"{kind} {name}: FAILED: {type(error).__name__}: {str(error)[:2000]}", flush=True)
                continue
            seconds = time.perf_counter() - start
            print(f"{kind} {name}: {looked} states, {volume.mounted} by Linux, {seconds:.1f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
