# SPDX-License-Identifier: BSD-2-Clause
"""Operands: what people type for a file, on the host or inside an image.

An operand is a host path or ``IMAGE[@PARTITION]:/PATH``.  The image's name is the longest existing host file that the
text begins with and that ends at its end, at a ``:/`` or at an ``@``; the split is at the first ``:/`` behind it.
``host:`` and ``image:`` in front say which one is meant where a name could be both.
"""

from __future__ import annotations

import os
from stat import S_ISDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "host:"
IMAGE = "image:"


class Operand:
    """One operand.

    text       as typed
    image      the image's host path; None for a host operand
    partition  what came behind ``@``, None if nothing did
    path       the host path, or the path in the image, which begins with ``/``
    """

    __slots__ = ("image", "partition", "path", "text")

    def __init__(self, text: str, image: str | None, partition: str | None, path: bytes) -> None:
        self.text = text
        self.image = image
        self.partition = partition
        self.path = path

    @property
    def volume(self) -> str:
        """``IMAGE[@PARTITION]``, for messages; "" for a host operand."""
        if self.image is None:
            return ""
        return self.image if self.partition is None else f"{self.image}@{self.partition}"

    @property
    def shown(self) -> bytes:
        """The operand in full, so that it can be typed again: ``IMAGE[@PARTITION]:/PATH`` or the host path."""
        return self.path if self.image is None else os.fsencode(self.volume) + b":" + self.path

    def __repr__(self) -> str:
        return f"Operand({self.text!r}, {self.image!r}, {self.partition!r}, {self.path!r})"


def parse(text: str, *, image_by_default: bool) -> Operand:
    """Read an operand.

    `image_by_default` is for verbs that work inside images: a plain name is then an image, and means its root.
    For the others it is a host path, whether it exists or not.
    """
    if text.startswith(HOST):
        return Operand(text, None, None, os.fsencode(text[len(HOST):]))
    if text.startswith(IMAGE):
        return _inside(text, text[len(IMAGE):])
    if not image_by_default and (os.path.lexists(text) or not _names_an_image(text)):
        return Operand(text, None, None, os.fsencode(text))
    return _inside(text, text)


def _boundaries(text: str) -> Iterator[int]:
    """Where an image's name may end, the furthest first."""
    yield len(text)
    for index in range(len(text) - 1, 0, -1):
        if text[index] == "@" or text.startswith(":/", index):
            yield index


def _image_end(text: str) -> int | None:
    """Where the longest existing host file ends that `text` begins with; None if there is none."""
    for end in _boundaries(text):
        try:
            mode = os.stat(text[:end]).st_mode
        except (OSError, ValueError):
            continue
        if not S_ISDIR(mode):
            return end
    return None


def _names_an_image(text: str) -> bool:
    """Whether text that is no host file as it stands is meant as an image and something in it."""
    end = _image_end(text)
    if end is not None:
        return end < len(text)
    colon = text.find(":/")
    return colon > 0 and not os.path.isdir(text[: colon + 1])


def _inside(text: str, rest: str) -> Operand:
    """An image operand.  `rest` is `text` without its prefix."""
    end = _image_end(rest)
    if end is None:
        end = _missing_end(rest)
    image, rest = rest[:end], rest[end:]
    colon = rest.find(":/")
    selector, path = (rest, "/") if colon < 0 else (rest[:colon], rest[colon + 1:])
    return Operand(text, image, selector[1:] if selector else None, os.fsencode(path))


def _missing_end(text: str) -> int:
    """Where the name of an image ends that does not exist, for the message to name it."""
    colon = text.find(":/")
    stem = text if colon < 0 else text[:colon]
    at = stem.rfind("@")
    return at if at > 0 else len(stem)
