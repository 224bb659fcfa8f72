# SPDX-License-Identifier: BSD-2-Clause
"""Damaged and hostile images: only data or a Fault comes of them, in bounded time; volumes written to, too."""

from __future__ import annotations

import random
import struct
from functools import lru_cache

import pytest
from exfat_support import Memory, Session, fix_checksums, fsck, make, mount, needs_exfatprogs, pattern

from rump.drivers.fs.exfat.checksum import set_checksum
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_exfatprogs
ENTRIES_MAX = 300
READ, WRITTEN = 60, 40          # images of each kind that are looked at, and written to


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """An image with something of everything."""
    path = make(tmp_path_factory.mktemp("hostile") / "image", 3 << 20, 1024)
    with Session(path) as session:
        session.lwp.mkdir(b"/mnt/d", 0o755)
        session.lwp.mkdir(b"/mnt/d/deep", 0o755)
        for number in range(30):
            session.write(b"d/file-%d" % number + b"x" * number, pattern(number, number * 100))
        session.write(b"a", pattern(1, 5000))
        session.write(b"b", pattern(2, 5000))
        session.write(b"a", pattern(3, 9000), 5000)     # in pieces
        session.lwp.truncate(b"/mnt/b", 20_000)
        session.write(b"d/deep/last", b"last")
    return path.read_bytes()


@lru_cache(1)
def regions(data: bytes) -> tuple[tuple[int, int], ...]:
    """Where the structures are: boot region, FAT, the first clusters."""
    fat, length, heap = struct.unpack_from("<III", data, 80)
    return (0, 512), (fat * 512, min(length * 512, 600)), (heap * 512, 40_000)


def damaged(data: bytes, seed: int, boot: bool) -> bytes:
    """A few bytes changed, most of them in structures."""
    chance = random.Random(seed)
    image = bytearray(data)
    places = regions(data)[0 if boot else 1 :]
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        start, length = chance.choice(places)
        at = start + chance.randrange(length)
        kind = chance.randrange(4)
        if kind == 0:
            image[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            image[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, 0x85, 0xC0, 0xC1])
        elif kind == 2:
            image[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), bytes(chance.randbytes(4))])
        else:
            entry = chance.choice([bytes(32), chance.randbytes(32), image[start : start + 32]])
            image[at & ~31 : (at & ~31) + 32] = entry
    if boot:
        fix_checksums(image)
    return bytes(image)


def seal_sets(image: bytearray, base: bytes) -> None:
    """Right checksums of the entry sets: damage reaches what lies behind the check."""
    start, length = regions(base)[2]
    for at in range(start, start + length, 32):
        if image[at] == 0x85 and image[at + 32] == 0xC0:
            size = (image[at + 1] + 1) * 32
            total = set_checksum(bytes(image[at : at + size]))
            image[at + 2 : at + 4] = total.to_bytes(2, "little")


def foreseen(error: Fault) -> None:
    """No check missed what is the matter: see `rump.kernel.vfs.operation.guarded`."""
    if isinstance(error, Corrupt) and error.__cause__ is not None:
        raise AssertionError("not foreseen") from error.__cause__


def walk(volume, budget: int = ENTRIES_MAX) -> list[tuple[tuple[int, int], bytes, v.Attributes]]:
    """All files that can be reached, up to a number; everything is asked of them."""
    found = []
    todo = [volume.root()[:2]]
    while todo and len(found) < budget:
        directory = todo.pop()
        cookie = 0
        while cookie != v.END and len(found) < budget:
            try:
                entries, cookie = volume.list_attributes(directory, cookie, 50)
            except Fault as error:
                foreseen(error)
                break
            for name, _, attributes in entries:
                if attributes is None:
                    continue
                found.append((directory, name, attributes))
                look(volume, directory, name, attributes)
                if attributes[v.MODE] & abi.S_IFMT == abi.S_IFDIR:
                    todo.append(attributes[:2])
    return found


