# SPDX-License-Identifier: BSD-2-Clause
"""The original's programs at work: transcripts of all of them on an image made by mke2fs, and comparisons with the
host's own tools on the same tree."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import OLD, Original, Result, call, check, tool

GOLDEN = Path(__file__).with_name("golden") / "original.txt"
EPOCH = 1_000_000_000


def _tree(root: Path) -> None:
    """A small tree, the same everywhere but for inode numbers and the time it was made."""
    for name in ("etc", "bin", "home/ann", "a/b/c"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:*:0:0::/root:/bin/sh\nann:*:1000:100::/home/ann:/bin/sh\n")
    (root / "etc/group").write_text("wheel:*:0:\nstaff:*:100:ann\n")
    (root / "etc/motd").write_text("welcome\n\n\n\tto this image\x01\n")
    (root / "bin/sh").write_bytes(bytes(range(256)) * 20)
    os.link(root / "bin/sh", root / "bin/ksh")
    (root / "home/ann/notes").write_text("buy milk\n")
    (root / "home/ann/.profile").write_text("PATH=/bin\n")
    (root / "home/ann/two\nlines").write_text("x")
    (root / "link").symlink_to("etc/motd")
    (root / "home/bob").symlink_to("ann")
    (root / "a/b/c/deep").write_text("deep\n")
    os.mkfifo(root / "pipe", 0o640)
    for number, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o640 if path.is_fifo() else 0o644)
        os.utime(path, ns=(OLD, (EPOCH + number * 86400) * 10**9), follow_symlinks=False)


@pytest.fixture(scope="module")
def host_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree on the host."""
    root = tmp_path_factory.mktemp("original") / "tree"
    root.mkdir(mode=0o755)
    _tree(root)
    return root


@pytest.fixture(scope="module")
def made(host_tree: Path) -> Path:
    """An ext4 image of it, not to be changed."""
    image = host_tree.parent / "disk.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^has_journal", "-U",
         "01234567-89ab-cdef-0123-456789abcdef", "-E", "root_owner=0:0", "-d", host_tree, image, "4M")  # fmt: skip
    return image


