# SPDX-License-Identifier: BSD-2-Clause
"""Copies inside a kernel: from an image into tmpfs, and on to the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rump.fsutils.copy import Keep, archive, copy_tree
from rump.fsutils.copy.host import HostTarget
from rump.fsutils.copy.kernel import KernelTarget
from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.copy.options import ALWAYS, MAKE_HOLES, NO_HOLES, Rules
from rump.kernel import abi, boot
from rump.kernel.lwps import Lwp
from rump.rumpuser.host import default

from . import snapshots
from .conftest import IS_ROOT, OLD


@pytest.fixture
def lwp(ext4_image: Path) -> Iterator[Lwp]:
    """A kernel with the image on /image and a tmpfs on /memory."""
    with boot(default()) as kernel:
        kernel.etfs_register(b"/dev/image", os.fsencode(ext4_image))
        for path, kind, device in ((b"/image", "ext2fs", b"/dev/image"), (b"/memory", "tmpfs", b"")):
            kernel.lwp.mkdir(path, 0o755)
            flags = abi.MNT_RDONLY if device else 0
            kernel.lwp.mount(kind, path, flags=flags, device=device)
        yield kernel.lwp


def into_memory(lwp: Lwp, origin: bytes, to: bytes, keep: Keep | None = None, **rules: int) -> list[tuple[bytes, str]]:
    target = KernelTarget(KernelSource(lwp, follow=rules.get("follow") == ALWAYS), keep or archive(), lwp)
    return copy_tree(origin, target, to, Rules(**rules))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(snapshots.COLUMNS))
def test_there_and_back(lwp: Lwp, tree: Path, tmp_path: Path, name: str) -> None:
    """Image to tmpfs to host: still the tree."""
    if name == "owner" and not IS_ROOT:
        pytest.skip("needs root to give files away")
    assert into_memory(lwp, b"/image", b"/memory/copy") == []
    out = tmp_path / "out"
    assert copy_tree(b"/memory/copy", HostTarget(KernelSource(lwp), archive()), os.fsencode(out)) == []
    expected, got = snapshots.column(tree, name), snapshots.column(out, name)
    if name == "holes":
        expected.pop(b"sparse"), got.pop(b"sparse")     # tmpfs has bigger blocks
        assert os.stat(out / "sparse").st_blocks < 200
    if name in ("mtime", "mode", "owner"):
        expected.pop(b""), got.pop(b"")
    assert got == expected
    assert snapshots.links(out) == snapshots.links(tree)
    assert os.stat(out / "data").st_mtime_ns == OLD


def test_what_is_there_is_replaced(lwp: Lwp) -> None:
    assert into_memory(lwp, b"/image/etc", b"/memory/etc") == []
    lwp.unlink(b"/memory/etc/passwd")
    lwp.symlink(b"group", b"/memory/etc/passwd")
    assert into_memory(lwp, b"/image/etc", b"/memory/etc") == []
    assert lwp.lstat(b"/memory/etc/passwd").st_mode & abi.S_IFMT == abi.S_IFREG
    fd = lwp.open(b"/memory/etc/group", abi.O_RDONLY)
    assert lwp.read(fd, 5) == b"root:"
    lwp.close(fd)


def test_a_directory_into_itself(lwp: Lwp) -> None:
    assert into_memory(lwp, b"/image/etc", b"/memory/etc") == []
    failures = into_memory(lwp, b"/memory", b"/memory/etc/below")
    assert len(failures) == 1
    assert b"below" in failures[0][0]
    assert lwp.stat(b"/memory/etc/below/etc/passwd").st_size
    with pytest.raises(FileNotFoundError):
        lwp.stat(b"/memory/etc/below/etc/below/etc")


def test_holes(lwp: Lwp) -> None:
    size = lwp.stat(b"/image/sparse").st_size
    for sparse in (NO_HOLES, MAKE_HOLES):
        assert into_memory(lwp, b"/image/sparse", b"/memory/%d" % sparse, Keep(sparse=sparse)) == []
        assert lwp.stat(b"/memory/%d" % sparse).st_size == size
    fd = lwp.open(b"/memory/%d" % MAKE_HOLES, abi.O_RDONLY)
    assert lwp.pread(fd, 10, (1 << 20) - 2) == b"\0\0island\0\0"
    lwp.close(fd)


def test_mounts_below_can_be_left_out(lwp: Lwp) -> None:
    lwp.mkdir(b"/memory/inner", 0o755)
    lwp.mount("tmpfs", b"/memory/inner")
    lwp.mkdir(b"/memory/inner/thing", 0o755)
    lwp.mkdir(b"/target", 0o755)
    assert into_memory(lwp, b"/memory", b"/target/all") == []
    assert lwp.stat(b"/target/all/inner/thing")
    assert into_memory(lwp, b"/memory", b"/target/one", one_volume=True) == []
    assert lwp.stat(b"/target/one/inner")
    with pytest.raises(FileNotFoundError):
        lwp.stat(b"/target/one/inner/thing")


def test_nothing_stays_open(lwp: Lwp) -> None:
    first = lwp.open(b"/", abi.O_RDONLY)
    lwp.close(first)
    into_memory(lwp, b"/image", b"/memory/copy")
    assert lwp.open(b"/", abi.O_RDONLY) == first
