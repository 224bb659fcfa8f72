# SPDX-License-Identifier: BSD-2-Clause
"""`fsu batch`: the language of scripts, one session for all commands, how failures end it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse
from rump.fsutils.session import Session
from rump.fsutils.shelling.place import ALWAYS, INSIDE_VERBS, Place, normal
from rump.fsutils.shelling.words import Scanner, Unfinished, quoted, unfinished

from .conftest import Fsu, Result, check, debugfs


class Batch(Protocol):
    """Runs a script."""

    def __call__(self, script: str, *options: str) -> Result: ...


@pytest.fixture
def batch(fsu: Fsu, tmp_path: Path) -> Batch:
    """Runs a script."""

    def run(script: str, *options: str) -> Result:
        path = tmp_path / "script"
        path.write_bytes(os.fsencode(script))
        return fsu("batch", *options, path)

    return run


def words(text: str, **variables: str) -> list[list[str]]:
    return [[word.text for word in words] for _, words in Scanner(text, variables).commands()]


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls  a\tb\n\ncat c", [["ls", "a", "b"], ["cat", "c"]]),
        ("ls 'a b' \"c d\" e\\ f", [["ls", "a b", "c d", "e f"]]),
        ("ls a'b'\"c\"d ''", [["ls", "abcd", ""]]),
        ("# all of it\nls a#b # rest\n#end", [["ls", "a#b"]]),
        ("ls a \\\n  b\\\nc", [["ls", "a", "bc"]]),
        ("ls 'a\nb'", [["ls", "a\nb"]]),
        ("ls '${X}' \"${X}\" ${X}y $X \\${X} \"\\${X}\"", [["ls", "${X}", "v w", "v wy", "$X", "${X}", "${X}"]]),
        ("ls '\\n' \"\\n\\\\\"", [["ls", "\\n", "\\n\\"]]),
        ("!echo 'a  b' # c\nls", [["!", "echo 'a  b' # c"], ["ls"]]),
        ("ls !x", [["ls", "!x"]]),
        ("ls a;cat b ; ;;\n; du ; # c; d\nx", [["ls", "a"], ["cat", "b"], ["du"], ["x"]]),
        ("a 'b;c' \"d;e\" f\\;g \\;", [["a", "b;c", "d;e", "f;g", ";"]]),
        ("ls; !echo a; echo b\nls", [["ls"], ["!", "echo a; echo b"], ["ls"]]),
        ("ls ${}", [["ls", "${}"]]),
    ],
)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text, X="v w") == expected


def test_what_is_no_word() -> None:
    for text in ("ls 'a", 'ls "a', "ls a\\", "ls 'a\n\n"):
        with pytest.raises(Unfinished):
            words(text)
    with pytest.raises(UsageError, match="NOPE"):
        words("ls ${NOPE}")


def test_quoted_patterns_mean_themselves() -> None:
    line = next(Scanner("ls *.c '*'.c a\\* \"?\"*").commands())[1]
    assert [word.pattern for word in line] == [None, "*.c", None, None, "[?]*"]


@given(st.text(alphabet=st.characters(blacklist_characters="\n\0", blacklist_categories=("Cs",)), min_size=1),
       st.sampled_from(["", "'", '"']))  # fmt: skip
def test_what_is_quoted_is_read_back(text: str, quote: str) -> None:
    """As in completion: what was typed, then the rest quoted."""
    if not quote:
        assert words("x " + quoted(text, "").replace("\r", "\\\r")) == [["x", text]]
    else:
        assert words(f"x {quote}{quoted(text, quote)}{quote}") == [["x", text]]


@given(st.text(alphabet="a '\"\\\n#${}!*"))
def test_the_word_at_the_cursor(text: str) -> None:
    """Whatever was typed so far, it is read, and the last word begins inside of it."""
    _, _, start, quote = unfinished(text)
    assert 0 <= start <= len(text) and quote in ("", "'", '"', "\\")


# ---- places ----------------------------------------------------------------------------------------------------------


def test_where_operands_are(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(INSIDE_VERBS)
    with pytest.raises(UsageError, match="no image is open"):
        place.find(":/etc", True)
    place.go(parse("x.img:/a/b/../c", image_by_default=True))
    place.images["usb"] = "/usb.img", "1"

    def found(text: str, inside: bool) -> tuple[object, ...] | None:
        operand = place.find(text, inside)
        return operand and (operand.image, operand.partition, operand.path, operand.shown, operand.start)

    me = str(image)
    assert found("p", True) == (me, None, b"/a/c/p", b"p", 5)
    assert found("p", False) is None and found("host:p", True) is None and found("x.img:/p", True) is None
    assert found(":p", False) == (me, None, b"/a/c/p", b":p", 5)
    assert found(":/p", False) == (me, None, b"/p", b":/p", 0)
    assert found(":", False) == (me, None, b"/a/c/.", b":", 5)
    assert found("usb:p", False) == ("/usb.img", "1", b"/p", b"usb:p", 0)
    assert found("x.img", True) == (me, None, b"/a/c/x.img", b"x.img", 5)
    place.plain = ALWAYS
    assert found("nope.img:/p", False) == (me, None, b"/a/c/nope.img:/p", b"nope.img:/p", 5)


@given(st.lists(st.sampled_from([b"a", b"b", b".", b"..", b""])))
def test_normal(parts: list[bytes]) -> None:
    """As the host's library has it."""
    import posixpath

    path = b"/" + b"/".join(parts)
    assert normal(path) == posixpath.normpath(path).replace(b"//", b"/")


