# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of operands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rump.fsutils.operand import Operand, parse


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host files with names that are hard to tell from operands."""
    monkeypatch.chdir(tmp_path)
    for name in ("disk.img", "a@b.img", "disk.img@9"):
        Path(name).touch()
    for name in ("dir", "odd:", "odd:/sub"):
        Path(name).mkdir()
    Path("odd:/x.img").touch()
    Path("odd:/plain").touch()


def fields(operand: Operand) -> tuple[str | None, str | None, bytes]:
    return operand.image, operand.partition, operand.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("disk.img:/etc/passwd", ("disk.img", None, b"/etc/passwd")),
        ("disk.img:/", ("disk.img", None, b"/")),
        ("disk.img@2:/etc", ("disk.img", "2", b"/etc")),
        ("disk.img@label=a b:/etc", ("disk.img", "label=a b", b"/etc")),
        ("disk.img:/a:/b@c:/d", ("disk.img", None, b"/a:/b@c:/d")),
        ("a@b.img:/x", ("a@b.img", None, b"/x")),
        ("a@b.img@efi:/x", ("a@b.img", "efi", b"/x")),
        ("disk.img@9:/x", ("disk.img@9", None, b"/x")),
        ("disk.img@9@1:/x", ("disk.img@9", "1", b"/x")),
        ("odd:/x.img:/etc", ("odd:/x.img", None, b"/etc")),
        ("odd:/x.img@1:/etc", ("odd:/x.img", "1", b"/etc")),
        ("none.img:/etc", ("none.img", None, b"/etc")),
        ("none.img@2:/etc", ("none.img", "2", b"/etc")),
        ("image:disk.img:/etc", ("disk.img", None, b"/etc")),
        ("image:disk.img", ("disk.img", None, b"/")),
        ("image:disk.img@2", ("disk.img", "2", b"/")),
    ],
)
@pytest.mark.parametrize("by_default", [False, True])
def test_inside_images(text: str, expected: tuple[str | None, str | None, bytes], by_default: bool) -> None:
    operand = parse(text, image_by_default=by_default)
    assert fields(operand) == expected and operand.text == text


@pytest.mark.parametrize(
    "text", ["disk.img", "dir", "odd:/plain", "odd:/new", "new", "new/file", "disk.img@9", "a@b", "-", "../x", "C:x"]
)
def test_on_the_host(text: str) -> None:
    assert fields(parse(text, image_by_default=False)) == (None, None, text.encode())


def test_prefix_for_the_host() -> None:
    assert fields(parse("host:disk.img:/etc", image_by_default=True)) == (None, None, b"disk.img:/etc")
    assert fields(parse("host:image:x", image_by_default=False)) == (None, None, b"image:x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("disk.img", ("disk.img", None, b"/")),
        ("disk.img@2", ("disk.img", "2", b"/")),
        ("disk.img@9", ("disk.img@9", None, b"/")),
        ("none.img", ("none.img", None, b"/")),
        ("none.img@2", ("none.img", "2", b"/")),
    ],
)
def test_an_image_alone_is_its_root(text: str, expected: tuple[str | None, str | None, bytes]) -> None:
    assert fields(parse(text, image_by_default=True)) == expected


def test_shown_can_be_typed_again() -> None:
    for text in ("disk.img@2:/etc", "a@b.img:/x", "disk.img"):
        operand = parse(text, image_by_default=True)
        again = parse(os.fsdecode(operand.shown), image_by_default=True)
        assert fields(again) == fields(operand)


def test_names_that_are_not_utf_8() -> None:
    assert parse("disk.img:/\udcff", image_by_default=True).path == b"/\xff"
    assert parse("\udcff", image_by_default=False).path == b"\xff"


def test_a_file_of_exactly_that_name_wins(tmp_path: Path) -> None:
    Path("disk.img:").mkdir()
    Path("disk.img:/etc").touch()
    assert fields(parse("disk.img:/etc", image_by_default=False)) == (None, None, b"disk.img:/etc")
