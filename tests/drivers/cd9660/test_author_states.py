# SPDX-License-Identifier: BSD-2-Clause
"""What a medium shows while a volume is filled, and when that goes wrong: the empty volume, or all of the new one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from author_support import (
    AUTHOR,
    NANO,
    NOW,
    SECTOR,
    Bare,
    Memory,
    MemoryFile,
    Tree,
    boot,
    by_us,
    filled,
    in_memory,
    needs,
    run,
    volume_sectors,
)

from rump.kernel import abi
from rump.rumpuser.interface import errno as e
from rump.rumpuser.middleware.faults import Faults

EMPTY = 32 * SECTOR


def some(t: Tree) -> None:
    t.put("file", b"contents" * 999)
    t.mkdir("folder")
    t.populate("folder", [(b"%d" % number, b"%d" % number) for number in range(40)])
    t.lwp.symlink(b"file", b"folder/link")


def machine(size: int = 1 << 20, before: bytes = b"") -> Memory:
    platform = Memory(now=NOW * NANO, seed=1)
    platform.files[b"iso"] = MemoryFile(before or bytes(size))
    return platform


def mounted(platform: Memory, options: dict[str, str], flags: int = 0) -> None:
    """Mount and unmount."""
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=bool(flags))
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("cd9660", b"/mnt", flags, b"/dev/iso", options)
        kernel.lwp.unmount(b"/mnt")


def made(platform: Memory, options: dict[str, str] | None = None) -> dict[bytes, bytes]:
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        return dict(kernel.newfs("cd9660", b"/dev/iso", options or {}))


# ---- new volumes -----------------------------------------------------------------------------------------------------


@needs("isoinfo", "isovfy")
def test_a_new_volume_is_valid_and_empty(tmp_path: Path) -> None:
    platform = machine()
    said = made(platform, {"label": "Nothing yet", "publisher": "Nobody"})
    assert said[b"type"] == b"ISO 9660" and said[b"features"] == b"Rock Ridge, Joliet"
    data = bytes(platform.files[b"iso"].data)
    assert volume_sectors(data) * SECTOR == EMPTY and by_us(data) == {} and not any(data[EMPTY:])
    path = tmp_path / "iso"
    path.write_bytes(data[:EMPTY])
    described = run("isoinfo", "-d", "-i", path)
    assert b"Volume id: Nothing yet\n" in described and b"Publisher id: Nobody\n" in described
    assert b"No errors found" in run("isovfy", path)


def test_a_dry_run_writes_nothing() -> None:
    platform = machine()
    assert made(platform, {"dry_run": "1", "label": "X"})[b"label"] == b"X"
    assert not any(platform.files[b"iso"].data)


@pytest.mark.parametrize("options, word", [
    ({"what": ""}, "unknown option what"), ({"label": "x" * 33}, "label"), ({"level": "4"}, "level"),
    ({"joliet": "2"}, "joliet"), ({"boot": "a/../b"}, "boot"), ({"hybrid": "mbr"}, "hybrid"),
    ({"boot-load-size": "0"}, "boot-load-size"), ({"boot-info-table": "1"}, "boot-info-table"),
    ({"expect": "1:2"}, "expect"), ({"time": "soon"}, "time"), ({"label": "a\nb"}, "label"),
    ({"boot": "x" * 9000}, "too long"), ({"hybrid": "disk"}, "hybrid"), ({"pad": "-1"}, "pad"),
], ids=lambda value: str(value)[:20])  # fmt: skip
def test_options_that_do_not_do(options: dict[str, str], word: str) -> None:
    platform = machine()
    with pytest.raises(OSError, match=word) as caught:
        made(platform, options)
    assert caught.value.errno == e.EINVAL and not any(platform.files[b"iso"].data)


def test_too_small_a_device() -> None:
    for size, options in ((EMPTY - 1, {}), (1 << 20, {"size": "2097152"}), (1 << 20, {"size": "1000"})):
        with pytest.raises(OSError, match="cd9660") as caught:
            made(machine(size), options)
        assert caught.value.errno == e.ENOSPC
    made(machine(EMPTY))


# ---- who may fill what -----------------------------------------------------------------------------------------------


def test_volumes_are_written_once() -> None:
    platform = machine()
    made(platform)
    new = bytes(platform.files[b"iso"].data)
    done = in_memory(some)
    refused = ((new, {}, "written once"), (done, AUTHOR, "not a new"), (done, {}, "written once"),
               (bytes(1 << 20), AUTHOR, "not a new"), (new[:EMPTY // 2], AUTHOR, "not a new"))  # fmt: skip
    for data, options, words in refused:
        platform = machine(before=data)
        with pytest.raises(OSError, match=words) as caught:
            mounted(platform, options)
        assert caught.value.errno == e.EROFS and platform.files[b"iso"].data == data


def test_what_is_not_changed_is_not_written() -> None:
    platform = machine()
    made(platform)
    before = bytes(platform.files[b"iso"].data)
    mounted(platform, AUTHOR)
    assert platform.files[b"iso"].data == before
    mounted(platform, {"author": "", "label": "Other"})
    assert platform.files[b"iso"].data == before


def test_options_are_remembered_and_may_be_given_again() -> None:
    for mounting, label in (({}, b"First"), ({"label": "Second"}, b"Second")):
        platform = machine()
        with boot(Bare(platform)) as kernel:
            kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
            filled(kernel, some, {"label": "First", "joliet": "0"}, {**AUTHOR, **mounting})
        data = bytes(platform.files[b"iso"].data)
        assert data[16 * SECTOR + 40 : 16 * SECTOR + 72].rstrip() == label
        assert data[17 * SECTOR] == 255
        assert b"written" not in data and b"to be filled" not in data, "the note is gone"


def test_nothing_is_seen_before_the_end() -> None:
    platform = machine()
    empty: dict[str, bytes] = {}

    def fill(t: Tree) -> None:
        empty["before"] = bytes(platform.files[b"iso"].data[:EMPTY])
        some(t)
        t.lwp.sync()
        assert platform.files[b"iso"].data[:EMPTY] == empty["before"]
        assert by_us(bytes(platform.files[b"iso"].data)) == {}

    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        filled(kernel, fill, {})
    assert len(by_us(bytes(platform.files[b"iso"].data))) == 43


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def attempt(platform: Memory, call: str, nth: int) -> bool:
    """Fill a volume while a hypercall fails; whether it did."""
    host = Faults(Bare(platform), call, nth, forever=True)
    try:
        with boot(host) as kernel:
            kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
            kernel.lwp.mkdir(b"/mnt", 0o755)
            kernel.lwp.mount("cd9660", b"/mnt", device=b"/dev/iso", options=AUTHOR)
            kernel.lwp.chdir(b"/mnt")
            kernel.lwp.umask(0)
            try:
                some(Tree(kernel))
            finally:
                kernel.lwp.chdir(b"/")
                kernel.lwp.unmount(b"/mnt", abi.MNT_FORCE)
    except OSError as error:
        assert error.errno == e.EIO
    return host.fired


@pytest.mark.parametrize("call", ["write", "sync", "read"])
def test_a_device_that_fails(call: str) -> None:
    """From any call on: the volume is empty or whole, or has all but the files whose contents could not be written."""
    platform = machine()
    made(platform)
    new = bytes(platform.files[b"iso"].data)
    whole = by_us(in_memory(some))
    for nth in range(1, 60):
        platform = machine(before=new)
        if not attempt(platform, call, nth):
            break
        found = by_us(bytes(platform.files[b"iso"].data))
        assert found in ({}, whole), (nth, len(found))
    else:
        pytest.fail("so many calls")
    assert nth > 2


class Logged(MemoryFile):
    """Remembers what is written, and when it is made to last."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.log: list[tuple[int, bytes] | None] = []

    def write(self, data: Any, offset: int) -> None:
        self.log.append((offset, bytes(data)))
        super().write(data, offset)

    def sync(self) -> None:
        self.log.append(None)


