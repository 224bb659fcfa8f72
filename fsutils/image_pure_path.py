# SPDX-License-Identifier: BSD-2-Clause
"""A path inside an image as such: names, parents, order.  Nothing is looked up."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from rump.fsutils.image import Image
    from rump.kernel.lwps import Lwp


class PureImagePath:
    """An absolute path in an image; never changed, compared and sorted by its bytes.

    image  what it is in
    raw    the path as bytes, as the image has it
    """

    __slots__ = ("image", "raw")

    def __init__(self, image: Image, raw: bytes) -> None:
        self.image = image
        self.raw = raw

    @property
    def lwp(self) -> Lwp:
        """The process that makes the system calls."""
        return self.image.lwp

    def __truediv__(self, name: str | bytes | os.PathLike[str]) -> Self:
        added = os.fsencode(name)
        if added.startswith(b"/"):
            return type(self)(self.image, b"/" + added.strip(b"/"))
        return type(self)(self.image, self.raw.rstrip(b"/") + b"/" + added.rstrip(b"/")) if added else self

    def joinpath(self, *names: str | bytes) -> Self:
        """The path with names added."""
        path = self
        for name in names:
            path = path / name
        return path

    def __str__(self) -> str:
        return os.fsdecode(self.raw)

    def __bytes__(self) -> bytes:
        return self.raw

    def __repr__(self) -> str:
        return f"ImagePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PureImagePath) and self.image is other.image and self.raw == other.raw

    def __lt__(self, other: PureImagePath) -> bool:
        return self.raw < other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its names, behind the root: ``("/", "etc", "passwd")``."""
        return ("/", *(os.fsdecode(name) for name in self.raw.split(b"/") if name))

    @property
    def name(self) -> str:
        """The last name; "" of the root."""
        return os.fsdecode(self.raw.rpartition(b"/")[2])

    @property
    def suffix(self) -> str:
        """What is behind the last dot of the name, with the dot."""
        return os.path.splitext(self.name)[1]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return os.path.splitext(self.name)[0]

    @property
    def parent(self) -> Self:
        """The path without its last name; of the root, the root."""
        return type(self)(self.image, self.raw.rpartition(b"/")[0] or b"/")

    @property
    def parents(self) -> tuple[Self, ...]:
        """All directories above, the nearest first."""
        found: list[Self] = []
        path = self
        while path.raw != b"/":
            path = path.parent
            found.append(path)
        return tuple(found)

    def relative_to(self, other: PureImagePath) -> str:
        """The rest of the path below another.  Errors: ValueError - it is not below that."""
        base = other.raw.rstrip(b"/") + b"/"
        if self.raw == other.raw:
            return "."
        if not self.raw.startswith(base):
            raise ValueError(f"{str(self)!r} is not below {str(other)!r}")
        return os.fsdecode(self.raw[len(base):])
