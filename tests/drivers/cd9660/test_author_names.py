# SPDX-License-Identifier: BSD-2-Clause
"""Names as ISO 9660 and Joliet have them, their order, and how Rock Ridge's entries are divided."""

from __future__ import annotations

import random
import re
from struct import unpack_from

import pytest
from author_support import SECTOR, Tree, by_us, descriptors, in_memory
from hypothesis import given, settings
from hypothesis import strategies as st

from rump.drivers.fs.cd9660.susp import link_target
from rump.drivers.fs.cd9660.writing import rockridge
from rump.drivers.fs.cd9660.writing.identifiers import iso_shape, joliet_shape, unique

NAMES = st.lists(st.binary(min_size=1, max_size=80).map(lambda name: name.replace(b"/", b"a").replace(b"\0", b"b")),
                 unique=True, max_size=40)  # fmt: skip
LEVEL_1 = re.compile(r"[0-9A-Z_]{1,8}\.[0-9A-Z_]{0,3}")
LEVEL_2 = re.compile(r"[0-9A-Z_]{1,30}\.[0-9A-Z_]{0,30}")


@pytest.mark.parametrize("level, name, file, directory", [
    (1, b"readme", "README.", "README"),
    (1, b"a.very.long.name.text", "A_VERY_L.TEX", "A_VERY_L"),
    (2, b"a.very.long.name.text", "A_VERY_LONG_NAME.TEXT", "A_VERY_LONG_NAME_TEXT"),
    (2, b".profile", "_PROFILE.", "_PROFILE"),
    (2, b"end.", "END.", "END_"),
    (2, "größe.txt".encode(), "GR__E.TXT", "GR__E_TXT"),
    (2, b"\x80", "_.", "_"),
    (2, b"x" * 40 + b".tar", "X" * 27 + ".TAR", "X" * 31),
    (2, b"a." + b"x" * 40, "A." + "X" * 12, "A_" + "X" * 29),
])  # fmt: skip
def test_shapes(level: int, name: bytes, file: str, directory: str) -> None:
    assert unique([name], [False], iso_shape(level)) == [file]
    assert unique([name], [True], iso_shape(level)) == [directory]


def test_alike_names_are_numbered_those_that_fit_first() -> None:
    names = [b"readme.txt", b"README.TXT", b"Readme.txt", b"README001.TXT"]
    found = unique(names, [False] * 4, iso_shape(2))
    assert found == ["README002.TXT", "README.TXT", "README000.TXT", "README001.TXT"]
    order = [2, 0, 3, 1]
    again = unique([names[at] for at in order], [False] * 4, iso_shape(2))
    assert again == [found[at] for at in order], "whatever order they come in"


@settings(deadline=None, max_examples=60)
@given(NAMES, st.sampled_from([1, 2]))
def test_iso_names_are_unique_and_within_bounds(names: list[bytes], level: int) -> None:
    for directory in (False, True):
        found = unique(names, [directory] * len(names), iso_shape(level))
        assert len(set(found)) == len(names)
        for name in found:
            if directory:
                assert re.fullmatch("[0-9A-Z_]+", name) and len(name) <= (8 if level == 1 else 31)
            else:
                assert (LEVEL_1 if level == 1 else LEVEL_2).fullmatch(name) and len(name) <= 31


@settings(deadline=None, max_examples=60)
@given(NAMES, st.sampled_from([64, 103]))
def test_joliet_names_are_unique_and_within_bounds(names: list[bytes], limit: int) -> None:
    found = unique(names, [False] * len(names), joliet_shape(limit))
    assert len(set(found)) == len(names)
    for name in found:
        assert 0 < len(name) <= limit and not set(name) & set('*/:;?\\') and min(name) >= " " and max(name) < "\uffff"


def test_joliet_keeps_what_it_can() -> None:
    shape = joliet_shape(64)
    for name, wanted in (("日本語 ok.tar.gz", None), ("a:b?c", "a_b_c"), ("\U0001f600", "_"),
                         ("n" * 70 + ".text", "n" * 59 + ".text"), ("n" * 70, "n" * 64)):  # fmt: skip
        assert unique([name.encode()], [False], shape) == [wanted or name]


def test_many_alike_names_take_no_time() -> None:
    names = [b"x" * 40 + b"%d" % number for number in range(20_000)]
    assert len(set(unique(names, [False] * len(names), iso_shape(1)))) == len(names)


# ---- order -----------------------------------------------------------------------------------------------------------


def padded(identifier: bytes, directory: bool) -> tuple[bytes, bytes]:
    """What ECMA-119, 9.3 has names in order by."""
    name, _, extension = identifier.removesuffix(b";1").partition(b".")
    return name.ljust(31), (b"" if directory else extension).ljust(31)


