# SPDX-License-Identifier: BSD-2-Clause
"""`fsu example FILE`: writes a small disk image to try things on.

The package carries it compressed (a few KiB): a GPT disk of 2 MiB with an EFI system partition (FAT12) and an ext4
root partition.  `make.sh` beside this file made it with other people's tools.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "file"
RELATED = ("info", "ls")
EXAMPLES = """\
fsu example disk.img
fsu info disk.img
    Make an image to try things on, and see what is in it.
"""


def image() -> bytes:
    """The image, whole."""
    import lzma

    with open(os.path.join(os.path.dirname(__file__), "disk.img.xz"), "rb") as file:
        return lzma.decompress(file.read())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", help="the image to write; must not exist yet")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Write the image, sparse; never over an existing file."""
    try:
        descriptor = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        command.fail(arguments.file, error)
        return command.status
    with open(descriptor, "wb") as file:
        data = image()
        for start in range(0, len(data), 4096):
            piece = data[start : start + 4096]
            if piece.strip(b"\0"):
                file.seek(start)
                file.write(piece)
        file.truncate(len(data))
    return command.status
