# SPDX-License-Identifier: BSD-2-Clause
"""A site of a kernel in memory, and requests to it."""

from __future__ import annotations

import http.client
import socket
from typing import NamedTuple

from rump.kernel import abi
from rump.kernel.lwps import Lwp
from rump.servers.listening import Listener
from rump.servers.web.site import Site


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def write(lwp: Lwp, path: bytes, data: bytes = b"") -> None:
    fd = lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC, 0o644)
    lwp.write(fd, data)
    lwp.close(fd)


class Web:
    """A listening site."""

    def __init__(self, lwp: Lwp, **options: object) -> None:
        self.lwp = lwp
        self.lines: list[str] = []
        self.site = Site(lwp, "x.img", log=self.lines.append, **options)
        self.listener = Listener("127.0.0.1:0", self.site.serve)
        self.listener.start()
        host, _, port = self.listener.address.partition(":")
        self.where = host, int(port)

    @property
    def url(self) -> str:
        return f"http://{self.listener.address}"

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; in names of headers _ stands for -."""
        connection = http.client.HTTPConnection(*self.where, timeout=30)
        try:
            connection.request(method, target, body, {name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, **headers)

    def raw(self, data: bytes) -> bytes:
        """Bytes as they are; all that comes back until the connection ends."""
        with socket.create_connection(self.where, timeout=30) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            received = b""
            while piece := stream.recv(65536):
                received += piece
            return received

    def close(self) -> None:
        self.listener.close()
