# SPDX-License-Identifier: BSD-2-Clause
"""The first domain of a real Xen: what Xen does, a session on a disk, bodies of the conformance suite."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import disk_session
import pytest

from rump.conformance import result
from rump.servers.machine.qemu import Disk, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
HERE = Path(__file__).parent
STAMP = "11111111-2222-3333-4444-555555555555"
BODIES = ("--fs", "ext4-written", "--fs", "fat16-written", "--only", "rename_over", "--only", "data_write")
WAITS = (("poll", "False", 300), ("silence", "False", 200), ("nudge", "True", 99), ("sleep", "None", 250))


def test_what_xen_does(program):
    before = int(time.time())
    lines = program(["/features.py"], files=[("features.py", (HERE / "features.py").read_bytes())])
    facts = {name: values for name, *values in map(str.split, lines)}
    assert facts["version"][0].startswith("4.")
    assert facts["first"] == ["True", "xen"]
    assert int(facts["pages"][0]) > 100_000
    assert facts["loop"] == ["100"]
    assert int(facts["frames"][0]) >= 4
    assert facts["granted"] == ["8", "600"]
    assert facts["again"] == ["True"]
    assert facts["listen"] == ["True"]
    assert int(facts["interrupts"][0]) >= 1
    assert facts["closed"] == ["HostError", "22"]
    # Both clocks agree on how long a wait took; it is never shorter than asked for.
    for name, wanted, least in WAITS:
        said, own, xens = facts[name]
        assert said == wanted, name
        assert int(own) >= least - 1, name
        assert abs(int(own) - int(xens)) <= 20 + int(own) // 10, name
    assert int(facts["nudge"][1]) < 5000
    assert all(before - 2 <= int(value) <= time.time() + 2 for value in facts["wall"])
    assert facts["random"] == ["True"]
    assert facts["store"] == ["None"]
    assert lines[-1] == "done"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An ext4 image with a tree in it."""
    if shutil.which("mke2fs") is None:
        pytest.skip("no mke2fs here")
    folder = tmp_path_factory.mktemp("session")
    tree = folder / "tree"
    (tree / "folder" / "deeper").mkdir(parents=True)
    (tree / "hello").write_text("hello\n")
    (tree / "large").write_bytes(hashlib.shake_256(b"large").digest(700_001))
    (tree / "folder" / "deeper" / "numbers").write_text("".join(f"{number}\n" for number in range(1000)))
    (tree / "folder" / "link").symlink_to("../hello")
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    made = folder / "disk.img"
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-U", STAMP, "-E", f"hash_seed={STAMP},root_owner=0:0", "-d", tree, made, "16M"],
        check=True,
    )
    return made


@pytest.fixture(scope="module")
def on_linux(image):
    """What the session prints here, and the image as it leaves it."""
    copy = image.with_name("linux.img")
    shutil.copyfile(image, copy)
    said = []
    disk_session.session(os.fsencode(copy), "ext2fs", said.append)
    return said, copy.read_bytes()


def test_a_session_on_a_disk_in_memory(program, image, on_linux):
    """The image is loaded with the kernel; what becomes of it only the guest can tell."""
    files = [("session.py", Path(disk_session.__file__).read_bytes()), ("modules/disk", image.read_bytes())]
    said = program(["/session.py", "ramdisk0", "ext2fs"], files=files)
    assert said == on_linux[0]
    assert said[-2] == f"disk: {hashlib.sha256(on_linux[1]).hexdigest()}"


def test_a_session_on_a_disk_behind_the_iommu(program, image, on_linux, tmp_path):
    """virtio over PCI, driven by the first domain: the image comes back, and is the same as here."""
    copy = tmp_path / "xen.img"
    shutil.copyfile(image, copy)
    files = [("session.py", Path(disk_session.__file__).read_bytes())]
    said = program(["/session.py", "the-disk", "ext2fs"], files=files, disks=[Disk(str(copy), "the-disk")])
    assert said == on_linux[0]
    assert copy.read_bytes() == on_linux[1]
    subprocess.run(["e2fsck", "-fn", copy], check=True, capture_output=True)


def test_conformance_bodies(program, tmp_path):
    """A few; the whole slice is a run of its own."""
    scratch = tmp_path / "scratch.img"
    with scratch.open("wb") as file:
        file.truncate(256 << 20)
    words = ["-m", "rump.conformance", "--host", "xen", *BODIES]
    found = result.closing("\n".join(program(words, disks=[Disk(str(scratch), "scratch")], timeout=200)))
    here = subprocess.run(
        [sys.executable, "-m", "rump.conformance", "--host", "linux", *BODIES],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert found.green
    assert found.passed > 5
    assert (found.host, found.how) == ("xen", "executed")
    assert found.digest == result.closing(here.stdout).digest


def test_a_traceback_is_no_good_end(xen):
    status, log = run(xen, ["-c", "raise SystemExit(3)"], timeout=60)
    assert status == 3
    status, log = run(xen, ["-c", "1 / 0"], timeout=60)
    assert status == 1
    assert b"ZeroDivisionError" in log
