# SPDX-License-Identifier: BSD-2-Clause
"""Frames to a neighbour and back: its Ethernet address by ARP (RFC 826), then echoes (RFC 792) of many lengths.

    python network_session.py OUR-ADDRESS ITS-ADDRESS

Every echo must bring back what was sent, in either order of arrival; the neighbour may say other things meanwhile.
"network: done" ends it.
"""

import struct
import sys

from rump.rumpuser.host import default
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO

SECOND = 10**9
PATIENCE = 60 * SECOND
TOGETHER = 16               # echoes under way
LENGTHS = [0, 1, 18, 100, 1000, 1471, 1472]
ECHOES = 200


def octets(text):
    return bytes(map(int, text.split(".")))


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """One card, and who is at its other end."""

    def __init__(self, host, ours, theirs):
        self.host, self.nic = host, host.nic_open(b"net0")
        self.mac, self.ours, self.theirs = host.nic_address(self.nic), octets(ours), octets(theirs)
        self.neighbour = b""

    def frames(self):
        """What arrives, or b"" where nothing does; TimeoutError when that went on for long."""
        until = self.host.clock_gettime(CLOCK_ABSMONO) + PATIENCE
        while self.host.clock_gettime(CLOCK_ABSMONO) < until:
            yield self.host.nic_receive(self.nic, SECOND)
        raise TimeoutError("the neighbour does not answer")

    def find(self):
        """The neighbour's Ethernet address."""
        ask = struct.pack(">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, self.mac, self.ours, bytes(6), self.theirs)
        self.host.nic_send(self.nic, b"\xff" * 6 + self.mac + b"\x08\x06" + ask)
        for frame in self.frames():
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\x02" and frame[28:32] == self.theirs:
                self.neighbour = frame[22:28]
                return

    def echo(self, number, data):
        """Send an echo request."""
        body = struct.pack(">BBHHH", 8, 0, 0, 77, number) + data
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), number, 0x4000, 64, 1, 0, self.ours, self.theirs)
        head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
        self.host.nic_send(self.nic, self.neighbour + self.mac + b"\x08\x00" + head + body)

    def answered(self, frame):
        """The number and the data of an echo reply; None for any other frame."""
        length = int.from_bytes(frame[16:18], "big")
        body = frame[34 : 14 + length]
        if frame[12:14] != b"\x08\x00" or frame[14] != 0x45 or frame[23] != 1 or body[:2] != b"\0\0":
            return None
        assert checksum(body) == checksum(frame[14:34]) == 0
        return int.from_bytes(body[6:8], "big"), body[8:]


def session(ours, theirs, say):
    """All of it."""
    wire = Wire(default(), ours, theirs)
    say(f"we are {wire.mac.hex(':')}")
    wire.find()
    under_way, sent, same = {}, 0, 0
    frames = wire.frames()
    while same < ECHOES:
        while sent < ECHOES and len(under_way) < TOGETHER:
            data = bytes((sent + index) % 251 for index in range(LENGTHS[sent % len(LENGTHS)]))
            under_way[sent] = data
            wire.echo(sent, data)
            sent += 1
        answer = wire.answered(next(frames))
        if answer is not None:
            assert under_way.pop(answer[0]) == answer[1], answer[0]
            same += 1
    say(f"{same} echoes came back the same")
    wire.host.nic_close(wire.nic)
    say("network: done")


if __name__ == "__main__":
    session(sys.argv[1], sys.argv[2], print)
