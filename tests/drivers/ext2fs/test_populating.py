# SPDX-License-Identifier: BSD-2-Clause
"""Many new files at once, where there is hardly room for them."""

from __future__ import annotations

import pytest
from ext2_session import MNT, Session, fsck
from ext2_support import mke2fs, needs_mke2fs

from rump.kernel import abi
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs


def row(name: bytes, contents: bytes = b"", kind: int = abi.S_IFREG):
    return name, kind | 0o644, 0, 0, 0, b"", 0, 10**18, 10**18, 0, contents, ()


@pytest.mark.parametrize("options", [("-t", "ext4"), ("-t", "ext2"), ("-t", "ext4", "-O", "^has_journal,inline_data")])
def test_what_was_freed_is_used_again(options, tmp_path):
    """Inodes and blocks that were given up a moment ago, and are not free on the device yet."""
    session = Session(mke2fs(tmp_path / "image", "8M", "-b", "1024", "-N", "128", *options))
    lwp = session.lwp
    fd = lwp.open(MNT, abi.O_RDONLY)
    room = lwp.statvfs(MNT)
    names = [b"f%d" % number for number in range(room.f_ffree)]
    size = room.f_bfree * 1024 // len(names) * 9 // 10
    for fill in (b"a", b"b", b"c"):
        rows = [row(name, fill * size) for name in names]
        assert not any(lwp.rump_populate(fd, tuple(rows[:40])) + lwp.rump_populate(fd, tuple(rows[40:])))
        assert lwp.rump_populate(fd, (row(b"more"),)) == (e.ENOSPC,)
        assert lwp.statvfs(MNT).f_ffree == 0
        for name in names:
            lwp.unlink(MNT + b"/" + name)
    lwp.close(fd)
    session.close(check=False)
    fsck(session.image)


@pytest.mark.parametrize("options", [("-t", "ext4"), ("-t", "ext2")])
def test_a_file_that_is_not_small(options, tmp_path):
    """More blocks than are placed together: it is made all the same."""
    session = Session(mke2fs(tmp_path / "image", "40M", "-b", "1024", *options))
    data = b"0123456789abcdef" * (20 << 16)
    fd = session.lwp.open(MNT, abi.O_RDONLY)
    assert session.lwp.rump_populate(fd, (row(b"small", b"x"), row(b"big", data))) == (0, 0)
    session.lwp.close(fd)
    fd = session.lwp.open(MNT + b"/big", abi.O_RDONLY)
    assert session.lwp.pread(fd, len(data) + 1, 0) == data
    session.lwp.close(fd)
    session.close(check=False)
    fsck(session.image)
