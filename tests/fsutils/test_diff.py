# SPDX-License-Identifier: BSD-2-Clause
"""`fsu diff`: against diff(1) and patch(1) of the host, and where they know nothing of images."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rump.fsutils.comparing import changes as module
from rump.fsutils.comparing.changes import changes
from rump.fsutils.comparing.lines import normal, split, unified

from .conftest import IS_ROOT, OLD, Fsu, Result, debugfs, tool

needs_diff = pytest.mark.skipif(not shutil.which("diff"), reason="needs diff")
needs_patch = pytest.mark.skipif(not shutil.which("patch"), reason="needs patch")

Lines = list[bytes]


# ---- lines -----------------------------------------------------------------------------------------------------------


def _common_length(one: str, other: str) -> int:
    """How long the longest common subsequence is."""
    row = [0] * (len(other) + 1)
    for a in one:
        before = 0
        for index, b in enumerate(other):
            before, row[index + 1] = row[index + 1], before + 1 if a == b else max(row[index], row[index + 1])
    return row[-1]


@given(st.text("abcd", max_size=14), st.text("abce", max_size=14))
def test_changes_are_right_and_few(one: str, other: str) -> None:
    at = there = kept = 0
    for begin, end, start, stop in changes(one, other):
        assert one[at:begin] == other[there:start] and (end > begin or stop > start)
        kept += begin - at
        at, there = end, stop
    assert one[at:] == other[there:]
    assert kept + len(one) - at == _common_length(one, other)


def test_texts_that_have_nothing_to_do_with_each_other_take_no_time() -> None:
    lots = random.Random(5)
    one, other = ([lots.randrange(40) for _ in range(9000)] for _ in range(2))
    found = changes(one, other)
    assert len(found) == 1          # given up: one block became the other
    assert module.MOST_EDITS < 9000


@needs_patch
@given(
    st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"-d\n"]), max_size=30),
    st.lists(st.sampled_from([b"a\n", b"b\n", b"e\n", b"\n", b"--- f\n"]), max_size=30),
    st.sampled_from([b"", b"end"]), st.sampled_from([b"", b"end"]), st.integers(0, 4),
)  # fmt: skip
def test_patch_understands_both_forms(a: Lines, b: Lines, end: bytes, other_end: bytes, around: int) -> None:
    one, other = b"".join(a) + end, b"".join(b) + other_end
    if one == other:
        return
    texts = {
        "-n": b"".join(normal(split(one), split(other))),
        "-u": b"--- x\n+++ y\n" + b"".join(unified(split(one), split(other), around)),
    }
    for form, text in texts.items():
        folder = Path(os.environ.get("TMPDIR", "/tmp"))
        assert _patched(folder, one, text, form) == other


def _patched(folder: Path, one: bytes, text: bytes, form: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory(dir=folder) as name:
        (Path(name) / "x").write_bytes(one)
        subprocess.run(["patch", "-s", form, "-o", "new", "x"], input=text, cwd=name, check=True, capture_output=True)
        return (Path(name) / "new").read_bytes()


# ---- files and trees -------------------------------------------------------------------------------------------------

Pair = tuple[Path, Path]


def _two_trees(root: Path) -> Pair:
    """Two trees with every kind of difference."""
    one, other = root / "one", root / "other"
    for tree in (one, other):
        (tree / "same/deep").mkdir(parents=True)
        (tree / "same/deep/file").write_text("alike\n")
        (tree / "link").symlink_to("same")
        os.mkfifo(tree / "fifo")
    numbers = [f"line {n}\n" for n in range(40)]
    (one / "text").write_text("".join(numbers))
    numbers[3] = "changed\n"
    numbers[20:22] = []
    numbers.append("one more")
    (other / "text").write_text("".join(numbers))
    (one / "binary").write_bytes(bytes(range(256)) * 40)
    (other / "binary").write_bytes(bytes(range(256)) * 39 + bytes(256))
    (one / "kind").write_text("a file")
    (other / "kind").mkdir()
    (one / "pointer").symlink_to("there")
    (other / "pointer").symlink_to("elsewhere")
    (one / "mine").mkdir()
    (one / "mine/inside").write_text("inside\n")
    (other / "yours").write_text("yours\n")
    for tree in (one, other):
        for path in tree.rglob("*"):
            os.utime(path, ns=(OLD, OLD), follow_symlinks=False)
    return one, other


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return _two_trees(tmp_path_factory.mktemp("diff"))


@pytest.fixture(scope="module")
def in_image(trees: Pair) -> str:
    """The same in an image, as /one and /other."""
    import io

    from rump.fsutils.main import main

    image = trees[0].parent / "trees.img"
    for words in (["mkfs", "-q", str(image), "16M"], ["cp", "-a", *map(str, trees), f"{image}:/"]):
        assert main(words, io.BytesIO(), io.BytesIO()) == 0
    return f"{image}:"


def _theirs(trees: Pair, *words: str) -> tuple[int, str]:
    """What diff(1) says of the trees on the host."""
    done = subprocess.run(
        ["diff", *words], cwd=trees[0].parent, capture_output=True, check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )  # fmt: skip
    return done.returncode, done.stdout.decode()


@needs_diff
@pytest.mark.parametrize("sides", ["host", "image", "host and image", "image and host"])
@pytest.mark.parametrize(
    "options", ["-r", "-rq", "-ru", "-rU1", "-rN", "-rNq", "-ruN", "-q", "-rs", "-rx b* -x k*", "-rs -U0"])  # fmt: skip
def test_trees_as_the_host_compares_them(
    fsu: Fsu, trees: Pair, in_image: str, monkeypatch: pytest.MonkeyPatch, options: str, sides: str
) -> None:
    """But for headings of pairs of files, which name our own options, and what only one of us compares."""
    monkeypatch.chdir(trees[0].parent)
    words = options.split()
    left = f"{in_image}/one" if sides.startswith("image") else "one"
    right = f"{in_image}/other" if sides.endswith("image") else "other"
    ours = fsu("diff", *words, left, right)
    status, theirs = _theirs(trees, *words, "--no-dereference", "one", "other")
    text = ours.out.decode().replace(in_image + "/", "")
    assert ours.status == status == 1 and ours.err == b""
    assert _normalized(text, False) == _normalized(theirs, True)


def _normalized(text: str, is_theirs: bool) -> list[str]:
    lines = []
    for line in text.splitlines():
        if line.startswith("diff "):
            line = "diff " + " ".join(line.split()[-2:])
        if is_theirs and (line.startswith("File one/fifo") or line == "Only in one: mine"):
            continue                    # two fifos are alike
        if line.startswith("Only in one: mine") or "one/fifo and" in line:
            continue
        lines.append(line.replace("a regular empty file", "a regular file"))
    return lines


@needs_diff
def test_single_files(fsu: Fsu, trees: Pair, in_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trees[0].parent)
    for words in ([], ["-u"], ["-U", "0"], ["-q"]):
        ours = fsu("diff", *words, "one/text", f"{in_image}/other/text")
        status, theirs = _theirs(trees, *words, "one/text", "other/text")
        assert (ours.status, ours.out.decode().replace(in_image + "/", "")) == (status, theirs)
    same = fsu("diff", f"{in_image}/one/text", "one/text")
    assert same == Result(0, b"", b"")
    assert fsu("diff", "-s", f"{in_image}/one/text", "one/text").out.endswith(b"are identical\n")
    # a directory stands for what is in it of the other's name
    assert fsu("diff", "-q", "one/text", f"{in_image}/other").out.decode() == (
        f"Files one/text and {in_image}/other/text differ\n")  # fmt: skip
    binary = fsu("diff", "one/binary", f"{in_image}/other/binary")
    assert binary.out.decode() == f"Binary files one/binary and {in_image}/other/binary differ\n"


def test_an_image_is_its_root(fsu: Fsu, in_image: str) -> None:
    image = in_image[:-1]
    assert fsu("diff", "-r", image, f"{in_image}/") == Result(0, b"", b"")
    assert fsu("diff", f"host:{image}", f"host:{image}") == Result(0, b"", b"")


def test_attributes(fsu: Fsu, trees: Pair, in_image: str, tmp_path: Path) -> None:
    host = tmp_path / "one"
    shutil.copytree(trees[0], host, symlinks=True, copy_function=shutil.copy2, ignore=lambda *_: ["fifo"])
    os.mkfifo(host / "fifo")
    assert fsu("diff", "-r", host, f"{in_image}/one").status == 0
    what = "--attributes" if IS_ROOT else "--attributes=mode,times"
    (host / "text").chmod(0o600)
    os.utime(host / "same/deep/file", ns=(0, 1_000_000_007))
    result = fsu("diff", "-r", what, host, f"{in_image}/one")
    lines = [line for line in result.out.decode().splitlines() if "/text" in line or "/file" in line]
    assert result.status == 1 and result.err == b""
    assert lines == [
        f"Attributes of {host}/same/deep/file and {in_image}/one/same/deep/file differ: "
        "modified 1970-01-01 00:00:01.000000007 +0000 and 2001-09-09 01:46:40.123456789 +0000",
        f"Attributes of {host}/text and {in_image}/one/text differ: mode 0600 and 0644",
    ]
    assert fsu("diff", "-r", "--attributes=owner", f"{in_image}/one", f"{in_image}/one").status == 0
    assert fsu("diff", "--attributes=colour", host, host).status == 2


def test_extended_attributes_and_flags(fsu: Fsu, image: Path) -> None:
    fsu("mkdir", f"{image}:/a", f"{image}:/b")
    fsu("touch", "-d", "@5", f"{image}:/a/f", f"{image}:/b/f")
    assert fsu("setfattr", "-n", "user.x", "-v", "1", f"{image}:/a/f").status == 0
    fsu("chflags", "nodump", f"{image}:/b/f")
    result = fsu("diff", "-r", "--attributes=xattrs,flags", f"{image}:/a", f"{image}:/b")
    assert result.out.decode().partition("differ: ")[2] == (
        "flags - and nodump; extended attribute user.x only in the first\n")  # fmt: skip


def test_holes_are_not_read(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    """Tebibytes of nothing, on both sides, with something at the end."""
    for name in ("a", "b"):
        fsu("truncate", "-s", "15T", f"{image}:/{name}")
    assert fsu("diff", f"{image}:/a", f"{image}:/b") == Result(0, b"", b"")
    with open(tmp_path / "c", "wb") as file:
        file.truncate(1 << 40)
        file.seek((1 << 40) - 3)
        file.write(b"end")
    fsu("cp", tmp_path / "c", f"{image}:/c")
    assert fsu("diff", tmp_path / "c", f"{image}:/c").status == 0
    with open(tmp_path / "c", "r+b") as file:
        file.seek(1 << 39)
        file.write(b"x")
    assert fsu("diff", f"{image}:/c", tmp_path / "c").out.startswith(b"Binary files ")


def test_trees_deeper_than_descriptors_last(fsu: Fsu, image: Path) -> None:
    deep = "/d" * 260
    assert fsu("mkdir", "-p", f"{image}:/a{deep}", f"{image}:/b{deep}").status == 0
    assert fsu("diff", "-r", f"{image}:/a", f"{image}:/b") == Result(0, b"", b"")
    fsu("touch", f"{image}:/b{deep}/x", f"{image}:/b/d/y")
    lines = fsu("diff", "-r", f"{image}:/a", f"{image}:/b").out.decode().splitlines()
    assert lines == [f"Only in {image}:/b{deep}: x", f"Only in {image}:/b/d: y"]


@pytest.mark.parametrize("words", [["a"], ["a", "b", "c"], [], ["-U", "-1", "a", "b"], ["-U", "x", "a", "b"]])
def test_usage(fsu: Fsu, words: list[str]) -> None:
    assert fsu("diff", *words).status == 2


def test_trouble(fsu: Fsu, in_image: str, tmp_path: Path) -> None:
    result = fsu("diff", f"{in_image}/one", f"{in_image}/nothing")
    assert (result.status, result.err.decode()) == (2, f"fsu diff: {in_image}/nothing: No such file or directory\n")
    assert fsu("diff", tmp_path / "nothing", f"{in_image}/one").status == 2
    assert fsu("diff", f"{in_image}/one/text", f"{in_image}/other/same").status == 2


def test_a_damaged_tree_ends(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    """A directory that is in itself."""
    fsu("mkdir", "-p", f"{image}:/a/b")
    subprocess.run([tool("debugfs"), "-w", "-R", "link /a /a/b/loop", image], check=True, capture_output=True)
    assert "loop" in debugfs(image, "ls /a/b")
    result = fsu("diff", "-r", f"{image}:/a", f"{image}:/a")
    assert result.status == 2 and b"/a/b/loop: " in result.err and result.err.count(b"\n") == 1


@pytest.mark.parametrize("seed", range(12))
def test_hostile_images(fsu: Fsu, in_image: str, trees: Pair, tmp_path: Path, seed: int) -> None:
    """Bytes changed at random: data or errors, in bounded time."""
    lots = random.Random(seed)
    data = bytearray(Path(in_image[:-1]).read_bytes())
    for _ in range(60):
        data[lots.randrange(1 << 20)] = lots.randrange(256)
    broken = tmp_path / "broken.img"
    broken.write_bytes(data)
    result = fsu("diff", "-ruN", "--attributes", f"{broken}:/one", trees[0])
    assert result.status in (0, 1, 2) and b"internal error" not in result.err
