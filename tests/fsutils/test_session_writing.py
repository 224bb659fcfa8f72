# SPDX-License-Identifier: BSD-2-Clause
"""Sessions that write: in use, interrupted, with errors at the end, without syncing, reproducible to the byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rump.fsutils import tracing
from rump.fsutils.operand import parse
from rump.fsutils.session import Options, Session
from rump.rumpuser.host import default
from rump.rumpuser.interface.errno import EIO, HostError
from rump.rumpuser.middleware.nosync import NoSync
from rump.rumpuser.middleware.thin import Thin

from .conftest import OLD, Fsu, check, debugfs
from .test_cp_in import run


def operand(image: Path, path: str = "/") -> object:
    return parse(f"{image}:{path}", image_by_default=True)


# ---- what is opened how ----------------------------------------------------------------------------------------------


def test_reading_verbs_write_nothing(fsu: Fsu, image: Path) -> None:
    image.chmod(0o444)
    before, times = image.read_bytes(), image.stat().st_mtime_ns
    for words in (("ls", "-lR"), ("find",), ("du",), ("stat",), ("info",), ("tar", "-cf", "/dev/null"), ("df",)):
        assert fsu(*words, image).status == 0
    assert (image.read_bytes(), image.stat().st_mtime_ns) == (before, times)


def test_reading_verbs_load_nothing_for_writing(image: Path) -> None:
    script = (
        "import sys; from rump.fsutils.main import main; main(['ls', '-l', sys.argv[1]]);"
        "print(sorted(m for m in sys.modules if m.startswith(('rump.fsutils.copy', 'rump.fsutils.writing',"
        "'rump.fsutils.archive', 'rump.rumpuser.middleware', 'rump.drivers.fs.ext2fs.writing')) or m == 'tarfile'))"
    )
    done = subprocess.run([sys.executable, "-c", script, image], check=True, capture_output=True)
    assert done.stdout.splitlines()[-1] == b"[]"


def test_mounted_read_only_if_asked(fsu: Fsu, image: Path) -> None:
    before = image.read_bytes()
    result = fsu("-o", "ro", "mkdir", f"{image}:/a")
    assert result.status == 1 and b"Read-only file system" in result.err
    assert image.read_bytes() == before


def test_only_what_is_written_to_is_writable(fsu: Fsu, image: Path, ext4_image: Path) -> None:
    before = ext4_image.read_bytes()
    run(fsu, "cp", "-a", f"{ext4_image}:/etc", f"{image}:/")
    assert ext4_image.read_bytes() == before


def test_one_mount_however_it_is_called(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "link.img").symlink_to(image)
    run(fsu, "mkdir", f"{image}:/a")
    run(fsu, "cp", "-R", f"{tmp_path}/link.img:/a", f"{tmp_path}/../{tmp_path.name}/x.img:/b")
    assert run(fsu, "ls", image) == b"a\nb\nlost+found\n"
    check(image)


def test_an_image_in_use(fsu: Fsu, image: Path) -> None:
    with Session() as session:
        session.writes_to(operand(image))           # type: ignore[arg-type]
        session.resolve(operand(image))             # type: ignore[arg-type]
        result = fsu("mkdir", f"{image}:/a")
        assert result.status == 1 and b"in use by another program" in result.err
        result = fsu("cp", image, f"{image}:/a")
        assert result.status == 1 and b"in use by another program" in result.err
    run(fsu, "mkdir", f"{image}:/a")
    with Session() as session:
        session.writes_to(operand(image))           # type: ignore[arg-type]
        session.resolve(operand(image))             # type: ignore[arg-type]
        result = fsu("ls", image)
        assert result.out == b"a\nlost+found\n"


def test_force(fsu: Fsu, image: Path) -> None:
    with open(image, "r+b") as file:
        import fcntl
        import struct

        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 201, 1, 0)
        try:
            fcntl.fcntl(file, getattr(fcntl, "F_OFD_SETLK", 37), lock)
        except OSError:
            pytest.skip("needs locks of open files")
        assert fsu("mkdir", f"{image}:/a").status == 1
        result = fsu("mkdir", "--force", f"{image}:/a")
        assert result.status == 0 and b"written to all the same" in result.err
    assert run(fsu, "ls", image) == b"a\nlost+found\n"
    check(image)


# ---- how it ends -----------------------------------------------------------------------------------------------------


class Failing(Thin):
    """A host that cannot sync."""

    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        raise HostError(EIO)


def test_errors_at_the_end_are_told(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "for_writing", lambda host, options: Failing(host))
    result = fsu("mkdir", f"{image}:/a")
    assert result.status == 1
    assert f"fsu mkdir: {image}: ".encode() in result.err and b"Input/output error" in result.err


def test_no_sync(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    real = tracing.for_writing

    class Counting(Thin):
        def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
            counts.append(flags)
            self.host.sync(handle, flags, start, length)

    monkeypatch.setattr(tracing, "for_writing", lambda host, options: real(Counting(host), options))
    run(fsu, "mkdir", "--no-sync", f"{image}:/a")
    assert counts == []
    run(fsu, "mkdir", f"{image}:/b")
    assert 1 <= len(counts) <= 8
    check(image)


def test_discard(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(8 << 20))
    run(fsu, "cp", tmp_path / "big", f"{image}:/")
    full = image.stat().st_blocks
    run(fsu, "rm", "--discard", f"{image}:/big")
    check(image)
    if NoSync(default()).traits.punches_holes:
        assert image.stat().st_blocks < full - 10000


def test_control_c(image: Path, tmp_path: Path, fsu: Fsu) -> None:
    """Interrupted in the middle, twice: what is there is whole, the image is clean."""
    tree = tmp_path / "tree"
    for number in range(40):
        (tree / f"{number}").mkdir(parents=True)
        for name in range(60):
            (tree / f"{number}/{name}").write_bytes(b"x" * 5000)
    command = [sys.executable, "-m", "rump.fsutils", "cp", "-av", tree, f"{image}:/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 130
    check(image)
    found = run(fsu, "find", f"{image}:/tree", "-type", "f", "-size", "-5000c")
    assert found == b""
    assert "needs_recovery" not in debugfs(image, "features")


def test_an_error_inside_leaves_a_clean_image(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rump.kernel.lwps import Lwp

    def mkdir(self: Lwp, path: bytes, mode: int = 0) -> None:
        if path.startswith(b"/boom"):
            raise RuntimeError("boom")
        real(self, path, mode)

    real = Lwp.mkdir
    monkeypatch.setattr(Lwp, "mkdir", mkdir)
    result = fsu("mkdir", f"{image}:/a", f"{image}:/boom")
    assert result.status == 1 and b"internal error: RuntimeError: boom" in result.err
    monkeypatch.undo()
    assert fsu("ls", image).out == b"a\nlost+found\n"
    check(image)


# ---- reproducible ----------------------------------------------------------------------------------------------------


def build(fsu: Fsu, tree: Path, image: Path) -> bytes:
    run(fsu, "mkfs", "-q", image, "24M")
    run(fsu, "cp", "-a", f"{tree}/.", f"{image}:/")
    run(fsu, "mkdir", f"{image}:/made")
    run(fsu, "cp", tree / "data", f"{image}:/made")
    run(fsu, "cp", tree / "data", f"{image}:/made")
    run(fsu, "rm", f"{image}:/empty")
    run(fsu, "mv", f"{image}:/data", f"{image}:/renamed")
    return image.read_bytes()


def test_the_same_bytes(fsu: Fsu, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    first = build(fsu, tree, tmp_path / "1.img")
    (tree / "etc/passwd").read_bytes()                  # it has another access time now
    os.utime(tree / "etc/group", ns=(OLD, tree.stat().st_mtime_ns))
    assert build(fsu, tree, tmp_path / "2.img") == first
    check(tmp_path / "1.img")
    out = run(fsu, "stat", "-c", "%X %Y %Z", f"{tmp_path}/1.img:/made", f"{tmp_path}/1.img:/etc/passwd")
    assert set(out.split()) == {b"1500000000"}
    out = run(fsu, "stat", "-c", "%X %Y", f"{tmp_path}/1.img:/renamed")
    assert out.split() == [b"%d" % (OLD // 10**9)] * 2


def test_hash_seeds_do_not_matter(tree: Path, tmp_path: Path) -> None:
    images = []
    for seed in ("0", "1"):
        image = tmp_path / f"{seed}.img"
        env = {**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": "1700000000"}
        for words in (["mkfs", "-q", image, "16M"], ["cp", "-a", f"{tree}/.", f"{image}:/"]):
            subprocess.run([sys.executable, "-m", "rump.fsutils", *words], check=True, env=env)
        images.append(image.read_bytes())
    assert images[0] == images[1]


@pytest.mark.parametrize("value", ["soon", "1e9", "9" * 13])
def test_a_date_that_is_none(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    result = fsu("mkdir", f"{image}:/a")
    assert result.status == 2 and b"SOURCE_DATE_EPOCH" in result.err
    assert fsu("ls", image).status == 0


def test_options_of_the_session(image: Path) -> None:
    with Session(Options(written={"nonsense": ""})) as session:
        session.writes_to(operand(image))           # type: ignore[arg-type]
        with pytest.raises(OSError, match="nonsense"):
            session.resolve(operand(image))         # type: ignore[arg-type]
    check(image)


def test_one_partition_by_all_its_names(fsu: Fsu, tmp_path: Path) -> None:
    """Its label and UUID are known although it is mounted already."""
    disk = tmp_path / "demo.img"
    assert fsu("example", disk).status == 0
    done = fsu("ls", f"{disk}@2:/etc/hostname", f"{disk}@label=rootfs:/etc/passwd", f"{disk}@rootfs:/etc/group")
    assert done.status == 0 and done.out.count(b"\n") == 3, done


def test_drivers_call_an_image_by_its_name(fsu: Fsu, image: Path) -> None:
    """Whoever reads what they have to say has never heard of the kernel's devices."""
    data = bytearray(image.read_bytes())
    data[1024 + 0x3A] = 0           # not unmounted
    broken = image.with_name("broken.img")
    broken.write_bytes(data[: len(data) - 65536])
    done = fsu("ls", f"{broken}:/")
    assert b"broken.img" in done.err and b"image0" not in done.err, done.err
