# SPDX-License-Identifier: BSD-2-Clause
"""Who may be a client: by a secret that both know, which is never sent.

The client sends a number used once, gets one back, and proves that it knows the secret; then the server does.  Two
handshakes of the kind AUTH, before the one that the original begins with (whose own AUTH was never made).  What follows
is neither secret nor signed: where others can reach the wire, it goes through a tunnel.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.sysproxy.frames import AUTH, HANDSHAKE, REQUEST, RESPONSE, encode
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.sysproxy.connection import Connection
    from rump.kernel.sysproxy.frames import Frame

    Digest: TypeAlias = Callable[[bytes, bytes], bytes]     # HMAC-SHA256 (RFC 2104) of a key and a message

NONCE = 32      # bytes


def _proof(digest: Digest, secret: bytes, who: bytes, ours: bytes, theirs: bytes) -> bytes:
    return digest(secret, b"rump sysproxy " + who + b"\0" + ours + theirs)


def _equal(digest: Digest, key: bytes, one: bytes, other: bytes) -> bool:
    """Compared so that the time it takes tells nothing."""
    return digest(key, one) == digest(key, other)


def demand(connection: Connection, first: Frame, secret: bytes, digest: Digest, nonce: bytes) -> tuple[bool, Frame]:
    """The server's side, after the client's first frame: whether the client knows the secret, and its last frame."""
    if (first.kind, first.type, first.extra) != (REQUEST, HANDSHAKE, AUTH) or len(first.payload) != NONCE:
        return False, first
    connection.send(encode(first.number, RESPONSE, HANDSHAKE, AUTH, nonce))
    second = connection.frame()
    if (second.kind, second.type, second.extra) != (REQUEST, HANDSHAKE, AUTH):
        return False, second
    if not _equal(digest, nonce, second.payload, _proof(digest, secret, b"client", first.payload, nonce)):
        return False, second
    answer = _proof(digest, secret, b"server", first.payload, nonce)
    connection.send(encode(second.number, RESPONSE, HANDSHAKE, AUTH, answer))
    return True, second


def prove(connection: Connection, secret: bytes, digest: Digest, nonce: bytes) -> None:
    """The client's side, after the banner.  Errors: EPERM - the server refuses, or does not know the secret itself."""
    connection.send(encode(0, REQUEST, HANDSHAKE, AUTH, nonce))
    theirs = _answer(connection)
    if len(theirs) != NONCE:
        raise fault(e.EPERM, "the server asks for no secret")
    connection.send(encode(1, REQUEST, HANDSHAKE, AUTH, _proof(digest, secret, b"client", nonce, theirs)))
    if not _equal(digest, nonce, _answer(connection), _proof(digest, secret, b"server", nonce, theirs)):
        raise fault(e.EPERM, "the server does not know the secret")


def _answer(connection: Connection) -> bytes:
    frame = connection.frame()
    if (frame.kind, frame.type) != (RESPONSE, HANDSHAKE):
        raise fault(e.EPERM, "the server refuses")
    return frame.payload