def look(volume, directory, name: bytes, attributes) -> None:
    try:
        volume.lookup(directory, name)
        if attributes[v.MODE] & abi.S_IFMT == abi.S_IFREG:
            offset = 0
            for _ in range(50):
                runs = volume.map(attributes[:2], offset, attributes[v.SIZE] - offset)
                if not runs:
                    break
                for kind, at, length, place in runs:
                    assert at == offset
                    assert length > 0
                    assert kind != v.DATA or 0 <= place <= volume.device.size - length
                    offset += length
    except Fault as error:
        foreseen(error)


@pytest.mark.parametrize("boot", [False, True], ids=["structures", "boot"])
@pytest.mark.parametrize("sealed", [False, True], ids=["as-is", "sealed"])
def test_reading(base, boot, sealed):
    """Whatever an image says, reading gives data or a Fault."""
    mounted = files = 0
    for seed in range(READ):
        image = bytearray(damaged(base, seed, boot))
        if sealed:
            seal_sets(image, base)
        try:
            volume = mount(bytes(image), log=[])
        except Fault as error:
            foreseen(error)
            continue
        mounted += 1
        try:
            volume.statvfs()
        except Fault as error:
            foreseen(error)
        volume.describe()
        files += len(walk(volume))
    assert mounted > READ / 5
    assert files > 5 * READ


@pytest.mark.parametrize("sealed", [False, True], ids=["as-is", "sealed"])
def test_writing(base, sealed):
    """The same of a volume that is written to: what is done is done or refused, and it can be unmounted."""
    done = mounted = 0
    for seed in range(WRITTEN):
        image = bytearray(damaged(base, seed, False))
        if sealed:
            seal_sets(image, base)
        device = Memory(bytes(image), read_only=False)
        try:
            volume = mount(device, write=True, log=[])
        except Fault as error:
            foreseen(error)
            continue
        mounted += 1
        done += change(volume, random.Random(seed))
    assert mounted > WRITTEN / 3
    assert done > 5 * WRITTEN


def change(volume, chance: random.Random) -> int:
    """Do a lot to what is there; how much worked."""
    files = walk(volume, 60)
    root = volume.root()[:2]
    done = 0
    for directory, name, attributes in [*files, (root, b"none", volume.root())]:
        file = attributes[:2]
        steps = [
            lambda file=file: volume.set_attributes(file, ((v.SIZE, chance.randrange(30_000)),)),
            lambda file=file: write(volume, file, chance.randrange(20_000)),
            lambda file=file: volume.set_attributes(file, ((v.MTIME, 10**18),)),
            lambda directory=directory: volume.create(directory, b"%d" % chance.randrange(9), 0o100644, 0, 0, 0, b""),
            lambda file=file: volume.create(file, b"in" * chance.randrange(1, 50), 0o40755, 0, 0, 0, b""),
            lambda directory=directory, name=name: volume.rename(directory, name, root, b"to%d" % chance.randrange(9)),
            lambda directory=directory, name=name, file=file: gone(volume, directory, name, file),
            lambda: volume.sync(),
        ]  # fmt: skip
        for step in chance.sample(steps, 3):
            try:
                step()
                done += 1
            except Fault as error:
                foreseen(error)
    try:
        volume.unmount()
    except Fault as error:
        foreseen(error)
    return done


def write(volume, file, offset: int) -> None:
    runs = volume.reserve(file, offset, 3000)
    for _, _, length, place in runs:
        assert 0 <= place <= volume.device.size - length
    volume.commit_write(file, offset, min(3000, runs[-1][1] + runs[-1][2] - offset))


def gone(volume, directory, name: bytes, file) -> None:
    if volume.lookup(directory, name)[v.MODE] & abi.S_IFMT == abi.S_IFDIR:
        volume.rmdir(directory, name)
    else:
        volume.unlink(directory, name)
    volume.inactive(file)


def test_the_image_is_sound(base, tmp_path):
    """What is damaged above is clean before."""
    path = tmp_path / "image"
    path.write_bytes(base)
    fsck(path)
    volume = mount(base)
    assert len(walk(volume)) == 35
    with pytest.raises(Fault) as caught:
        volume.lookup(volume.root()[:2], b"nothing")
    assert caught.value.errno == e.ENOENT
