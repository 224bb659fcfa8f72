# SPDX-License-Identifier: BSD-2-Clause
"""When an image is mounted and how: for writing only while it is written, in threads, after forks, elsewhere."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fsspec")

import fsspec
from fsspec_images import copied, make

from rump.fsutils.image import open_image
from rump.servers.fsspec import ImageFileSystem


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mounts")
    (root / "tree").mkdir()
    (root / "tree/file").write_bytes(bytes(range(256)) * 1024)
    return make(root / "disk.img", "ext4", "8M", "-d", str(root / "tree"))


@pytest.fixture
def image(pristine: Path, tmp_path: Path) -> Iterator[Path]:
    yield copied(pristine, tmp_path / "disk.img")
    ImageFileSystem.clear_instance_cache()


def write(image: Path, name: str) -> None:
    """Somebody else changes the image."""
    with open_image(image, writable=True, sync=False) as opened:
        (opened / name).write_text(name)


def test_what_is_written_is_there_at_once(image: Path) -> None:
    """Nobody has to close the file system: others may read and write as soon as a file is closed."""
    fs = ImageFileSystem(str(image))
    fs.pipe("/one", b"1")
    write(image, "two")
    assert fs.cat(["/one", "/two"]) == {"/one": b"1", "/two": b"two"}
    with fs.open("/three", "w") as file:
        file.write("3")
        with pytest.raises(OSError, match="in use"):
            write(image, "four")
    write(image, "four")
    assert fs.find("/") == ["/file", "/four", "/one", "/three", "/two"]


def test_kept_for_writing(image: Path) -> None:
    with ImageFileSystem(str(image), writable=True) as fs:
        with fs.open("/file") as reading:
            fs.pipe("/new", reading.read(4))
        with pytest.raises(OSError, match="in use"):
            write(image, "other")
    write(image, "other")
    assert fs.cat("/new") == bytes(range(4))
    fs.close()


def test_never_written(image: Path) -> None:
    fs = ImageFileSystem(str(image), writable=False)
    before = image.read_bytes()
    for change in (lambda: fs.touch("/x"), lambda: fs.rm("/file"), lambda: fs.open("/x", "wb")):
        with pytest.raises(OSError, match="writable=False"):
            change()
    fs.close()
    assert image.read_bytes() == before


def test_files_open_for_reading_are_in_the_way(image: Path) -> None:
    fs = ImageFileSystem(str(image))
    with fs.open("/file") as file:
        with pytest.raises(OSError, match="open for reading only"):
            fs.touch("/x")
        assert file.read(3) == b"\0\1\2"
    fs.touch("/x")


def test_changed_by_others(image: Path) -> None:
    """While files are open it is an error; otherwise the image is looked at anew."""
    fs = ImageFileSystem(str(image))
    assert fs.find("/") == ["/file"]
    write(image, "more")
    assert fs.find("/") == ["/file", "/more"]
    with fs.open("/file") as file:
        file.read(1)
        write(image, "again")
        with pytest.raises(OSError, match="has changed since it was opened"):
            fs.ls("/")
        with pytest.raises(OSError, match="has changed since it was opened"):
            file.seek(0)
    assert fs.exists("/again")


def test_instances_and_pickles(image: Path) -> None:
    """The same arguments are the same object, sent through pickle or JSON too; in another process it is another one."""
    fs = ImageFileSystem(str(image), writable=True)
    assert ImageFileSystem(str(image), writable=True) is fs is pickle.loads(pickle.dumps(fs))
    assert fsspec.AbstractFileSystem.from_json(fs.to_json()) is fs
    with fs.open("/file") as file:
        file.seek(5)
        with pickle.loads(pickle.dumps(file)) as again:
            assert again.read(1) == file.read(1) == b"\5"
    with fs.open("/new", "wb") as file, pytest.raises(TypeError, match="only files opened for reading"):
        pickle.dumps(file)
    fs.close()
    script = "import sys, pickle; fs = pickle.load(sys.stdin.buffer);" \
        " print(fs.ls('/', False), fs.mount.options.writable)"
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(fs), capture_output=True, check=True)
    assert done.stdout == b"['/file', '/lost+found', '/new'] None\n"


def test_errors_can_be_sent(image: Path) -> None:
    fs = ImageFileSystem(str(image))
    for call in (lambda: fs.cat("/none"), lambda: fs.ls("/file/x"), lambda: fs.rmdir("/none")):
        with pytest.raises(OSError) as caught:
            call()
        again = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(again, OSError) and again.errno == caught.value.errno


def test_threads(image: Path) -> None:
    """Many at once, on one file and on many."""
    fs = ImageFileSystem(str(image), writable=True, sync=False)
    expected = bytes(range(256)) * 1024

    def work(number: int) -> bool:
        fs.pipe(f"/t{number}", b"%d" % number * 1000)
        return fs.cat("/file") == expected and fs.cat(f"/t{number}") == b"%d" % number * 1000

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    fs.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork(image: Path) -> None:
    """The child makes a mount of its own; what its parent has open is not touched."""
    fs = ImageFileSystem(str(image), writable=None)
    with fs.open("/file") as reading:
        child = os.fork()
        if not child:
            try:
                reading.read()
            except ValueError:
                os._exit(0 if fs.cat_file("/file", 0, 2) == b"\0\1" else 2)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert reading.read(2) == b"\0\1"
    with fs.open("/new", "wb") as writing:
        writing.write(b"once")
        child = os.fork()
        if not child:
            fs.mount.close()
            del writing
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert fs.cat("/new") == b"once"


def test_the_end_of_the_program(image: Path) -> None:
    """Files that nobody closed are closed, and the image is unmounted."""
    script = f"""if True:
        from rump.servers.fsspec import ImageFileSystem
        fs = ImageFileSystem({str(image)!r}, writable=True)
        file = fs.open("/left", "wb")
        file.write(b"behind")
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr == b""
    assert ImageFileSystem(str(image)).cat("/left") == b"behind"