def test_power_that_fails() -> None:
    """Whatever had reached the medium of what was not yet made to last, whole or torn."""
    platform = machine()
    made(platform)
    new = bytes(platform.files[b"iso"].data)
    device = platform.files[b"iso"] = Logged(new)
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("cd9660", b"/mnt", device=b"/dev/iso", options=AUTHOR)
        kernel.lwp.chdir(b"/mnt")
        some(Tree(kernel))
        kernel.lwp.chdir(b"/")
        kernel.lwp.unmount(b"/mnt")
    whole = by_us(bytes(device.data))
    joliet = by_us(bytes(device.data), {"norrip": ""})
    chance = random.Random(1)
    lasting, pending = bytearray(new), []
    seen = set()
    for each in [*device.log, None]:
        if each is not None:
            pending.append(each)
        for _ in range(4 if each is None else 1):
            state = bytearray(lasting)
            for offset, data in (one for one in pending if chance.random() < 0.6):
                for at in range(0, len(data), 512):
                    if chance.random() < 0.9:
                        state[offset + at : offset + at + 512] = data[at : at + 512]
            found, others = by_us(bytes(state)), by_us(bytes(state), {"norrip": ""})
            assert found in ({}, whole) and others in ({}, joliet)
            seen.add(len(found))
        if each is None:
            for offset, data in pending:
                lasting[offset : offset + len(data)] = data
            pending = []
    assert seen == {0, 43} and lasting == device.data


