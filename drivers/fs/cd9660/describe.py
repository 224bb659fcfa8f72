# SPDX-License-Identifier: BSD-2-Clause
"""What a volume says of itself."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import boot
from rump.drivers.fs.cd9660.dates import NANO, decode17
from rump.drivers.fs.cd9660.mount import sessions
from rump.kernel.calendar import civil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.medium import Medium
    from rump.drivers.fs.cd9660.mount import Descriptors, NameSpace

WORDS = {"rockridge": "Rock Ridge", "joliet": "Joliet", "enhanced": "ISO 9660:1999", "plain": "ISO 9660"}
TEXTS = (
    ("system", "system"), ("volume set", "volume_set"), ("publisher", "publisher"), ("preparer", "preparer"),
    ("application", "application"), ("copyright file", "copyright_file"), ("abstract file", "abstract_file"),
    ("bibliography file", "bibliography_file"),
)  # fmt: skip
TIMES = (("created", "created"), ("modified", "modified"), ("expires", "expires"), ("effective", "effective"))


def describe(
    medium: Medium, descriptors: Descriptors, kinds: tuple[str, ...], space: NameSpace
) -> tuple[tuple[bytes, bytes], ...]:
    """See `Volume.describe`."""
    return tuple((key.encode(), value if isinstance(value, bytes) else value.encode())
                 for key, value in _lines(medium, descriptors, kinds, space))  # fmt: skip


def _lines(
    medium: Medium, descriptors: Descriptors, kinds: tuple[str, ...], space: NameSpace
) -> Iterator[tuple[str, str | bytes]]:
    primary = descriptors.primary
    used = space.descriptor
    wide = space.kind == "joliet"
    yield "type", "ISO 9660"
    yield "label", _text(used.volume, wide)
    yield "uuid", _uuid(primary.modified) or _uuid(primary.created)
    for key, field in TEXTS:
        text = _text(getattr(used, field), wide)
        if text:
            yield key, text
    for key, field in TIMES:
        yield key, _moment(getattr(primary, field))
    yield "block size", str(primary.block_size)
    yield "blocks", str(primary.space_size)
    yield "name spaces", ", ".join(_word(kind, descriptors) for kind in kinds)
    yield "names used", _word(space.kind, descriptors)
    if space.protocols:
        yield "protocols", b" ".join(space.protocols)
    if primary.set_size > 1:
        yield "volume", f"{primary.sequence} of {primary.set_size}"
    yield "sessions", str(len(sessions(medium.device)))
    for name in descriptors.partitions:
        yield "partition", name
    for image in boot.catalog(medium, descriptors.catalog)[0]:
        what = "" if image.bootable else ", not bootable"
        yield "boot image", f"{image.number}: {image.kind} at byte {image.start}, {image.loaded} bytes loaded{what}"


def _word(kind: str, descriptors: Descriptors) -> str:
    return f"Joliet level {descriptors.joliet_level}" if kind == "joliet" else WORDS[kind]


def _text(raw: bytes, wide: bool) -> bytes:
    """A field of text, in UTF-8."""
    if wide:
        return raw[: len(raw) & ~1].decode("utf-16-be", "replace").rstrip(" \0").encode()
    return raw.rstrip(b" \0").decode("utf-8", "replace").encode()


def _uuid(date: bytes) -> str:
    """What other programs take for a volume's unique number: the digits of a date."""
    if decode17(date) is None:
        return ""
    text = date[:16].decode()
    return "-".join((text[:4], *(text[at : at + 2] for at in range(4, 16, 2))))


def _moment(date: bytes) -> str:
    time = decode17(date)
    if time is None:
        return "never"
    days, seconds = divmod(time // NANO, 86400)
    year, month, day = civil(days)
    return f"{year}-{month:02}-{day:02} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02} UTC"
