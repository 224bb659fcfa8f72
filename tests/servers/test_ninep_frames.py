# SPDX-License-Identifier: BSD-2-Clause
"""What the 9P2000.L server makes of messages that are none, and of many at once."""

from __future__ import annotations

import random
import socket
import threading

import pytest
from ninep_peer import Refused, refused

from rump.servers.ninep import messages as m

ENOENT, EOPNOTSUPP = 2, 95


def test_unknown_requests_are_refused(served):
    peer = served.attached()
    for kind in (0, 6, 9, 106, 112, 255):
        peer.raw(m.HEADER.pack(9, kind, 7) + b"xx")
        assert peer.receive() == (m.R_LERROR, 7, EOPNOTSUPP.to_bytes(4, "little"))
    with refused(ENOENT):
        peer.call("auth", 1, b"", b"", 0)
    assert peer.call("flush", 99) == ()


@pytest.mark.parametrize("frame", [
    b"\0\0\0\0\0\0\0",                                  # shorter than its header
    b"\6\0\0\0\0\0\0",
    b"\xff\xff\xff\xff\x64\0\0",                        # longer than agreed
    m.HEADER.pack(70000, 118, 1),
    m.HEADER.pack(8, 120, 1) + b"\0",                   # ends inside a field
    m.HEADER.pack(12, 120, 1) + b"\0" * 5,              # more than its fields
    m.HEADER.pack(17, 110, 1) + b"\0" * 8 + b"\xff\xff",        # more names than there are
    m.HEADER.pack(23, 118, 1) + b"\0" * 12 + b"\xff\xff\xff\xff",
    m.HEADER.pack(13, 100, 1) + b"\0\0\1\0\xff\xff",    # a string that is longer
], ids=lambda frame: frame[:12].hex())  # fmt: skip
def test_a_malformed_frame_costs_its_connection(served, frame):
    peer, other = served.attached(), served.attached()
    peer.raw(frame)
    with pytest.raises(EOFError):
        peer.receive()
    assert other.getattr(0)
    assert len(served.lines) == 1


def test_requests_come_after_the_version(served):
    peer = served.connect()
    peer.raw(m.encode(104, 1, 0, m.NO_FID, b"", b"", 0))
    with pytest.raises(EOFError):
        peer.receive()


def test_noise(served):
    """Any bytes: each connection ends, or answers; the server goes on."""
    noise = random.Random(9)
    numbers = list(m.MESSAGES)
    for _ in range(150):
        peer = served.attached()
        data = b""
        for _ in range(20):
            body = noise.randbytes(noise.choice((0, 4, 8, 12, 20, 40)))
            data += m.HEADER.pack(7 + len(body), noise.choice(numbers), 1) + body
        peer.raw(data)
        peer.stream.shutdown(socket.SHUT_WR)
        with pytest.raises((EOFError, ConnectionResetError)):
            while True:
                peer.receive()
    assert served.attached().getattr(0)
    assert not [line for line in served.lines if "internal" in line]


def test_requests_in_one_piece_are_answered_in_order(served):
    peer = served.attached()
    peer.raw(b"".join(m.encode(24, tag, 0, 0) for tag in range(50)) + m.encode(108, 99, 3))
    assert [peer.receive()[1] for _ in range(51)] == [*range(50), 99]


def test_clients_at_the_same_time(served):
    """They make, move and remove in one directory and in each other's way; every request is answered."""
    answers: list[int] = []

    def work(number: int) -> None:
        peer = served.attached()
        for step in range(40):
            for request in (
                ("mkdir", 0, b"shared%d" % (step % 3), 0o755, 0), ("mknod", 0, b"own%d" % number, 0o100644, 0, 0, 0),
                ("renameat", 0, b"own%d" % number, 0, b"moved%d" % (number % 2)),
                ("unlinkat", 0, b"shared%d" % (step % 3), 0x200),
                ("unlinkat", 0, b"moved%d" % (number % 2), 0),
            ):  # fmt: skip
                try:
                    peer.call(*request)
                    answers.append(0)
                except Refused as error:
                    answers.append(error.args[0])
        peer.stream.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4 * 40 * 5
    assert set(answers) <= {0, ENOENT, 17}
    peer = served.attached()
    peer.walk(0, 1)
    peer.call("lopen", 1, 0)
    left = {name for name, _, _ in peer.list(1)}
    assert left <= {b".", b"..", b"shared0", b"shared1", b"shared2", b"moved0", b"moved1"}
