# SPDX-License-Identifier: BSD-2-Clause
"""The small verbs that change images: mkdir, rmdir, ln, rm, chmod, chown, chgrp, touch, truncate."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import OLD, Fsu, check, debugfs

# mypy: disable-error-code="no-untyped-def"


class Image:
    """An image, and `fsu` on it."""

    def __init__(self, fsu: Fsu, path: Path) -> None:
        self._fsu = fsu
        self.path = path

    def at(self, path: str) -> str:
        return f"{self.path}:{path}"

    def __call__(self, verb: str, *words: str) -> tuple[int, str, str]:
        """Run a verb; words that begin with a slash are paths in the image.  Status, output, errors without the image's
        name."""
        here = str(self.path)
        result = self._fsu(verb, *(
            self.at(word) if word.startswith("/") and not word.startswith(here) else word for word in words
        ))  # fmt: skip
        out, err = (text.decode().replace(f"{self.path}:", "") for text in (result.out, result.err))
        return result.status, out, err

    def ok(self, verb: str, *words: str) -> str:
        """One that must work; its output."""
        status, out, err = self(verb, *words)
        assert (status, err) == (0, "")
        return out

    def show(self, form: str, *paths: str) -> list[str]:
        """What stat says."""
        return self.ok("stat", "-c", form, *paths).splitlines()

    def ls(self, path: str = "/") -> list[str]:
        """The names in a directory but lost+found."""
        return [name for name in self.ok("ls", "-A", path).splitlines() if name != "lost+found"]


@pytest.fixture
def x(fsu: Fsu, image: Path):
    yield Image(fsu, image)
    check(image)


# ---- directories -----------------------------------------------------------------------------------------------------


def test_mkdir(x: Image) -> None:
    before = os.umask(0o027)
    try:
        assert x.ok("mkdir", "-v", "/a", "/b") == "made '/a'\nmade '/b'\n"
        x.ok("mkdir", "-m", "1777", "/c")
        x.ok("mkdir", "-m", "u=rwx,g=s,o=", "/d")
    finally:
        os.umask(before)
    assert x.show("%a %h", "/a", "/c", "/d") == ["750 2", "1777 2", "2700 2"]
    assert x("mkdir", "/a", "/b/c/d", "/e") == (
        1, "", "fsu mkdir: /a: File exists\nfsu mkdir: /b/c/d: No such file or directory\n")  # fmt: skip
    assert x.ls() == ["a", "b", "c", "d", "e"]


def test_mkdir_with_parents(x: Image) -> None:
    assert x.ok("mkdir", "-pv", "/a/b/c") == "made '/a'\nmade '/a/b'\nmade '/a/b/c'\n"
    x.ok("mkdir", "-p", "-m", "700", "/a/b/c", "/a/x/y/")
    assert x.show("%a", "/a/b/c", "/a/x", "/a/x/y") == ["755", "755", "700"]
    x.ok("touch", "/file")
    assert x("mkdir", "-p", "/file")[0] == 1
    assert x("mkdir", "-p", "/file/below")[2] == "fsu mkdir: /file/below: Not a directory\n"


def test_rmdir(x: Image) -> None:
    x.ok("mkdir", "-p", "/a/b/c", "/d/e")
    assert x("rmdir", "/a", "/d/e") == (1, "", "fsu rmdir: /a: Directory not empty\n")
    assert x.ok("rmdir", "-pv", "/a/b/c") == "removed '/a/b/c'\nremoved '/a/b'\nremoved '/a'\n"
    assert x.ls() == ["d"]
    assert x("rmdir", "/")[0] == 1


# ---- links -----------------------------------------------------------------------------------------------------------


def test_hard_links(x: Image) -> None:
    x.ok("touch", "/a")
    x.ok("mkdir", "/d")
    x.ok("ln", "/a", "/b")
    assert x.ok("ln", "-v", "/a", "/d") == "'/d/a' => '/a'\n"
    assert x.show("%h", "/a") == ["3"] and len(set(x.show("%i", "/a", "/b", "/d/a"))) == 1
    assert x("ln", "/a", "/b")[2] == "fsu ln: /b: File exists\n"
    x.ok("touch", "/c")
    x.ok("ln", "-f", "/a", "/c")
    x.ok("ln", "-f", "/a", "/c")
    assert x.show("%h", "/c") == ["4"]
    assert x("ln", "/d", "/e")[2] == "fsu ln: /e: a directory: Operation not permitted\n"
    assert x("ln", "/nothing", "/e")[2] == "fsu ln: /nothing: No such file or directory\n"
    assert x.ls() == ["a", "b", "c", "d"]


def test_symbolic_links(x: Image) -> None:
    x.ok("mkdir", "/d")
    x.ok("ln", "-s", "../some where", x.at("/link"))
    assert x.ok("readlink", "/link") == "../some where\n"
    assert x("ln", "-s", "other", x.at("/link"))[0] == 1
    x.ok("ln", "-sf", "d", x.at("/link"))
    x.ok("ln", "-s", "a/b", x.at("/link"))
    assert x.ok("readlink", "/d/b") == "a/b\n"
    x.ok("ln", "-sfn", "y" * 100, x.at("/link"))
    assert x.ok("readlink", "/link") == "y" * 100 + "\n"
    x.ok("ln", "/link", "/link2")
    assert x.show("%h %F", "/link2") == ["2 symbolic link"]


def test_a_link_into_another_image(x: Image, fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("ln", f"{ext4_image}:/data", x.at("/a"))
    assert result.status == 1 and b"Cross-device link" in result.err


# ---- rm --------------------------------------------------------------------------------------------------------------


def test_rm(x: Image) -> None:
    x.ok("touch", "/a", "/b")
    x.ok("mkdir", "-p", "/d/e/f", "/empty")
    x.ok("ln", "-s", "d", x.at("/link"))
    assert x("rm", "/nothing", "/d", "/a") == (
        1, "", "fsu rm: /nothing: No such file or directory\nfsu rm: /d: Is a directory\n")  # fmt: skip
    x.ok("rm", "-f", "/nothing", "/a/b", "/link")
    assert x("rm", "-d", "/d")[2] == "fsu rm: /d: Directory not empty\n"
    assert x.ok("rm", "-dv", "/empty", "/b") == "removed '/empty'\nremoved '/b'\n"
    x.ok("touch", "/d/e/x")
    assert x.ok("rm", "-rv", "/d") == "removed '/d/e/f'\nremoved '/d/e/x'\nremoved '/d/e'\nremoved '/d'\n"
    assert x.ls() == []


def test_rm_of_the_root(x: Image) -> None:
    x.ok("mkdir", "/d")
    for path in ("/", "/d/..", "//.", "/."):
        status, _, err = x("rm", "-rf", path)
        assert status == 1 and "the root directory" in err
    assert "Invalid argument" in x("rm", "-r", "/d/.")[2]
    assert x("rm", "-r", str(x.path))[0] == 2
    assert x.ls() == ["d"]


def test_rm_of_much(x: Image, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"tree/{number % 7}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"tree/{number % 7}/{number}").write_bytes(b"x" * number * 50)
    free = x.ok("df", "-i", "/").splitlines()[1]
    x.ok("cp", "-R", f"host:{tmp_path}/tree", x.at("/"))
    x.ok("rm", "-r", "/tree")
    assert x.ok("df", "-i", "/").splitlines()[1] == free
    assert x.ls() == []


# ---- attributes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "file", "directory"),
    [
        ("600", "600", "600"), ("4755", "4755", "4755"), ("u+s,g+x", "4654", "4755"), ("a+X", "644", "755"),
        ("-r", "200", "311"), ("go=u", "666", "777"), ("+t", "1644", "1755"), ("u=,g=r,o=", "40", "40"),
    ],
)  # fmt: skip
def test_chmod(x: Image, mode: str, file: str, directory: str) -> None:
    x.ok("touch", "/f")
    x.ok("mkdir", "/d")
    before = os.umask(0o022)
    try:
        x.ok("chmod", mode, "/f", "/d")
    finally:
        os.umask(before)
    assert x.show("%a", "/f", "/d") == [file, directory]


def test_chmod_of_trees(x: Image) -> None:
    x.ok("mkdir", "-p", "/d/e")
    x.ok("touch", "/d/f", "/other")
    x.ok("ln", "-s", "../other", x.at("/d/link"))
    assert x.ok("chmod", "-Rv", "u=rwX,go=", "/d").splitlines() == [
        "mode of '/d' changed from 0755 to 0700", "mode of '/d/e' changed from 0755 to 0700",
        "mode of '/d/f' changed from 0644 to 0600"]  # fmt: skip
    assert x.show("%a", "/d/e", "/d/f", "/other", "/d/link") == ["700", "600", "644", "777"]
    x.ok("chmod", "640", "/d/link")
    x.ok("chmod", f"--reference={x.at('/d/link')}", "/d/f")
    assert x.show("%a", "/d/f", "/other") == ["640", "640"]
    x.ok("ln", "-s", "nowhere", x.at("/lost"))
    assert x("chmod", "1", "/lost")[2] == "fsu chmod: /lost: leads nowhere: No such file or directory\n"
    assert x("chown", "1", "/lost")[0] == 1 and x.show("%u", "/lost") == ["0"]
    assert x("chmod", "888", "/d")[0] == 2 and x("chmod", "u~x", "/d")[0] == 2
    assert x("chmod", "644", "/nothing") == (1, "", "fsu chmod: /nothing: No such file or directory\n")
    assert x("chmod", "--reference=/nowhere", "/d")[2] == "fsu chmod: /nowhere: No such file or directory\n"


def test_chown(x: Image) -> None:
    x.ok("mkdir", "-p", "/d/e", "/etc")
    x.ok("touch", "/d/f")
    x.ok("ln", "-s", "f", x.at("/d/link"))
    x.ok("chown", "5:6", "/d/link")
    assert x.show("%u:%g", "/d/f", "/d/link") == ["5:6", "0:0"]
    x.ok("chown", "-h", "7", "/d/link")
    x.ok("chgrp", "8", "/d/f")
    assert x.show("%u:%g", "/d/f", "/d/link") == ["5:8", "7:0"]
    assert x.ok("chown", "-Rv", ":70000", "/d").splitlines()[0] == "owner of '/d' changed from 0:0 to 0:70000"
    assert x.show("%u:%g", "/d", "/d/e", "/d/f", "/d/link") == ["0:70000", "0:70000", "5:70000", "7:70000"]
    assert "User:     5   Group: 70000" in debugfs(x.path, "stat /d/f")


def test_names_of_owners(x: Image, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("ann:x:1234:567::/:\n")
    (tmp_path / "group").write_text("staff:x:567:\n")
    x.ok("mkdir", "/etc")
    x.ok("cp", f"host:{tmp_path}/passwd", f"host:{tmp_path}/group", x.at("/etc"))
    assert x("chown", "ann", "/etc")[0] == 2
    x.ok("chown", "--names=image", "ann:staff", "/etc")
    assert x.show("%u:%g", "/etc") == ["1234:567"]
    x.ok("chown", "--names=host", "root", "/etc")
    x.ok("chgrp", "--names", "image", "0", "/etc")
    assert x.show("%u:%g", "/etc") == ["0:0"]
    assert x("chown", "--names=image", "bob", "/etc")[0] == 2


def test_touch(x: Image, tmp_path: Path) -> None:
    x.ok("touch", "/new")
    assert x.show("%s %a %u", "/new") == ["0 644 0"]
    x.ok("touch", "-d", "@1000000000.123456789", "/new")
    assert x.show("%.9X %.9Y", "/new") == ["1000000000.123456789 1000000000.123456789"]
    x.ok("touch", "-a", "-d", "2001-02-03T04:05:06Z", "/new")
    x.ok("touch", "-m", "-t", "200102030405.07", "/new")
    assert x.show("%X", "/new") == ["981173106"]
    (tmp_path / "reference").touch()
    os.utime(tmp_path / "reference", ns=(OLD + 1, OLD))
    x.ok("touch", "-r", f"host:{tmp_path}/reference", "/other")
    assert x.show("%.9X %.9Y", "/other") == [f"{(OLD + 1) // 10**9}.{(OLD + 1) % 10**9} {OLD // 10**9}.{OLD % 10**9}"]
    x.ok("ln", "-s", "nowhere", x.at("/link"))
    x.ok("touch", "-h", "-r", x.at("/other"), "/link")
    assert x.show("%Y", "/link") == [str(OLD // 10**9)]
    x.ok("touch", "-c", "/missing")
    assert x.ls() == ["link", "new", "other"]
    assert x("touch", "/no/where")[2] == "fsu touch: /no/where: No such file or directory\n"
    for words in (("-d", "soon"), ("-t", "12"), ("-d", "now", "-t", "01010000")):
        assert x("touch", *words, "/new")[0] == 2


def test_truncate(x: Image, tmp_path: Path) -> None:
    x.ok("truncate", "-s", "10K", "/f")
    for size, expected in (("+1", 10241), ("-241", 10000), ("<5K", 5120), (">6K", 6144), ("%1000", 7000),
                           ("/4K", 4096), ("1MB", 1000000), ("0", 0)):  # fmt: skip
        x.ok("truncate", f"--size={size}", "/f")
        assert x.show("%s", "/f") == [str(expected)]
    (tmp_path / "data").write_bytes(b"abc" * 5000)
    x.ok("cp", f"host:{tmp_path}/data", x.at("/data"))
    x.ok("truncate", "-s", "7", "/data")
    x.ok("truncate", "-s", "5000", "/data")
    assert x.ok("cat", "/data") == "abcabca" + "\0" * 4993
    x.ok("truncate", "-r", x.at("/data"), "/f")
    x.ok("truncate", "-c", "-s", "1", "/missing")
    assert x.ls() == ["data", "f"] and x.show("%s", "/f") == ["5000"]
    x.ok("mkdir", "/d")
    assert x("truncate", "-s", "1", "/d") == (1, "", "fsu truncate: /d: Is a directory\n")
    for words in (("/f",), ("-s", "x", "/f"), ("-s", "1", "-r", "/f", "/f"), ("--size=/0", "/f")):
        assert x("truncate", *words)[0] == 2


# ---- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ("mkdir",), ("rmdir",), ("ln",), ("rm",), ("chmod",), ("chown",), ("chgrp",), ("touch",), ("truncate", "-s", "1"),
])  # fmt: skip
def test_what_is_not_inside_an_image(fsu: Fsu, image: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    more = ["1", "host:a"] if words[0] in ("chmod", "chown", "chgrp", "ln") else ["host:a"]
    assert fsu(*words, *more).status == 2
    more[-1] = str(image)
    result = fsu(*words, *more)
    assert result.status == 2 and b"not a path inside an image" in result.err
    assert fsu(words[0]).status == 2 and fsu(words[0], "--help").status == 0


def test_several_images_in_one_command(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    other = tmp_path / "y.img"
    fsu("mkfs", "-q", "-t", "ext2", other, "4M")
    assert fsu("mkdir", f"{image}:/a", f"{other}:/b", f"{image}:/a/c", f"{tmp_path}/./x.img:/d").status == 0
    assert fsu("ls", f"{image}:/a").out == b"c\n" and fsu("ls", other).out == b"b\nlost+found\n"
    assert fsu("ls", image).out == b"a\nd\nlost+found\n"
    check(image, other)


def test_what_cannot_be_written(fsu: Fsu, fat_image: Path, image: Path) -> None:
    before = fat_image.read_bytes()
    result = fsu("mkdir", f"{image}:/a", f"{image}:/nothing/b", f"{image}:/c")
    assert result.status == 1
    assert fsu("ls", image).out == b"a\nc\nlost+found\n"
    assert fat_image.read_bytes() == before