def records(data: bytes, extent: int, size: int) -> list[tuple[bytes, int, int, int]]:
    """Identifier, flags, extent and size of a directory's records."""
    found = []
    for sector in range(extent * SECTOR, extent * SECTOR + size, SECTOR):
        at = 0
        while at < SECTOR and data[sector + at]:
            length, where, count = data[sector + at], *unpack_from("<I4xI", data, sector + at + 2)
            name = data[sector + at + 33 : sector + at + 33 + data[sector + at + 32]]
            assert length % 2 == 0 and at + length <= SECTOR
            found.append((name, data[sector + at + 25], where, count))
            at += length
    return found


@pytest.mark.parametrize("level", ["1", "2"])
def test_directories_and_path_tables_are_in_order(level: str) -> None:
    chance = random.Random(5)
    alphabet = "ABYZ019_.ab-"

    def fill(t: Tree) -> None:
        folders = [""]
        for number in range(400):
            name = "".join(chance.choices(alphabet, k=chance.randint(1, 14))) + f"{number % 7}"
            path = chance.choice(folders) + name
            try:
                if chance.random() < 0.2 and path.count("/") < 7:
                    t.mkdir(path)
                    folders.append(path + "/")
                else:
                    t.put(path)
            except FileExistsError:
                pass

    data = in_memory(fill, {"level": level, "joliet": "0"})
    primary = next(descriptors(data))[1]
    size, little, big = (unpack_from(form, primary, at)[0] for form, at in (("<I", 132), ("<I", 140), (">I", 148)))
    table, other = (data[sector * SECTOR : sector * SECTOR + size] for sector in (little, big))
    at, number, previous, extents = 0, 0, None, [0]
    while at < size:
        length, where, parent = table[at], *unpack_from("<IH", table, at + 2)
        assert (where, parent) == unpack_from(">IH", other, at + 2)
        name = table[at + 8 : at + 8 + length]
        number += 1
        extents.append(where)
        if number > 1:
            assert parent < number
            key = parent, padded(name, True)
            assert previous is None or previous < key
            previous = key
        dot, above, *rest = records(data, where, unpack_from("<I", data, where * SECTOR + 10)[0])
        assert dot[:3] == (b"\0", 2, where) and above[:3] == (b"\1", 2, extents[parent])
        keys = [padded(identifier, bool(flags & 2)) for identifier, flags, _, _ in rest]
        assert keys == sorted(keys) and len(set(keys)) == len(keys)
        assert [where for _, flags, where, _ in rest if flags & 2] == sorted(
            where for _, flags, where, _ in rest if flags & 2
        )
        at += 8 + length + length % 2
    assert number > 20


# ---- entries ---------------------------------------------------------------------------------------------------------

TARGETS = st.lists(st.sampled_from([b"", b".", b"..", b"a", b"bb", b"c" * 120, b"d" * 247, b"e" * 248, b"f" * 249,
                                    b"g" * 600]), min_size=1, max_size=12)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(TARGETS, st.booleans())
def test_targets_of_links(parts: list[bytes], absolute: bool) -> None:
    """As a reader that knows the rules puts them together; and as one that forgets a slash between entries."""
    target = (b"/" if absolute else b"") + b"/".join(parts)
    if not target:
        return
    wanted = b"/" + target.lstrip(b"/") if target.startswith(b"/") else target
    entries = rockridge.link(target)
    assert all(len(entry) <= 255 and entry[2] == len(entry) for entry in entries)
    assert link_target([(entry[:2], entry) for entry in entries]) == wanted
    assert [entry[4] for entry in entries] == [1] * (len(entries) - 1) + [0]


def test_entries_end_within_components() -> None:
    for length in range(1, 260):
        entries = rockridge.link(b"x" * length + b"/" + b"y" * 300 + b"/zz")
        for entry in entries[:-1]:
            at = 5
            while at < len(entry):
                flags, following = entry[at], at + 2 + entry[at + 1]
                at = following
            assert flags & 1, length


def test_rr_moved_has_a_name_of_its_own() -> None:
    """Whatever the tree calls its directories, and however many of those moved have the same name."""

    def fill(t: Tree) -> None:
        t.mkdir("rr_moved")
        t.put("rr_moved/mine", b"mine")
        for top in "ab":
            path = top
            t.mkdir(path)
            for _ in range(9):
                path += "/same"
                t.mkdir(path)
            t.put(path + "/file", top.encode())

    found = by_us(in_memory(fill))
    assert found[b"rr_moved/mine"].what == b"mine" and b".rr_moved" in found
    for top in (b"a", b"b"):
        assert found[top + b"/same" * 9 + b"/file"].what == top
