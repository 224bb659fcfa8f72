# SPDX-License-Identifier: BSD-2-Clause
"""Images that others' tools made (see `build`), as text: the sectors that are not zero.

    size 1048576        bytes
    2 BASE64            sector 2; zeros at its end are left out
    8 =2                sector 8 is the same as sector 2
    9-11 =2             and so are 9 to 11
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

SECTOR = 512


_loaded: dict[str, bytes] = {}


def load(name: str) -> bytes:
    """An image by name."""
    if name not in _loaded:
        _loaded[name] = decode(_text(name))
    return _loaded[name]


def size(name: str) -> int:
    """How many bytes it has."""
    return _size(_lines(_text(name))[0])


def _text(name: str) -> str:
    folder = __file__.rpartition("/")[0]
    data: bytes = __loader__.get_data(f"{folder}/{name}.txt")  # type: ignore[name-defined]
    return data.decode("ascii")


def decode(text: str) -> bytes:
    """The image that a text stands for."""
    first, *lines = _lines(text)
    image = bytearray(_size(first))
    for line in lines:
        where, _, what = line.partition(" ")
        start, _, end = where.partition("-")
        data = _sector(image, int(what[1:])) if what.startswith("=") else a2b_base64(what)
        for sector in range(int(start), int(end or start) + 1):
            image[sector * SECTOR : sector * SECTOR + len(data)] = data
    return bytes(image)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _size(line: str) -> int:
    return int(line.removeprefix("size "))


def _sector(image: bytearray | bytes, number: int) -> bytes:
    return bytes(image[number * SECTOR : (number + 1) * SECTOR])


def encode(image: bytes) -> str:
    """The text of an image."""
    lines = [f"size {len(image)}"]
    known: dict[bytes, int] = {}
    for number in range(-(-len(image) // SECTOR)):
        sector = _sector(image, number)
        if sector.count(0) == len(sector):
            continue
        if sector not in known:
            known[sector] = number
            lines.append(f"{number} {b2a_base64(sector.rstrip(bytes(1)), newline=False).decode()}")
            continue
        same = f" ={known[sector]}"
        start, _, end = lines[-1].partition(" ")[0].partition("-")
        if lines[-1].endswith(same) and int(end or start) == number - 1:
            lines[-1] = f"{start}-{number}{same}"
        else:
            lines.append(f"{number}{same}")
    return "# SPDX-License-Identifier: BSD-2-Clause\n" + "\n".join(lines) + "\n"
