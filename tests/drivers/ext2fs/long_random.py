# SPDX-License-Identifier: BSD-2-Clause
"""python tests/drivers/ext2fs/long_random.py [--seed N] [--runs N] [--steps N] [--features NAME]...
                                                 [--linux] [--minimize] [--keep-going]

Random operations on an image, held against the model: every step's result, the whole tree now and then, e2fsck -fn and
a remount now and then, and at the end; with --linux (root) what the Linux kernel's own mount shows, too.  A failure
prints its seed and, with --minimize, the shortest script found that fails the same way.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ext2_model import DIRECTORY, REGULAR, Model
from ext2_session import FEATURES, Pair, Session, make_image

from rump.kernel import abi

USER = struct.pack("<HHi", 1, 6, -1), struct.pack("<HHi", 4, 4, -1), struct.pack("<HHi", 0x20, 4, -1)
NAMED = struct.pack("<HHI", 2, 7, 1337), struct.pack("<HHi", 0x10, 7, -1)
ACLS = (
    struct.pack("<I", 2) + b"".join(USER),
    struct.pack("<I", 2) + USER[0] + NAMED[0] + USER[1] + NAMED[1] + USER[2],
)
XATTRS = (b"user.a", b"user.somewhat-longer-name", b"trusted.t", b"security.other", b"user.\xff\xfe")
SIZES = (0, 1, 59, 60, 61, 150, 511, 512, 1023, 1024, 1025, 4095, 4096, 4097, 12_288, 13_000, 40_000, 70_000)
FAR = (1 << 20, (12 << 10) - 1, 268 << 10, (1 << 26) + 5, (1 << 31) + 7, 4_400_000_000, 17_000_000_000)


class Chance:
    """Picks the next operation, fitting what the model holds."""

    def __init__(self, seed: int, model: Model, small: bool = False) -> None:
        self.random = random.Random(seed)
        self.model = model
        self.small = small
        self.number = 0
        names = [name for name in dir(self) if name.startswith("op_")]
        self.makers = [getattr(self, name) for name in names]
        self.weights = [WEIGHTS.get(name[3:], 4) for name in names]

    def next(self) -> tuple:
        self.number += 1
        self.tree = list(self.model.walk())
        while True:
            (maker,) = self.random.choices(self.makers, self.weights)
            operation = maker()
            if operation is not None:
                return operation

    # ---- what is there, and what is not ----------------------------------------------------------------------------

    def any(self, kind: int = 0):
        found = [path for path, node in self.tree[1:] if (not kind or node.kind == kind) and path[0] != b"lost+found"]
        return self.random.choice(found) if found else None

    def directory(self):
        folders = [path for path, node in self.tree if node.kind == DIRECTORY and path[:1] != (b"lost+found",)]
        return self.random.choice(folders)

    def new(self):
        chance = self.random
        if chance.random() < 0.03:
            return self.any() or (b"x",)
        length = chance.choice((1, 2, 5, 8, 12, 40, 120, 255))
        name = (b"%d-" % self.number + b"n" * length)[:length] if length > 2 else b"%d" % (self.number % 100)
        return (*self.directory(), name)

    def offset(self) -> int:
        chance = self.random
        style = chance.randrange(10)
        if style < 4:
            return chance.choice(SIZES)
        if style < 9 or self.small:
            return chance.randrange(200_000)
        return chance.choice(FAR) + chance.randrange(5000)

    def length(self) -> int:
        chance = self.random
        if self.small and chance.random() < 0.1:
            return chance.randrange(600_000)
        return chance.choice(SIZES) if chance.random() < 0.6 else chance.randrange(1, 30_000)

    def seed(self) -> int:
        return self.random.randrange(1 << 30)

    def mode(self) -> int:
        return self.random.choice((0o644, 0o600, 0o755, 0o7777, 0, 0o4711))

    # ---- operations ------------------------------------------------------------------------------------------------

    def op_create(self):
        return "create", self.new(), self.mode() & 0o777 & ~0o22

    def op_mkdir(self):
        path = self.new()
        return ("mkdir", path, 0o755) if len(path) < 6 else None

    def op_symlink(self):
        return "symlink", self.new(), b"t" * self.random.choice((1, 20, 59, 60, 61, 400, 1000))

    def op_mknod(self):
        kind = self.random.choice((abi.S_IFIFO, abi.S_IFCHR, abi.S_IFBLK))
        device = self.random.choice(((1, 3), (255, 255), (256, 1), (259, 70_000), (0, 0), (8, 256)))
        return "mknod", self.new(), kind | 0o600, 0 if kind == abi.S_IFIFO else abi.makedev(*device)

    def op_link(self):
        path = self.any()
        return path and ("link", path, self.new())

    def op_unlink(self):
        found = [path for path, node in self.tree[1:] if node.kind != DIRECTORY]
        return ("unlink", self.random.choice(found)) if found else None

    def op_rmdir(self):
        path = self.any(DIRECTORY)
        return path and ("rmdir", path)

    def op_rename(self):
        path = self.any()
        return path and ("rename", path, self.new())

    def op_rename_over(self):
        path, other = self.any(), self.any()
        return path and ("rename", path, other)

    def op_many(self):
        count = self.random.choice((5, 40, 40, 300 if not self.small else 20))
        return "many", self.directory(), self.random.randrange(1000) * 10, count

    def op_many_gone(self):
        found = [path for path, node in self.tree[1:] if path[-1].startswith(b"m") and node.kind == REGULAR]
        if not found:
            return None
        path = self.random.choice(found)
        number = int(path[-1].removeprefix(b"many-").removeprefix(b"m").split(b"-")[0])
        step = self.random.choice((1, 1, 2, 3))
        return "many_gone", path[:-1], max(0, number - 30), self.random.choice((40, 300)), step

    def of_file(self, name, *arguments):
        path = self.any(REGULAR)
        return path and (name, path, *arguments)

    def op_write(self):
        return self.of_file("write", self.offset(), self.length(), self.seed())

    def op_append(self):
        return self.of_file("append", self.length(), self.seed())

    def op_fragment(self):
        """A file written backwards, every other block."""
        path = self.any(REGULAR)
        return path and ("fragment", path, self.random.randrange(5, 60), self.random.choice((2048, 8192)), self.seed())

    def op_truncate(self):
        return self.of_file("truncate", self.offset())

    def op_shorten(self):
        return self.of_file("truncate", self.random.choice(SIZES))

    def op_fallocate(self):
        return self.of_file("fallocate", self.offset(), max(1, self.length()))

    def op_punch(self):
        return self.of_file("punch", self.offset(), max(1, self.length()))

    def op_read(self):
        return self.of_file("read", self.offset(), self.length())

    def op_open(self):
        return self.of_file("open")

    def op_hwrite(self):
        return "hwrite", self.random.randrange(4), self.offset(), self.length(), self.seed()

    def op_hread(self):
        return "hread", self.random.randrange(4), self.offset(), self.length()

    def op_htruncate(self):
        return "htruncate", self.random.randrange(4), self.offset()

    def op_hsync(self):
        return "hsync", self.random.randrange(4)

    def op_hclose(self):
        return "hclose", self.random.randrange(4)

    def of_any(self, name, *arguments):
        path = self.any()
        return path and (name, path, *arguments)

    def op_chmod(self):
        return self.of_any("chmod", self.mode())

    def op_chown(self):
        return self.of_any("chown", *[self.random.choice((0, 1000, 70_000, 4_000_000_000)) for _ in range(2)])

    def op_utimens(self):
        times = (0, 1, -1, -2_000_000_000, 2**31 - 1, 2**31, 2**32, 2**33, 1_700_000_000)
        return self.of_any("utimens", *[self.random.choice(times) * 10**9 + self.random.choice((0, 1, 999_999_999))
                                        for _ in range(2)])  # fmt: skip

    def op_chflags(self):
        # Clearing them comes often: not much can be done to what cannot change.
        chosen = self.random.choice((abi.UF_NODUMP, abi.SF_IMMUTABLE, abi.SF_APPEND))
        files = [path for path, node in self.tree if node.flags and node.kind != DIRECTORY]
        if files and self.random.random() < 0.8:
            return "chflags", self.random.choice(files), 0
        path = self.any(REGULAR)
        return path and ("chflags", path, chosen)

    def op_setxattr(self):
        length = self.random.choice((0, 1, 7, 20, 90, 400, 900, 3000, 20_000))
        return self.of_any("setxattr", self.random.choice(XATTRS), length, self.seed())

    def op_setacl(self):
        path = self.any(self.random.choice((REGULAR, DIRECTORY)))
        which = b"default" if path and self.model.at(path).kind == DIRECTORY and self.seed() % 2 else b"access"
        return path and ("setacl", path, b"system.posix_acl_" + which, self.random.choice(ACLS))

    def op_removexattr(self):
        held = [(path, name) for path, node in self.tree for name in node.xattrs]
        return ("removexattr", *self.random.choice(held)) if held else self.of_any("removexattr", b"user.a")

    def op_sync(self):
        return ("sync",)

    def op_fsync(self):
        return self.of_file("fsync")

    def op_check(self):
        return ("check",)

    def op_remount(self):
        return ("remount",)


WEIGHTS = {
    "create": 10, "mkdir": 5, "many": 2, "many_gone": 2, "write": 12, "append": 8, "fragment": 2, "check": 1,
    "remount": 1, "sync": 1, "chflags": 2, "unlink": 7, "rename_over": 3, "setxattr": 8, "mknod": 2, "chown": 2,
    "chmod": 2, "utimens": 3, "hread": 2, "open": 5, "hclose": 2, "rmdir": 3, "truncate": 5,
}  # fmt: skip


def one_run(folder: Path, features: str, seed: int, steps: int, linux: bool) -> Pair:
    """One random run, on a new image.  Errors: whatever is wrong; the operations are in the error's `script`."""
    image = None if features == "tmpfs" else make_image(folder / "image", features)
    pair = Pair(_session(image, features))
    chance = Chance(seed, pair.model, features.endswith("small"))
    try:
        for _ in range(steps):
            pair.do(chance.next())
        pair.finish(folder / "mnt" if linux and image else None)
    except BaseException as error:
        error.script = pair.done
        raise
    return pair


