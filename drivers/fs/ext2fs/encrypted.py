# SPDX-License-Identifier: BSD-2-Clause
"""What can be said of encrypted files without their keys: their names, in a form that is fit for a path.

A name is shown as the base64url of its ciphertext.  One too long for that is cut, and two checksums of the whole tell
it from others: 168 bytes as base64url, a dot, 16 hexadecimal digits.
"""

from __future__ import annotations

from binascii import b2a_base64, crc32, crc_hqx

WHOLE = 189             # bytes of ciphertext whose base64url fits a name (255)
CUT = 168               # bytes shown of longer ones

_URL = bytes.maketrans(b"+/", b"-_")


def shown(name: bytes) -> bytes:
    """The name that stands for a ciphertext: without "/" and NUL, at most 255 bytes, the same every time."""
    text = b2a_base64(name if len(name) <= WHOLE else name[:CUT], newline=False).translate(_URL).rstrip(b"=")
    if len(name) > WHOLE:
        text += b".%08x%04x%04x" % (crc32(name), crc_hqx(name, 0), crc_hqx(name[::-1], 0))
    return text
