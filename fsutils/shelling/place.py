# SPDX-License-Identifier: BSD-2-Clause
"""Where a script or a shell is, and what operands mean there.

``:PATH``       in the current image: from its root (``:/etc``) or from the current directory (``:etc``)
``NAME:PATH``   in an image that was given a name, from its root
plain           depends: in the shell, and for verbs that work inside images only, in the current image as above
``IMAGE:/``...  as everywhere, where an image of that name exists; ``host:`` and ``image:`` too
"""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import HOST, IMAGE, Operand, names_path_in_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NEVER: Final = 0            # plain operands are host files and images, as on the command line
INSIDE_VERBS: Final = 1     # those of verbs that work inside images only lie in the current image
ALWAYS: Final = 2           # all do


class Place:
    """A current image and directory, and the images that have names.

    image      the current image's host path, absolute; None: there is none yet
    partition  what was behind its ``@``, or None
    directory  the current directory in it
    images     name -> (image, partition)
    plain      which plain operands lie in the current image
    """

    def __init__(self, plain: int = INSIDE_VERBS) -> None:
        self.image: str | None = None
        self.partition: str | None = None
        self.directory = b"/"
        self.images: dict[str, tuple[str, str | None]] = {}
        self.plain = plain

    @property
    def volume(self) -> str:
        """``IMAGE[@PARTITION]`` of the current image, "" if there is none."""
        if self.image is None:
            return ""
        return self.image if self.partition is None else f"{self.image}@{self.partition}"

    def find(self, text: str, image_by_default: bool) -> Operand | None:
        """What an operand means here; None: what it does everywhere.  Errors: UsageError - there is no image yet."""
        name, colon, rest = text.partition(":")
        if colon and not name:
            if self.image is None:
                raise UsageError(f"{text}: no image is open; cd IMAGE[@PARTITION]:/ opens one")
            return self._current(text, rest)
        if colon and name in self.images:
            return Operand(text, *self.images[name], b"/" + os.fsencode(rest.lstrip("/")), os.fsencode(text))
        if self.image is None or text.startswith((HOST, IMAGE)):
            return None
        plain_inside = self.plain == ALWAYS or (self.plain == INSIDE_VERBS and image_by_default)
        return self._current(text, text) if plain_inside and not names_path_in_image(text) else None

    def _current(self, text: str, path: str) -> Operand:
        """An operand in the current image."""
        raw = os.fsencode(path) or b"."
        if raw.startswith(b"/"):
            return Operand(text, self.image, self.partition, raw, os.fsencode(text))
        above = self.directory if self.directory.endswith(b"/") else self.directory + b"/"
        return Operand(text, self.image, self.partition, above + raw, os.fsencode(text), len(above))

    def go(self, operand: Operand) -> None:
        """Make an operand's directory the current one."""
        self.image = os.path.abspath(operand.image or "")
        self.partition = operand.partition
        self.directory = normal(operand.path)

    def name(self, operand: Operand, name: str | None = None) -> str:
        """Give an operand's image a name, one that is free and reminds of the file's if none is given; the name."""
        image = os.path.abspath(operand.image or "")
        if name is None:
            stem = os.path.basename(image).partition(".")[0]
            stem = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in stem)
            stem = stem if stem.isidentifier() and stem + ":" not in (HOST, IMAGE) else "_" + stem
            taken = (name for name in (stem, *(f"{stem}_{count}" for count in range(2, 10_000))))
            name = next((name for name in taken if name not in self.images), stem)
        self.images[name] = image, operand.partition
        return name

    def leave(self) -> None:
        """There is no current image any more."""
        self.image, self.partition, self.directory = None, None, b"/"


def normal(path: bytes) -> bytes:
    """An absolute path without ``.``, ``..`` and needless slashes, as ``cd`` and ``pwd`` of a shell have it.

    >>> normal(b"/a/./b/../../c//"), normal(b"/../..")
    (b'/c', b'/')
    """
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/" + b"/".join(parts)


def spelled(name: bytes) -> bytes:
    """How a path found in the current directory is said so that it means nothing else: a dash or a colon in it is no
    option and no image.

    >>> spelled(b"-rf"), spelled(b"etc/passwd"), spelled(b"usb:x")
    (b'./-rf', b'etc/passwd', b'./usb:x')
    """
    return b"./" + name if name.startswith((b"-", b":")) or b":" in name else name
