# SPDX-License-Identifier: BSD-2-Clause
"""FAT, exFAT and ISO 9660: `fsu` against mtools, 7z, bsdtar, xorriso and the Sleuth Kit in the same run.

    python benchmarks/formats.py [--runs N] [--markdown FILE] [--only WORD] [--keep FOLDER]

As reading.py.  Only the Sleuth Kit reads exFAT without a mount, and nothing but ours writes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import trees
from measure import Contender
from table import Job, copied, fresh, fsu, gone, main


def prepare(work: Path) -> None:
    """One tree in images of each format, and empty images."""
    trees.small_files(work / "small")
    trees.fat32(work / "small.fat", work / "small", "512M")
    (work / "nothing").mkdir()
    (work / "nothing" / "readme").write_text("empty\n")
    trees.fat32(work / "empty.fat", work / "nothing", "512M")
    trees.exfat(work / "empty.exfat", "512M")
    trees.iso(work / "small.iso", work / "small")


def jobs(work: Path) -> list[Job]:
    """The table."""
    return fat(work) + exfat(work) + iso(work)


def fat(work: Path) -> list[Job]:
    """FAT32, with clusters of 2 KiB."""
    image, tree, target = work / "small.fat", work / "small", work / "written.fat"
    out, others, seven = work / "out-fsu", work / "out-mcopy", work / "out-7z"
    return [
        Job("FAT32: `ls -lR`, 21,600 entries", [Contender("fsu", fsu("ls", "-lR", f"{image}:/")),
            Contender("mdir", ["mdir", "-i", str(image), "-/", "::/"]),
            Contender("7z", ["7z", "l", str(image)])], "7z", 1),
        Job("FAT32: `cat` of 200 MiB", [Contender("fsu", fsu("cat", f"{image}:/big.bin")),
            Contender("mtype", ["mtype", "-i", str(image), "::/big.bin"]),
            Contender("7z", ["7z", "x", "-so", str(image), "big.bin"])], "7z", 1.5),
        Job("FAT32: extract the tree", [
            Contender("fsu", fsu("cp", "-R", f"{image}:/", out), lambda: gone(out)),
            Contender("mcopy", ["mcopy", "-s", "-i", str(image), "::/", str(others)], lambda: fresh(others)),
            Contender("7z", ["7z", "x", "-y", f"-o{seven}", str(image)], lambda: gone(seven)),
            ], "7z", 1),
        Job("FAT32: populate an image with the tree", [
            Contender("fsu", fsu("cp", "-R", f"{tree}/.", f"{target}:/"), lambda: copied(work / "empty.fat", target)),
            Contender("mcopy", ["mcopy", "-s", "-i", str(target), *map(str, sorted(tree.iterdir())), "::/"],
                lambda: copied(work / "empty.fat", target)),
            ], "mcopy", 1),
    ]  # fmt: skip


def exfat(work: Path) -> list[Job]:
    """exFAT; what reads it was written by fsu."""
    tree, image, target = work / "small", work / "small.exfat", work / "written.exfat"
    out, other = work / "out-fsu", work / "out-tsk"
    filled = [*fsu("cp", "-R", f"{tree}/.", f"{image}:/")]

    def once() -> None:
        if not image.exists():
            import subprocess

            copied(work / "empty.exfat", image)
            subprocess.run(filled, check=True)

    return [
        Job("exFAT: populate an image with the tree", [
            Contender("fsu", fsu("cp", "-R", f"{tree}/.", f"{target}:/"),
                lambda: copied(work / "empty.exfat", target)),
            Contender("fsu into FAT32", fsu("cp", "-R", f"{tree}/.", f"{work / 'written.fat'}:/"),
                lambda: copied(work / "empty.fat", work / "written.fat")),
            ], "fsu into FAT32", 1.2),
        Job("exFAT: `ls -lR`, 21,600 entries", [Contender("fsu", fsu("ls", "-lR", f"{image}:/"), once),
            Contender("fls", ["fls", "-f", "exfat", "-r", "-l", str(image)], once)], "fls", 1),
        Job("exFAT: extract the tree", [
            Contender("fsu", fsu("cp", "-R", f"{image}:/", out), lambda: (once(), gone(out))),
            Contender("tsk_recover", ["tsk_recover", "-f", "exfat", "-a", str(image), str(other)],
                lambda: (once(), fresh(other))),
            ], "tsk_recover", 1),
    ]  # fmt: skip


def iso(work: Path) -> list[Job]:
    """ISO 9660 with Rock Ridge and Joliet."""
    tree, image, made = work / "small", work / "small.iso", work / "written.iso"
    out, other, seven = work / "out-fsu", work / "out-bsdtar", work / "out-7z"
    return [
        Job("ISO: `ls -lR`, 21,600 entries", [Contender("fsu", fsu("ls", "-lR", f"{image}:/")),
            Contender("bsdtar", ["bsdtar", "-tvf", str(image)]),
            Contender("isoinfo", ["isoinfo", "-R", "-l", "-i", str(image)]),
            Contender("7z", ["7z", "l", str(image)])], "7z", 1),
        Job("ISO: `cat` of 200 MiB", [Contender("fsu", fsu("cat", f"{image}:/big.bin")),
            Contender("bsdtar", ["bsdtar", "-xOf", str(image), "big.bin"]),
            Contender("7z", ["7z", "x", "-so", str(image), "big.bin"])], "bsdtar", 1),
        Job("ISO: extract the tree", [
            Contender("fsu", fsu("cp", "-aR", f"{image}:/", out), lambda: gone(out)),
            Contender("bsdtar", ["bsdtar", "-xpf", str(image), "-C", str(other)], lambda: fresh(other)),
            Contender("7z", ["7z", "x", "-y", f"-o{seven}", str(image)], lambda: gone(seven)),
            ], "bsdtar", 1.3),
        Job("ISO: make one of the tree", [
            Contender("fsu", fsu("mkfs", "-q", "-t", "cd9660", "-d", tree, made), lambda: made.unlink(missing_ok=True)),
            Contender("xorriso", ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-o", str(made), str(tree)],
                lambda: made.unlink(missing_ok=True)),
            Contender("genisoimage", ["genisoimage", "-quiet", "-R", "-J", "-o", str(made), str(tree)],
                lambda: made.unlink(missing_ok=True)),
            Contender("bsdtar", ["bsdtar", "-cf", str(made), "--format=iso9660", "-C", str(tree), "."],
                lambda: made.unlink(missing_ok=True)),
            ], "bsdtar", 1.3),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", prepare, jobs, 5))