# ---- scripts ---------------------------------------------------------------------------------------------------------


def test_a_script(batch: Batch, image: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("remember\n")
    result = batch(f"""
        # one image, many commands
        cd {image}:/
        mkdir -p srv/a 'srv/two words'
        cp {tmp_path}/note :srv/a/
        cd srv
        cp :a/note {tmp_path}/back
        ls
        ls -d a/n* "a/n*"
        find . -name note
        cat /srv/a/note
        echo ${{WHO}} \\
            again
        pwd
        rmdir 'two words'
        """, "-k", "--set", "WHO=you  there")  # fmt: skip
    assert result.out.decode() == (
        "a\ntwo words\na/note\n./a/note\nremember\nyou  there again\n" f"{image}:/srv\n"
    )
    assert result.err.decode() == "fsu ls: a/n*: No such file or directory\n"
    assert (tmp_path / "back").read_text() == "remember\n"
    check(image)
    assert "note" in debugfs(image, "ls -l /srv/a") and "two words" not in debugfs(image, "ls -l /srv")


def test_the_first_failure_ends_it(batch: Batch, image: Path) -> None:
    script = f"mkdir {image}:/a\ncat {image}:/nope\nmkdir {image}:/b\n"
    result = batch(script)
    assert result.status == 1
    assert b"nope: No such file" in result.err and b"script:2: failed; what follows was not done" in result.err
    assert debugfs(image, "stat /a") and "b" not in debugfs(image, "ls -l /").split()
    result = batch(script, "-k")
    assert result.status == 1 and b"not done" not in result.err
    assert "b" in debugfs(image, "ls -l /").split()
    check(image)


def test_nothing_is_done_if_a_line_makes_no_sense(batch: Batch, image: Path) -> None:
    before = image.read_bytes()
    script = f"mkdir {image}:/a\nls --nonsense\nfrobnicate\nrmdir\n"
    result = batch(script)
    assert result.status == 2
    assert [line.split(b": ")[1].rpartition(b"/")[2] for line in result.err.splitlines()[:3]] == [
        b"script:2", b"script:3", b"script:4"]  # fmt: skip
    assert batch(script, "-n").status == 2
    assert batch(f"mkdir {image}:/a\nls 'x\n").status == 2
    assert batch(f"mkdir {image}:/a\nls ${{X}}\n").status == 2
    assert batch(f"mkdir {image}:/a\nls --no-sync {image}:/\n").status == 2
    assert batch(f"mkdir {image}:/a\n", "-n") == Result(0, b"", b"")
    assert image.read_bytes() == before


def test_mounted_once(batch: Batch, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only until something is written, once more then, and no third time."""
    mounts: list[bool] = []
    mount = Session._mount

    def counted(self: Session, operand: object) -> object:
        before = len(self._volumes)
        lwp = mount(self, operand)      # type: ignore[arg-type]
        if len(self._volumes) > before:
            mounts.append(self.writes)
        return lwp

    monkeypatch.setattr(Session, "_mount", counted)
    at = f"{image}:"
    assert batch(f"ls {at}/\nls {at}/\nmkdir {at}/a\nls {at}/\nmkdir {at}/b\nstat {at}/a\n").status == 0
    assert mounts == [False, True]
    check(image)


def test_images_side_by_side(batch: Batch, image: Path, disk_image: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(disk_image.read_bytes())
    result = batch(f"""
        mount d {disk}@2
        mount x {image}
        images
        cp -a d:/etc x:/
        cp x:/etc/passwd {disk}@rootfs:/etc/copy
        cat d:/etc/copy
        umount d
        ls x:/etc
        part {disk}
        """)
    assert result.status == 0, result.err
    lines = result.out.decode().splitlines()
    assert lines[:4] == [f"d:  {disk}@2", f"x:  {image}", "root:x:0:0:root:/root:/bin/sh",
                         "ann:x:1234:567::/home/ann:/bin/sh"]  # fmt: skip
    assert lines[4:7] == ["group", "link", "passwd"] and "rootfs" in lines[-1]
    check(image)


def test_a_whole_image_is_made_in_between(batch: Batch, image: Path) -> None:
    """mkfs finds nothing mounted, and what comes later finds the new file system."""
    result = batch(f"""
        mkdir {image}:/a
        ls {image}:/
        mkfs -q -F -t ext4 -L second {image} 16M
        ls {image}:/
        mkdir {image}:/b
        mkfs -q -F -t ext4 {image} 16M
        mkdir {image}:/c
        """)
    assert result == Result(0, b"a\nlost+found\nlost+found\n", b"")
    check(image)
    assert "c" in debugfs(image, "ls -l /").split() and "b" not in debugfs(image, "ls -l /").split()


def test_the_same_as_one_by_one(fsu: Fsu, batch: Batch, image: Path, tmp_path: Path) -> None:
    """A script leaves what its commands would have left; so does each form of operand."""
    other = tmp_path / "other.img"
    other.write_bytes(image.read_bytes())
    lines = ["mkdir -p {}a/b", "ln -s b {}a/link", "touch -d @5 {}a/b", "chmod 700 {}a", "rmdir -p {}a/b"]
    for line in lines[:4]:
        assert fsu(*line.format(f"{other}:/").split()).status == 0
    assert fsu("rmdir", "-p", f"{other}:/a/b").status == 1
    forms = zip(lines, (":/", ":", "", "/", ""), strict=True)
    script = [f"cd {image}:/"] + [line.format(where) for line, where in forms]
    assert batch("\n".join(script)).status == 1

    def listing(path: Path) -> bytes:
        return fsu("ls", "-lR", "--time-style=+", f"{path}:/").out.replace(os.fsencode(path), b"")

    assert listing(image) == listing(other)
    check(image)


def test_an_image_that_cannot_be_written_can_still_be_read(batch: Batch, image: Path) -> None:
    with Session() as session:
        session.writes_to(parse(f"{image}:/", image_by_default=True))
        session.resolve(parse(f"{image}:/", image_by_default=True))
        result = batch(f"ls {image}:/\nmkdir {image}:/a\nls {image}:/\n", "-k")
    assert result.status == 1 and result.out == b"lost+found\nlost+found\n" and b"in use" in result.err


def test_host_commands_and_the_way_back(batch: Batch, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    here = os.getcwd()
    result = batch(f"lcd {tmp_path}/sub\nlpwd\n!echo \"$PWD\" | tr a-z A-Z\nlcd ..\nlls\n!exit 3\necho no")
    up = str(tmp_path / "sub").upper()
    assert result.out.decode().splitlines()[:2] == [str(tmp_path / "sub"), up]
    assert b"sub\n" in result.out and b"no\n" not in result.out and result.status == 3
    assert os.getcwd() == here


def test_exit_and_echo(batch: Batch) -> None:
    assert batch("echo a\nexit 7\necho b") == Result(7, b"a\n", b"")
    assert batch("echo -n a\nexit\necho b") == Result(0, b"a", b"")
    assert batch("exit 300").status == 2
    assert batch("echo 'a b'\n!true", "-e").err == b"+ echo 'a b'\n+ ! true\n"


def test_from_standard_input(fsu_process: Fsu, image: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "rump.fsutils", "batch"], input=f"ls {image}:/\n".encode(),
                          capture_output=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"lost+found\n", b"")
    result = fsu_process("batch", "/nowhere")
    assert result.status == 1 and result.err == b"fsu batch: /nowhere: No such file or directory\n"


def test_an_interrupt_ends_the_script(batch: Batch, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rump.fsutils import mkdir

    run = mkdir.run

    def interrupted(*arguments: object) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return run(*arguments)      # type: ignore[arg-type]

    monkeypatch.setattr(mkdir, "run", interrupted)
    assert batch(f"echo a\nmkdir {image}:/a\necho b", "-k") == Result(130, b"a\n", b"")
    check(image)


def test_a_batch_in_a_batch(batch: Batch, image: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").write_text(f"cd {image}:/lost+found\npwd\n")
    result = batch(f"cd {image}:/\nbatch {tmp_path}/inner\npwd\nshell\n")
    assert result.status == 2 and b"shell" in result.err
    result = batch(f"cd {image}:/\nbatch {tmp_path}/inner\npwd\n")
    assert result == Result(0, f"{image}:/lost+found\n{image}:/\n".encode(), b"")


def test_options_of_the_session(batch: Batch, image: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert batch(f"ls {image}:/\nmkdir {image}:/a\n", f"--trace={trace}").status == 0
    assert trace.read_text().count("init(") == 2        # once for reading, once for writing
    assert batch("echo", f"--record={trace}").status == 2
    result = batch(f"mkdir {image}:/b\n", "--fs-options", "ro")
    assert result.status == 1 and b"Read-only file system" in result.err
