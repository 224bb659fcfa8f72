# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes as getfattr writes them and setfattr reads them: attr(1), and the dumps of ``getfattr -d``."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEXT, HEX, BASE64 = "text", "hex", "base64"
_PATH = b"# file: "


def quote(name: bytes, also: bytes = b"") -> bytes:
    """A name on one line; control characters, backslashes and the bytes of `also` become octal.

    >>> quote(b"a=b\\n\\\\", b"=")
    b'a\\\\075b\\\\012\\\\134'
    """
    return b"".join([b"\\%03o" % byte if byte < 32 or byte in (92, 127) or byte in also else bytes([byte])
                     for byte in name])  # fmt: skip


def encode(value: bytes, form: str | None) -> bytes:
    """A value in a form; without one as text if that can be read, else in base 64.

    >>> encode(b'a"b', None), encode(b"\\0\\1", None), encode(b"AB", "hex")
    (b'"a\\\\"b"', b'0sAAE=', b'0x4142')
    """
    if form is None:
        form = TEXT if _is_readable(value) else BASE64
    if form == HEX:
        return b"0x" + value.hex().encode()
    if form == BASE64:
        return b"0s" + b2a_base64(value, newline=False)
    return b'"' + b"".join([
        b"\\" + bytes([byte]) if byte in b'"\\' else b"\\%03o" % byte if byte < 32 or byte == 127 else bytes([byte])
        for byte in value
    ]) + b'"'  # fmt: skip


def _is_readable(value: bytes) -> bool:
    """Whether no more than an eighth of it is no text."""
    text = value.removesuffix(b"\0").decode("utf-8", "surrogateescape")
    return len(value) >= 8 * sum(not letter.isprintable() for letter in text)


def decode(text: bytes) -> bytes:
    """A value as people write it.  Errors: ValueError.

    >>> decode(b'"a\\\\012b"'), decode(b"0x4142"), decode(b"0sQUI="), decode(b"plain")
    (b'a\\nb', b'AB', b'AB', b'plain')
    """
    if text[:2] in (b"0x", b"0X"):
        try:
            return bytes.fromhex(text[2:].decode("ascii"))
        except (ValueError, UnicodeDecodeError):
            raise ValueError("no hexadecimal value") from None
    if text[:2] in (b"0s", b"0S"):
        try:
            return a2b_base64(text[2:], strict_mode=True)
        except Error:
            raise ValueError("no value in base 64") from None
    if len(text) >= 2 and text[:1] == text[-1:] == b'"':
        text = text[1:-1]
    return unquote(text)


def unquote(text: bytes) -> bytes:
    """Text with its backslash escapes: three octal digits, a backslash, a quote.

    >>> unquote(b"a\\\\075b\\\\q")
    b'a=b\\\\q'
    """
    pieces, at = [], 0
    while (back := text.find(b"\\", at)) >= 0:
        pieces.append(text[at:back])
        digits = text[back + 1 : back + 4]
        length = next((place for place, byte in enumerate(digits) if byte not in b"01234567"), len(digits))
        if length:
            pieces.append(bytes([int(digits[:length], 8) & 0xFF]))
        elif digits[:1] in (b"\\", b'"') and digits:
            pieces.append(digits[:1])
            length = 1
        else:
            pieces.append(b"\\")
        at = back + 1 + length
    return b"".join([*pieces, text[at:]])


def read_dump(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """What a dump says: (path, name of an attribute, value).  Errors: ValueError - which line is wrong."""
    path = None
    for number, line in enumerate(lines, 1):
        line = line.rstrip(b"\r\n")
        if line.startswith(_PATH):
            path = unquote(line[len(_PATH):])
        elif line and not line.startswith(b"#"):
            if path is None:
                raise ValueError(f"line {number}: an attribute of no file")
            name, _, value = line.partition(b"=")
            try:
                yield path, unquote(name), decode(value)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None


def heading(path: bytes) -> bytes:
    """The line before a file's attributes."""
    return _PATH + quote(path) + b"\n"