def _session(image: Path | None, features: str) -> Session:
    session = Session(image)
    session.small = features.endswith("small")
    return session


def again(folder: Path, features: str, script: list[tuple], linux: bool) -> BaseException | None:
    """Run a script; what went wrong."""
    image = None if features == "tmpfs" else make_image(folder / "image", features)
    try:
        pair = Pair(_session(image, features))
        pair.run(script)
        pair.finish(folder / "mnt" if linux and image else None)
    except Exception as error:
        return error
    return None


def minimize(folder: Path, features: str, script: list[tuple], error: BaseException, linux: bool) -> list[tuple]:
    """A shorter script that fails with an error of the same type: leave out halves, quarters ... single operations."""
    size = max(1, len(script) // 2)
    while True:
        start = 0
        while start < len(script):
            shorter = script[:start] + script[start + size :]
            found = again(folder, features, shorter, linux)
            if found is not None and type(found) is type(error):
                script = shorter
            else:
                start += size
        if size == 1:
            return script
        size = max(1, size // 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--runs", type=int, default=1, help="how many seeds")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--features", action="append", choices=[*FEATURES, "tmpfs"])
    parser.add_argument("--linux", action="store_true")
    parser.add_argument("--minimize", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    failed = 0
    for features in options.features or FEATURES:
        for seed in range(options.seed, options.seed + options.runs):
            failed += not _report(features, seed, options)
            if failed and not options.keep_going:
                return 1
    return 1 if failed else 0


def _report(features: str, seed: int, options: argparse.Namespace) -> bool:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        where = Path(folder)
        try:
            pair = one_run(where, features, seed, options.steps, options.linux)
        except Exception as error:
            print(f"{features}: seed {seed} steps {options.steps}: FAILED: {type(error).__name__}: {error}", flush=True)
            if options.minimize:
                script = minimize(where, features, error.script, error, options.linux)
                print(f"{type(error).__name__}: {again(where, features, script, options.linux)}")
                print("".join(f"    {operation!r},\n" for operation in script), flush=True)
            else:
                import traceback

                traceback.print_exception(error, limit=-6)
            return False
    seconds = time.perf_counter() - start
    done = f"{len(pair.done)} operations, {pair.full} refused for space, {seconds:.1f} s"
    print(f"{features}: seed {seed}: {done}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
