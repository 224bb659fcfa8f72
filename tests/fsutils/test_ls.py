# SPDX-License-Identifier: BSD-2-Clause
"""`fsu ls`: held against the host's own ls where there is GNU's."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rump.fsutils.main import main

from .conftest import IS_ROOT, Fsu


def gnu_ls(tree: Path, *flags: str) -> bytes:
    """What the host's ls says of the tree."""
    ls = shutil.which("ls")
    if ls is None or b"GNU" not in subprocess.run([ls, "--version"], capture_output=True, check=False).stdout:
        pytest.skip("needs GNU ls")
    environment = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"]}
    done = subprocess.run([ls, *flags, "."], cwd=tree, env=environment, capture_output=True, check=True)
    return done.stdout


def without(lines: bytes, *words: bytes) -> list[bytes]:
    """Lines but for those with one of the words in them."""
    return [line for line in lines.split(b"\n") if not any(word in line for word in words)]


@pytest.mark.parametrize("flags", ["-1", "-A", "-r", "-F", "-p", "-AF", "-X", "-S", "-b", "-q", "-1Sr"])
def test_short_listings_are_those_of_the_host(fsu: Fsu, tree: Path, ext4_image: Path, flags: str) -> None:
    result = fsu("ls", flags, ext4_image)
    assert (result.status, result.err) == (0, b"")
    directories = (b"lost+found", b"deep", b"etc", b"scratch", b"shared") if "S" in flags else (b"lost+found",)
    assert without(result.out, *directories) == without(gnu_ls(tree, flags), *directories)


@pytest.mark.parametrize("flags", ["-ln", "-lnA", "-lnr", "-no", "-ng", "-lnF", "-ln --time-style=long-iso",
                                   "-ln --time-style=iso"])  # fmt: skip
def test_long_listings_are_those_of_the_host(fsu: Fsu, tree: Path, ext4_image: Path, flags: str) -> None:
    """Directories differ in size and place; what is compared are the other lines, spaces squeezed."""
    result = fsu("ls", *flags.split(), "-N", ext4_image)
    assert (result.status, result.err) == (0, b"")

    def rows(text: bytes) -> list[bytes]:
        return [b" ".join(line.split()) for line in without(text, b"lost+found", b"total") if line[:1] != b"d"]

    assert rows(result.out) == rows(gnu_ls(tree, *flags.split()))


def test_columns_are_as_wide_as_they_must_be(fsu: Fsu, ext4_image: Path) -> None:
    lines = fsu("ls", "-ln", f"{ext4_image}:/etc").out.splitlines()
    assert lines[0].startswith(b"total ")
    assert lines[1].endswith(b" group") and lines[2].endswith(b" link -> passwd")
    assert len({line.index(name) for line, name in zip(lines[1:], (b"group", b"link", b"passwd"), strict=True)}) == 1


