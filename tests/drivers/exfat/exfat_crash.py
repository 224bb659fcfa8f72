# SPDX-License-Identifier: BSD-2-Clause
"""python tests/drivers/exfat/exfat_crash.py [--kind NAME] [--script NAME] [--count N] [--seed N]

Power loss on volumes that mkfs.exfat made: what a crash leaves is repaired by fsck.exfat, or read as it is; what was
durable and has not been touched since is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from exfat_support import FSCK, HOST, KEY, MNT, fsck, make

from rump.conformance import crash
from rump.conformance.crash_files import SCRIPTS, Runner, check_tree, expanded, moments, tree_of, untouched
from rump.kernel import abi, boot
from rump.rumpuser.middleware.crash_pieces import SplitMix
from rump.rumpuser.middleware.powerloss import verify

FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
KINDS = {"512": (3 << 20, 512), "1k": (4 << 20, 1024), "4k": (6 << 20, 4096)}   # name: (size, cluster size)
NAMES = ("names", "contents", "splits", "fragments", "orphans", "reuse", "moves")
MOVES = (
    ("write", b"kept", 0, 3000, 1), ("mkdir", b"d"), ("mkdir", b"e"), ("many", b"d", 0, 12),
    ("write", b"d/a", 0, 2000, 2), ("write", b"d/b", 0, 4000, 3), ("sync",),
    ("rename", b"d/a", b"e/a"), ("rename", b"d/b", b"e/" + b"long" * 30), ("rename", b"e/a", b"d/b"),
    ("fsync", b"kept"),
    ("rename", b"d/b", b"e/a"), ("rename", b"e/" + b"long" * 30, b"d/c"), ("write", b"d/new", 0, 1000, 4),
    ("rename", b"d/new", b"d/c"), ("sync",),
    ("mkdir", b"d/f"), ("rename", b"d/f", b"g"), ("rename", b"d/c", b"g/x"), ("many_gone", b"d", 0, 12),
    ("rename", b"g/x", b"g/X"), ("sync",),
)  # fmt: skip


def same(tree: dict) -> dict:
    """A tree without numbers, which are places."""
    return {path: (0, *row[1:]) for path, row in tree.items()}


@lru_cache
def base_of(kind: str) -> bytes:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        return make(Path(folder) / "image", *KINDS[kind]).read_bytes()


class Volume(crash.Workload):
    """A script on a volume of some kind."""

    def __init__(self, kind: str, script: tuple) -> None:
        self.name = kind
        self.kind, self.script = kind, script
        folder = tempfile.mkdtemp(dir=FAST, prefix="rump-crash-")
        weakref.finalize(self, shutil.rmtree, folder)
        self.image = Path(folder) / "image"

    def base(self) -> bytes:
        return base_of(self.kind)

    def work(self, kernel, log) -> None:
        lwp = kernel.lwp
        lwp.mkdir(MNT, 0o755)
        lwp.mount("exfat", MNT, device=crash.DEVICE)
        runner = Runner(lwp)
        history = [same(tree_of(lwp))]
        steps = list(expanded(self.script))
        for number, step in enumerate(steps):
            log.promise(("begun", number, history))
            if runner.do(step):
                log.promise(("durable", number + 1, history))
            history.append(same(tree_of(lwp)))
        for name in list(runner.handles):
            runner.close(name)
        log.promise(("begun", len(steps), history))
        lwp.unmount(MNT)
        log.promise(("durable", len(steps), history))

    def check(self, state) -> None:
        window = moments(state.promises)
        image = state.image()
        self.image.write_bytes(image)
        self._unchecked(window)
        self._repair()
        tree = self._tree()
        check_tree(tree, window, False)
        check_moved(tree, window)
        self.image.write_bytes(image)
        self._fill()
        self._unchecked(window)
        said = self._repair()
        if not any(step[0] == "rename" for step in self.script):
            assert "already allocated" not in said, said

    def _unchecked(self, window: list) -> None:
        """Before a checker has looked: what was durable and has not been touched is there."""
        if window:
            tree = self._tree()
            wanted = untouched(window)
            check_tree({path: tree[path] for path in wanted if path in tree}, [wanted], False)
            assert wanted.keys() <= tree.keys()

    def _repair(self) -> str:
        """Have fsck.exfat mend it; what it says."""
        done = subprocess.run([FSCK, "-y", self.image], capture_output=True, check=False, timeout=20)
        assert done.returncode in (0, 1), done.stdout.decode()[-2000:]
        fsck(self.image)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def _fill(self) -> None:
        """Without a checker: a file in all the clusters that seem to be free takes nobody's."""
        with boot(HOST, log=lambda line: None) as kernel:
            kernel.etfs_register(KEY, os.fsencode(self.image), read_only=False)
            kernel.lwp.mkdir(MNT, 0o755)
            kernel.lwp.mount("exfat", MNT, 0, KEY)
            fd = kernel.lwp.open(MNT + b"/filler", abi.O_WRONLY | abi.O_CREAT)
            room = kernel.lwp.statvfs(MNT)
            kernel.lwp.pwrite(fd, b"\xfe" * (room.f_bfree * room.f_frsize), 0)
            kernel.lwp.close(fd)
            kernel.lwp.unmount(MNT)

    def _tree(self) -> dict:
        with boot(HOST, log=lambda line: None) as kernel:
            kernel.etfs_register(KEY, os.fsencode(self.image))
            kernel.lwp.mkdir(MNT, 0o755)
            kernel.lwp.mount("exfat", MNT, abi.MNT_RDONLY, KEY)
            return same(tree_of(kernel.lwp))


