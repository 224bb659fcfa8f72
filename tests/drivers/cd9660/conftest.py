# SPDX-License-Identifier: BSD-2-Clause
"""ISO 9660 images: a host tree with all that is hard to store, other people's tools, and what they say."""

from __future__ import annotations

import importlib.util
import os
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from driver_support import Mounted, Mounts

from rump.drivers.fs.cd9660 import driver
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for `author_support`
KINDS = {0o040000: "directory", 0o100000: "file", 0o120000: "link"}


def inflate(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise fault(e.EINVAL, str(error)) from None
    if len(found) > limit or not stream.eof:
        raise fault(e.EINVAL)
    return found


class MountedIso(Mounted):
    """One with all that Rock Ridge keeps of files."""

    def __init__(self, driver: Any, device: Any, options: dict[str, str], cache_bytes: int) -> None:
        super().__init__(driver, device, options, cache_bytes, inflate=inflate)

    def tree(self) -> dict[bytes, tuple[Any, ...]]:
        """path -> (type, permissions, uid, gid, mtime in seconds, contents or target or device)."""
        found = {}
        for path, attributes in self.walk():
            kind = attributes[2] & 0o170000
            what: Any = None
            if kind == 0o100000:
                what = self.content(attributes)
            elif kind == 0o120000:
                what = self.volume.readlink(attributes[:2])
                assert attributes[7] == len(what)
            elif attributes[6]:
                what = attributes[6]
            assert self.volume.attributes(attributes[:2]) == attributes, path
            found[path] = (
                KINDS.get(kind, kind), attributes[2] & 0o7777, attributes[4], attributes[5],
                attributes[10] // 10**9, what,
            )  # fmt: skip
        return found


def host_tree(root: Path) -> dict[bytes, tuple[Any, ...]]:
    """The same of a folder of the host."""
    found = {}
    top = os.fsencode(root)
    for where, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(where, name)
            stat = os.lstat(path)
            kind = stat.st_mode & 0o170000
            what: Any = None
            if kind == 0o100000:
                what = Path(os.fsdecode(path)).read_bytes()
            elif kind == 0o120000:
                what = os.readlink(path)
            elif stat.st_rdev:
                what = stat.st_rdev
            found[os.path.relpath(path, top)] = (
                KINDS.get(kind, kind), stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, int(stat.st_mtime // 1), what
            )  # fmt: skip
    return found


@pytest.fixture(scope="session")
def mounted(memory_device: Any) -> Iterator[Mounts]:
    mounts = Mounts(MountedIso, driver, memory_device)
    yield mounts
    mounts.close()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is hard to store."""
    root = tmp_path_factory.mktemp("iso") / "source"
    files = {
        "empty": b"", "Readme.TXT": b"hello", "UPPER": b"u", "lower.tar.gz": b"x" * 5000, "n" * 200: b"long name",
        "\u00fcn\u00efc\u00f6d\u00e9-\u6587\u5b57.txt": b"text", "emoji-\U0001f600": b"e", "a b c": b"spaces",
        "dot.": b"d", ".hidden": b"h", "two..dots": b"t", "hard1": b"linked" * 100,
        "1/2/3/4/5/6/7/8/9/10/11/deep.txt": b"deep down", "1/2/3/4/5/6/7/8b/other/x": b"xx",
        **{f"many/f{number:04}": b"%d" % number for number in range(120)},
    }  # fmt: skip
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    os.link(root / "hard1", root / "many" / "hard2")
    links = {
        "link": "Readme.TXT", "absolute": "/abs/path", "odd": "../up/./x", "root": "/", "here": ".", "up": "..",
        "long": "/".join(letter * 250 for letter in "xyz"), "sub": "a/b/c",
    }  # fmt: skip
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    (root / "UPPER").chmod(0o4751)
    (root / "many").chmod(0o1777)
    os.utime(root / "hard1", (10**9, 1100000000))
    os.utime(root / "Readme.TXT", (0, 12345))
    os.utime(root / "empty", (-86400 * 3650, -86400 * 3650))
    if os.geteuid() == 0:
        os.chown(root / "UPPER", 1000, 70000)
        os.mknod(root / "null", 0o020640, os.makedev(1, 3))
        os.mknod(root / "disk", 0o060600, os.makedev(259, 70000))
    return root


@pytest.fixture(scope="session", name="host_tree")
def _host_tree() -> Callable[[Path], dict[bytes, tuple[Any, ...]]]:
    return host_tree


@pytest.fixture(scope="session")
def iso() -> Any:
    """Images made by hand: the module `iso_builder`."""
    path = Path(__file__).with_name("iso_builder.py")
    spec = importlib.util.spec_from_file_location("iso_builder", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
