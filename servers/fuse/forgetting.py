# SPDX-License-Identifier: BSD-2-Clause
"""After the death of a driver that was writing: Linux holds names, attributes and data that were never synced, and must
look again."""

from __future__ import annotations

import os
import threading

from rump.servers.fuse import protocol as p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.fuse.nodes import Nodes


class Forgetting:
    """Tells Linux, in a thread of its own: it may wait for a program that holds a directory and waits for the server.

    What is dirty (a file that is mapped for writing) Linux writes back first, and is refused.
    """

    def __init__(self, device: int, nodes: Nodes) -> None:
        self._device = device
        self._messages = messages(nodes)
        self._thread = threading.Thread(target=self._work, name="fuse forgetting")
        self._thread.start()

    def end(self) -> None:
        """Linux takes nothing any more, or all was said, when this returns.  Requires: the mount is gone."""
        self._messages = []
        self._thread.join()

    def _work(self) -> None:
        for message in self._messages:
            if not self._messages:
                return
            try:
                os.write(self._device, message)
            except OSError:
                continue        # Linux did not know it any more, or is gone


def messages(nodes: Nodes) -> list[bytes]:
    """What makes Linux look again at all that it knows: names before what they lead to."""
    names, files = [], []
    for number, places in nodes.everything():
        files.append(_message(p.NOTIFY_INVAL_INODE, p.INVAL_INODE_OUT.pack(number, 0, 0)))
        for directory, name in places:
            head = p.INVAL_ENTRY_OUT.pack(directory, len(name), p.EXPIRE_ONLY)
            names.append(_message(p.NOTIFY_INVAL_ENTRY, head + name + b"\0"))
    return names + files


def _message(code: int, body: bytes) -> bytes:
    return p.ANSWER.pack(p.ANSWER.size + len(body), code, 0) + body
