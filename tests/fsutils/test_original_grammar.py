# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of the original's programs: where image and command part; aliases, mount options, flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rump.fsutils.errors import UsageError
from rump.fsutils.main import VERBS, load, parse
from rump.fsutils.original import aliases, flags, grammar, mount_options
from rump.fsutils.original.main import usage
from rump.fsutils.original.programs import PROGRAMS
from rump.fsutils.original.translation import Device

from .conftest import Original

# What each program has to accept, from the original's own calls of getopt(3).
LETTERS = {
    "cat": "benstv", "chflags": "HLPRh", "chmod": "HLPRfh", "chown": "HLPRfhv", "chgrp": "HLPRfhv", "cp": "HLNPRfiprv",
    "df": "aGghiklmnPt:", "diff": "", "du": "HLPacd:ghkmnrsx", "ecp": "dgLpRv", "exec": "", "find": "HLPdEf:hsXx",
    "ln": "fhinsv", "ls": "1ABCFLRSTWabcdfghiklmnopqrstuwx", "mkdir": "m:p", "mkfifo": "m:", "mknod": "rRF:g:m:u:",
    "mv": "iv", "rm": "dfiPRrvW", "rmdir": "p", "stat": "f:FlLnqrst:x", "readlink": "f:FlLnqrst:x", "touch": "achmr:t:",
    "write": "a", "get": "dgLpRv", "put": "dgLpRv", "emv": "dgLpRv",
}  # fmt: skip
READ_ONLY = {"cat", "df", "diff", "du", "find", "get", "ls", "readlink", "stat"}
OPERANDS = {
    "chmod": ["644", "a"], "chflags": ["nodump", "a"], "chown": ["0", "a"], "chgrp": ["0", "a"], "cp": ["a", "b"],
    "mv": ["a", "b"], "ln": ["a", "b"], "mknod": ["a", "p"], "exec": ["true", "a"], "diff": ["a", "b"],
    "ecp": ["-g", "a", "b"], "get": ["a", "b"], "put": ["a", "b"], "emv": ["-g", "a", "b"],
}  # fmt: skip
VALUES = {"f": "%N", "d": "1", "t": "ext2fs", "m": "600", "F": "native", "g": "0", "u": "0", "r": "a"}


def test_all_programs_are_there() -> None:
    assert set(LETTERS) == set(PROGRAMS)
    assert {name for name, program in PROGRAMS.items() if not program.writes} == READ_ONLY
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert set(re.findall(r'^fsu_(\w+) = "rump.fsutils.original.main:main"$', text, re.M)) == set(PROGRAMS)


def _flags() -> list[tuple[str, str]]:
    return [(name, letter) for name, text in LETTERS.items() for letter in re.findall(r"\w:?", text)]


@pytest.mark.parametrize(("name", "letter"), _flags())
def test_every_flag_is_something_to_the_verb(name: str, letter: str) -> None:
    """Each flag of the original is read, translated, and understood by the verb's own parser."""
    program = PROGRAMS[name]
    value = VALUES.get(letter[0], "x") if letter.endswith(":") else ""
    if (name, letter) == ("touch", "t:"):
        value = "200109090146"
    words = ["-" + letter[0], *([value] if value else []), *OPERANDS.get(name, ["a"])]
    given = flags.read(words, program.flags, program.stop)
    assert (letter[0], value) in given.flags
    device = Device(grammar.named("/nowhere/x.img"))
    translated = program.translate(program, given, device)
    verb = program.verb_for(given)
    parse(verb, load(verb), translated)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_tells_of_every_flag(name: str, original: Original) -> None:
    result = original(name, "--help")
    assert (result.status, result.err) == (0, b"")
    text = result.out.decode()
    assert text == usage(f"fsu_{name}", PROGRAMS[name])
    assert all(re.search(rf"^  -{letter[0]}\b", text, re.M) for letter in re.findall(r"\w:?", LETTERS[name]))
    assert max(map(len, text.splitlines()[1:])) <= 120
    assert PROGRAMS[name].verb in VERBS


