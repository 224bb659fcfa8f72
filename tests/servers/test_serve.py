# SPDX-License-Identifier: BSD-2-Clause
"""`fsu serve`: a process that says where it listens, and ends well."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from ninep_peer import Peer, Refused

from rump.fsutils.main import main
from rump.servers.listening import AddressError, Listener, RemoteAddress, split_address


@pytest.fixture
def image(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "file").write_text("contents\n")
    (tree / "sub/name").write_text("deeper\n")
    image = tmp_path / "x.img"
    assert main(["mkfs", "-q", "-t", "ext4", "-d", str(tree), str(image), "8M"]) == 0
    return image


class Serving:
    """A running command, and what it said."""

    def __init__(self, lines: int, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rump.fsutils", "serve", *map(str, arguments)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.lines = [self.process.stdout.readline().rstrip("\n") for _ in range(lines)]

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        with self.process:
            _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def serve() -> Iterator:
    started: list[Serving] = []

    def make(lines: int, *arguments: object) -> Serving:
        started.append(Serving(lines, *arguments))
        return started[-1]

    yield make
    for serving in started:
        if serving.process.poll() is None:
            serving.process.kill()
            serving.wait()


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return answer.read()


def connect(line: str) -> Peer:
    if line.startswith("9p unix:"):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(line.removeprefix("9p unix:"))
    else:
        stream = socket.create_connection(split_address(line.removeprefix("9p://")))
    peer = Peer(stream)
    peer.version()
    peer.attach()
    return peer


def test_pages_unless_told_otherwise(serve, image):
    serving = serve(1, image)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", serving.lines[0])
    assert get(serving.lines[0] + "file") == b"contents\n"
    assert b"x.img" in get(serving.lines[0])
    before = image.read_bytes()
    assert serving.end(signal.SIGINT) == (0, "")
    assert image.read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_written_is_there_when_it_ends(serve, image, tmp_path, number):
    path = tmp_path / "socket"
    serving = serve(3, "--9p", f"unix:{path}", "--9p", "127.0.0.1:0", "--http", "127.0.0.1:0", image)
    url = next(line for line in serving.lines if line.startswith("http"))
    peers = [connect(line) for line in serving.lines if line.startswith("9p")]
    assert len(peers) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    for index, peer in enumerate(peers):
        peer.walk(0, 1)
        peer.call("lcreate", 1, b"new%d" % index, 0o102, 0o644, 0)
        peer.call("write", 1, 0, b"written")
        assert get(f"{url}new{index}") == b"written"
    assert serving.end(number) == (0, "")
    assert not path.exists()
    for peer in peers:
        with pytest.raises(EOFError):
            peer.receive()
        peer.stream.close()
    assert subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=False).returncode == 0
    assert main(["cat", f"{image}:/new0"]) == 0


def test_read_only(serve, image):
    before = image.read_bytes()
    serving = serve(1, "--read-only", "--9p", "127.0.0.1:0", image)
    peer = connect(serving.lines[0])
    with pytest.raises(Refused, match="30"):
        peer.call("mkdir", 0, b"d", 0o755, 0)
    peer.stream.close()
    assert serving.end(signal.SIGTERM) == (0, "")
    assert image.read_bytes() == before


def test_one_directory(serve, image):
    serving = serve(2, "--http", "127.0.0.1:0", "--9p", "127.0.0.1:0", "--user", "5", f"{image}:/sub")
    url = serving.lines[0]
    assert get(url + "name") == b"deeper\n"
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        get(url + "file")
    missing.value.close()
    peer = connect(serving.lines[1])
    assert len(peer.walk(0, 1, b"..", b"name")) == 2
    peer.stream.close()
    assert serving.end(signal.SIGTERM) == (0, "")


def test_passwords(serve, image, tmp_path):
    serving = serve(2, "--allow-remote", "--http", "0.0.0.0:0", image)
    url, password = serving.lines[0].replace("0.0.0.0", "127.0.0.1"), serving.lines[1].removeprefix("password: ")
    assert len(password) >= 12
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        get(url)
    refused.value.close()
    from base64 import b64encode

    word = "Basic " + b64encode(f"me:{password}".encode()).decode()
    assert get(url + "file", Authorization=word) == b"contents\n"
    assert serving.end(signal.SIGTERM)[0] == 0
    (tmp_path / "word").write_text("own one\nrest\n")
    serving = serve(1, "--password-file", tmp_path / "word", image)
    word = "Basic " + b64encode(b"me:own one").decode()
    assert get(serving.lines[0] + "file", Authorization=word) == b"contents\n"
    assert serving.end(signal.SIGTERM)[0] == 0


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (("--http", "0.0.0.0:0"), 2, "other machines reach that address (--allow-remote"),
    (("--9p", "0.0.0.0:0", "--allow-remote"), 2, "9P asks nobody"),
    (("--http", "nonsense"), 2, "an address is HOST:PORT"),
    (("--http", "127.0.0.1:99999"), 2, "an address is HOST:PORT"),
    (("--http", "::1:80"), 2, "in brackets"),
    (("--http", "unix:/nowhere/at/all"), 1, "unix:/nowhere/at/all: No such file or directory"),
    (("--user", "me"), 2, "are numbers"),
    (("--password-file", "/nowhere"), 1, "/nowhere: No such file or directory"),
])  # fmt: skip
def test_what_cannot_be_served(serve, image, arguments, status, said):
    serving = serve(0, *arguments, image)
    ended, errors = serving.wait()
    assert (ended, said in errors) == (status, True), errors
    assert "Traceback" not in errors


def test_what_is_no_image(serve, tmp_path, image):
    assert "nothing: No such file" in serve(0, tmp_path / "nothing").wait()[1]
    status, errors = serve(0, f"{image}:/file").wait()
    assert (status, "Not a directory" in errors) == (1, True), errors


def test_sockets_that_are_in_use(tmp_path):
    path = tmp_path / "socket"
    address = f"unix:{path}"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first = Listener(address, lambda stream, peer: None)       # in place of the dead one
    with pytest.raises(OSError, match="in use"):
        Listener(address, lambda stream, peer: None)
    first.start()
    first.close()
    path.write_text("a file")
    with pytest.raises(OSError, match="in use"):
        Listener(address, lambda stream, peer: None)
    assert path.read_text() == "a file"
    with pytest.raises(AddressError):
        Listener("unix:", lambda stream, peer: None)
    with pytest.raises(RemoteAddress):
        Listener("0.0.0.0:0", lambda stream, peer: None)


def test_connections_are_bounded():
    """One more than are served waits until another ends."""
    greeted = []

    def serve(stream: socket.socket, peer: str) -> None:
        greeted.append(peer)
        stream.sendall(b"!")
        stream.recv(1)

    listener = Listener("127.0.0.1:0", serve, limit=2)
    listener.start()
    where = split_address(listener.address)
    clients = [socket.create_connection(where, timeout=30) for _ in range(3)]
    try:
        waiting = [client for client in clients[:2] if client.recv(1) == b"!"]
        assert len(waiting) == len(greeted) == 2
        clients[0].sendall(b"x")
        assert clients[2].recv(1) == b"!"
    finally:
        listener.close()
        for client in clients:
            client.close()
