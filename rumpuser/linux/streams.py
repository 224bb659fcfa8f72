# SPDX-License-Identifier: BSD-2-Clause
"""Who is at the other end of a stream: SO_PEERCRED of unix(7)."""

from __future__ import annotations

from rump.rumpuser.posix.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


class PeerStreams(Streams):
    """Streams that know their peers."""

    def _credentials(self, socket: socket.socket) -> tuple[int, int, int]:
        from socket import SO_PEERCRED, SOL_SOCKET
        from struct import unpack

        pid, uid, gid = unpack("iII", socket.getsockopt(SOL_SOCKET, SO_PEERCRED, 12))
        return pid, uid, gid
