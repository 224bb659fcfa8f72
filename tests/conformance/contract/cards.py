# SPDX-License-Identifier: BSD-2-Clause
"""nic_open, nic_address, nic_send, nic_receive, nic_close.

Where the machine has a network a neighbour is asked for its Ethernet address (RFC 826), and echoes are asked of it (RFC
792): frames of every size must come back as they were sent.
"""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, NO_HANDLE, PATIENCE, SECOND, ContractScenario
from rump.rumpuser.interface.errno import EBADF, EINVAL, EMSGSIZE
from rump.rumpuser.interface.hypercalls import CLOCK_RELWALL

_EVERYBODY = b"\xff" * 6
_ARP, _IPV4 = b"\x08\x06", b"\x08\x00"
_SHORTEST = 60      # bytes of a frame on a real wire; what is shorter is filled with zeros


class _Station:
    """The kernel's end of the wire."""

    def __init__(self, t: ContractScenario) -> None:
        t.needs("nic_open", b"")
        network = t.machine.network()
        if network is None:
            t.without("network")
        name, self.ip, self.neighbour = network  # type: ignore[misc]
        self.t = t
        self.nic = t.host.nic_open(name)
        self.address = t.host.nic_address(self.nic)
        self.other = b""

    def close(self) -> None:
        self.t.host.nic_close(self.nic)

    def send(self, to: bytes, kind: bytes, payload: bytes) -> None:
        frame = to + self.address + kind + payload
        self.t.host.nic_send(self.nic, frame + bytes(max(0, _SHORTEST - len(frame))))

    def await_frame(self, kind: bytes, begins: bytes, at: int) -> bytes:
        """The payload of a frame to us of that type that has those bytes there; questions meanwhile are answered."""
        end = self.t.now() + PATIENCE
        while (left := end - self.t.now()) > 0:
            frame = self.t.host.nic_receive(self.nic, min(left, SECOND))
            if not frame:
                return b""
            self.t.true(len(frame) >= 14, "a frame without its header")
            if frame[12:14] == _ARP and frame[20:22] == b"\0\1" and frame[38:42] == self.ip:
                self._answer(frame)
            elif frame[:6] == self.address and frame[12:14] == kind and frame[14 + at :].startswith(begins):
                return frame[14:]
        return b""

    def _answer(self, question: bytes) -> None:
        """An ARP reply to who asks for us."""
        sender, ip = question[22:28], question[28:32]
        self.send(sender, _ARP, b"\0\1\x08\0\6\4\0\2" + self.address + self.ip + sender + ip)

    def ask(self) -> bytes:
        """The neighbour's Ethernet address."""
        question = b"\0\1\x08\0\6\4\0\1" + self.address + self.ip + bytes(6) + self.neighbour
        for _ in range(10):         # a wire may lose frames, and one that was just plugged in does
            self.send(_EVERYBODY, _ARP, question)
            answer = self.await_frame(_ARP, b"\0\2", 6)
            if answer[14:18] == self.neighbour:
                self.other = answer[8:14]
                return self.other
        self.t.true(False, "the neighbour does not answer")
        return b""

    def echo(self, number: int, data: bytes) -> bytes:
        """What comes back of an ICMP echo with that data."""
        icmp = _summed(b"\x08\0\0\0" + b"ru" + number.to_bytes(2, "big") + data, 2)
        length = (20 + len(icmp)).to_bytes(2, "big")
        header = _summed(b"\x45\0" + length + b"\0\0\x40\0\x40\1\0\0" + self.ip + self.neighbour, 10)
        for _ in range(10):
            self.send(self.other, _IPV4, header + icmp)
            answer = self.await_frame(_IPV4, b"\0\0", 20)
            if answer[24:28] == icmp[4:8]:
                return answer[28 : int.from_bytes(answer[2:4], "big")]
        return b""


def _summed(data: bytes, at: int) -> bytes:
    """The Internet checksum (RFC 1071) put in at an offset."""
    total = sum([int.from_bytes(data[index : index + 2].ljust(2, b"\0"), "big") for index in range(0, len(data), 2)])
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return data[:at] + (total ^ 0xFFFF).to_bytes(2, "big") + data[at + 2 :]


