# SPDX-License-Identifier: BSD-2-Clause
"""Journals that need recovery: what we see is what e2fsck's recovery makes of a copy, and the image stays as it is."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from ext2_support import (
    E2FSCK,
    HOST,
    Bytes,
    debugfs,
    mke2fs,
    mount,
    needs_mke2fs,
    read_file,
    run,
    walk_everything,
)  # fmt: skip

from rump.drivers.fs.ext2fs.journal.overlay import Overlay
from rump.drivers.fs.ext2fs.journal.recovery import REVOKED_MAX
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

MAGIC = 0xC03B3998
BLOCK = 1024
FILE_BLOCKS = 64
DESCRIPTOR, COMMIT, REVOKE = 1, 2, 5
WIDE, ASYNC, V2, V3, V1 = 2, 4, 8, 16, 1 << 16      # V1 is a compatible feature


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """An ext4 with one file whose blocks the journals below change."""
    folder = tmp_path_factory.mktemp("journal")
    (folder / "tree").mkdir()
    (folder / "tree" / "victim").write_bytes(bytes(range(256)) * (FILE_BLOCKS * BLOCK // 256))
    return mke2fs(folder / "image", "8M", "-t", "ext4", "-b", str(BLOCK), tree=folder / "tree")


class Writer:
    """Writes a log into an image: transactions of (block, data) copies and revocations, from any place in the ring."""

    def __init__(self, original: Path, image: Path, features: int, start: int, sequence: int) -> None:
        shutil.copy(original, image)
        debugfs(image, "feature needs_recovery")
        self.path = image
        self.image = bytearray(image.read_bytes())
        volume = mount(original)
        journal = volume.inodes.make(8, *volume.inodes.special(8))
        runs = volume.maps.blocks(journal, 0, journal.size // BLOCK)
        self.places = [target + at for _, _, count, target in runs for at in range(count)]
        found = volume.lookup(volume.root()[:2], b"victim")
        self.victim = [place // BLOCK + at for _, _, length, place in volume.map(found[:2], 0, found[v.SIZE])
                       for at in range(length // BLOCK)]  # fmt: skip
        self.features = features
        self.start = self.position = start
        self.first = self.sequence = sequence
        head = self.image[self.places[0] * BLOCK :]
        self.seed = HOST.crc32c(0xFFFFFFFF, bytes(head[0x30:0x40]))
        self.summed = 0xFFFFFFFF

    def put(self, data: bytes, summed: bool = True) -> None:
        """The next block of the log."""
        at = self.places[self.position] * BLOCK
        self.image[at : at + BLOCK] = data.ljust(BLOCK, b"\0")
        if summed:
            self.summed = crc32_be(self.summed, data.ljust(BLOCK, b"\0"))
        self.position = self.position + 1 if self.position + 1 < len(self.places) else 1

    def header(self, kind: int) -> bytes:
        return struct.pack(">III", MAGIC, kind, self.sequence)

    def tailed(self, data: bytes) -> bytes:
        """With the checksum at the end of the block."""
        data = data.ljust(BLOCK, b"\0")
        if not self.features & (V2 | V3):
            return data
        return data[:-4] + struct.pack(">I", HOST.crc32c(self.seed, data[:-4] + b"\0\0\0\0"))

    def transaction(self, copies, revoked=(), committed: bool = True, spoil: str = "") -> None:
        """One transaction; `spoil` names what is to be wrong."""
        self.summed = 0xFFFFFFFF
        if revoked:
            size = 8 if self.features & WIDE else 4
            body = b"".join(block.to_bytes(size, "big") for block in revoked)
            self.put(self.tailed(self.header(REVOKE) + struct.pack(">I", 16 + len(body)) + body), summed=False)
        if copies:
            self.copies(copies, spoil)
        if committed:
            self.commit(spoil)
        self.sequence = self.sequence + 1 & 0xFFFFFFFF

    def copies(self, copies, spoil: str) -> None:
        """A descriptor block and what it describes."""
        tags, blocks = b"", []
        for number, (block, data) in enumerate(copies):
            escaped = data[:4] == struct.pack(">I", MAGIC)
            data = b"\0\0\0\0" + data[4:] if escaped else data
            flags = int(escaped) | (2 if number else 0) | (8 if number == len(copies) - 1 else 0)
            checksum = HOST.crc32c(self.seed, struct.pack(">I", self.sequence) + data)
            if spoil == "tag" and number == 0:
                checksum ^= 1
            if self.features & V3:
                tags += struct.pack(">IIII", block, flags, 0, checksum)
            else:
                tags += struct.pack(">IHH", block, checksum & 0xFFFF if self.features & V2 else 0, flags)
                tags += bytes(4 if self.features & WIDE else 0) + bytes(2 if self.features & V2 else 0)
            tags += b"" if number else bytes(16)
            blocks.append(data)
        descriptor = self.tailed(self.header(DESCRIPTOR) + tags)
        self.put(descriptor if spoil != "descriptor" else descriptor[:-1] + bytes([descriptor[-1] ^ 1]))
        for data in blocks:
            self.put(data)

    def commit(self, spoil: str) -> None:
        v1 = self.features & V1
        body = self.header(COMMIT) + struct.pack(">BBHI", bool(v1), 4 if v1 else 0, 0, self.summed if v1 else 0)
        body = (body.ljust(0x30, b"\0") + struct.pack(">QI", 1_700_000_000 + self.sequence, 0)).ljust(BLOCK, b"\0")
        if self.features & (V2 | V3):
            body = body[:16] + struct.pack(">I", HOST.crc32c(self.seed, body)) + body[20:]
        if spoil == "commit":
            body = body[:16] + bytes([body[16] ^ 1]) + body[17:]
        self.put(body, summed=False)

    def finish(self) -> Path:
        """Write the journal's superblock, and the image."""
        at = self.places[0] * BLOCK
        struct.pack_into(">II", self.image, at + 0x18, self.first, self.start)
        struct.pack_into(">II", self.image, at + 0x24, self.features >> 16, self.features & 0xFFFF | 1)
        self.image[at + 0x50] = 4 if self.features & (V2 | V3) else 0
        struct.pack_into(">I", self.image, at + 0xFC, 0)
        if self.features & (V2 | V3):
            checksum = HOST.crc32c(0xFFFFFFFF, bytes(self.image[at : at + 1024]))
            struct.pack_into(">I", self.image, at + 0xFC, checksum)
        self.path.write_bytes(self.image)
        return self.path