# ---- the words before the command's own ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "environment", "image", "kind", "options", "special", "rest"),
    [
        (["x.img", "-l", "/etc"], {}, "x.img", None, [""], [], ["-l", "/etc"]),
        (["-t", "ext2fs", "x.img", "a"], {}, "x.img", "ext2fs", [""], [], ["a"]),
        (["-text2fs", "-oro,sb=8193", "x.img"], {}, "x.img", "ext2fs", ["ro,sb=8193"], [], []),
        (["-o", "ro", "-o", "rw", "x.img"], {}, "x.img", None, ["ro", "rw"], [], []),
        (["-s", "-u 5 -m755", "x.img"], {}, "x.img", None, [""], ["-u", "5", "-m755"], []),
        (["-f", "x.img", "-l"], {}, "x.img", None, [""], [], ["-l"]),
        (["-f", "x.img", "--", "-t", "a"], {}, "x.img", None, [""], [], ["-t", "a"]),
        (["-v", "x.img", "--", "-t", "a"], {}, "x.img", None, [""], [], ["-t", "a"]),
        (["-l", "/etc"], {"FSU_DEVICE": "x.img"}, "x.img", None, [""], [], ["-l", "/etc"]),
        (["--", "-t"], {"FSU_DEVICE": "x.img"}, "x.img", None, [""], [], ["-t"]),
        (["a"], {"FSU_DEVICE": "x.img", "FSU_TYPE": "msdos", "FSU_MNTOPTS": "ro"}, "x.img", "msdos", ["ro"], [], ["a"]),
        (["-t", "ext2fs", "-o", "rw", "a"], {"FSU_DEVICE": "x.img", "FSU_TYPE": "msdos", "FSU_MNTOPTS": "ro"}, "x.img",
         "ext2fs", ["rw"], [], ["a"]),
        (["-f", "y.img", "a"], {"FSU_DEVICE": "x.img"}, "y.img", None, [""], [], ["a"]),
    ],
)  # fmt: skip
def test_the_command_line(
    words: list[str], environment: dict[str, str], image: str, kind: str | None, options: list[str],
    special: list[str], rest: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    request = grammar.parse(words, environment)
    assert (request.device.image, request.device.partition, request.device.path) == (image, None, b"/")
    assert (request.type, request.options, request.special, request.rest) == (kind, options, special, rest)


@pytest.mark.parametrize("words", [[], ["-l"], ["-o"], ["-t", "ext2fs"], ["-vl", "x.img"], ["-p", "server", "x.img"]])
def test_command_lines_that_make_no_sense(words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if words == ["-l"]:
        assert grammar.parse(words, {}).device.image == "-l"        # what is no mount option is the image
        return
    with pytest.raises(UsageError):
        grammar.parse(words, {})


@pytest.mark.parametrize(
    ("device", "partition"),
    [("{}", None), ("{}@2", "2"), ("{}@rootfs", "rootfs"), ("{}%DISKLABEL:a%", "a"), ("{}%DISKLABEL:p%", "p")],
)
def test_devices(tmp_path: Path, device: str, partition: str | None) -> None:
    image = tmp_path / "disk.img"
    image.touch()
    found = grammar.named(device.format(image))
    assert (found.image, found.partition) == (str(image), partition)


def test_a_file_of_exactly_that_name_is_the_image(tmp_path: Path) -> None:
    image = tmp_path / "disk%DISKLABEL:a%"
    image.touch()
    assert grammar.named(str(image)).image == str(image)


@pytest.mark.parametrize("device", ["{}%DISKLABEL:ab%", "{}%OFFSET:5%", "{}:/etc", "%DISKLABEL:a%"])
def test_devices_that_make_no_sense(tmp_path: Path, device: str) -> None:
    image = tmp_path / "disk.img"
    image.touch()
    with pytest.raises(UsageError):
        grammar.named(device.format(image))


# ---- aliases ---------------------------------------------------------------------------------------------------------


def _fsurc(home: Path, text: str) -> None:
    (home / ".fsurc").write_text(text)


def test_aliases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _fsurc(tmp_path, "# mine\n\nstick:~/stick.img:msdos:uid=5,ro\n disk : /d.img : ext2fs # the big one\nany:/a.img:\n")
    request = grammar.parse(["-o", "gid=6", "stick", "-l"], {})
    assert request.device.image == str(tmp_path / "stick.img")
    assert (request.type, request.options, request.rest) == ("msdos", ["uid=5,ro", "gid=6"], ["-l"])
    request = grammar.parse(["-t", "ext3", "disk"], {})
    assert (request.device.image, request.type) == ("/d.img", "ext3")
    assert grammar.parse(["any"], {}).type is None
    assert grammar.parse(["-f", "stick"], {}).device.image == "stick"
    assert grammar.parse([], {"FSU_DEVICE": "stick"}).type == "msdos"
    assert aliases.find("nothing") is None


@pytest.mark.parametrize("line", ["a:b", "a", "a:b:c:d:e:f", ":b:c", "a:/b:puffs:ro:server"])
def test_lines_that_are_no_aliases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _fsurc(tmp_path, f"good:/x:ext2fs\n{line}\n")
    assert grammar.parse(["good"], {}).device.image == "/x"         # what stands behind it does not matter
    with pytest.raises(UsageError, match=r"\.fsurc: line 2"):
        grammar.parse(["other"], {})


# ---- mount options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "lists", "special", "expected"),
    [
        ("ext2fs", ["ro,nosuid,nodev,noexec,async", "noatime,rump"], [], {}),
        ("ext2fs", ["noload,sb=8193"], [], {"noload": "", "sb": "8193"}),
        ("cd9660", ["nojoliet,nrr,gens,extatt,nomaplcase,rrcaseins"], [],
         dict.fromkeys(("nojoliet", "norrip", "gens", "extatt", "nomaplcase", "rrcaseins"), "")),
        ("cd9660", [""], ["-egijr"], dict.fromkeys(("extatt", "gens", "nomaplcase", "nojoliet", "norrip"), "")),
        ("msdosfs", ["gemdosfs"], [], {"shortnames": ""}),
        ("msdosfs", [""], ["-u", "5", "-g6", "-m755", "-M", "700", "-t-3600", "-s"],
         {"uid": "5", "gid": "6", "mask": "755", "dirmask": "700", "tz": "-01:00", "shortnames": ""}),
        ("msdosfs", [""], ["-l", "-o", "ro,uid=7"], {"longnames": "", "uid": "7"}),
        ("msdosfs", ["frobnicate"], [], {"frobnicate": ""}),
    ],
)  # fmt: skip
def test_mount_options(driver: str, lists: list[str], special: list[str], expected: dict[str, str]) -> None:
    assert mount_options.translate(driver, lists, special) == expected


@pytest.mark.parametrize("special", [["-z"], ["word"], ["-u"], ["-", "x"]])
def test_mount_options_there_are_not(special: list[str]) -> None:
    with pytest.raises(UsageError):
        mount_options.translate("msdosfs", [], special)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [([], False), (["ro"], True), (["rdonly,nodev"], True), (["ro", "rw"], False), (["norw"], True)],
)
def test_read_only(lists: list[str], expected: bool) -> None:
    assert mount_options.read_only(lists) is expected


