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
    from collections.abc import Callable, Iterable, Iterator

    from rump.fsutils.session import Session

HOST = "host:"
IMAGE = "image:"
STDIO = "-"             # standard input or output, for the verbs that take it
_MAGIC = frozenset(b"*?[")


class Operand:
    """One operand.

    text       as typed
    image      the image's host path; None for a host operand
    partition  what came behind ``@``, None if nothing did
    path       the host path, or the path in the image, which begins with ``/``
    name       what it is called where it was typed; None: it has no name there but the full one
    start      how much of `path` was not typed, being where one is
    """

    __slots__ = ("image", "name", "partition", "path", "start", "text")

    def __init__(
        self, text: str, image: str | None, partition: str | None, path: bytes, name: bytes | None = None,
        start: int = 0,
    ) -> None:  # fmt: skip
        self.text = text
        self.image = image
        self.partition = partition
        self.path = path
        self.name = name
        self.start = start

    @property
    def volume(self) -> str:
        """``IMAGE[@PARTITION]``, for messages; "" for a host operand."""
        if self.image is None:
            return ""
        return self.image if self.partition is None else f"{self.image}@{self.partition}"

    @property
    def shown(self) -> bytes:
        """The operand so that it can be typed again: its name, ``IMAGE[@PARTITION]:/PATH`` or the host path."""
        if self.name is not None:
            return self.name
        return self.path if self.image is None else os.fsencode(self.volume) + b":" + self.path

    def at(self, path: bytes) -> Operand:
        """Another path in the same place, called as this one is."""
        typed = self.path[self.start :]
        if self.name is None or not self.name.endswith(typed) or not path.startswith(self.path[: self.start]):
            full = os.fsencode(self.volume) + b":" + path
            return Operand(os.fsdecode(full), self.image, self.partition, path)
        name = self.name[: len(self.name) - len(typed)] + path[self.start :]
        return Operand(os.fsdecode(name), self.image, self.partition, path, name, self.start)

    def __repr__(self) -> str:
        return f"Operand({self.text!r}, {self.image!r}, {self.partition!r}, {self.path!r})"


class Word(str):
    """A word of a command line that stands for an operand however it reads: grammars other than fsu's make them."""

    operand: Operand

    def __new__(cls, operand: Operand) -> Word:
        word = super().__new__(cls, operand.text)
        word.operand = operand
        return word


_here: list[Callable[[str, bool], Operand | None]] = []


def relative_to(find: Callable[[str, bool], Operand | None]) -> Callable[[], object]:
    """Read operands relative to a place from now on, until the result is called.

    As the host's, the current directory is one for the process.  `find` is given what `parse` is, and has None to say
    of what means there what it does everywhere.
    """
    _here.append(find)
    return _here.pop


def parse(text: str, *, image_by_default: bool) -> Operand:
    """Read an operand.

    `image_by_default` is for verbs that work inside images: a plain name is then an image, and means its root.
    For the others it is a host path, whether it exists or not.  Errors: UsageError - a slash seems to be missing.
    """
    if isinstance(text, Word):
        return text.operand
    if text == STDIO:
        return Operand(text, None, None, os.fsencode(text))
    found = _here[-1](text, image_by_default) if _here else None
    if found is not None:
        return found
    if text.startswith(HOST):
        return Operand(text, None, None, os.fsencode(text[len(HOST):]))
    if text.startswith(IMAGE):
        return _inside(text, text[len(IMAGE):])
    if not image_by_default and os.path.lexists(text):
        return Operand(text, None, None, os.fsencode(text))
    _check_slash(text)
    if not image_by_default and not _names_an_image(text):
        return Operand(text, None, None, os.fsencode(text))
    return _inside(text, text)


def expanded(session: Session, texts: Iterable[str], *, image_by_default: bool = True) -> Iterator[Operand]:
    """Read operands; a pattern of paths in an image becomes what it matches, unless ``--no-glob`` says otherwise.

    To be called once it is known what will be written to: it may look into images.
    """
    for text in texts:
        yield from matches(session, parse(text, image_by_default=image_by_default))


def matches(session: Session, operand: Operand) -> Iterable[Operand]:
    """What an operand stands for: itself, or what is in the image for a pattern."""
    if operand.image is None or _MAGIC.isdisjoint(operand.path) or not session.options.glob:
        return (operand,)
    from rump.fsutils.expansion import expand

    return expand(session, operand)


def names_path_in_image(text: str) -> bool:
    """Whether text begins with the name of an image that is there, and says what is meant in it: ``IMAGE[@...]:/``."""
    end = image_end(text)
    return end is not None and ":/" in text[end:]


def _boundaries(text: str) -> Iterator[int]:
    """Where an image's name may end, the furthest first."""
    yield len(text)
    for index in range(len(text) - 1, 0, -1):
        if text[index] == "@" or text.startswith(":/", index):
            yield index


def image_end(text: str) -> int | None:
    """Where the longest existing host file ends that `text` begins with; None if there is none."""
    for end in _boundaries(text):
        try:
            mode = os.stat(text[:end]).st_mode
        except (OSError, ValueError):
            continue
        if not S_ISDIR(mode):
            return end
    return None


def _check_slash(text: str) -> None:
    """Errors: UsageError - it begins with the name of an image, but what follows the colon is no path in it."""
    colon = text.find(":")
    if colon < 0 or text.startswith(":/", colon) or os.path.lexists(text):
        return
    image = text[:colon]
    end = image_end(text)
    if (text[end] != "@" or ":/" in text) if end is not None else not os.path.isfile(image):
        return
    from rump.fsutils.errors import UsageError

    raise UsageError(f"{text}: did you mean {image}:/{text[colon + 1:]}?  ({HOST}{text} is a file of the host)")


def _names_an_image(text: str) -> bool:
    """Whether text that is no host file as it stands is meant as an image and something in it."""
    end = image_end(text)
    if end is not None:
        return end < len(text)
    colon = text.find(":/")
    return colon > 0 and not os.path.isdir(text[: colon + 1])


def _inside(text: str, rest: str) -> Operand:
    """An image operand.  `rest` is `text` without its prefix."""
    end = image_end(rest)
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
