# SPDX-License-Identifier: BSD-2-Clause
"""The small pieces that cp, tar and find are made of."""

from __future__ import annotations

import doctest
import io
from importlib import import_module

import pytest

from rump.fsutils.copy import progress
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.source import check_name

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
