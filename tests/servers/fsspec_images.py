# SPDX-License-Identifier: BSD-2-Clause
"""Images for the tests of the fsspec file system, and a web server that counts what is asked of it."""

from __future__ import annotations

import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec

from rump.fsutils.main import main
from rump.servers.fsspec import ImageFileSystem

fsspec.register_implementation("rump", ImageFileSystem, clobber=True)      # in a checkout there is no entry point


def make(image: Path, kind: str = "ext4", size: str = "8M", *more: str) -> Path:
    """A new image."""
    assert main(["mkfs", "-t", kind, "-q", *more, str(image), size]) == 0
    return image


class Server(ThreadingHTTPServer):
    """Serves `contents` at every path, in ranges; a context manager.

    ranges   the (first, last) bytes asked for, in order
    heads    how many HEAD requests came
    ignores  what it does not heed: "range", "if-match"
    """

    daemon_threads = True

    def __init__(self, contents: bytes, tag: str | None = '"1"') -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.contents = contents
        self.tag = tag
        self.ranges: list[tuple[int, int]] = []
        self.heads = 0
        self.ignores: set[str] = set()
        self.cut = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/disk.img"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""

    def _headers(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        if self.server.tag:
            self.send_header("ETag", self.server.tag)

    def do_HEAD(self) -> None:
        self.server.heads += 1
        self._headers(200, len(self.server.contents))
        self.end_headers()

    def do_GET(self) -> None:
        data, wanted = self.server.contents, self.headers.get("If-Match")
        if wanted and wanted != self.server.tag and "if-match" not in self.server.ignores:
            self._headers(412, 0)
            self.end_headers()
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if found is None or "range" in self.server.ignores:
            self._headers(200, len(data))
            self.end_headers()
            self.wfile.write(data)
            return
        first, last = int(found[1]), min(int(found[2]), len(data) - 1)
        self.server.ranges.append((first, last))
        piece = data[first : last + 1 - self.server.cut]
        self._headers(206, len(piece))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        self.wfile.write(piece)


def copied(image: Path, to: Path) -> Path:
    """An image that may be changed."""
    shutil.copyfile(image, to)
    return to
