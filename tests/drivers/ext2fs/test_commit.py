# SPDX-License-Identifier: BSD-2-Clause
"""Transactions that we write to journals: what others' recovery, and ours, make of them is what was committed."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from ext2_support import E2FSCK, Bytes, debugfs, loop_mounted, mke2fs, mount, needs_mke2fs, needs_root, read_file
from journal_support import (
    FAST,
    FEATURES,
    MAGIC,
    V3,
    WIDE,
    Recorder,
    journal,
    prefixes,
    session,
    torn,
    with_features,
)  # fmt: skip

from rump.drivers.fs.ext2fs.journal.recovery import Recovery
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

BLOCK = 1024
FILE_BLOCKS = 300


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> bytes:
    """An ext4 with one file whose blocks the transactions below change."""
    folder = tmp_path_factory.mktemp("commit")
    (folder / "tree").mkdir()
    (folder / "tree" / "victim").write_bytes(random.Random(1).randbytes(FILE_BLOCKS * BLOCK))
    return mke2fs(folder / "image", "8M", "-t", "ext4", "-b", str(BLOCK), tree=folder / "tree").read_bytes()


@pytest.fixture(scope="module")
def larger(tmp_path_factory) -> bytes:
    """The same with a larger journal, as those with fast commits must be."""
    tree = tmp_path_factory.mktemp("larger")
    (tree / "victim").write_bytes(random.Random(1).randbytes(FILE_BLOCKS * BLOCK))
    options = "-t", "ext4", "-b", str(BLOCK), "-J", "size=2"
    return mke2fs(tree.with_suffix(".img"), "8M", *options, tree=tree).read_bytes()


@pytest.fixture(scope="module")
def blocks(original) -> list[int]:
    return places(original)


def places(image: bytes) -> list[int]:
    """Where the file's blocks are."""
    volume = mount(image)
    found = volume.lookup(volume.root()[:2], b"victim")
    return [place // BLOCK + at for _, _, length, place in volume.map(found[:2], 0, found[v.SIZE])
            for at in range(length // BLOCK)]  # fmt: skip


def contents(image: bytes, blocks: list[int]) -> list[bytes]:
    return [image[block * BLOCK : block * BLOCK + BLOCK] for block in blocks]


class Workload:
    """Changes blocks of the file through a store, and knows what they must be; a freed block becomes file data."""

    def __init__(self, device: Recorder, blocks: list[int], seed: object) -> None:
        self.device = device
        self.blocks = blocks
        self.session = session(device)
        self.store = self.session.state.store
        self.order = random.Random(str(seed))
        self.now = dict(zip(blocks, contents(bytes(device.data), blocks), strict=True))
        self.freed: list[int] = []

    def data(self) -> bytes:
        head = MAGIC if self.order.random() < 0.2 else b""
        return head + self.order.randbytes(BLOCK - len(head))

    def reuse(self) -> None:
        """What the last transaction freed is written to as file data, past the store."""
        for block in self.freed:
            self.now[block] = self.data()
            self.device.write(block << 10, self.now[block])
        self.freed.clear()

    def transaction(self, changes: int, frees: int = 0) -> None:
        store, order = self.store, self.order
        store.begin()
        chosen = order.sample(self.blocks, changes + frees)
        for block in chosen[frees:]:
            self.now[block] = self.data()
            store.put(block, self.now[block])
        for block in chosen[:frees]:
            store.forget(block)
        store.end()
        store.commit()
        for block in chosen[:frees]:
            self.now.pop(block, None)   # until the space is used again, nobody cares what is in it
        self.freed = chosen[:frees]

    def check(self, image: bytes) -> None:
        assert contents(image, list(self.now)) == list(self.now.values())


# ---- who recovers ----------------------------------------------------------------------------------------------------


def by_e2fsck(image: bytes, path: Path) -> bytes:
    path.write_bytes(image)
    done = subprocess.run([E2FSCK, "-fy", path], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    for complaint in (b"corrupt", b"checksum", b"Inode", b"invalid"):
        assert complaint not in done.stdout.replace(b"Checking", b""), done.stdout
    return path.read_bytes()


def by_debugfs(image: bytes, path: Path) -> bytes:
    path.write_bytes(image)
    debugfs(path, "jr")
    return path.read_bytes()


def by_linux(image: bytes, path: Path) -> bytes:
    path.write_bytes(image)
    with loop_mounted(path, path.parent / "mnt", "rw"):
        pass
    return path.read_bytes()


def by_us(image: bytes, _path: Path) -> bytes:
    device = Recorder(image)
    session(device).close()
    return bytes(device.data)


RECOVERIES = [by_e2fsck, by_debugfs, pytest.param(by_linux, marks=needs_root), by_us]


@pytest.mark.parametrize("recover", RECOVERIES)
@pytest.mark.parametrize("name", FEATURES)
def test_everybody_recovers_what_was_committed(name, recover, original, larger, tmp_path):
    if name == "fast" and recover is by_debugfs:
        pytest.skip("debugfs 1.47 does not replay journals with fast commits")
    source = larger if name == "fast" else original
    device = Recorder(with_features(source, FEATURES[name], sequence=0xFFFFFFFE if "64bit" in name else 1))
    work = Workload(device, places(source), name)
    for _ in range(3):
        work.transaction(12, 3)
        work.reuse()
    work.transaction(100)
    work.transaction(0, 5)
    work.reuse()
    image = bytes(device.data)
    assert any(now != then for now, then in zip(contents(image, list(work.now)), work.now.values(), strict=True))
    work.check(recover(image, tmp_path / "image"))


def test_the_reader_sees_what_was_committed(original, blocks):
    device = Recorder(original)
    work = Workload(device, blocks, 1)
    work.transaction(30, 3)
    work.reuse()
    volume = mount(bytes(device.data))
    data = read_file(volume, volume.lookup(volume.root()[:2], b"victim"))
    for index, block in enumerate(blocks):
        assert data[index * BLOCK : index * BLOCK + BLOCK] == work.now[block]


def test_our_recovery_equals_e2fscks_byte_for_byte(original, blocks, tmp_path):
    device = Recorder(with_features(original, V3 | WIDE))
    work = Workload(device, blocks, 2)
    for _ in range(4):
        work.transaction(40, 5)
        work.reuse()
    image = bytes(device.data)
    ours, theirs = bytearray(by_us(image, tmp_path)), bytearray(by_e2fsck(image, tmp_path / "image"))
    log = journal(Bytes(original)).offset(0)
    for data in (ours, theirs):     # times, checksums; the number of the next transaction
        data[1024:2048] = b""
        del data[log - 1024 : log]
    assert ours == theirs


@pytest.mark.parametrize("name", ["plain", "v1", "v2-64bit", "v3", "fast"])
def test_the_log_fills_up_many_times(name, original, larger, tmp_path):
    """With checkpoints in between, made when there is no room; at points along the way all agree."""
    source = larger if name == "fast" else original
    device = Recorder(with_features(source, FEATURES[name], sequence=0xFFFFFFF0))
    work = Workload(device, places(source), name)
    length = journal(device).length
    written = 0
    for number in range(60):
        work.transaction(work.order.randrange(1, 128), work.order.randrange(4))
        written += len(work.store.pending)
        work.reuse()
        if number % 20 == 19:
            image = bytes(device.data)
            for recover in (by_us, by_e2fsck) if name == "fast" else (by_us, by_e2fsck, by_debugfs):
                work.check(recover(image, tmp_path / "image"))
    assert written > 3 * length
    work.session.close()
    work.check(bytes(device.data))
    (tmp_path / "image").write_bytes(device.data)
    done = subprocess.run([E2FSCK, "-fn", tmp_path / "image"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_second_mount_goes_on(original, blocks, tmp_path):
    """Numbers of transactions are not used twice, however a mount ends."""
    image = original
    expected: dict[int, bytes] = {}
    for number in range(6):
        device = Recorder(image)
        work = Workload(device, blocks, number)
        assert {block: work.now[block] for block in expected} == expected
        work.transaction(10 * number + 5, 2)
        work.reuse()
        if number % 3 == 0:
            work.session.close()
        expected = work.now
        image = bytes(device.data)
    assert journal(Bytes(image)).sequence > 6
    for recover in (by_us, by_e2fsck, by_debugfs):
        work.check(recover(image, tmp_path / "image"))


def test_a_journal_that_cannot_revoke_is_emptied_instead(original, blocks, tmp_path):
    device = Recorder(with_features(original, 0, version=1))
    work = Workload(device, blocks, "v1")
    for _ in range(5):
        work.transaction(60, 20)
        work.reuse()
    image = bytes(device.data)
    at = journal(Bytes(image)).offset(0)
    assert image[at + 4 : at + 8] == struct.pack(">I", 3) and not any(image[at + 0x24 : at + 1024])
    for recover in (by_us, by_e2fsck, by_debugfs):
        work.check(recover(image, tmp_path / "image"))


def test_only_what_is_in_the_log_is_revoked(original, blocks):
    device = Recorder(original)
    work = Workload(device, blocks, 3)
    store = work.store
    work.transaction(1)
    logged = next(iter(store.pending))
    other = next(block for block in blocks if block != logged)
    for block in (logged, other):
        store.begin()
        store.forget(block)
        store.end()
    before = len(device.log)
    store.commit()
    (_, data), *rest = device.log[before:]
    assert struct.unpack_from(">IIII", data) == (0xC03B3998, 5, journal(device).sequence + 1, 20)
    assert struct.unpack_from(">I", data, 16) == (logged,)
    assert len([entry for entry in rest if entry[1]]) == 1      # the commit block
    work.store.checkpoint()
    store.begin()
    store.forget(logged)
    store.end()
    before = len(device.log)
    store.commit()
    assert device.log[before:] == [(-1, b"")]                   # the log is empty: nothing to revoke


def test_tags_of_blocks_beyond_32_bits(original):
    """Too far for a test's device: the blocks' own numbers, read back by the reader."""
    for features in (WIDE, WIDE | V3, WIDE | 8):
        device = Recorder(with_features(original, features))
        keeper = session(device).state.store.keeper
        far = 0x123456789A
        data = keeper._blocks.described(7, [5, far], [bytes(BLOCK), MAGIC.ljust(BLOCK, b"q")])
        tags = list(Recovery(journal(device)).tags(data[:BLOCK]))
        assert [tag[0] for tag in tags] == [5, far] and tags[0][1] == 0 and tags[1][1] == 1 | 2 | 8


# ---- crashes ---------------------------------------------------------------------------------------------------------


def crash_states(work: Workload, device: Recorder) -> list[tuple[int, list[bytes]]]:
    """Run a few transactions: (writes so far, the file) at each commit."""
    states = [(0, contents(device.before, work.blocks))]
    for changes in (1, 70, 120, 90, 128, 128, 128, 128, 128, 60):
        work.transaction(changes)
        states.append((len(device.log), [work.now[block] for block in work.blocks]))
    work.session.close()
    return states


@pytest.mark.parametrize("name", ["plain", "v3-64bit"])
def test_every_prefix_of_the_writes_recovers(name, original, blocks):
    """To the last commit that returned, or to the one under way."""
    device = Recorder(with_features(original, FEATURES[name]))
    states = crash_states(Workload(device, blocks, name), device)
    for written, image in prefixes(device):
        done = max(index for index, (at, _) in enumerate(states) if at <= written)
        recovered = contents(by_us(image, Path()), blocks)
        assert recovered in [state for _, state in states[done : done + 2]], written
        assert contents(by_us(by_us(image, Path()), Path()), blocks) == recovered


def test_a_recovery_that_is_cut_off_can_be_done_again(original, blocks):
    """Also that a kernel had found errors, which only the journal says."""
    device = Recorder(original)
    work = Workload(device, blocks, 8)
    work.transaction(12)
    struct.pack_into(">I", device.data, journal(device).offset(0) + 0x20, 5)
    again = Recorder(bytes(device.data))
    session(again, []).close()
    assert again.barriers == 4
    for state in [*[image for _, image in prefixes(again)], *torn(again, random.Random(2), most=99)]:
        second = Recorder(state)
        session(second, []).close()
        work.check(bytes(second.data))
        assert second.data[1024 + 0x3A] == 3 and not second.data[1024 + 0x60] & 4
        assert not journal(second).errno


def test_torn_writes_recover(original, blocks):
    device = Recorder(with_features(original, V3))
    states = [state for _, state in crash_states(Workload(device, blocks, "torn"), device)]
    seen = []
    for image in torn(device, random.Random(4)):
        recovered = contents(by_us(image, Path()), blocks)
        assert recovered in states
        seen.append(states.index(recovered))
    assert len(set(seen)) == len(states)


def test_torn_states_satisfy_e2fsck(original, blocks, tmp_path):
    device = Recorder(with_features(original, V3))
    states = [state for _, state in crash_states(Workload(device, blocks, "tools"), device)]
    images = list(torn(device, random.Random(5)))
    for image in random.Random(6).sample(images, 12):
        assert contents(by_e2fsck(image, tmp_path / "image"), blocks) in states


def test_a_failing_write_ends_it(original, blocks, tmp_path):
    """Nothing more is written, the medium stays marked, and what was committed is there."""
    device = Recorder(original)
    work = Workload(device, blocks, 9)
    work.transaction(20)
    before = dict(work.now)
    device.fail = lambda: True
    with pytest.raises(Fault):
        work.transaction(20)
    device.fail = lambda: False
    written = len(device.log)
    for attempt in (work.store.begin, work.store.commit, work.session.close):
        with pytest.raises(Fault):
            attempt()
    assert len(device.log) == written and device.data[1024 + 0x60] & 4
    work.now = before
    for recover in (by_us, by_e2fsck):
        work.check(recover(bytes(device.data), tmp_path / "image"))


# ---- what the journal says -------------------------------------------------------------------------------------------


def test_fast_commits_are_refused(original, blocks):
    """Ones that belong to the log's end; stale ones never do, for numbers only grow."""
    device = Recorder(with_features(original, V3 | FAST))
    log = journal(device)
    area = log.first + log.length

    def fast_commit(transaction: int) -> None:
        device.write(log.offset(area), struct.pack("<HHII", 9, 8, 0, transaction))

    fast_commit(2)
    work = Workload(device, blocks, 1)
    work.transaction(5)                     # that is transaction 2
    work.check(by_us(bytes(device.data), Path()))
    fast_commit(3)
    before = bytes(device.data)
    with pytest.raises(Fault, match="fast commits") as refused:
        session(device)
    assert refused.value.errno == e.EROFS and device.data == before


def test_a_log_that_needs_no_recovery_is_not_replayed(original, blocks, tmp_path):
    """The flag is clear, yet there is something in the log: it is of no use, and gone before the flag is set."""
    device = Recorder(original)
    work = Workload(device, blocks, 1)
    work.transaction(50)
    image = bytearray(device.data)
    image[1024:2048] = original[1024:2048]
    device = Recorder(bytes(image))
    work = Workload(device, blocks, 2)
    assert contents(bytes(device.data), blocks) == contents(original, blocks)
    work.transaction(3)
    for _, image in prefixes(device):
        assert contents(by_us(image, Path()), blocks) in (contents(original, blocks), [work.now[b] for b in blocks])
    work.check(by_e2fsck(bytes(device.data), tmp_path / "image"))


def test_a_log_with_a_copy_of_itself_is_refused(original, blocks):
    device = Recorder(original)
    log = journal(device)
    work = Workload(device, blocks, 1)
    work.store.begin()
    work.store.put(log.offset(500) >> 10, bytes(BLOCK))
    work.store.end()
    work.store.commit()
    before = bytes(device.data)
    with pytest.raises(Fault, match="its own block"):
        session(device)
    assert device.data == before


def test_the_journals_of_debugfs_are_written_to(original, blocks, tmp_path):
    for version in ("jo -c -v 2", "jo -c -v 3", "jo"):
        path = tmp_path / "image"
        path.write_bytes(original)
        (tmp_path / "data").write_bytes(b"E" * BLOCK)
        debugfs(path, version, f"jw -b {blocks[5]} {tmp_path / 'data'}", "jc")
        device = Recorder(path.read_bytes())
        work = Workload(device, blocks, version)
        assert work.now[blocks[5]] == b"E" * BLOCK
        work.transaction(30, 4)
        work.reuse()
        for recover in (by_us, by_e2fsck, by_debugfs):
            work.check(recover(bytes(device.data), path))


def test_writes_are_large_and_barriers_few(original, blocks):
    device = Recorder(original)
    work = Workload(device, blocks, 1)
    work.transaction(100)
    # The superblock, the log in as many pieces as it has, the commit block, the journal's superblock.
    pieces = [count * BLOCK for _, count in journal(device).pieces(1, 101)]
    assert [len(data) for _, data in device.log if data] == [BLOCK, *pieces, BLOCK, BLOCK] and len(pieces) < 4
    assert device.barriers == 2
    work.transaction(100)
    assert device.barriers == 4
    work.session.close()
    assert device.barriers == 7


def test_deterministic(original, blocks):
    images = []
    for _ in range(2):
        device = Recorder(original)
        work = Workload(device, blocks, 1)
        for _ in range(3):
            work.transaction(30, 5)
        work.session.close()
        images.append(bytes(device.data))
    assert images[0] == images[1]


def test_tools_read_the_log(original, blocks, tmp_path):
    """debugfs's logdump knows every block."""
    device = Recorder(with_features(original, V3 | WIDE))
    work = Workload(device, blocks, 1)
    work.transaction(70, 0)
    work.transaction(10, 10)
    path = tmp_path / "image"
    path.write_bytes(device.data)
    shutil.copy(path, tmp_path / "copy")
    text = debugfs(path, "logdump -a", write=False)
    assert text.count("commit block") == 2 and text.count("(descriptor block)") == 3, text
    assert text.count("\n  FS block") == 80 and "  Revoke FS block" in text
