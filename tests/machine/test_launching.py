# SPDX-License-Identifier: BSD-2-Clause
"""Starting machines, as far as it needs none: command lines, the line between two programs, what is where."""

import io
import json
import os
import subprocess
import sys
import types

import pytest

from rump.fsutils import main
from rump.fsutils.elsewhere.operands import Operands
from rump.rumpuser.interface.errno import EINVAL, EOPNOTSUPP, HostError
from rump.servers.machine import description
from rump.servers.machine.description import MachineError, command_line, find
from rump.servers.machine.line import LONGEST, Line
from rump.servers.machine.metal import Metal
from rump.servers.machine.qemu import Disk

# ---- our kernel's command line ---------------------------------------------------------------------------------------


@pytest.fixture
def machinery(monkeypatch):
    """`rump.rumpuser.bare.machinery`, off the machine."""
    fake = types.ModuleType("rump.rumpuser.bare._hyper")
    fake.COMMAND_LINE, fake.MODULES = b'RUMP_NCPU=1 A="b c" -- -m x D=e', ((0, 0, b""),)
    fake.random_add, fake.random = lambda data: None, bytes
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setattr("rump.rumpuser.bare._hyper", fake, raising=False)
    monkeypatch.delitem(sys.modules, "rump.rumpuser.bare.machinery", raising=False)
    from rump.rumpuser.bare import machinery

    yield machinery
    sys.modules.pop("rump.rumpuser.bare.machinery", None)


WORDS = ["-c", "print(1, 2)", 'a "b" \\ c', "", "x=y", "tab\there", "ü"]


def test_words_survive_the_command_line(machinery):
    line = command_line(WORDS, {"A": "b c", "PYTHONHASHSEED": "0"})
    assert machinery.words(line) == ["A=b c", "PYTHONHASHSEED=0", "--", *WORDS]
    assert machinery.environment(line.encode()) == {"A": "b c", "PYTHONHASHSEED": "0"}


def test_a_platform_without_devices(machinery):
    platform = machinery.Machinery()
    assert platform.environment == {"RUMP_NCPU": "1", "A": "b c"}
    assert platform.device(b"f", False) is None
    assert platform.device(b"f", True) is platform.device(b"f", False)
    assert platform.nic(b"") is None and platform.consoles() == [] and platform.entropy(3) == bytes(3)
    assert machinery.the(machinery.Machinery) is machinery.the(machinery.Machinery)


# ---- the line --------------------------------------------------------------------------------------------------------


def test_messages():
    wire = io.BytesIO()
    line = Line(lambda length: wire.read(min(length, 3)), wire.write)
    for message in ((b"a", b""), (b"b", b"x" * 1000), (b"c", bytes(range(256)))):
        line.send(*message)
    wire.seek(0)
    assert [line.receive() for _ in range(3)] == [(b"a", b""), (b"b", b"x" * 1000), (b"c", bytes(range(256)))]
    with pytest.raises(EOFError):
        line.receive()


@pytest.mark.parametrize("data", [b"a", b"a\4\0\0\0abc", b"a" + (LONGEST + 1).to_bytes(4, "little")])
def test_what_is_no_message(data):
    wire = io.BytesIO(data)
    with pytest.raises(EOFError):
        Line(wire.read, wire.write).receive()


# ---- starting --------------------------------------------------------------------------------------------------------


def test_machines_by_name(monkeypatch):
    with pytest.raises(MachineError, match="no machine is called 'mars'; there are: metal, xen"):
        find("mars")
    monkeypatch.setattr(description, "EMULATOR", "no-such-emulator")
    with pytest.raises(MachineError, match=r"not installed \(Debian's package qemu-system-x86\)"):
        find("metal")


@pytest.mark.parametrize(
    "log, ended, status",
    [
        (b"x\r\nmetal: exit status 3\r\n", 7, 3),
        (b"metal: exit status 0\n", 1, 0),
        (b"metal: exit status 255\n", 255, 255),
        (b"metal: exit status 0\n", 0, None),
        (b"no metal: exit status 0\n", 1, None),
        (b"Traceback\n", 1, None),
        (b"", 0, None),
    ],
)
def test_a_status_is_what_log_and_emulator_agree_on(log, ended, status):
    assert Metal().status(log, ended) == status


def test_a_disk(tmp_path):
    path = tmp_path / "a,b=c.img"
    path.touch()
    back, device = Disk(str(path), "one", True).arguments(3, "virtio-blk-pci")[1::2]
    found = json.loads(back)
    assert found["file"]["filename"] == str(path) and found["read-only"] is True and found["file"]["locking"] == "off"
    assert device == "virtio-blk-pci,drive=disk3,serial=one,werror=report,rerror=report"


# ---- fsu --host ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two things that may be images, and a tree; the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "None")
    for name in ("a.img", "b.img"):
        (tmp_path / name).write_bytes(bytes(512))
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "file").write_text("text")
    (tmp_path / "tree" / "link").symlink_to("file")
    return tmp_path