def test_recursion_has_headings_that_can_be_typed_again(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("ls", "-R", f"{ext4_image}:/deep").out.decode()
    image = str(ext4_image)
    assert out == (
        f"{image}:/deep:\ner\n\n{image}:/deep/er:\nand\n\n{image}:/deep/er/and:\ndeeper\n\n"
        f"{image}:/deep/er/and/deeper:\ntreasure\n"
    )


def test_files_go_before_directories(fsu: Fsu, ext4_image: Path) -> None:
    directory, file = f"{ext4_image}:/etc", f"{ext4_image}:/empty"
    assert fsu("ls", directory, file).out.decode() == f"{file}\n\n{directory}:\ngroup\nlink\npasswd\n"


def test_dot_files(fsu: Fsu, ext4_image: Path) -> None:
    assert b".hidden" not in fsu("ls", ext4_image).out
    assert fsu("ls", "-a", f"{ext4_image}:/etc").out.split() == [b".", b"..", b"group", b"link", b"passwd"]
    assert b".hidden" in fsu("ls", "-A", ext4_image).out


def test_symbolic_link_operands(fsu: Fsu, ext4_image: Path) -> None:
    link = f"{ext4_image}:/etc/link"
    assert fsu("ls", "-ln", link).out.decode().endswith(f"{link} -> passwd\n")
    assert fsu("ls", "-lnL", link).out.startswith(b"-rw")
    assert fsu("ls", f"{ext4_image}:/absolute").out.decode() == f"{ext4_image}:/absolute\n"


def test_owners(fsu: Fsu, ext4_image: Path) -> None:
    if not IS_ROOT:
        pytest.skip("the tree has one owner only")
    assert b" 2 1234 567 262144 Sep 9 2001 " in squeezed(fsu("ls", "-l", ext4_image).out)
    named = squeezed(fsu("ls", "-l", "--names", "image", ext4_image).out)
    assert b" ann staff " in named and b" root root " in named and b" 70000 80000 " in named


def squeezed(text: bytes) -> bytes:
    return b"\n".join(b" ".join(line.split()) for line in text.split(b"\n"))


def test_device_numbers(fsu: Fsu, ext4_image: Path) -> None:
    if not IS_ROOT:
        pytest.skip("needs device nodes")
    out = fsu("ls", "-l", ext4_image).out
    assert b" 259, 300 " in out and b"   1,   3 " in out


def test_inodes_and_space(fsu: Fsu, ext4_image: Path) -> None:
    by_name = {line.split()[1]: line.split()[0] for line in fsu("ls", "-i", f"{ext4_image}:/etc").out.splitlines()}
    assert int(by_name[b"passwd"]) > 10
    assert b"\n256 data\n" in squeezed(fsu("ls", "-s", ext4_image).out)
    assert fsu("ls", "-sh", ext4_image).out.splitlines()[0].startswith(b"total ")
    assert any(line.split() == [b"256K", b"data"] for line in fsu("ls", "-sh", ext4_image).out.splitlines())


def test_newest_first(fsu: Fsu, ext4_image: Path) -> None:
    names = fsu("ls", "-tb", ext4_image).out.splitlines()
    assert names[-5:] == [b"data", b"same\\ data", b"empty", b"etc", b"shared"]
    assert fsu("ls", "-trb", ext4_image).out.splitlines() == names[::-1]


def test_several_files_are_one_list(fsu: Fsu, ext4_image: Path) -> None:
    files = [f"{ext4_image}:/{name}" for name in ("program", "data")]
    lines = fsu("ls", "-ln", *files).out.decode().splitlines()
    assert [line.split()[-1] for line in lines] == files[::-1]
    assert len({line.index(str(ext4_image)) for line in lines}) == 1


def test_times_to_the_nanosecond(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("ls", "--full-time", f"{ext4_image}:/data").out
    assert b" 2001-09-09 01:46:40.123456789 +0000 " in out
    assert b" 2001-09-09 01:46:40.123456790 +0000 " in fsu("ls", "--full-time", "-u", f"{ext4_image}:/data").out
    assert b" in 2001 " in fsu("ls", "-l", "--time-style=+in %Y", f"{ext4_image}:/data").out


def test_colours(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("ls", "--color=always", "-F", ext4_image).out
    assert b"\033[01;34metc\033[0m/\n" in out
    assert b"\033" not in fsu("ls", "--color=auto", f"{ext4_image}:/etc").out


class Terminal(io.BytesIO):
    """Output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_no_control_characters(ext4_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    assert main(["ls", "--color=never", str(ext4_image)], out, io.BytesIO()) == 0
    text = out.getvalue()
    assert b"'two'$'\\n''lines'" in text and b"''$'\\033''[31mred'" in text and b"'not utf-8 '$'\\377'" in text
    assert "'Grüße 世界'".encode() in text
    assert not any(byte < 32 and byte != 10 for byte in text)
    assert all(len(line.decode()) <= 40 for line in text.splitlines() if b"xxx" not in line)


def test_json(fsu: Fsu, ext4_image: Path) -> None:
    rows = [json.loads(line) for line in fsu("ls", "--json", "-R", ext4_image).out.splitlines()]
    by_name = {row["name"]: row for row in rows}
    assert by_name["treasure"]["path"] == f"{ext4_image}:/deep/er/and/deeper/treasure"
    assert by_name["passwd"]["type"] == "file" and by_name["link"]["target"] == "passwd"
    assert by_name["data"]["mtime_ns"] == 1_000_000_000_123_456_789 and by_name["data"]["size"] == 1 << 18
    odd = next(row for row in rows if "name_b64" in row)
    assert base64.b64decode(odd["name_b64"]) == b"not utf-8 \xff"


def test_what_is_missing_is_said(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    result = fsu("ls", f"{ext4_image}:/nowhere", f"{ext4_image}:/etc")
    assert result.status == 1
    assert result.err.decode() == f"fsu ls: {ext4_image}:/nowhere: No such file or directory\n"
    assert b"passwd" in result.out
    result = fsu("ls", tmp_path / "none.img")
    assert (result.status, result.err.decode()) == (1, f"fsu ls: {tmp_path}/none.img: No such file or directory\n")


def test_partitions(fsu: Fsu, disk_image: Path) -> None:
    for name in ("1", "efi", "name=efi", "type=efi", "STICK", "label=STICK"):
        result = fsu("ls", f"{disk_image}@{name}")
        assert (result.status, result.out) == (0, b"Folder\nHELLO.TXT\n"), name
    for name in ("2", "rootfs", "treasury", "uuid=01234567-89ab-cdef-0123-456789abcdef"):
        assert fsu("ls", f"{disk_image}@{name}:/etc").out == b"group\nlink\npasswd\n", name


def test_a_partition_must_be_chosen(fsu: Fsu, disk_image: Path) -> None:
    result = fsu("ls", disk_image)
    assert result.status == 1
    assert b"several partitions hold file systems" in result.err
    assert b'1 "efi"' in result.err and b'2 "rootfs"' in result.err
    result = fsu("ls", f"{disk_image}@home:/")
    assert result.status == 1 and b'no partition "home"' in result.err and b'2 "rootfs"' in result.err


def test_what_is_no_file_system_is_named(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "secret.img"
    image.write_bytes(b"LUKS\xba\xbe\x00\x02" + bytes(1 << 20))
    result = fsu("ls", image)
    assert result.status == 1 and b"LUKS2" in result.err
    image.write_bytes(bytes(1 << 20))
    result = fsu("ls", image)
    assert result.status == 1 and b"no file system" in result.err


def test_host_directories_are_no_images(fsu: Fsu, tmp_path: Path) -> None:
    result = fsu("ls", tmp_path)
    assert result.status == 1 and b"directory of the host" in result.err


def test_links_that_lead_nowhere_are_said(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("ls", "-lL", ext4_image)
    assert result.status == 1
    assert result.err.count(b"No such file or directory") >= 2 and f"{ext4_image}:/dangling: ".encode() in result.err
    line = next(line for line in result.out.splitlines() if line.endswith(b" dangling"))
    assert line.split() == [b"??????????", b"?", b"?", b"?", b"?", b"?", b"dangling"]


def test_fat(fsu: Fsu, fat_image: Path) -> None:
    lines = fsu("ls", "-lR", fat_image).out.decode().splitlines()
    assert lines[0] == f"{fat_image}:/:" and lines[2].startswith("drwx") and lines[2].endswith(" Folder")
    assert fsu("ls", f"{fat_image}:/FOLDER").out == b"A longer name.txt\n"


def test_colours_as_the_environment_says() -> None:
    from rump.fsutils.listing.color import Colors

    colors = Colors("di=01;33:*.tar=35:*.gz=36:*.tar.gz=37:*README=38:ex=0:fi=00:bad=\033[0m:ow=:no colon")
    show = lambda name, mode: colors.show(name, mode, name)  # noqa: E731
    assert show(b"x", 0o040755) == b"\033[01;33mx\033[0m"
    assert show(b"x", 0o040777) == b"\033[01;33mx\033[0m"
    assert show(b"a.tar", 0o100644) == b"\033[35ma.tar\033[0m"
    assert show(b"a.tar.gz", 0o100644) == b"\033[37ma.tar.gz\033[0m"
    assert show(b"my README", 0o100644) == b"\033[38mmy README\033[0m"
    assert show(b"a", 0o100644) == b"a" and show(b"a", 0o100755) == b"a"
    assert colors.show(b"a b.tar", 0o100644, b"'a b.tar'") == b"\033[35m'a b.tar'\033[0m"


def test_orders_and_names(fsu: Fsu, image: Path) -> None:
    names = ["a10", "a9", "b", "two words", "it's", ".h", "c~"]
    fsu("touch", *(f"{image}:/{name}" for name in names))

    def ls(*words: str) -> list[str]:
        return fsu("ls", "-I", "lost+found", *words, image).out.decode().splitlines()

    assert ls("-v")[:3] == ["a9", "a10", "b"] and ls("--sort=version", "-r")[-1] == "a9"
    assert ls("--sort=width")[:3] == ["b", "a9", "c~"]
    assert ls("--hide=*~", "--ignore=[ab]*") == ["it's", "two words"] and "c~" in ls("-A", "--hide=*~")
    assert ls("-Q", "-I", "[abc]*") == ['"it\'s"', '"two words"']
    assert ls("--quoting-style=shell", "-I", "[abc]*") == ['"it\'s"', "'two words'"]
    assert ls("--quoting-style=shell-always", "-I", "[abt]*") == ["'c~'", "'it'\\''s'"]
    assert ls("-b", "-I", "[abci]*") == ["two\\ words"]
    fsu("touch", "-a", "-d", "2001-02-03", f"{image}:/b")
    assert ls("--time=atime", "--sort=time")[-1] == "b"
    assert "2001-02-03" in fsu("ls", "-l", "--time=access", "--time-style=long-iso", f"{image}:/b").out.decode()
    assert "2001" not in fsu("ls", "-l", "--time=birth", "--time-style=long-iso", f"{image}:/b").out.decode()


def test_colour_is_for_terminals(ext4_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LS_COLORS", raising=False)

    def colored(*words: str) -> bool:
        out = Terminal()
        assert main(["ls", *words, str(ext4_image)], out, io.BytesIO()) == 0
        return b"\033[" in out.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colored() and colored("--color=auto") and not colored("--color=never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored() and colored("--color")


def test_sideways_columns_fit() -> None:
    from rump.fsutils.listing.columns import arrange

    names = [b"n%d" % number * (1 + number % 7) for number in range(100)]
    for screen in (1, 30, 80, 1000):
        lines = arrange(names, [len(name) for name in names], screen)
        assert sorted(name for line in lines for name in line.split()) == sorted(names)
        assert all(len(line) <= screen for line in lines) or screen == 1
    assert arrange([], [], 80) == []


def test_deep_trees() -> None:
    """More levels than descriptors: the way back is through "..", and no directory is entered twice."""
    from rump.fsutils.descent import KEPT, Descent
    from rump.kernel import boot
    from rump.rumpuser.host import default

    with boot(default()) as kernel:
        lwp = kernel.lwp
        lwp.mkdir(b"/deep", 0o755)
        lwp.mount("tmpfs", b"/deep")
        lwp.chdir(b"/deep")
        for _ in range(2 * KEPT):
            lwp.mkdir(b"d", 0o755)
            lwp.chdir(b"d")
        descent = Descent(lwp, b"/deep")
        before = [lwp.fstat(descent.fd).st_ino]
        for _ in range(2 * KEPT):
            descent.enter(b"d", lwp.fstatat(descent.fd, b"d").st_ino)
            before.append(lwp.fstat(descent.fd).st_ino)
        with pytest.raises(OSError):
            descent.enter(b"d", before[0])
        while descent.fd >= 0:
            assert lwp.fstat(descent.fd).st_ino == before.pop()
            descent.leave()
        assert not before