def check_moved(tree: dict, window: list) -> None:
    """Contents that a file had all the time are there, under one name or another."""
    if window:
        kept = set.intersection(*[{row[-1] for row in moment.values() if row[-1]} for moment in window])
        lost = kept - {row[-1] for row in tree.values()}
        assert not lost, f"{len(lost)} files were moved, and are gone: {[each[:16] for each in lost]}"


def random_script(seed: int, length: int = 50) -> tuple:
    """Steps by chance; what cannot be done is refused, and that is all right."""
    below = SplitMix(seed).below
    names = [b"a", b"b", b"c", b"d/a", b"d/b", b"d/e/a", b"n" * 200, b"d/" + b"m" * 150]

    def name() -> bytes:
        return names[below(len(names))]

    makers = (
        lambda: ("write", name(), below(30_000), 1 + below(20_000), below(10**6)),
        lambda: ("append", name(), 1 + below(9000), below(10**6)),
        lambda: ("truncate", name(), below(40_000)),
        lambda: ("rename", name(), name()),
        lambda: ("rename", name(), name()),
        lambda: ("unlink", name()),
        lambda: ("mkdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("rmdir", b"d/" + b"xyz"[below(3) :][:1]),
        lambda: ("many", b"d", below(100), 1 + below(12)),
        lambda: ("many_gone", b"d", below(100), 1 + below(12)),
        lambda: ("fallocate", name(), below(30_000), 1 + below(20_000)),
        lambda: ("fsync", name()),
        lambda: ("sync",),
    )
    start = ("mkdir", b"d"), ("mkdir", b"d/e"), ("write", b"a", 0, 5000, 1), ("write", b"d/e/a", 0, 5000, 2), ("sync",)
    return (*start, *[makers[below(len(makers))]() for _ in range(length)])


def script_of(name: str) -> tuple:
    """A script by its name; "random-N" is one by chance."""
    if name == "moves":
        return MOVES
    return SCRIPTS[name] if name in SCRIPTS else random_script(int(name.removeprefix("random-")))


def sweep(volume: Volume, seed: int, count: int, host: str = "bare-memory") -> int:
    """Look at about `count` states: half of them prefixes, half of the seed.  Errors: Lost."""
    states = crash.states_of(host, volume)
    prefixes = list(states.prefixes())
    step = max(1, len(prefixes) * 2 // count)
    return verify(prefixes[seed % step :: step], volume.check) + verify(states.seeded(seed, count // 2), volume.check)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--script", action="append", help=f"{' '.join(NAMES)} random-N")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    for kind in options.kind or KINDS:
        for name in options.script or NAMES:
            start = time.perf_counter()
            try:
                looked = sweep(Volume(kind, script_of(name)), options.seed, options.count)
            except Exception as error:
                failed += 1
                print(f"{kind} {name}: FAILED: {type(error).__name__}: {str(error)[:2000]}", flush=True)
                continue
            print(f"{kind} {name}: {looked} states, {time.perf_counter() - start:.1f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