def test_options_reach_the_driver(original: Original, fat_image: Path) -> None:
    def owner(*options: str) -> str:
        return original("stat", *options, fat_image, "-f", "%u:%g %Lp", "/HELLO.TXT").out.decode().strip()

    assert owner() == "0:0 644"
    assert owner("-o", "uid=5") == "5:0 644"
    assert owner("-s", "-u 5 -g 6 -m 755") == "5:6 755"
    assert owner("-t", "msdos", "-s", "-g6") == "0:6 644"
    result = original("ls", "-o", "frobnicate", fat_image)
    assert result.status == 1 and b"frobnicate" in result.err
    result = original("ls", "-s", "-z", fat_image)
    assert (result.status, result.err.splitlines()[0]) == (2, b"fsu_ls: -s -z: msdosfs has no such mount option")


def test_types(original: Original, fat_image: Path, ext4_image: Path) -> None:
    result = original("ls", "-t", "ffs", fat_image)
    assert result.status == 1 and b"fat.img: no driver for file system type ffs" in result.err
    assert original("ls", "-t", "msdos", ext4_image).status == 1
    result = original("ls", "-v", fat_image)
    assert result.out == b"Folder\nHELLO.TXT\n"
    assert result.err.decode().splitlines()[-1] == "fsu_ls: Trying with fs msdosfs"
    result = original("ls", "-vv", fat_image)
    assert f"fsu_ls: {fat_image} is not a valid ext2fs image\n".encode() in result.err


def test_what_is_wrong_with_an_image_is_said_of_the_image(original: Original, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for device in ("missing", "empty"):
        result = original("cat", tmp_path / device, "a", "b")
        assert result.status == 1
        assert result.err.count(b"\n") == 1 and result.err.startswith(f"fsu_cat: {tmp_path / device}: ".encode())
    assert original("nonsense", "x").status == 2


def test_partitions(original: Original, disk_image: Path) -> None:
    assert original("ls", f"{disk_image}@1").out == b"Folder\nHELLO.TXT\n"
    assert original("ls", f"{disk_image}@rootfs", "/etc").out == b"group\nlink\npasswd\n"


def test_reading_commands_cannot_write(original: Original, image: Path) -> None:
    """What only reads mounts read-only; -o ro keeps the others from writing."""
    before = image.read_bytes()
    for words in (["ls"], ["cat", "/lost+found"], ["find"], ["du"], ["df"], ["stat", "/"]):
        original(words[0], image, *words[1:])
    result = original("mkdir", "-o", "ro", image, "a")
    assert (result.status, result.err) == (1, b"fsu_mkdir: a: Read-only file system\n")
    assert image.read_bytes() == before
