# SPDX-License-Identifier: BSD-2-Clause
"""A client of the original's protocol, written from its description alone: it shares no code with the server.

It has a memory: a dictionary of address -> bytearray, which the server's copies go to and come from.
"""

from __future__ import annotations

import socket
import struct

GUEST, AUTH, FORK, EXEC = range(4)
HANDSHAKE, SYSCALL, COPYIN, COPYINSTR, COPYOUT, COPYOUTSTR, ANONMMAP, PREFORK, RAISE = range(9)
REQ, RESP, ERROR = range(3)


class Hung(Exception):
    """The server has hung up."""


def header(length, number, kind, type, extra):
    return struct.pack("=QQHHI", length, number, kind, type, extra)


class RawClient:
    def __init__(self, address, name=b"raw", handshake=True):
        scheme, _, rest = address.partition(b"://")
        if scheme == b"unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(rest)
        else:
            host, port = rest.rstrip(b"/").split(b":")
            self.socket = socket.create_connection((host.decode(), int(port)))
        self.socket.settimeout(20)
        self.memory = {}
        self.top = 0x10000
        self.number = 100
        self.banner = b""
        try:
            while not self.banner.endswith(b"\n"):
                self.banner += self.exactly(1)
            if handshake:
                assert self.handshake(GUEST, name + b"\0") == (RESP, 0, b"\0\0\0\0")
        except BaseException:
            self.close()
            raise

    def exactly(self, length):
        data = b""
        while len(data) < length:
            try:
                piece = self.socket.recv(length - len(data))
            except ConnectionError:
                raise Hung from None
            if not piece:
                raise Hung
            data += piece
        return data

    def send(self, number, kind, type, extra, payload=b""):
        self.raw(header(24 + len(payload), number, kind, type, extra) + payload)

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            raise Hung from None

    def receive(self):
        length, number, kind, type, extra = struct.unpack("=QQHHI", self.exactly(24))
        return number, kind, type, extra, self.exactly(length - 24)

    def handshake(self, kind, payload):
        """(class, extra, payload) of the answer."""
        return self.ask(HANDSHAKE, kind, payload)

    def ask(self, type, extra=0, payload=b""):
        self.number += 1
        self.send(self.number, REQ, type, extra, payload)
        _, kind, got, extra, payload = self.serve(self.number)
        assert got == type
        return kind, extra, payload

    def serve(self, wanted):
        """Answer the server's own requests until the answer comes."""
        while True:
            number, kind, type, _, payload = frame = self.receive()
            if kind != REQ:
                assert number == wanted, frame
                return frame
            length, address = struct.unpack_from("=QQ", payload)
            if type == COPYIN:
                self.send(number, RESP, COPYIN, 0, self.peek(address, length))
            elif type == COPYINSTR:
                self.send(number, RESP, COPYIN, 0, self.string(address, length))    # as librumpclient does
            elif type in (COPYOUT, COPYOUTSTR):
                assert len(payload) == 16 + length
                self.poke(address, payload[16:])
            else:
                raise AssertionError(type)

    def place(self, data):
        """Put data (or that many zeros) into memory; its address."""
        area = bytearray(data)
        address, self.top = self.top, self.top + (len(area) + 31) // 16 * 16
        self.memory[address] = area
        return address

    def _area(self, address):
        for start, area in self.memory.items():
            if start <= address <= start + len(area):
                return area, address - start
        raise AssertionError(f"nothing at {address:#x}")

    def peek(self, address, length):
        area, at = self._area(address)
        assert at + length <= len(area)
        return bytes(area[at : at + length])

    def poke(self, address, data):
        area, at = self._area(address)
        assert at + len(data) <= len(area)
        area[at : at + len(data)] = data

    def string(self, address, longest):
        area, at = self._area(address)
        end = area.find(b"\0", at)
        return bytes(area[at : end + 1 if end >= 0 else len(area)])[:longest]

    def slots(self, *arguments):
        out = b""
        for argument in arguments:
            if isinstance(argument, bytes):
                argument = self.place(argument + b"\0")
            out += struct.pack("=q", argument)
        return out

    def call(self, number, *arguments):
        """(errno, first value, second value)."""
        kind, _, payload = self.ask(SYSCALL, number, self.slots(*arguments))
        assert kind == RESP and len(payload) == 24
        error, _, one, two = struct.unpack("=iiqq", payload)
        return error, one, two

    def ok(self, number, *arguments):
        error, one, _ = self.call(number, *arguments)
        assert error == 0, (number, error)
        return one

    def prefork(self):
        kind, _, cookie = self.ask(PREFORK)
        assert kind == RESP and len(cookie) == 16
        return cookie

    def close(self):
        self.socket.close()
