# SPDX-License-Identifier: BSD-2-Clause
"""`fsu find`: held against the host's own find, over the tree that the image was made of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import IS_ROOT, Fsu
from .hostile import image_of


def gnu_find(tree: Path, *expression: str) -> list[bytes]:
    """What the host's find prints."""
    program = shutil.which("find")
    if program is None or b"GNU" not in subprocess.run([program, "--version"], capture_output=True, check=False).stdout:
        pytest.skip("needs GNU find")
    environment = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"]}
    done = subprocess.run([program, ".", *expression], cwd=tree, env=environment, capture_output=True, check=True)
    return sorted(done.stdout.split(b"\0"))


def ours(fsu: Fsu, image: Path, *expression: str) -> list[bytes]:
    """What ours prints."""
    result = fsu("find", image, *expression)
    assert (result.status, result.err) == (0, b"")
    return sorted(line for line in result.out.split(b"\0") if not line.startswith(b"lost+found"))


EXPRESSIONS = [
    "", "-name *a*", "-name .*", "-iname D*", "-not -iname d*", "-name [!a-m]*", r"-name *\n*", "-name data",
    "-type f", "-type d", "-type l,p", "-type c -o -type b", "-type s", "-xtype f", "-xtype l", "-type f -size +1k",
    "-type f -size -1k", "-type f -size 1", "-type f -size +100c", "-type f -size 262144c", "-type f -size 512b",
    "-type f -size 1M", "-type f -size +3M", "-type f -empty", "-type d -empty", "-links +1 -type f",
    "-links 2 ! -type d", "-perm 644", "-perm -4000", "-perm /222", "-perm -u+s", "-perm /u+s,g+s", "-perm -o=t",
    "-perm 0755", "-perm a=rx,u+w", "-path */er/*", "-ipath */ER/*", "-path *deep", "-regex .*/d[ae].*",
    "-iregex .*DATA", "-lname pass*", "-ilname PASS*", "-maxdepth 0", "-maxdepth 1", "-mindepth 2",
    "-mindepth 1 -maxdepth 2 -type d", "-maxdepth 2 -depth", "-name deep -prune -o -type f",
    "-path */deep/er -prune -o -type d", "-name deep -prune -false -o -name *e*", "( -name a* -o -name d* ) -type f",
    "! ( -type f -o -type d )", "! ! -name data", "-type f -a -name data -and -true", "-name data , -name empty",
    "-false -o -true", "-uid 0 -name e*", "-gid +0 -type f", "-user 0 -type l", "-group 0 -type p", "-mtime +1000",
    "-mtime -1", "-mmin -100000000 -name data", "-mmin +1000", "-newermt 2005-01-01", "-not -newermt 2005-01-01",
    "-newermt @1000000000 -name d*", "-newer data -type d",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_finds_what_the_host_finds(fsu: Fsu, tree: Path, ext4_image: Path, expression: str) -> None:
    words = expression.split()
    if "-newer" in words:
        words = [str(tree / "data") if word == "data" else word for word in words]
    if "," in words:
        words = ["(", *words, ")"]
    action = ["-printf", r"%P %d\0"]
    expected, got = (
        [line for line in lines if line != b" 0" or "-name" not in expression]      # the top is called otherwise
        for lines in (gnu_find(tree, *words, *action), ours(fsu, ext4_image, *words, *action))
    )
    assert got == expected


@pytest.mark.parametrize(
    "form",
    ["%P %f %h %d %y", "%P %m %M %n %s", "%P %U %G", "%P %l %Y", "%P %T@ %T+ %TY-%Tm-%Td %TH:%TM:%TS", "%P|%t",
     "%10s|%-10s|%010s|%.3f", r"%P\t\101\\%%"],
)  # fmt: skip
def test_printf(fsu: Fsu, tree: Path, ext4_image: Path, form: str) -> None:
    """Of what is the same in the image: no directories, whole seconds but for the file that has more."""
    which = ["(", "-name", "data", "-o", "-type", "l", "-o", "-name", "program", ")"]
    if "%T" in form or "%t" in form:
        which = ["-name", "data"]
    expected = gnu_find(tree, "-mindepth", "1", *which, "-printf", form.replace("%h", "%H") + r"\0")
    got = ours(fsu, ext4_image, "-mindepth", "1", *which, "-printf", form.replace("%h", "%H") + r"\0")
    assert [line.replace(f"{ext4_image}:/".encode(), b".") for line in got] == expected


def test_output_is_sorted_and_can_be_typed_again(fsu: Fsu, ext4_image: Path) -> None:
    lines = fsu("find", f"{ext4_image}:/etc", ext4_image, "-maxdepth", "1", "-name", "[e-g]*").out.splitlines()
    top = f"{ext4_image}:/".encode()
    assert lines == [top + name for name in (b"etc", b"etc/group", b"empty", b"etc", b"fifo")]
    assert fsu("find", lines[1].decode()).out == lines[1] + b"\n"


def test_directories_in_another_order(fsu: Fsu, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/m").touch()
    image = image_of(tmp_path / "tree", tmp_path / "x.img", "link /m /z", "link /m /a")
    assert fsu("find", image, "-type", "f", "-printf", "%P ").out == b"a m z "


def test_paths_inside_the_image_match_too(fsu: Fsu, ext4_image: Path) -> None:
    for test, pattern in (("-path", "/etc/p*"), ("-regex", "/etc/p.*"), ("-path", f"{ext4_image}:/etc/p*")):
        assert fsu("find", ext4_image, test, pattern).out == f"{ext4_image}:/etc/passwd\n".encode()


def test_post_order(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("find", f"{ext4_image}:/deep", "-depth", "-printf", "%d %f\n").out
    assert out == b"4 treasure\n3 deeper\n2 and\n1 er\n0 deep\n"


def test_links_are_followed_where_asked(fsu: Fsu, ext4_image: Path) -> None:
    link = f"{ext4_image}:/etc/link"
    assert fsu("find", link, "-type", "l").out != b""
    assert fsu("find", "-H", link, "-type", "f").out != b""
    assert fsu("find", "-L", f"{ext4_image}:/etc", "-name", "link", "-type", "f").out != b""
    assert fsu("find", "-L", ext4_image, "-type", "l", "-maxdepth", "1", "-printf", "%f\n").out.splitlines() == [
        b"a long target", b"dangling"
    ]  # fmt: skip


def test_actions(fsu: Fsu, ext4_image: Path) -> None:
    assert fsu("find", ext4_image, "-quit").out == b""
    assert fsu("find", ext4_image, "-name", "etc", "-print", "-quit").out == f"{ext4_image}:/etc\n".encode()
    assert fsu("find", ext4_image, "-name", "data", "-print0").out == f"{ext4_image}:/data\0".encode()
    line = fsu("find", ext4_image, "-name", "link", "-ls").out.split()
    assert line[2:4] == [b"lrwxrwxrwx", b"1"]
    assert line[-2:] == [b"->", b"passwd"]


def test_json(fsu: Fsu, ext4_image: Path) -> None:
    lines = fsu("find", ext4_image, "-name", "[dl]*", "-maxdepth", "2", "--json").out.splitlines()
    records = {record["path"].rpartition("/")[2]: record for record in map(json.loads, lines)}
    assert records["data"]["size"] == 262144
    assert records["link"]["target"] == "passwd"
    assert records["deep"]["type"] == "directory"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-nmae x", "-nmae: unknown test or action"),
        ("-name", "-name: needs an argument"),
        ("( -name x", "a closing parenthesis is missing"),
        ("-name x )", "): too many closing parentheses"),
        ("-name x -o", "an expression is missing behind -name"),
        ("!", "an expression is missing behind !"),
        ("-o -name x", "an expression is missing before -o"),
        ("-type q", "-type q: unknown type"),
        ("-size 1x", "-size 1x: not a size"),
        ("-size k", "-size k: not a size"),
        ("-perm 999", "-perm 999: not a mode"),
        ("-links many", "-links many: not a number"),
        ("-maxdepth -1", "-maxdepth -1: not a depth"),
        ("-exec rm {}", "-exec: needs an argument"),
        ("-exec ;", "-exec ;: no command"),
        ("-exec {} +", "-exec +: one {}"),
        ("-ok rm {} ;", "-ok: not here"),
        ("-regex (", "-regex (: "),
        ("-printf %q", "-printf %q: %q: unknown directive"),
        ("-newer nowhere", "-newer nowhere: No such file or directory"),
        ("-newermt yesterday", "-newermt yesterday: "),
        ("-name x y", "y: paths come first"),
    ],
)
def test_mistakes(fsu: Fsu, ext4_image: Path, words: str, message: str) -> None:
    result = fsu("find", ext4_image, *words.split())
    assert (result.status, result.out) == (2, b"")
    assert result.err.decode().startswith(f"fsu find: {message}")


def test_what_is_not_there(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("find", f"{ext4_image}:/nowhere", f"{ext4_image}:/etc/passwd")
    assert result.status == 1
    assert result.err == f"fsu find: {ext4_image}:/nowhere: No such file or directory\n".encode()
    assert result.out == f"{ext4_image}:/etc/passwd\n".encode()
    assert fsu("find", "-name", "x").status == 2


@pytest.mark.skipif(not IS_ROOT, reason="the tree has owners when root makes it")
def test_owners(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("find", ext4_image, "-uid", "+999", "-printf", "%f %u:%g\n").out.splitlines()
    assert out == [b"data 1234:567", b"deep 70000:80000", b"same data 1234:567"]
