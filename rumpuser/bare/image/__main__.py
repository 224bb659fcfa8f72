# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.rumpuser.bare.image FOLDER: the kernel and the boot module of a bare machine, into that folder."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from rump.rumpuser.bare.image import ImageError, build


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m rump.rumpuser.bare.image", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where kernel.elf and initrd.cpio go")
    folder = parser.parse_args(arguments).folder
    try:
        os.makedirs(folder, exist_ok=True)
        for path in build():
            print(shutil.copy(path, folder))
    except (ImageError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