def crc32_be(value: int, data: bytes) -> int:
    """CRC-32, big end first, bit by bit by bytes: slow and plain."""
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def victim(image, log=None) -> bytes:
    volume = mount(image, log)
    return read_file(volume, volume.lookup(volume.root()[:2], b"victim"))


def recovered(image: Path) -> bytes:
    """The file as e2fsck's recovery leaves it."""
    copy = image.with_suffix(".fixed")
    shutil.copy(image, copy)
    done = subprocess.run([E2FSCK, "-fy", copy], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return victim(copy)


FEATURES = {
    "plain": 0, "64bit": WIDE, "v1": V1, "v1-async": V1 | ASYNC, "v2": V2, "v2-64bit": V2 | WIDE, "v3": V3,
    "v3-64bit": V3 | WIDE, "v3-async": V3 | WIDE | ASYNC,
}  # fmt: skip


@pytest.mark.parametrize("start", [1, 1000])
@pytest.mark.parametrize("name", FEATURES)
def test_recovery_equals_e2fsck(name, start, original, tmp_path):
    """Several transactions with escapes, revocations, blocks written again, an unfinished end; also wrapped around."""
    order = random.Random(name)
    writer = Writer(original, tmp_path / "image", FEATURES[name], start, 0xFFFFFFFE if start > 1 else 7)
    blocks = writer.victim
    for number in range(6):
        copies = [(block, order.randbytes(BLOCK)) for block in order.sample(blocks, 9)]
        copies.append((blocks[number], struct.pack(">I", MAGIC) + order.randbytes(BLOCK - 4)))
        taken = {block for block, _ in copies}
        revoked = [block for block in order.sample(blocks, 4) if block not in taken] if number % 2 else []
        writer.transaction(list(dict(copies).items()), revoked)
    writer.transaction([(blocks[0], b"never committed".ljust(BLOCK))], committed=False)
    image = writer.finish()
    before = image.read_bytes()
    ours = victim(image)
    assert image.read_bytes() == before
    assert ours != victim(original) and b"never" not in ours
    assert ours == recovered(image)
    assert victim(image, [], ) == ours
    assert dict(mount(image).describe())[b"recovery"].startswith(b"6 transactions")


def test_revoked_by_the_same_transaction(original, tmp_path):
    writer = Writer(original, tmp_path / "image", FEATURES["v3-64bit"], 1, 1)
    first, second = writer.victim[:2]
    writer.transaction([(first, b"A" * BLOCK), (second, b"A" * BLOCK)], [first])
    writer.transaction([], [second + 100])
    writer.transaction([(second, b"B" * BLOCK)])
    image = writer.finish()
    data = victim(image)
    assert data[:4] == bytes(range(4)) and data[BLOCK] == ord("B")
    assert data == recovered(image)


@pytest.mark.parametrize(("name", "spoil", "expected"), [
    ("v3", "commit", "before it"), ("v2", "commit", "before it"), ("v1", "commit", "before it"),
    ("v3", "tag", "left out"), ("v2", "tag", "left out"), ("v3", "descriptor", ""),
])  # fmt: skip
def test_wrong_checksums_end_the_log(name, spoil, expected, original, tmp_path):
    writer = Writer(original, tmp_path / "image", FEATURES[name], 1, 1)
    blocks = writer.victim
    writer.transaction([(blocks[0], b"A" * BLOCK)])
    writer.transaction([(blocks[1], b"B" * BLOCK), (blocks[2], b"C" * BLOCK)], spoil=spoil)
    writer.transaction([(blocks[3], b"D" * BLOCK)])
    log: list[str] = []
    data = victim(writer.finish(), log)
    assert data[0] == ord("A") and data[BLOCK : BLOCK + 9] != b"B" * 9
    if spoil == "tag":      # only that block is lost
        assert data[2 * BLOCK] == ord("C") and data[3 * BLOCK] == ord("D")
    else:
        assert data[2 * BLOCK : 2 * BLOCK + 9] != b"C" * 9 and data[3 * BLOCK : 3 * BLOCK + 9] != b"D" * 9
    assert expected in "".join(log)


@pytest.mark.parametrize("version", ["jo", "jo -c -v 2", "jo -c -v 3"])
def test_journals_of_debugfs(version, original, tmp_path):
    image = tmp_path / "image"
    shutil.copy(original, image)
    blocks = Writer(original, tmp_path / "other", 0, 1, 1).victim
    (tmp_path / "data").write_bytes(b"E" * BLOCK + b"F" * BLOCK)
    debugfs(image, version, f"jw -b {blocks[5]},{blocks[9]} {tmp_path / 'data'}", f"jw -r {blocks[9]}", "jc")
    data = victim(image)
    assert data[5 * BLOCK] == ord("E") and data[9 * BLOCK : 9 * BLOCK + 4] == bytes(range(4))
    assert data == recovered(image)


def test_metadata_in_the_journal_is_seen(original, tmp_path):
    """The superblock and a group descriptor are read from the log if they are in it."""
    writer = Writer(original, tmp_path / "image", FEATURES["v3"], 1, 1)
    other = tmp_path / "labelled"
    shutil.copy(original, other)
    run("e2label", other, "from the log")
    debugfs(other, "feature needs_recovery")
    writer.transaction([(1, other.read_bytes()[BLOCK : 2 * BLOCK])])
    assert dict(mount(writer.finish()).describe())[b"label"] == b"from the log"
    assert dict(mount(writer.path, [], noload="").describe())[b"label"] == b""


def test_noload_and_damaged_journals(original, tmp_path):
    writer = Writer(original, tmp_path / "image", 0, 1, 1)
    writer.transaction([(writer.victim[0], b"A" * BLOCK)])
    image = writer.finish()
    log: list[str] = []
    volume = mount(image, log, noload="")
    assert "not replayed" in log[0]
    assert read_file(volume, volume.lookup(volume.root()[:2], b"victim")) == victim(original)
    at = writer.places[0] * BLOCK
    for offset, value in ((0, 0), (0xC, 4096), (0x10, 1 << 30), (0x14, 0), (0x1C, 5000), (0x28, 0x80)):
        damaged = bytearray(image.read_bytes())
        struct.pack_into(">I", damaged, at + offset, value)
        with pytest.raises(Fault, match="journal"):
            mount(bytes(damaged))


def test_external_journal_is_named(tmp_path):
    uuid = "deadbeef-0000-1111-2222-333344445555"
    run("mke2fs", "-q", "-F", "-b", "1024", "-O", "journal_dev", "-U", uuid, tmp_path / "log", "4M")
    with pytest.raises(Fault, match="external journal") as refused:
        mount(tmp_path / "log")
    assert refused.value.errno == e.EFTYPE
    image = bytearray(mke2fs(tmp_path / "image", "8M", "-t", "ext4", "-O", "^has_journal,^metadata_csum").read_bytes())
    image[1024 + 0xD0 : 1024 + 0xE0] = bytes.fromhex(uuid.replace("-", ""))
    image[1024 + 0x5C] |= 4
    assert dict(mount(bytes(image)).describe())[b"journal"] == f"external {uuid}".encode()
    image[1024 + 0x60] |= 4
    with pytest.raises(Fault, match=uuid):
        mount(bytes(image))
    mount(bytes(image), [], norecovery="").root()


@pytest.mark.slow
def test_damaged_logs(original, tmp_path):
    """Flips in the log itself: a mount, in bounded time."""
    order = random.Random(5)
    for name in ("plain", "v1", "v3"):
        writer = Writer(original, tmp_path / name, FEATURES[name], 1010, 1)
        for _ in range(4):
            writer.transaction([(block, order.randbytes(BLOCK)) for block in order.sample(writer.victim, 5)],
                               order.sample(writer.victim, 2))  # fmt: skip
        image = writer.finish().read_bytes()
        places = [place * BLOCK for place in (writer.places[0], *writer.places[1010:], *writer.places[1:20])]
        for _ in range(150):
            damaged = bytearray(image)
            for _ in range(order.choice((1, 4))):
                damaged[order.choice(places) + order.randrange(80)] ^= 1 << order.randrange(8)
            started = time.monotonic()
            try:
                walk_everything(mount(bytes(damaged), []))
            except Fault as error:
                assert error.__cause__ is None, error.__cause__
            assert time.monotonic() - started < 5


def test_a_log_of_revocations_is_bounded(original, tmp_path):
    writer = Writer(original, tmp_path / "image", 0, 1, 1)
    for at in range(1, len(writer.places)):
        place = writer.places[at] * BLOCK
        writer.image[place : place + BLOCK] = struct.pack(">IIII252I", MAGIC, REVOKE, 1, BLOCK, *range(252))
    assert 252 * len(writer.places) < REVOKED_MAX
    started = time.monotonic()
    mount(writer.finish(), [])
    assert time.monotonic() - started < 5


def test_overlay_patches_any_range():
    data = bytes(order % 251 for order in range(16 * 64))
    overlay = Overlay(Bytes(data), 64, {3: (640, False), 4: (704, True), 9: (0, False)})
    whole = bytearray(data)
    whole[192:256] = data[640:704]
    whole[256:320] = struct.pack(">I", MAGIC) + data[708:768]
    whole[576:640] = data[0:64]
    for offset in range(0, len(data), 7):
        for length in (0, 1, 30, 64, 65, 200, 600):
            if offset + length <= len(data):
                assert overlay.read(offset, length) == whole[offset : offset + length]
                buffer = bytearray(length)
                overlay.readinto(offset, buffer)
                assert buffer == whole[offset : offset + length]
    with pytest.raises(Fault):
        overlay.read(1000, 100)
    with pytest.raises(Fault) as refused:
        overlay.copy_to(180, 0, 0, 64)
    assert refused.value.errno == e.ENOTSUP