def an_address_of_its_own(t: ContractScenario) -> None:
    station = _Station(t)
    address = station.address
    t.true(type(address) is bytes and len(address) == 6, f"{address!r} is no Ethernet address")
    t.true(not address[0] & 1, "a group address")
    t.true(any(address), "no address")
    t.equal(t.host.nic_address(station.nic), address, "asked again")
    t.true(station.ask() != address, "both ends have the same address")
    station.close()
    again = _Station(t)
    t.equal(again.address, address, "opened again")
    again.close()


def echoes_come_back(t: ContractScenario) -> None:
    station = _Station(t)
    station.ask()
    for number, length in enumerate((0, 1, 18, 19, 56, 257, 1000, 1471, 1472)):
        data = bytes([(index * 7 + number) % 256 for index in range(length)])
        t.equal(station.echo(number, data), data, f"an echo of {length} bytes")
    station.close()


def frames_come_in_order(t: ContractScenario) -> None:
    station = _Station(t)
    station.ask()
    t.equal([station.echo(number, bytes([number])) for number in range(20)], [bytes([number]) for number in range(20)])
    station.close()


def the_time_is_up(t: ContractScenario) -> None:
    station = _Station(t)
    for timeout in (-1, 0, 20 * MS):
        end = t.now() + PATIENCE
        while True:         # until a moment in which nothing comes
            start = t.now()
            if not t.host.nic_receive(station.nic, timeout):
                break
            t.true(start < end, "frames without end")
        t.true(max(0, timeout) <= t.now() - start < 10 * SECOND, f"back after {t.now() - start} ns")
    station.close()


def a_frame_arrives_while_we_wait(t: ContractScenario) -> None:
    """nic_receive gives up the virtual CPU, so that another thread can send."""
    station = _Station(t)
    found: list[bytes] = []
    thread = t.start(lambda: found.append(station.await_frame(_ARP, b"\0\2", 6)))
    question = b"\0\1\x08\0\6\4\0\1" + station.address + station.ip + bytes(6) + station.neighbour
    for _ in range(10):
        if not found:
            t.host.clock_sleep(CLOCK_RELWALL, 5 * MS)
            station.send(_EVERYBODY, _ARP, question)
    thread.join()
    t.equal(found[0][14:18], station.neighbour, "who answered")
    station.close()


def frames_no_card_takes(t: ContractScenario) -> None:
    station = _Station(t)
    for length in (0, 1, 13):
        with t.refused(EINVAL):
            t.host.nic_send(station.nic, bytes(length))
    with t.refused(EMSGSIZE):
        t.host.nic_send(station.nic, station.address + bytes(1 << 20))
    station.close()


def keeps_no_buffer(t: ContractScenario) -> None:
    station = _Station(t)
    frame = bytearray(_EVERYBODY + station.address + b"\x88\xb5" + bytes(46))       # a type for experiments
    t.host.nic_send(station.nic, frame)
    try:
        frame.append(0)
    except BufferError:
        t.true(False, "the host keeps the caller's buffer")
    station.close()


def names_no_card_has(t: ContractScenario) -> None:
    t.needs("nic_open", b"")
    for name in (b"a\0b", b"../null", b"/dev/null"):
        with t.refused(EINVAL):
            t.host.nic_open(name)


def not_a_card(t: ContractScenario) -> None:
    t.needs("nic_open", b"")
    t.new(b"a handle of this number is no card")
    for number in (3, NO_HANDLE, 0, -1):
        for call, *arguments in (
            (t.host.nic_address,),
            (t.host.nic_send, bytes(60)),
            (t.host.nic_receive, 0),
            (t.host.nic_close,),
        ):
            with t.refused(EBADF):
                call(number, *arguments)


def closing(t: ContractScenario) -> None:
    station = _Station(t)
    station.close()
    with t.refused(EBADF):
        t.host.nic_close(station.nic)
    with t.refused(EBADF):
        t.host.nic_receive(station.nic, 0)
