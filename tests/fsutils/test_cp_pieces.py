# SPDX-License-Identifier: BSD-2-Clause
"""The small pieces that cp, tar and find are made of."""

from __future__ import annotations

import doctest
import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from rump.fsutils.copy import progress, space
from rump.fsutils.copy.host_source import HostSource
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.source import check_name
from rump.kernel.abi import AT_FDCWD

from .conftest import Fsu

MODULES = ("archive.pax", "copy.data", "copy.paths", "finding.modes", "finding.patterns", "tar")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"rump.fsutils.{name}"))
    assert tried and not failed


def test_links_are_forgotten_once_all_are_made() -> None:
    links = LinkMap()
    links.copied((1, 12), 3, (b"a", b"b"))
    assert links.find((1, 12)) == (b"a", b"b")
    assert links.find((2, 12)) is None
    links.linked((1, 12))
    links.linked((1, 12))
    assert len(links) == 0


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/", b"a\0b"])
def test_what_is_no_name(name: bytes) -> None:
    check_name(b"...")
    with pytest.raises(OSError, match="refused"):
        check_name(name)


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    out = io.StringIO()
    shown = progress.Progress(out)
    shown(1 << 20)
    assert out.getvalue() == ""
    now = 1.0
    shown(1 << 19)
    assert "1.5 MiB copied" in out.getvalue()
    shown.end()
    assert out.getvalue().endswith("\r\x1b[K")


def names_in(source: HostSource, fd: int) -> list[bytes]:
    return [name for page in source.rows(fd) for name, _, _ in page]


def test_a_directory_of_the_host_is_listed_once_for_two(tmp_path: Path) -> None:
    """What was found when room was looked for is not looked for again, up to a bound."""
    for folder, count in (("few", 3), ("many", 5)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"f{number}").write_bytes(b"before")
    source = HostSource()
    few, many = (source.open_directory(AT_FDCWD, bytes(tmp_path / name), False)[0] for name in ("few", "many"))
    source.remember(4)
    assert (len(names_in(source, few)), len(names_in(source, many))) == (3, 5)
    source.remember(0)
    for folder in ("few", "many"):
        (tmp_path / folder / "f0").unlink()
        (tmp_path / folder / "f1").write_bytes(b"it has grown")
    rows = [row for page in source.rows(few) for row in page]
    assert [name for name, _, _ in rows] == [b"f0", b"f1", b"f2"]
    assert names_in(source, many) == [b"f1", b"f2", b"f3", b"f4"]
    assert names_in(source, few) == [b"f1", b"f2"]      # given out once

    # A file that is gone is left to who asks for it alone; what has changed is looked at again.
    found = {row[0]: (row[2] is None, contents) for row, contents in source.contents(few, tuple(rows), True)}
    assert found == {b"f0": (False, None), b"f1": (True, None), b"f2": (False, (b"before", ()))}
    source.close(few)
    source.close(many)


def test_a_tree_that_changes_while_it_is_copied(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look for room and the copy: the copy has what there is then."""
    tree, image = tmp_path / "tree", tmp_path / "x.img"
    tree.mkdir()
    (tree / "log").write_bytes(b"short")
    with image.open("wb") as file:
        file.truncate(4 << 20)
    assert fsu("mkfs", "-q", "-t", "msdosfs", str(image)).status == 0
    check = space.check_room

    def grown(*arguments: Any) -> None:
        check(*arguments)
        (tree / "log").write_bytes(b"longer than it was")

    monkeypatch.setattr(space, "check_room", grown)
    assert fsu("cp", "-R", f"{tree}/.", f"{image}:/").status == 0
    assert fsu("cat", f"{image}:/log").out == b"longer than it was"
