# SPDX-License-Identifier: BSD-2-Clause
"""Images of many kinds, changed through system calls in any order, against a model, e2fsck and the Linux kernel."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import long_random
import pytest
from ext2_model import DIRECTORY, REGULAR, Contents, pattern
from ext2_scripts import SCRIPTS
from ext2_session import FEATURES, Different, Pair, Session, make_image
from ext2_support import E2FSCK, ROOT, needs_mke2fs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from rump.kernel import abi

pytestmark = [needs_mke2fs, pytest.mark.skipif(not E2FSCK, reason="e2fsck is not installed")]

SETTINGS = settings(
    max_examples=4,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

PICKS = st.integers(0, 30)
NAMES = st.sampled_from([b"a", b"b", b"c", b"name-of-twenty-bytes", b"l" * 255])
OFFSETS = st.sampled_from(long_random.SIZES) | st.integers(0, 150_000) | st.sampled_from(long_random.FAR[:5])
LENGTHS = st.sampled_from(long_random.SIZES) | st.integers(1, 30_000)
SEEDS = st.integers(1, 10_000)
SECONDS = st.integers(-(2**31), 2**34) | st.sampled_from([0, -1, 2**31 - 1, 2**31])


@lru_cache(2)
def base_of(features: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make_image(Path(folder) / "image", features).read_bytes()


class Machine(RuleBasedStateMachine):
    """Every rule picks files by number from what the model holds, and does the same to both."""

    features = "ext4"

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rump-machine-"))
        image = self.folder / "image"
        image.write_bytes(base_of(self.features))
        self.failed = False
        self.session = Session(image)
        self.session.small = self.features.endswith("small")
        self.pair = Pair(self.session)

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.pair.finish()
        finally:
            shutil.rmtree(self.folder)

    def do(self, *operation) -> None:
        if operation[1:2] == (None,):
            return
        try:
            self.pair.do(operation)
        except BaseException:
            self.failed = True
            raise

    def pick(self, number: int, kind: int = 0):
        """A file, the directories first; None if there is none of that kind."""
        found = [path for path, node in self.pair.model.walk() if path and (not kind or node.kind == kind)]
        return found[number % len(found)] if found else None

    def place(self, number: int, name: bytes):
        """A name in a directory."""
        folders = [path for path, node in self.pair.model.walk() if node.kind == DIRECTORY]
        return (*folders[number % len(folders)], name)

    @rule(where=PICKS, name=NAMES, mode=st.sampled_from([0o644, 0o600, 0o7755]))
    def create(self, where, name, mode):
        self.do("create", self.place(where, name), mode & 0o755)

    @rule(where=PICKS, name=NAMES)
    def mkdir(self, where, name):
        self.do("mkdir", self.place(where, name), 0o755)

    @rule(where=PICKS, name=NAMES, length=st.sampled_from([1, 59, 60, 61, 1000]))
    def symlink(self, where, name, length):
        self.do("symlink", self.place(where, name), b"t" * length)

    @rule(where=PICKS, name=NAMES, number=st.sampled_from([(1, 3), (256, 1), (259, 70_000)]))
    def mknod(self, where, name, number):
        self.do("mknod", self.place(where, name), abi.S_IFBLK | 0o600, abi.makedev(*number))

    @rule(where=PICKS, first=st.integers(0, 10), count=st.sampled_from([3, 30, 120]))
    def many(self, where, first, count):
        self.do("many", self.place(where, b"x")[:-1], first * 10, count)

    @rule(where=PICKS, first=st.integers(0, 10), count=st.sampled_from([30, 120]), step=st.integers(1, 3))
    def many_gone(self, where, first, count, step):
        self.do("many_gone", self.place(where, b"x")[:-1], first * 10, count, step)

    @rule(which=PICKS, where=PICKS, name=NAMES)
    def link(self, which, where, name):
        path = self.pick(which)
        if path:
            self.do("link", path, self.place(where, name))

    @rule(which=PICKS)
    def unlink(self, which):
        self.do("unlink", self.pick(which))

    @rule(which=PICKS)
    def rmdir(self, which):
        self.do("rmdir", self.pick(which, DIRECTORY))

    @rule(which=PICKS, where=PICKS, name=NAMES)
    def rename(self, which, where, name):
        path = self.pick(which)
        if path and path[0] != b"lost+found":
            self.do("rename", path, self.place(where, name))

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS, seed=SEEDS)
    def write(self, which, offset, length, seed):
        self.do("write", self.pick(which, REGULAR), offset, length, seed)

    @rule(which=PICKS, length=LENGTHS, seed=SEEDS)
    def append(self, which, length, seed):
        self.do("append", self.pick(which, REGULAR), length, seed)

    @rule(which=PICKS, count=st.integers(5, 60), seed=SEEDS)
    def fragment(self, which, count, seed):
        self.do("fragment", self.pick(which, REGULAR), count, 8192, seed)

    @rule(which=PICKS, size=OFFSETS)
    def truncate(self, which, size):
        self.do("truncate", self.pick(which, REGULAR), size)

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS)
    def fallocate(self, which, offset, length):
        self.do("fallocate", self.pick(which, REGULAR), offset, max(1, length))

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS)
    def punch(self, which, offset, length):
        self.do("punch", self.pick(which, REGULAR), offset, max(1, length))

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS)
    def read(self, which, offset, length):
        self.do("read", self.pick(which, REGULAR), offset, length)

    @rule(which=PICKS)
    def open(self, which):
        self.do("open", self.pick(which, REGULAR))

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS, seed=SEEDS)
    def write_open(self, which, offset, length, seed):
        self.do("hwrite", which, offset, length, seed)

    @rule(which=PICKS)
    def close(self, which):
        self.do("hclose", which)

    @rule(which=PICKS, mode=st.sampled_from([0, 0o644, 0o7777]), uid=st.sampled_from([0, 1000, 4_000_000_000]))
    def chmod_and_chown(self, which, mode, uid):
        self.do("chmod", self.pick(which), mode)
        self.do("chown", self.pick(which), uid, uid // 2)

    @rule(which=PICKS, atime=SECONDS, mtime=SECONDS, nanoseconds=st.integers(0, 10**9 - 1))
    def utimens(self, which, atime, mtime, nanoseconds):
        self.do("utimens", self.pick(which), atime * 10**9 + nanoseconds, mtime * 10**9 + nanoseconds)

    @rule(which=PICKS, flags=st.sampled_from([0, 0, abi.UF_NODUMP, abi.SF_IMMUTABLE, abi.SF_APPEND]))
    def chflags(self, which, flags):
        self.do("chflags", self.pick(which, REGULAR), flags)

    @rule(which=PICKS, name=st.sampled_from(long_random.XATTRS), length=st.sampled_from([0, 7, 90, 400, 3000, 20_000]),
          seed=SEEDS)  # fmt: skip
    def setxattr(self, which, name, length, seed):
        self.do("setxattr", self.pick(which), name, length, seed)

    @rule(which=PICKS, acl=st.sampled_from(long_random.ACLS))
    def setacl(self, which, acl):
        self.do("setacl", self.pick(which, REGULAR), b"system.posix_acl_access", acl)

    @rule(which=PICKS, name=st.sampled_from(long_random.XATTRS))
    def removexattr(self, which, name):
        self.do("removexattr", self.pick(which), name)

    @rule(which=PICKS, whole=st.booleans())
    def sync(self, which, whole):
        self.do(*(("sync",) if whole else ("fsync", self.pick(which, REGULAR))))

    @rule(remount=st.booleans())
    def check(self, remount):
        self.do("remount" if remount else "check")


@pytest.mark.slow
@pytest.mark.parametrize("features", FEATURES)
def test_any_operations(features: str) -> None:
    machine = type("Machine", (Machine,), {"features": features})
    run_state_machine_as_test(machine, settings=SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("features", FEATURES)
def test_long_random(features: str, tmp_path: Path) -> None:
    """A slice of `long_random.py`; as root the Linux kernel looks at the result, too."""
    seed = 1000 + list(FEATURES).index(features)
    pair = long_random.one_run(tmp_path, features, seed, 120, ROOT)
    assert len(pair.done) > 120
    assert pair.full or not features.endswith("small")


@pytest.mark.slow
@pytest.mark.parametrize("features", ["ext4-1k", "ext2-1k", "ext4-small"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_what_chance_does_not_find(script: str, features: str, tmp_path: Path) -> None:
    error = long_random.again(tmp_path, features, SCRIPTS[script], ROOT)
    if error is not None:
        raise error


def test_the_model_sees_differences(tmp_path: Path) -> None:
    """Each kind of change that the model was not told of."""
    changes = (
        lambda lwp, path: lwp.chmod(path, 0o611),
        lambda lwp, path: lwp.truncate(path, 5001),
        lambda lwp, path: lwp.setxattr(path, b"user.a", b"other"),
        lambda lwp, path: lwp.utimens(path, 5, 6),
        lambda lwp, path: lwp.link(path, path + b"2"),
        lambda lwp, path: lwp.unlink(path),
        lambda lwp, path: lwp.chown(path, 3, 4),
        lambda lwp, path: lwp.rename(path, path + b"2"),
    )
    for change in changes:
        pair = Pair(Session(None))
        pair.run([("create", (b"f",), 0o644), ("write", (b"f",), 0, 5000, 3), ("setxattr", (b"f",), b"user.a", 5, 1),
                  ("utimens", (b"f",), 10**9, 10**9), ("check",)])  # fmt: skip
        change(pair.lwp, b"/mnt/f")
        with pytest.raises(Different):
            pair.do(("check",))


def test_contents_of_the_model() -> None:
    """The sparse contents behave as bytes do."""
    contents, plain = Contents(), bytearray()
    for number in range(300):
        offset, length = number * 7919 % 20_000, number * 104_729 % 6000
        if number % 5 == 4:
            contents.truncate(offset)
            plain[:] = plain[:offset].ljust(offset, b"\0")
        elif number % 5 == 3:
            contents.punch(offset, length)
            plain[offset : offset + length] = bytes(len(plain[offset : offset + length]))
        elif length:
            data = pattern(number, length)
            contents.write(offset, data)
            plain.extend(bytes(max(0, offset + length - len(plain))))
            plain[offset : offset + length] = data
        assert contents.size == len(plain)
        assert contents.read(0, 1 << 20) == plain and contents.read(offset, 100) == plain[offset : offset + 100]