@pytest.fixture
def disk(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the current directory, which may be written to; clean when the test is over."""
    path = tmp_path / "disk.img"
    path.write_bytes(made.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH + 10 * 365 * 86400))
    return path


SCRIPT = """
chown disk.img -Rh 0:0 .
chown disk.img -R ann:staff home/ann
ls disk.img
ls disk.img -a home/ann
ls disk.img -l etc
ls disk.img -lT etc/motd link pipe
ls disk.img -lg bin
ls disk.img -ln home/ann
ls disk.img -ls bin
ls disk.img -lsk bin
ls disk.img -lsh bin
ls disk.img -RF a home
ls disk.img -m etc
ls disk.img -x etc
ls disk.img -C1 etc
ls disk.img -1Cr etc
ls disk.img -dF link pipe a
ls disk.img -tr /
ls disk.img -S bin etc
ls disk.img -p
ls disk.img -B home/ann
ls disk.img -b home/ann
ls disk.img -q home/ann
ls disk.img -w home/ann
ls disk.img -lo etc/motd
ls disk.img -lL link
ls disk.img -WAuc etc
ls disk.img nothing
cat disk.img etc/motd home/ann/notes
cat disk.img -n etc/motd
cat disk.img -bs etc/motd
cat disk.img -et etc/motd
cat disk.img -v nothing etc
cp disk.img etc/motd new
cp disk.img -p etc/motd a
cp disk.img -R etc backup
cp disk.img -R home a
cp disk.img -v etc/motd a
cp disk.img -i etc/motd new < y
cp disk.img -i etc/group new < n
cat disk.img new
cp disk.img -if etc/group new
cat disk.img new
cp disk.img -N etc nowhere
mv disk.img new newer
mv disk.img -i newer backup/motd < n
mv disk.img -v newer backup
ls disk.img -l backup
ln disk.img -s etc/passwd users
ln disk.img etc/passwd hard
ln disk.img -sv nowhere users
ln disk.img -sfv etc/group users
ln disk.img -sih etc/motd users < y
ln disk.img -s /etc/motd
readlink disk.img users motd
mkdir disk.img -m 700 d
mkdir disk.img d x/y
mkdir disk.img -p x/y/z
rmdir disk.img x
rmdir disk.img -p x/y/z
touch disk.img -t 200109090146.40 d/new
touch disk.img -m -r etc/motd d/new
touch disk.img -c d/not
touch disk.img -h -t 200101010000 users
ls disk.img -lT d users
chmod disk.img -R u+x,go-r d
chmod disk.img 4711 d/new
chmod disk.img -x bin/sh
chmod disk.img -h 600 nothing
chmod disk.img -f 600 nothing
ls disk.img -l d bin
chown disk.img -v 5:6 d/new
chown disk.img nobody d/new
chgrp disk.img -R staff d
chgrp disk.img -h 7 users
ls disk.img -l d users
chflags disk.img schg,nodump d/new
chflags disk.img hidden d/new
ls disk.img -lo d
rm disk.img d/new
chflags disk.img -R noschg,dump d
stat disk.img -f '%N %z %p %OLp %Sp %u:%g %SHp %m %Sm' etc/motd
stat disk.img -f '%#Xz|%10z|%-6l|%05u|%.3N|%HT|%T|%Sf%n' -n d users
stat disk.img -t %Y -f '%N %Sm' etc/motd
stat disk.img -F etc/motd link bin/sh
stat disk.img -l link
stat disk.img -L -f %z link
stat disk.img -q nothing
stat disk.img nothing
readlink disk.img link
readlink disk.img -n link
readlink disk.img -f home/bob/notes
readlink disk.img -f '%N is %Y' link
readlink disk.img etc/motd
readlink disk.img -v etc/motd
find disk.img a
find disk.img . -name '*o*' -type f
find disk.img -E . -regex '.*/(sh|ksh)'
find disk.img . -regex '.*/k\\{0,1\\}sh'
find disk.img -d a backup -type d
find disk.img . -user ann
find disk.img . -nouser -o -nogroup
find disk.img . -newer etc/motd -type d
find disk.img -L home -name notes
find disk.img -X home -name '*s'
find disk.img -f bin -x -- -printf '%p %s %m\\n' -o -print0
find disk.img bin -printx
find disk.img . -flags nodump -print -o -fstype ext2fs -depth 1 -name m*
find disk.img . -name sh -exit 3
find disk.img . -mnewer
du disk.img a bin
du disk.img -a a
du disk.img -sk .
du disk.img -ch -d 0 a bin
du disk.img -n a
du disk.img -sL home/bob
df disk.img -t ffs
df disk.img -Z
diff disk.img etc backup
diff disk.img -u etc/motd backup/group
diff disk.img etc etc
diff disk.img etc nothing
write disk.img note < hello
write disk.img -a note < again
cat disk.img note
write disk.img note < short
cat disk.img note
write disk.img nowhere/note < x
mkfifo disk.img -m 600 p q
mkfifo disk.img p
mknod disk.img -m 660 -u ann -g staff tty c 5 0
mknod disk.img -F bsdos -r ra0 b 1 2 3
mknod disk.img tty c 5 0
mknod disk.img -R -m 600 tty c 5 0
mknod disk.img -r p p
mknod disk.img z x 1 2
ls disk.img -l p tty ra0
rm disk.img -i p q < y n
rm disk.img -rv a/b
rm disk.img -d a etc
rm disk.img backup nothing
rm disk.img -f nothing
rm disk.img -P hard note
rm disk.img -W hard
rm disk.img -ri d < yn
exec disk.img sed -i s/milk/bread/ home/ann/notes
cat disk.img home/ann/notes
exec disk.img sh -c 'wc -c < $0; exit 3' home/ann/notes
ecp disk.img -g etc/motd out
ecp disk.img etc/motd out
get disk.img home/ann/notes got
get disk.img home got
get disk.img -R home/ann got.d
get disk.img -v home/ann/notes got
put disk.img got put
put disk.img -R got.d home/again
put disk.img -v got nothing home
emv disk.img -p got home/moved
emv disk.img -gv home/moved moved
ls disk.img -laR home
"""


def _words(line: str) -> tuple[str, list[str], bytes]:
    """A line as (program, arguments, standard input: words, one to a line)."""
    command, _, stdin = line.partition(" < ")
    if "wc -c" in line:
        command, stdin = line, ""
    name, *arguments = shlex.split(command)
    return name, arguments, "".join(word + "\n" for word in stdin.split()).encode()


def _shown(line: str, result: Result) -> str:
    """A command and what came of it."""
    out = "".join(f"  {text}\n" for text in result.out.decode("utf-8", "backslashreplace").splitlines())
    err = "".join(f"! {text}\n" for text in result.err.decode().splitlines())
    return f"$ fsu_{line}\n{out}{err}" + (f"= {result.status}\n" if result.status else "")


def _transcript(original: Original) -> str:
    lines = [line for line in SCRIPT.splitlines() if line]
    text = []
    for line in lines:
        name, arguments, stdin = _words(line)
        text.append(_shown(line, original(name, *arguments, stdin=stdin)))
    return re.sub(r"\bfsu-edit-\w+", "fsu-edit", "".join(text))


def test_transcript(original: Original, disk: Path) -> None:
    """What all the programs do and say, word for word.

    With UPDATE_GOLDEN in the environment the golden file is written instead.
    """
    umask = os.umask(0o022)
    try:
        text = _transcript(original)
    finally:
        os.umask(umask)
    check(disk)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_the_transcript_has_every_program() -> None:
    from rump.fsutils.original.programs import PROGRAMS

    assert {line.split()[0] for line in SCRIPT.splitlines() if line} == set(PROGRAMS)


# ---- beside the host's own tools -------------------------------------------------------------------------------------


def _host(cwd: Path, *words: str) -> str:
    """What a program of the host prints there."""
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "COLUMNS": "40"}
    environment.pop("BLOCKSIZE", None)
    done = subprocess.run([tool(words[0]), *words[1:]], cwd=cwd, capture_output=True, env=environment, check=False)
    return done.stdout.decode()


@pytest.mark.parametrize(
    "words",
    [
        "-C a etc home", "-x . etc", "-m etc .", "-1 home/ann", "-F link pipe bin/sh etc", "-p -d link etc", "-r etc",
        "-a home/ann", "-A home/ann", "-R a home", "-t etc bin", "-S etc bin", "-tr etc", "-q home/ann", "-b home/ann",
        "-RF home", "-dF link etc", "-CF home/ann", "-xF etc home",
    ],
)  # fmt: skip
def test_ls_is_as_the_hosts(
    words: str, original: Original, made: Path, host_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    ours = original("ls", made, *words.split()).out.decode()
    ours = re.sub(r"^lost\+found\n", "", ours, flags=re.M)
    if words[:2] in ("-x", "-m"):
        assert sorted(re.findall(r"[\w+./:]+", ours.replace("lost+found", ""))) == sorted(
            re.findall(r"[\w+./:]+", _host(host_tree, "ls", *words.split())))  # fmt: skip
        return
    assert ours == _host(host_tree, "ls", *words.split())


@pytest.mark.parametrize(
    "words",
    [
        "a home -name n*", ". -name lost+found -prune -o -type l -print", "home -type f -o -name b*", "-d a",
        "-d a home -type d", "-L home -type f", "-H home/bob -name notes", "etc -newer etc/motd",
        "bin -size +8 -perm -100", "home -depth -name *s",
        "etc -maxdepth 0", "etc -mindepth 1 -not -name m*", "bin -links 2", "-E etc -regex .*/(group|motd)",
        "etc -regex .*/m.*", "a etc -regex [[:alpha:]]*/b", "etc -regex .*(.*", "-E bin -regex .*/k?sh", "a -empty",
    ],
)  # fmt: skip
def test_find_is_as_the_hosts(words: str, original: Original, made: Path, host_tree: Path) -> None:
    """GNU find, given -regextype and -depth where NetBSD's has -E and -d; the order is that of names."""
    mine = words.split()
    ours = original("find", made, *mine)
    assert ours.err == b""
    letters = [word for word in mine[:1] if word in ("-d", "-E")]
    rest = mine[len(letters):]
    links = [word for word in rest[:1] if word in ("-L", "-H")]
    rest = rest[len(links):]
    paths = next((i for i, word in enumerate(rest) if word[0] == "-"), len(rest))
    kind = "posix-extended" if "-E" in letters else "posix-basic"
    depth = ["-depth"] if "-d" in letters else []
    theirs = _host(host_tree, "find", *links, *rest[:paths], *depth, "-regextype", kind, *rest[paths:])
    assert sorted(ours.out.decode().splitlines()) == sorted(theirs.splitlines())
    assert ours.out or words in ("a -empty", "etc -regex .*(.*")


@pytest.mark.parametrize("words", ["a home", "-d 1 .", "-s a bin home", "-c a", "-ac a", "-L home/bob", "-H home/bob"])
def test_du_shows_what_the_hosts_does(words: str, original: Original, made: Path, host_tree: Path) -> None:
    """The same names, in the same order but for that of siblings; the file systems take different space."""
    ours = original("du", made, *words.split()).out.decode()
    theirs = _host(host_tree, "du", *words.split())
    names = [re.sub(r"(?m)^\d+\t", "", text).replace("./lost+found\n", "") for text in (ours, theirs)]
    assert sorted(names[0].splitlines()) == sorted(names[1].splitlines())


@pytest.mark.parametrize("path", ["etc/motd", "bin/sh", "link", "home", "pipe", "home/ann/.profile"])
def test_stat_says_what_the_host_does(path: str, original: Original, made: Path, host_tree: Path) -> None:
    there = os.lstat(host_tree / path)
    owner = f"{there.st_uid} {there.st_gid}"
    result = original("stat", made, "-f", "%p %OLp %Mp %OHp %l %u %g %m %N %Y %#p %Xp", path)
    mode = there.st_mode
    target = os.readlink(host_tree / path) if path == "link" else ""
    assert result.out.decode() == (
        f"{mode:o} {mode & 0o777:o} {mode >> 9 & 7:o} {mode >> 12:o} {there.st_nlink} {owner} "
        f"{there.st_mtime_ns // 10**9} {path} {target} 0{mode:o} {mode:x}\n"
    )
    shell = original("stat", made, "-s", path).out.decode().split()
    assert f"st_mode=0{mode:o}" in shell and f"st_mtime={there.st_mtime_ns // 10**9}" in shell
    assert len(original("stat", made, "-r", path).out.split()) == 16
    assert len(original("stat", made, "-x", path).out.splitlines()) == 7
    assert original("stat", made, path).out.endswith(f" {path}\n".encode())


def test_df_says_what_statvfs_does(original: Original, made: Path) -> None:
    fields = dict(line.split(None, 1) for line in original("df", made, "-G").out.decode().splitlines()[1:])
    assert fields["frsize"] == "1024" and fields["fstypename"] in ("ext2fs", "ext4")
    blocks, free = int(fields["blocks"]), int(fields["bfree"])
    for letters, unit in (("", 512), ("-k", 1024), ("-m", 1 << 20), ("-g", 1 << 30)):
        words = [letters] if letters else []
        row = original("df", made, *words, "/").out.decode().splitlines()[1].split()
        assert row[1:3] == [str(-(-blocks * 1024 // unit)), str(-(-(blocks - free) * 1024 // unit))]
    row = original("df", made, "-ik").out.decode().splitlines()[1].split()
    assert row[1] == str(blocks) and row[5] == fields["files"] and len(row) == 9
    assert len(original("df", made, "-t", "msdos,ext3").out.splitlines()) == 2
    assert original("df", made, "-t", "noext4").out == b""


def test_the_trees_are_the_same(original: Original, disk: Path, host_tree: Path) -> None:
    """Out of the image and into it again: the host's diff and ours find nothing."""
    assert original("get", disk, "-R", "etc", "bin", "home", "a", ".").status == 0
    for name in ("etc", "bin", "home", "a"):
        assert _host(disk.parent, "diff", "-r", "--no-dereference", name, str(host_tree / name)) == ""
    assert os.stat("bin/sh").st_ino == os.stat("bin/ksh").st_ino
    assert os.stat("home/ann/notes").st_mtime_ns == os.stat(host_tree / "home/ann/notes").st_mtime_ns
    assert original("mkdir", disk, "again").status == 0
    assert original("put", disk, "-R", "etc", "bin", "home", "a", "again").status == 0
    for name in ("etc", "bin", "home", "a"):
        assert original("diff", disk, "-r", "--attributes=mode,owner,times", name, f"again/{name}") == (0, b"", b"")
    check(disk)


def test_emv_moves(original: Original, disk: Path) -> None:
    before = original("cat", disk, "bin/sh").out
    assert original("emv", disk, "-g", "bin", "out").status == 0
    assert original("ls", disk, "bin").status == 1 and Path("out/sh").read_bytes() == before
    assert original("emv", disk, "-p", "out", "back").status == 0
    assert not Path("out").exists() and original("cat", disk, "back/ksh").out == before
    check(disk)


def test_a_process_goes_by_its_name(disk: Path, tmp_path: Path) -> None:
    script = tmp_path / "fsu_ls"
    script.write_text(f"#!{sys.executable}\nfrom rump.fsutils.original.main import main\nmain()\n")
    script.chmod(0o755)
    done = subprocess.run([script, disk, "-1", "etc"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"group\nmotd\npasswd\n", b"")
    done = subprocess.run([script, "--", disk], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith(b"fsu_ls: which image?\n")


def test_long_options_are_the_verbs(original: Original, disk: Path) -> None:
    assert original("ls", disk, "--json", "etc").out.count(b'"name"') == 3
    assert original("chown", disk, "1000:100", "etc/motd").status == 0
    assert original("ls", disk, "-l", "--names=image", "etc/motd").out.split()[2:4] == [b"ann", b"staff"]
    assert original("ls", disk, "--frobnicate", "etc").status == 2


def test_patterns_are_names(original: Original, disk: Path) -> None:
    """Nothing is expanded inside the image: a shell's own patterns came expanded, or quoted."""
    assert original("touch", disk, "a*").status == 0
    assert original("rm", disk, "a*").status == 0
    assert original("ls", disk, "-d", "a").out == b"a\n"
    assert original("rm", disk, "etc/*").status == 1


def test_recursion_follows_no_link_unless_told(original: Original, disk: Path) -> None:
    def mode(path: str) -> str:
        return original("stat", disk, "-f", "%OLp", path).out.decode().strip()

    assert original("chmod", disk, "-R", "700", "home/bob").status == 0
    assert original("chmod", disk, "-RP", "700", "home").status == 0
    assert (mode("home/ann/notes"), mode("etc/motd")) == ("700", "644")
    assert original("chmod", disk, "-RH", "750", "home/bob").status == 0 and mode("home/ann/notes") == "750"
    assert original("ln", disk, "-s", "../etc/motd", "home/motd").status == 0
    assert original("chmod", disk, "-R", "711", "home").status == 0 and mode("etc/motd") == "644"
    assert original("chmod", disk, "-RL", "711", "home").status == 0 and mode("etc/motd") == "711"
    assert original("chmod", disk, "-R", "600", "home/bob").status == 0 and mode("home/ann/notes") == "711"
