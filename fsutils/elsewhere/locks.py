# SPDX-License-Identifier: BSD-2-Clause
"""Images that a machine has as disks are locked here, as a kernel of this process would (`rump.kernel.dev.claims`)."""

from __future__ import annotations

import os

from rump.kernel.dev.claims import Claims
from rump.rumpuser.host import default
from rump.rumpuser.interface import VERSION, Upcalls
from rump.rumpuser.interface.errno import EACCES, EPERM, EROFS, HostError
from rump.rumpuser.interface.hypercalls import OPEN_RDONLY, OPEN_RDWR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

_NOT_WRITABLE = (EACCES, EPERM, EROFS)


class Locks:
    """A context manager: leaving it gives them up."""

    def __init__(self, parsed: argparse.Namespace, command: Command) -> None:
        self._host = default()
        self._host.init(VERSION, Upcalls(lambda: None, lambda: None))
        self._force = bool(getattr(parsed, "force_image", False))
        self._command = command
        self._handles: list[int] = []

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *exception: object) -> None:
        while self._handles:
            self._host.close(self._handles.pop())

    def take(self, path: str, writing: bool) -> bool:
        """Lock an image; whether it may be written to.  Errors: HostError, Fault - EBUSY: somebody else has it."""
        name = os.path.abspath(os.fsencode(path))
        try:
            handle = self._host.open(name, OPEN_RDWR if writing else OPEN_RDONLY)
        except HostError as error:
            if not writing or error.errno not in _NOT_WRITABLE:
                raise
            return self.take(path, False)       # the command will say that it cannot write
        self._handles.append(handle)
        claims = Claims(self._host, handle, path, self._force, self._command.say)
        if writing:
            claims.open_for_writing()
        claims.claim(0, self._host.getfileinfo(handle)[0], writing)
        return writing