def read(verb, *words):
    parsed = main.parse(verb, main.load(verb), list(words))
    return Operands(verb, list(words), parsed)


@pytest.mark.parametrize(
    "words, images, written",
    [
        (("ls", "-l", "a.img:/x", "b.img@1:/"), ["a.img", "b.img"], set()),
        (("ls", "a.img"), ["a.img"], set()),
        (("rm", "a.img:/x", "--host=metal"), ["a.img"], {"a.img"}),
        (("cp", "-a", "a.img:/x", "b.img:/y"), ["a.img", "b.img"], {"b.img"}),
        (("cp", "-t", "a.img:/", "b.img:/y"), ["a.img", "b.img"], {"a.img"}),
        (("cp", "a.img", "b.img:/"), ["b.img"], {"b.img"}),
        (("put", "tree", "a.img"), [], set()),
        (("find", "a.img:/", "-name", "x"), ["a.img"], set()),
        (("find", "a.img:/", "-delete"), ["a.img"], {"a.img"}),
        (("tar", "c", "a.img:/"), ["a.img"], set()),
        (("tar", "x", "-C", "b.img:/"), ["b.img"], {"b.img"}),
        (("chmod", "--reference=a.img:/x", "b.img:/y"), ["a.img", "b.img"], {"a.img", "b.img"}),
        (("cat", "image:a.img:/x", "-"), ["a.img"], set()),
        (("tar", "x", "-f", "a.img", "-C", "b.img:/"), ["b.img"], {"b.img"}),
        (("touch", "-r", "a.img", "b.img:/x"), ["b.img"], {"b.img"}),
        (("info", "a.img"), ["a.img"], set()),
    ],
)  # fmt: skip
def test_which_words_are_images(folder, words, images, written):
    found = read(*words)
    if words[0] != "put":
        assert (found.images, found.written) == (images, written)
    assert "--host=metal" not in found.words


def test_files_of_the_host(folder):
    found = read("cp", "-R", "tree", "a.img", "b.img:/")
    root = str(folder).lstrip("/")
    assert found.files == [(f"{root}/tree/file", b"text"), (f"{root}/a.img", bytes(512))]
    assert found.size == 516
    entries = [entry.split(b"\0") for entry in found.entries]
    names = (("tree", b""), ("tree/file", b""), ("tree/link", b"file"), ("tree/sub", b""), ("a.img", b""))
    wanted = [(os.fsencode(folder / name), target) for name, target in names]
    assert [(entry[4], entry[5]) for entry in entries] == wanted


@pytest.mark.parametrize(
    "words, said",
    [
        ("get a.img:/x .", "needs this host's files or programs"),
        ("edit a.img:/x", "needs this host's files or programs"),
        ("cp a.img:/x out", "out: files of this host cannot be written there"),
        ("mv tree a.img:/", "files of this host stay where they are"),
        ("tar cf out.tar a.img:/", "an archive goes to standard output"),
        ("tar x -f x.tar -C tree", "an archive is extracted into an image"),
        ("ls --trace a.img:/", "--trace does not go with --host metal"),
    ],
)
def test_what_is_not_there(folder, words, said):
    out, errors = io.BytesIO(), io.BytesIO()
    verb, *rest = words.split()
    assert main.main(["--host", "metal", verb, *rest], out, errors) == 2
    assert said in errors.getvalue().decode() and out.getvalue() == b""


def test_without_an_emulator(folder):
    """Nothing is tried, and it says what to install."""
    environment = {"PATH": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "rump.fsutils", "--host", "metal", "ls", "a.img:/"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        b"fsu ls: --host metal: qemu-system-x86_64 is not installed (Debian's package qemu-system-x86)\n"
    )


# ---- windows ---------------------------------------------------------------------------------------------------------


def test_a_window_keeps_to_itself():
    from rump.rumpuser.bare.memory import MemoryFile
    from rump.rumpuser.bare.window import Window
    from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, FT_BLK

    device = MemoryFile(bytes(4096), FT_BLK)
    window = Window(device, 1024, 1000)
    window.write(memoryview(b"x" * 1000), 0)
    assert device.data == bytes(1024) + b"x" * 1000 + bytes(4096 - 2024)
    buffer = bytearray(2)
    assert window.submit([(BIO_READ, memoryview(buffer), 998), (BIO_WRITE, memoryview(b"y"), 0)]) == [0, 0]
    assert buffer == b"xx" and device.data[1024] == ord("y")
    for offset, length in ((999, 2), (-1, 1)):
        with pytest.raises(HostError) as caught:
            window.write(memoryview(bytes(length)), offset)
        assert caught.value.errno == EINVAL
    with pytest.raises(HostError) as caught:
        window.discard(0, 512)
    assert caught.value.errno == EOPNOTSUPP
    for start, size in ((100, 10), (0, 4097), (-512, 512)):
        with pytest.raises(HostError):
            Window(device, start, size)
