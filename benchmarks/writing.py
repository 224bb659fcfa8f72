# SPDX-License-Identifier: BSD-2-Clause
"""The write benchmarks: `fsu` and the library under it against mke2fs -d, debugfs -w and, if installed, others.

    python benchmarks/writing.py [--runs N] [--markdown FILE] [--only WORD] [--keep FOLDER]

As reading.py; every run begins with a fresh copy of its image.  Exits with 1 if a budget is missed.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import trees
from measure import Contender
from table import Job, copied, folders, fsu, main, script

FILES = 100_000
FOLDERS = 500
WRITES = 20_000
SPAN = 64 << 20
PIECE = 4096


# ---- what a process of our own does --------------------------------------------------------------------------------


def in_image(image: str, body: Callable[[object], None]) -> None:
    """Mount an image for writing, do something, unmount it."""
    from rump.kernel import boot
    from rump.rumpuser.host import default

    with boot(default()) as kernel:
        kernel.etfs_register(b"/dev/disk", os.fsencode(image), read_only=False)
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("ext2fs", b"/mnt", device=b"/dev/disk")
        body(kernel.lwp)
        kernel.lwp.unmount(b"/mnt")


def places() -> Iterator[int]:
    """Where the random writes go."""
    chance = random.Random(1)
    for _ in range(WRITES):
        yield chance.randrange(SPAN // PIECE) * PIECE


def random_writes(lwp: object) -> None:
    """Into a file that grows by them, in no order."""
    from rump.kernel import abi

    data = bytes(range(256)) * (PIECE // 256)
    fd = lwp.open(b"/mnt/random", abi.O_RDWR | abi.O_CREAT)  # type: ignore[attr-defined]
    for place in places():
        lwp.pwrite(fd, data, place)  # type: ignore[attr-defined]
    lwp.fsync(fd)  # type: ignore[attr-defined]
    lwp.close(fd)  # type: ignore[attr-defined]


def random_writes_outside(path: str) -> None:
    """The same into a file of the host's."""
    data = bytes(range(256)) * (PIECE // 256)
    with open(path, "wb") as file:
        for place in places():
            os.pwrite(file.fileno(), data, place)
        os.fsync(file.fileno())


def come_and_go(lwp: object) -> None:
    """Many empty files, made and removed again."""
    from rump.kernel import abi

    flags = abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL
    for number in range(FOLDERS):
        lwp.mkdir(b"/mnt/d%d" % number, 0o755)  # type: ignore[attr-defined]
    for number in range(FILES):
        lwp.close(lwp.open(name(number), flags))  # type: ignore[attr-defined]
    for number in range(FILES):
        lwp.unlink(name(number))  # type: ignore[attr-defined]


def one_folder(lwp: object) -> None:
    """A directory of many names, made and removed again."""
    from rump.kernel import abi

    flags = abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL
    for number in range(FILES):
        lwp.close(lwp.open(b"/mnt/file%06d" % number, flags))  # type: ignore[attr-defined]
    for number in range(FILES):
        lwp.unlink(b"/mnt/file%06d" % number)  # type: ignore[attr-defined]


def name(number: int) -> bytes:
    """Where a file goes."""
    return b"/mnt/d%d/file%06d" % (number % FOLDERS, number)


JOBS: dict[str, Callable[[str], None]] = {
    "random": lambda image: in_image(image, random_writes),
    "random-outside": random_writes_outside,
    "come-and-go": lambda image: in_image(image, come_and_go),
    "one-folder": lambda image: in_image(image, one_folder),
}


def job(which: str, argument: Path) -> list[str]:
    """The command that does one of them."""
    return [sys.executable, os.path.abspath(__file__), "--job", which, str(argument)]


# ---- the table -----------------------------------------------------------------------------------------------------


def populating(tree: Path) -> Iterator[str]:
    """debugfs commands that copy a tree; contents and names only."""
    for folder in folders(tree):
        if folder != "/":
            yield f"mkdir {folder}"
        yield f"cd {folder}"
        for entry in sorted(os.scandir(tree / folder.lstrip("/")), key=lambda each: each.name):
            if entry.is_file():
                yield f"write {entry.path} {entry.name}"


def coming_and_going() -> Iterator[str]:
    """debugfs commands for what `come_and_go` does."""
    for number in range(FOLDERS):
        yield f"mkdir /d{number}"
    for number in range(FILES):
        yield f"write /dev/null {name(number)[4:].decode()}"
    for number in range(FILES):
        yield f"rm {name(number)[4:].decode()}"


def prepare(work: Path) -> None:
    """Trees, empty images and scripts."""
    trees.small_files(work / "write-tree")
    (work / "nothing").mkdir()
    trees.ext4(work / "empty.ext4", work / "nothing", "512M", "-N", "130000")
    script(work, "populate", populating(work / "write-tree"))
    script(work, "come-and-go", coming_and_going())


def jobs(work: Path) -> list[Job]:
    """The table."""
    tree, empty, image = work / "write-tree", work / "empty.ext4", work / "image"

    def fresh() -> None:
        copied(empty, image)

    def gone() -> None:
        image.unlink(missing_ok=True)

    made = ["mke2fs", "-q", "-F", "-t", "ext4", "-N", "130000", "-d", str(tree), str(image), "512M"]
    return [
        Job("populate an image with the tree of 20,000 files", [
            Contender("fsu", fsu("cp", "-aR", f"{tree}/.", f"{image}:/"), fresh),
            Contender("mke2fs -d", made, gone),
            Contender("debugfs -w", ["debugfs", "-w", "-f", str(work / "populate"), str(image)], fresh),
            *others(tree, image, fresh),
            ], "mke2fs -d", 3),
        Job("20,000 writes of 4 KiB in no order", [
            Contender("fsu", job("random", image), fresh),
            Contender("the same into a host file", job("random-outside", image), gone),
            ], "the same into a host file", 20),
        Job("100,000 files in 500 folders, made and removed", [
            Contender("fsu", job("come-and-go", image), fresh),
            Contender("debugfs -w", ["debugfs", "-w", "-f", str(work / "come-and-go"), str(image)], fresh),
            ], "debugfs -w", 7),
        Job("100,000 files in one folder, made and removed", [
            Contender("fsu", job("one-folder", image), fresh),
            Contender("500 folders", job("come-and-go", image), fresh),
            ], "500 folders", 1.3),
    ]  # fmt: skip


def others(tree: Path, image: Path, fresh: Callable[[], None]) -> list[Contender]:
    """Tools that are not installed everywhere."""
    found = []
    if shutil.which("e2cp"):
        every = f"for d in {tree}/d*/*/; do e2mkdir {image}:${{d#{tree}}}; e2cp $d/* {image}:${{d#{tree}}}; done"
        found.append(Contender("e2cp", ["sh", "-c", every], fresh))
    if shutil.which("fuse2fs") and os.path.exists("/dev/fuse"):
        mnt = image.with_name("mnt-fuse")
        mnt.mkdir(exist_ok=True)
        every = f"fuse2fs -o fakeroot {image} {mnt} && cp -a {tree}/. {mnt}; fusermount -u {mnt}"
        found.append(Contender("fuse2fs", ["sh", "-c", every], fresh))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        JOBS[sys.argv[2]](sys.argv[3])
        sys.exit(0)
    sys.exit(main(__doc__ or "", prepare, jobs, 3))
