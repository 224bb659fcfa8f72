# SPDX-License-Identifier: BSD-2-Clause
"""Inodes as drafts: what is read of one, what is written, and what is said of it without reading it again."""

from __future__ import annotations

import random

import pytest
from ext2_support import mke2fs, needs_mke2fs
from journal_support import Recorder, session

from rump.drivers.fs.ext2fs.writing.mount import assemble
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs
NANO = 10**9


@pytest.fixture(params=[("-I", "128"), ("-I", "256"), ("-I", "1024"), ("-O", "inline_data")], ids="".join)
def state(request, tmp_path):
    image = mke2fs(tmp_path / "image", "8M", "-t", "ext4", "-O", "^has_journal", *request.param)
    mounted = session(Recorder(image.read_bytes()))
    assemble(mounted.state)
    return mounted.state


def any_draft(state, chance: random.Random, number: int):
    draft = state.inodes.blank(number)
    wide = draft.extra >= 24
    kind = chance.choice((abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK, abi.S_IFCHR, abi.S_IFIFO))
    draft.mode = kind | chance.randrange(0o10000)
    draft.uid, draft.gid = chance.randrange(1 << 32), chance.randrange(1 << 32)
    draft.links = chance.randrange(1, 65000)
    draft.flags = chance.choice((0, 0x10, 0x20, 0x40, 0x70))
    draft.size = chance.randrange(1 << 40) if kind == abi.S_IFREG else chance.randrange(60)
    draft.sectors = chance.randrange(1 << 40)
    draft.generation, draft.version = chance.randrange(1 << 32), chance.randrange(1 << 32)
    last = (3 << 32) + (1 << 31) if wide else 1 << 31
    for name in ("atime", "mtime", "ctime", "birthtime"):
        seconds = chance.randrange(-(1 << 31), last)
        setattr(draft, name, seconds * NANO + (chance.randrange(NANO) if wide else 0))
    if kind == abi.S_IFCHR:
        draft.block = (chance.randrange(1, 256) << 8 | 7).to_bytes(4, "little").ljust(60, b"\0")
    if not wide:
        draft.birthtime = 0
    return draft


def test_what_is_saved_is_read(state):
    chance = random.Random(1)
    for number in range(12, 60):
        state.store.begin()
        draft = any_draft(state, chance, number)
        state.inodes.save(draft)
        assert state.inodes.attributes_of(draft) == state.inodes.attributes(number)
        again = state.inodes.edit(number, *state.inodes.special(number))
        for name in (*type(draft).__slots__, "mode", "size", "sectors", "flags", "block", "generation", "xattr_block"):
            assert getattr(again, name) == getattr(draft, name), name
        state.store.end()
    rows = [state.inodes.attributes(number) for number in range(12, 60)]
    state.store.commit()
    assert state.inodes.many(range(12, 60)) == rows, "from the tables, now"


@pytest.mark.parametrize("seconds", [-(1 << 31) - 1, 1 << 34])
def test_times_out_of_range(state, seconds):
    draft = any_draft(state, random.Random(2), 12)
    draft.mtime = seconds * NANO
    state.store.begin()
    with pytest.raises(Fault) as failed:
        state.inodes.save(draft)
    assert failed.value.errno == e.EINVAL


def test_generations_go_on(state):
    state.store.begin()
    draft = any_draft(state, random.Random(3), 12)
    draft.generation = 0xFFFFFFFF
    state.inodes.save(draft)
    assert state.inodes.next_generation(12) == 0
    state.store.end()
    state.store.commit()
    assert state.inodes.next_generation(12) == 0


def test_a_freed_inode_is_stale_at_once(state):
    state.store.begin()
    draft = any_draft(state, random.Random(4), 12)
    state.inodes.save(draft)
    state.store.restart()
    state.inodes.free(draft, 0)
    with pytest.raises(Fault) as failed:
        state.inodes.attributes(12)
    assert failed.value.errno == e.ESTALE
    state.store.rollback()
    assert state.inodes.attributes(12)[0] == 12