def test_a_volume_that_is_filled_up() -> None:
    """ENOSPC comes in time: what fitted can be finished, and is all there."""
    for seed in range(4):
        chance = random.Random(seed)
        wanted = {}

        def fill(t: Tree, chance: random.Random = chance, wanted: dict[bytes, Any] = wanted) -> None:
            folders, full = [b"."], 0
            while full < 5:
                path = chance.choice(folders) + b"/" + b"%d" % len(wanted) + b"x" * chance.randrange(200)
                try:
                    if chance.random() < 0.2:
                        t.mkdir(path)
                        folders.append(path)
                    elif chance.random() < 0.3:
                        t.lwp.symlink(b"/" + b"target" * chance.randrange(100), path)
                    else:
                        t.put(path, bytes(chance.randrange(20_000)))
                    wanted[path] = None
                except OSError as error:
                    assert error.errno == e.ENOSPC
                    full += 1
                    try:
                        t.lwp.unlink(path)
                    except OSError as gone:
                        assert gone.errno == e.ENOENT

        found = by_us(in_memory(fill, size=700_000 + seed * 1000))
        assert {b"./" + path for path in found if path != b"rr_moved"} == {*wanted}
        assert len(wanted) > 10


def test_what_is_expected_must_fit() -> None:
    platform = machine(EMPTY * 2)
    made(platform, {"expect": "1000:10:10000"})
    with pytest.raises(OSError, match="expected") as caught:
        mounted(platform, AUTHOR)
    assert caught.value.errno == e.ENOSPC


def test_without_rock_ridge_there_are_files_and_directories_only() -> None:
    def fill(t: Tree) -> None:
        t.put("f")
        for call in (lambda: t.lwp.symlink(b"f", b"l"), lambda: t.lwp.mknod(b"p", abi.S_IFIFO | 0o600),
                     lambda: t.lwp.link(b"f", b"g"), lambda: t.lwp.chmod(b"f", 0o600),
                     lambda: t.lwp.chown(b"f", 1, 1), lambda: t.lwp.setxattr(b"f", b"user.x", b"")):  # fmt: skip
            with pytest.raises(OSError, match="supported") as caught:
                call()
            assert caught.value.errno == e.EOPNOTSUPP
        deep = b""
        for number in range(7):
            deep += b"%d" % number
            t.mkdir(deep)
            deep += b"/"
        with pytest.raises(OSError, match="8 levels") as caught:
            t.mkdir(deep + b"8")
        assert caught.value.errno == e.EINVAL
        t.mkdir("a")
        t.mkdir("a/b")
        with pytest.raises(OSError, match="8 levels"):
            t.lwp.rename(b"a", b"0/1/2/3/4/5/a")
        t.lwp.rename(b"a/b", b"0/1/2/3/4/5/b")

    assert b"F" in {path.upper() for path in by_us(in_memory(fill, {"rockridge": "0"}))}


def test_only_so_many_extended_attributes() -> None:
    def fill(t: Tree) -> None:
        t.put("f")
        t.lwp.setxattr(b"f", b"user.a", bytes(20_000))
        with pytest.raises(OSError, match="extended attributes") as caught:
            t.lwp.setxattr(b"f", b"user.b", bytes(8_000))
        assert caught.value.errno == e.ENOSPC

    in_memory(fill)
