# SPDX-License-Identifier: BSD-2-Clause
"""The trees and images that the benchmarks run on: made here, by other people's tools, in a temporary folder."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

MIB = 1 << 20


def small_files(where: Path, files: int = 20_000, folders: int = 1_600) -> None:
    """`files` files of about 3 KB (0 to 12 KB) in `folders` folders, two levels deep, and one of 200 MiB."""
    noise = random.Random(1)
    block = noise.randbytes(12_288)
    names = [f"d{number // 40:02}/f{number:04}" for number in range(folders)]
    for name in names:
        (where / name).mkdir(parents=True)
    for number in range(files):
        size = int(noise.triangular(0, 12_288, 1_000))
        (where / names[number % folders] / f"file{number:05}.txt").write_bytes(block[:size])
    with open(where / "big.bin", "wb") as file:
        for _ in range(200):
            file.write(noise.randbytes(MIB))


def many_files(where: Path, files: int = 50_000, folders: int = 500) -> None:
    """Empty files in folders of a hundred."""
    for number in range(files):
        folder = where / f"d{number % folders:03}"
        if number < folders:
            folder.mkdir(parents=True)
        (folder / f"n{number}").touch()


def one_folder(where: Path, names: int = 100_000) -> None:
    """One folder with a hundred thousand names (of one file: hard links cost no inodes)."""
    where.mkdir(parents=True)
    first = where / "name000000"
    first.touch()
    for number in range(1, names):
        if number % 50_000 == 0:
            first = where / f"name{number:06}"
            first.touch()
        else:
            os.link(first, where / f"name{number:06}")


def ext4(image: Path, tree: Path, size: str, *options: str) -> None:
    """mke2fs -d with today's defaults."""
    subprocess.run(["truncate", "-s", size, image], check=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", *options, "-d", tree, image], check=True)


def fat32(image: Path, tree: Path, size: str) -> None:
    """mkfs.fat -F 32 and mcopy."""
    subprocess.run(["truncate", "-s", size, image], check=True)
    subprocess.run(["mkfs.fat", "-F", "32", "-s", "4", image], check=True, stdout=subprocess.DEVNULL)
    entries = sorted(tree.iterdir())
    subprocess.run(["mcopy", "-s", "-i", image, *entries, "::/"], check=True)


def huge(image: Path, tree: Path) -> None:
    """A sparse ext4 image of 4 TiB with a small tree in it."""
    subprocess.run(["truncate", "-s", "4T", image], check=True)
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=1", "-i", "4194304", "-d", tree, image]
    subprocess.run(command, check=True)


def exfat(image: Path, size: str) -> None:
    """mkfs.exfat."""
    subprocess.run(["truncate", "-s", size, image], check=True)
    subprocess.run(["mkfs.exfat", "-c", "4K", image], check=True, stdout=subprocess.DEVNULL)


def iso(image: Path, tree: Path) -> None:
    """xorriso with Rock Ridge and Joliet."""
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-o", image, tree]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
