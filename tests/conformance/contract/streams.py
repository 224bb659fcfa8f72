# SPDX-License-Identifier: BSD-2-Clause
"""stream_listen, _address, _accept, _connect, _adopt, _send, _receive, _peer, _close."""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, NO_HANDLE, PATIENCE, ContractScenario
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import OPEN_CREATE, OPEN_RDWR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = b"tcp://127.0.0.1:0/"


def _listener(t: ContractScenario, address: bytes = LOOPBACK) -> tuple[int, bytes]:
    t.needs("stream_listen", b"")
    listener = t.host.stream_listen(address)
    return listener, t.host.stream_address(listener)


def _pair(t: ContractScenario, address: bytes = LOOPBACK) -> tuple[int, int]:
    """Two ends of a stream; nobody listens any more."""
    listener, address = _listener(t, address)
    one = t.host.stream_connect(address, PATIENCE)
    other = t.host.stream_accept(listener, PATIENCE)
    t.host.stream_close(listener)
    return one, other


def _unix(t: ContractScenario) -> bytes:
    t.needs("stream_listen", b"")
    return b"unix://" + t.path("socket")


def _exactly(t: ContractScenario, stream: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = t.host.stream_receive(stream, length - len(data), PATIENCE)
        t.true(piece, "the other end is gone")
        data += piece
    return data


def what_is_sent_arrives(t: ContractScenario) -> None:
    one, other = _pair(t)
    t.host.stream_send(one, b"there")
    t.host.stream_send(other, bytearray(b"and back"))
    t.equal(_exactly(t, other, 5), b"there")
    t.equal(_exactly(t, one, 8), b"and back")
    t.host.stream_close(one)
    t.host.stream_close(other)


def a_receiver_takes_no_more_than_asked(t: ContractScenario) -> None:
    one, other = _pair(t)
    t.host.stream_send(one, b"abcdef")
    t.equal(_exactly(t, other, 2), b"ab")
    t.equal(_exactly(t, other, 4), b"cdef")
    for length in (0, -1):
        with t.refused(e.EINVAL):
            t.host.stream_receive(other, length, 0)
    t.host.stream_close(one)
    t.host.stream_close(other)


def much_is_sent_in_one_piece(t: ContractScenario) -> None:
    """More than any host keeps on the way, by two at once."""
    one, other = _pair(t)
    length = 3 << 20

    def send(letter: bytes) -> Callable[[], None]:
        return lambda: t.host.stream_send(one, letter * length)

    senders = [t.start(send(letter)) for letter in (b"a", b"b")]
    data = _exactly(t, other, 2 * length)
    t.true(data in (b"a" * length + b"b" * length, b"b" * length + b"a" * length), "pieces are mixed")
    for sender in senders:
        sender.join()
    t.host.stream_close(one)
    t.host.stream_close(other)


def the_end_is_no_bytes(t: ContractScenario) -> None:
    one, other = _pair(t)
    t.host.stream_send(one, b"last")
    t.host.stream_close(one)
    t.equal(_exactly(t, other, 4), b"last")
    t.equal(t.host.stream_receive(other, 1, PATIENCE), b"")
    with t.refused(e.EPIPE, e.ECONNRESET):
        for _ in range(100):        # the first may still find room
            t.host.stream_send(other, bytes(65536))
    t.host.stream_close(other)


def waits_end_in_time(t: ContractScenario) -> None:
    listener, address = _listener(t)
    t.equal(t.host.stream_accept(listener, 0), -1)
    start = t.now()
    t.equal(t.host.stream_accept(listener, 20 * MS), -1)
    t.true(t.now() - start >= 20 * MS, "it did not wait")
    one = t.host.stream_connect(address, None)
    other = t.host.stream_accept(listener, None)
    start = t.now()
    with t.refused(e.ETIMEDOUT):
        t.host.stream_receive(other, 1, 20 * MS)
    t.true(t.now() - start >= 20 * MS, "it did not wait")
    with t.refused(e.ETIMEDOUT):
        t.host.stream_receive(one, 1, -1)
    for stream in (listener, one, other):
        t.host.stream_close(stream)


def closing_ends_waits(t: ContractScenario) -> None:
    listener, address = _listener(t)
    one = t.host.stream_connect(address, PATIENCE)
    other = t.host.stream_accept(listener, PATIENCE)
    found: list[int] = []

    def noting(call: str, *arguments: object) -> Callable[[], None]:
        def note() -> None:
            try:
                getattr(t.host, call)(*arguments)
            except HostError as error:
                found.append(error.errno or 0)

        return note

    threads = [t.start(noting("stream_accept", listener, None)), t.start(noting("stream_receive", other, 1, None))]
    t.host.clock_sleep(0, 20 * MS)
    t.host.stream_close(listener)
    t.host.stream_close(other)
    for thread in threads:
        thread.join()
    t.equal(found, [e.EBADF, e.EBADF], "how the waits ended")
    t.equal(t.host.stream_receive(one, 1, PATIENCE), b"")
    t.host.stream_close(one)


def nobody_listens(t: ContractScenario) -> None:
    listener, address = _listener(t)
    t.host.stream_close(listener)
    with t.refused(e.ECONNREFUSED):
        t.host.stream_connect(address, PATIENCE)
    with t.refused(e.ENOENT):
        t.host.stream_connect(_unix(t), PATIENCE)


def no_addresses(t: ContractScenario) -> None:
    t.needs("stream_listen", b"")
    for address in (b"", b"unix://", b"unix", b"tcp://", b"tcp://127.0.0.1/", b"tcp://127.0.0.1:x/", b"unix://a\0b",
                    b"tcp://127.0.0.1:65536/", b"other://a", b"tcp://127.0.0.1:1/a/"):  # fmt: skip
        with t.refused(e.EINVAL):
            t.host.stream_listen(address)
        with t.refused(e.EINVAL):
            t.host.stream_connect(address, 0)


def unix_streams(t: ContractScenario) -> None:
    one, other = _pair(t, _unix(t))
    t.host.stream_send(other, b"local")
    t.equal(_exactly(t, one, 5), b"local")
    t.host.stream_close(one)
    t.host.stream_close(other)
    with t.refused(e.ENOENT):           # the name is gone
        t.host.stream_connect(_unix(t), PATIENCE)


def one_listens_at_a_name(t: ContractScenario) -> None:
    listener, address = _listener(t, _unix(t))
    t.equal(address, _unix(t))
    with t.refused(e.EADDRINUSE):
        t.host.stream_listen(address)
    t.host.stream_close(t.host.stream_connect(address, PATIENCE))
    t.host.stream_close(listener)
    t.host.stream_close(t.host.stream_listen(address))


def a_file_is_not_taken_over(t: ContractScenario) -> None:
    address = _unix(t)
    t.open("socket", OPEN_RDWR | OPEN_CREATE)
    with t.refused(e.EADDRINUSE):
        t.host.stream_listen(address)


def long_names_are_refused(t: ContractScenario) -> None:
    address = _unix(t) + b"x" * 200
    with t.refused(e.ENAMETOOLONG):
        t.host.stream_listen(address)


def peers_are_told_of_unix_streams_only(t: ContractScenario) -> None:
    streams = _pair(t)
    with t.refused(e.EOPNOTSUPP):
        t.host.stream_peer(streams[0])
    local = _pair(t, _unix(t))
    try:
        pid, uid, gid = t.host.stream_peer(local[1])
        t.true(pid > 0 and uid >= 0 and gid >= 0, "no such peer")
    except HostError as error:
        t.equal(error.errno, e.EOPNOTSUPP)
    for stream in (*streams, *local):
        t.host.stream_close(stream)


def what_is_no_stream(t: ContractScenario) -> None:
    listener, _ = _listener(t)
    one, other = _pair(t)
    for number in (NO_HANDLE, -1, listener):
        with t.refused(e.EBADF):
            t.host.stream_send(number, b"")
        with t.refused(e.EBADF):
            t.host.stream_receive(number, 0, 0)
        with t.refused(e.EBADF):
            t.host.stream_peer(number)
    for number in (NO_HANDLE, one):
        with t.refused(e.EBADF):
            t.host.stream_accept(number, 0)
        with t.refused(e.EBADF):
            t.host.stream_address(number)
    for number in (listener, one, other):
        t.host.stream_close(number)
        with t.refused(e.EBADF):
            t.host.stream_close(number)
    with t.refused(e.EBADF):
        t.host.stream_adopt(-1)


def streams_give_up_the_virtual_cpu(t: ContractScenario) -> None:
    listener, address = _listener(t)
    one = t.host.stream_connect(address, PATIENCE)
    other = t.host.stream_accept(listener, PATIENCE)
    t.host.stream_send(other, b"x")
    for call, arguments in (
        (t.host.stream_accept, (listener, 0)), (t.host.stream_send, (one, b"x")), (t.host.stream_address, (listener,)),
        (t.host.stream_receive, (one, 1, None)), (t.host.stream_close, (one,)), (t.host.stream_close, (other,)),
        (t.host.stream_close, (listener,)),
    ):  # fmt: skip
        t.true(t.gave_up(call, *arguments) >= 1, "the virtual CPU was kept")
