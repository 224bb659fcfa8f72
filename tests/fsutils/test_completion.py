# SPDX-License-Identifier: BSD-2-Clause
"""Completion: what the callback says, and bash, zsh and fish themselves with the scripts they are given."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rump.fsutils.completing import paths
from rump.fsutils.completing.candidates import Completer
from rump.fsutils.main import VERBS
from rump.fsutils.session import Session

from .conftest import Fsu, call, tool
from .terminal import Terminal, fsu_program

__all__ = ["fsu_program"]

needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
needs_zsh = pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
needs_fish = pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")


@pytest.fixture
def folder(ext4_image: Path, disk_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with images in it."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "e.img").symlink_to(ext4_image)
    (here / "disk.img").symlink_to(disk_image)
    (here / "with space.img").symlink_to(ext4_image)
    (here / "a:b.img").symlink_to(ext4_image)
    (here / "notes.txt").write_text("no image\n")
    (here / "sub").mkdir()
    monkeypatch.chdir(here)
    return here


def complete(*words: str) -> list[str]:
    with Session() as session:
        found = Completer(session).line(list(words[:-1]), words[-1])
        return [text + (" " if final else "") for text, final, _ in found]


# ---- candidates ------------------------------------------------------------------------------------------------------


def test_commands_and_options(folder: Path) -> None:
    assert complete("") == [name + " " for name in sorted(VERBS)]
    assert complete("rea") == ["readlink "]
    assert complete("--host", "m") == complete("ls", "--host", "m") == ["metal "]
    assert complete("--host", "metal", "rea") == ["readlink "]
    assert "-t " in complete("-") and complete("--vers") == ["--version "]
    assert "ext4 " in complete("-t", "") and "vfat " in complete("-t", "")
    assert complete("-t", "ext4", "mkd") == ["mkdir "]
    assert complete("ls", "--full") == ["--full-time "]
    assert complete("ls", "--sort") == ["--sort="]
    assert complete("ls", "--sort=t") == ["--sort=time "]
    assert complete("ls", "--sort", "si") == ["size "]
    assert "exfat " in complete("mkfs", "-t", "")
    assert complete("completion", "z") == ["zsh "]
    assert complete("nonsense", "") == []
    assert not any("marshal" in text for text in complete("ls", "--"))
    assert "-name " in complete("find", "e.img:/", "-n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_options(verb: str) -> None:
    assert "--help " in complete(verb, "--he")
    complete(verb, "")


def test_paths(folder: Path) -> None:
    assert complete("ls", "e.i") == ["e.img:/"]
    assert complete("ls", "e.img") == ["e.img:/"]
    assert complete("ls", "no") == ["notes.txt "]
    assert complete("ls", "su") == ["sub/"]
    assert complete("ls", "e.img:/et") == ["e.img:/etc/"]
    assert complete("ls", "e.img:/etc/") == ["e.img:/etc/group ", "e.img:/etc/link ", "e.img:/etc/passwd "]
    assert complete("ls", "image:e.img:/em") == ["image:e.img:/empty "]
    assert complete("cat", "e.img:/.hi") == ["e.img:/.hidden "]
    assert "e.img:/.hidden " not in complete("cat", "e.img:/")
    assert complete("cat", "a:b.img:/em") == ["a:b.img:/empty "]
    assert complete("cp", "host:no") == ["host:notes.txt "]
    assert complete("tar", "-C", "e.img:/et") == ["e.img:/etc/"]
    assert complete("chmod", "--reference=e.img:/em") == ["--reference=e.img:/empty "]
    assert complete("ls", "--", "e.img:/em") == ["e.img:/empty "]
    assert complete("ls", "nope.img:/") == [] and complete("ls", "notes.txt:/") == []
    assert complete("ls", "e.img:/nope/") == [] and complete("ls", "e.img:/data/") == []
    assert complete("ls", f"{folder}/su") == [f"{folder}/sub/"]


def test_names_that_do_not_print_are_left_out(folder: Path) -> None:
    found = complete("cat", "e.img:/")
    assert not any(not text.isprintable() for text in found) and "e.img:/Grüße 世界 " in found


def test_partitions(folder: Path) -> None:
    assert complete("ls", "disk") == ["disk.img@1:/", "disk.img@2:/"]
    assert complete("ls", "disk.img@") == ["disk.img@1:/", "disk.img@2:/"]
    assert complete("ls", "disk.img@ro") == ["disk.img@rootfs:/"]
    assert complete("ls", "disk.img@rootfs:/em") == ["disk.img@rootfs:/empty "]
    assert complete("info", "disk.img@") == ["disk.img@1 ", "disk.img@2 "]
    assert complete("ls", "e.img@") == [] and complete("ls", "disk.img@9:/") == []


def test_it_is_bounded(folder: Path, image: Path, fsu: Fsu, monkeypatch: pytest.MonkeyPatch) -> None:
    many = folder / "many"
    many.mkdir()
    for number in range(300):
        (many / f"f{number:04}").touch()
    assert fsu("cp", "-R", many, f"{image}:/").status == 0
    monkeypatch.setattr(paths, "LIMIT", 50)
    assert len(complete("cat", f"{image}:/many/")) == len(complete("cat", "many/")) == 50
    monkeypatch.setattr(paths, "ENTRIES", 10)
    assert len(complete("cat", f"{image}:/many/")) <= 10


# ---- the callback ----------------------------------------------------------------------------------------------------


def call_back(*words: str) -> list[str]:
    done = subprocess.run([sys.executable, "-m", "rump.fsutils", "__complete", *words], capture_output=True, check=True)
    assert done.stderr == b""
    return os.fsdecode(done.stdout).splitlines()


def test_callback(folder: Path) -> None:
    assert call_back("fish", "--", "fsu", "disk.img@", "") == []
    found = call_back("fish", "--", "fsu", "info", "disk.img@")
    assert [line.split()[:2] for line in found] == [["disk.img@1", "efi"], ["disk.img@2", "rootfs"]]
    assert call_back("zsh", "--", "fsu", "cat", "e.img:/em") == ["e.img:/empty \t"]
    assert call_back("bash", "fsu cat e.img:/em", "/em") == ["/empty "]
    assert call_back("bash", "fsu cat 'with sp", "with sp") == ["with space.img:/"]
    assert call_back("bash", "fsu cat with\\ sp", "with\\ sp") == ["with\\ space.img:/"]
    for words in ((), ("bash",), ("zsh", "--"), ("fish", "--", "fsu", "ls", "notes.txt:/"), ("bash", "", ""), ("x",)):
        assert call_back(*words) == []


def test_callback_of_the_originals_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_back("fish", "--", "fsu_ls", "e.i") == ["e.img\t"]
    assert call_back("fish", "--", "fsu_ls", "-t", "ext4", "e.img", "-l", "/et") == ["/etc/\t"]
    assert call_back("fish", "--", "fsu_ls", "-f", "e.img", "et") == ["etc/\t"]
    monkeypatch.setenv("FSU_DEVICE", "e.img")
    assert call_back("fish", "--", "fsu_cat", "etc/pa") == ["etc/passwd\t"]


def test_callback_ends_in_time(folder: Path) -> None:
    """It has SIGALRM for what is too slow; no exception gets out."""
    script = (
        "import sys, signal; from rump.fsutils.completing import callback; callback.SECONDS = 0.05\n"
        "callback._limit.__defaults__ = (0.05,)\n"
        "from rump.fsutils.completing.candidates import Completer\n"
        "Completer.line = lambda *_: signal.pause()\n"
        "from rump.fsutils.main import main; sys.exit(main(['__complete', 'zsh', '--', 'fsu', 'ls', '']))"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"") and time.monotonic() - began < 5


# ---- the shells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_parse(fsu: Fsu, tmp_path: Path, shell: str) -> None:
    program = tool(shell)
    script = tmp_path / "script"
    script.write_bytes(fsu("completion", shell).out)
    call(program, "-n", script)
    assert fsu("completion", "csh").status == 2


@needs_bash
def test_bash_by_hand(fsu: Fsu, folder: Path, fsu_program: Path) -> None:
    """The function, called as bash calls it."""
    program = fsu("completion", "bash").out.decode() + (
        'COMP_LINE="fsu ls e.img:/et"; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(fsu ls e.img : /et); COMP_CWORD=4\n'
        '_fsu fsu /et :; printf "<%s>" "${COMPREPLY[@]}"'
    )
    assert call("bash", "--norc", "-c", program) == "</etc/>"


@needs_bash
def test_bash(fsu: Fsu, folder: Path, fsu_program: Path) -> None:
    rc = folder / "sub/rc"
    rc.write_bytes(fsu("completion", "bash").out + b"PS1='$ '; bind 'set enable-bracketed-paste off'\n")
    with Terminal("bash", "--noprofile", "--rcfile", rc, "-i") as bash:
        bash.until("$ ")
        for typed, then in (
            ("fsu readl\t", "fsu readlink "),
            ("fsu ls e.img:/et\t", "fsu ls e.img:/etc/"),
            ("fsu ls disk.img@ro\t", "fsu ls disk.img@rootfs:/"),
            ("fsu ls disk.img@rootfs:/em\t", "disk.img@rootfs:/empty "),
            ("fsu cat e.img:/a\\ l\t", "e.img:/a\\ long\\ target "),
            ("fsu cat 'e.img:/a l\t", "'e.img:/a long target' "),
            ('fsu cat "e.img:/a l\t', '"e.img:/a long target" '),
            ("fsu cat with\t", "with\\ space.img:/"),
            ("fsu ls --sort=si\t", "--sort=size "),
            ("fsu_ls e.img /et\t", "/etc/"),
        ):
            bash.type(typed)
            bash.until(then)
            bash.type("\x15")            # the line is gone


@needs_zsh
def test_zsh(fsu: Fsu, folder: Path, fsu_program: Path) -> None:
    functions = folder / "sub"
    (functions / "_fsu").write_bytes(fsu("completion", "zsh").out)
    (functions / ".zshrc").write_text(
        f"PS1='$ '; fpath=({shlex.quote(str(functions))} $fpath); autoload -Uz compinit; compinit -u -D; "
        "unsetopt zle_bracketed_paste; zle_highlight=(none); unset zle_bracketed_paste\n"
    )
    with Terminal("zsh", "-i", ZDOTDIR=functions, TERM="vt100", COLUMNS="200") as zsh:
        zsh.until("$ ")
        for typed, then in (
            ("fsu readl\t", "ink "),
            ("fsu ls e.img:/et\t", "c/"),
            ("fsu ls disk.img@ro\t", "otfs:/"),
            ("fsu cat disk.img@rootfs:/em\t", "pty "),
            ("fsu cat e.img:/a\\ l\t", "ong\\ target "),
            ("fsu cat with\t", "\\ space.img:/"),
            ("fsu ls --sort=si\t", "ze "),
        ):
            zsh.type(typed)
            zsh.until(then)
            zsh.type("\x15")


@needs_fish
def test_fish(fsu: Fsu, folder: Path, fsu_program: Path, tmp_path: Path) -> None:
    script = tmp_path / "fsu.fish"
    script.write_bytes(fsu("completion", "fish").out)

    def asked(line: str) -> list[str]:
        return call("fish", "--no-config", "-c", f"source {script}; complete -C {shlex.quote(line)}").splitlines()

    assert asked("fsu readl") == ["readlink\tprint where symbolic links lead"]
    assert asked("fsu ls e.img:/et") == ["e.img:/etc/"]
    assert [line.split()[:2] for line in asked("fsu ls disk.img@")] == [
        ["disk.img@1:/", "efi"], ["disk.img@2:/", "rootfs"]]  # fmt: skip
    assert [line.partition("\t")[0] for line in asked("fsu cat e.img:/a\\ l")] == ["e.img:/a long target"]
    assert asked("fsu ls --sort=si") == ["--sort=size"]
    assert asked("fsu_ls e.img /et") == ["/etc/"]
