# SPDX-License-Identifier: BSD-2-Clause
"""`find` over many disk images at once, on dask: which files there are of a name, in all of them.

    python find_on_dask.py 'PATTERN' IMAGE ...

An image is a path or any URL of fsspec's, with ``@PARTITION`` in front if one is meant:

    python find_on_dask.py '**/*.conf' vm1.img @2::vm2.img https://example.org/vm3.img

Prints the size, the time of last change and ``IMAGE:PATH``, a line each, and on standard error what could not be read.
Each image is read by whichever process is free, in ranges where it lies elsewhere; nothing is mounted or unpacked.
With DASK_SCHEDULER_ADDRESS in the environment the processes are those of that cluster, else of this machine.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import fsspec
from dask.distributed import Client


def find(image: str, pattern: str) -> list[tuple[int, float, str]]:
    """The files of an image that match: (size, time of last change, path)."""
    partition, _, image = image.rpartition("::") if image.startswith("@") else ("", "", image)
    url = f"rump://{partition}/{pattern}::{image}"
    fs, path = fsspec.url_to_fs(url, writable=False)
    found: dict[str, dict[str, Any]] = fs.glob(path, detail=True)
    return [(info["size"], info["mtime"], name) for name, info in found.items() if info["type"] == "file"]


def main(pattern: str, *images: str) -> int:
    """0, or 1 if an image could not be read."""
    failed = 0
    with Client() as client:
        asked = [client.submit(find, image, pattern, pure=False) for image in images]
        for image, answer in zip(images, asked, strict=True):
            try:
                for size, mtime, path in answer.result():
                    print(f"{size:12} {datetime.fromtimestamp(mtime, tz=UTC):%Y-%m-%d %H:%M} {image}:{path}")
            except OSError as error:
                print(f"{image}: {error}", file=sys.stderr)
                failed = 1
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
