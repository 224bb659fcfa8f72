# SPDX-License-Identifier: BSD-2-Clause
"""inflate: streams that zlib made, and what is no stream."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL

_TEXT = b"the quick brown fox jumps over the lazy dog; " * 3
_WAVES = bytes([index * index >> 5 & 15 for index in range(2000)])
_SQUARES = bytes([index * index % 251 for index in range(100)]) * 2
_ABC = bytes.fromhex("7801010300fcff616263024d0127")
_STREAMS = {
    "nothing": (b"", "78da030000000001"),
    "a stored block": (b"abc", _ABC.hex()),
    "fixed codes": (
        _TEXT,
        "78012bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4e4a75b8379b4510c00"
        "223430fd",
    ),
    "dynamic codes": (
        _WAVES,
        "78daedcf416e043108445128c08001fbfeb79d8e344ace10a90ba1bf7e443f630644d49647eeeab904b115bb0f419fce857a"
        "f685451d56af"
        "03cb268defe760d5d53c12036ff6860fe2e8a6d54fad10d75a36c75da3251bc941bfc7892da5b36ef096b61b283b815eb4f5"
        "e938dab91d13"
        "72526f2d4c2a757c3f0da75cf954186ea72beeec580a3afdd40474a76b67f832150198e96faffff5bffed7fffa5ffffff67f"
        "00094634db",
    ),
    "no repetitions": (
        _SQUARES,
        "780101c80037ff00010409101924314051647990a9c4e10526496e95bee91b4a7baee31f5893d0145598dd2972bd0f5eaf07"
        "5cb3116cc92d"
        "8ef15bc2309b0d7ced65da56cf4fcc50d159de6af38315a43acd67039c3cd97d23c6701cc57527d68c44f9b57333f0b47a42"
        "0c0001040910"
        "1924314051647990a9c4e10526496e95bee91b4a7baee31f5893d0145598dd2972bd0f5eaf075cb3116cc92d8ef15bc2309b"
        "0d7ced65da56"
        "cf4fcc50d159de6af38315a43acd67039c3cd97d23c6701cc57527d68c44f9b57333f0b47a420c1a145a89",
    ),
    "repetitions that overlap": (b"a" * 1000, "78da4b4c1c05a360140c770000f9d87af8"),
}
_ZEROS = bytes.fromhex("78daedc101010000008090feafee080a" + "00" * 63 + "6a000f0001")      # 65,536 of them


def _bits(*fields: tuple[int, int]) -> bytes:
    """Bits, the lowest first: (value, how many)."""
    number, at = 0, 0
    for value, count in fields:
        number |= value << at
        at += count
    return number.to_bytes(-(-at // 8), "little")


def _stream(body: bytes) -> bytes:
    """A stream of hand-made blocks, with the checksum of nothing."""
    return b"\x78\x9c" + body + b"\0\0\0\1"


_NONE = {
    "nothing": b"",
    "half a header": b"\x78",
    "a header whose check is wrong": b"\x78\x9d\x03\0\0\0\0\1",
    "a window too large": b"\x88\x1c\x03\0\0\0\0\1",
    "another method": b"\x79\x9c\x03\0\0\0\0\1",
    "a dictionary of others": b"\x78\xbb\0\0\0\1\x03\0\0\0\0\1",
    "cut off": _ABC[:-1],
    "a wrong checksum": _ABC[:-1] + b"\0",
    "a type of block that there is not": _stream(_bits((1, 1), (3, 2))),
    "lengths of a stored block that differ": _stream(_bits((1, 1), (0, 2), (0, 5), (3, 16), (3, 16))),
    "too little of a stored block": _stream(_bits((1, 1), (0, 2), (0, 5), (3, 16), (0xFFFC, 16))),
    "back from the start": _stream(_bits((1, 1), (1, 2), (0b0000001, 7), (0, 5))),
    "length symbol 286": _stream(_bits((1, 1), (1, 2), (0b01100011, 8), (0, 8))),
    "too many lengths": _stream(_bits((1, 1), (2, 2), (30, 5), (0, 5), (0, 4))),
    "too many distances": _stream(_bits((1, 1), (2, 2), (0, 5), (30, 5), (0, 4))),
    "code lengths without a code": _stream(_bits((1, 1), (2, 2), (0, 5), (0, 5), (0, 4), (0, 12))),
    "a repetition of nothing": _stream(_bits((1, 1), (2, 2), (0, 5), (0, 5), (0, 4), (1, 3), (0, 9), (0, 200))),
}


def what_zlib_made(t: ContractScenario) -> None:
    for name, (data, packed) in _STREAMS.items():
        t.equal(t.host.inflate(bytes.fromhex(packed), len(data)), data, name)


def behind_the_end(t: ContractScenario) -> None:
    t.equal(t.host.inflate(_ABC + b"more", 3), b"abc")


def kinds_of_buffer(t: ContractScenario) -> None:
    for buffer in (bytearray(_ABC), memoryview(_ABC), memoryview(b"x" + _ABC)[1:]):
        t.equal(t.host.inflate(buffer, 3), b"abc")


def the_limit(t: ContractScenario) -> None:
    for name, (data, packed) in _STREAMS.items():
        with t.refused(EINVAL):
            t.host.inflate(bytes.fromhex(packed), len(data) - 1)
        t.equal(t.host.inflate(bytes.fromhex(packed), len(data) + 1), data, name)


def more_than_it_looks(t: ContractScenario) -> None:
    t.equal(t.host.inflate(_ZEROS, 65_536), bytes(65_536))
    with t.refused(EINVAL):
        t.host.inflate(_ZEROS, 4096)


def no_stream(t: ContractScenario) -> None:
    for name, data in _NONE.items():
        try:
            with t.refused(EINVAL):
                t.host.inflate(data, 1000)
        except AssertionError as problem:
            t.true(False, f"{name}: {problem}")
