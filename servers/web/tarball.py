# SPDX-License-Identifier: BSD-2-Clause
"""A directory as an archive, made while it is sent."""

from __future__ import annotations

import io

from rump.fsutils.archive.output import ArchiveFile, OutputError
from rump.fsutils.archive.writer import Writer
from rump.fsutils.command import Command, Output
from rump.fsutils.finding.walk import COMMAND_LINE, Limits, Walk
from rump.fsutils.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp


class _Lines(io.RawIOBase):
    """Takes what a command complains of; keeps whether it did."""

    def __init__(self, log: Callable[[str], object]) -> None:
        super().__init__()
        self._log = log

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        line = bytes(data)  # type: ignore[call-overload]
        self._log(line.decode("utf-8", "replace").rstrip("\n"))
        return len(line)


def write(
    lwp: Lwp, path: bytes, name: bytes, send: Callable[[bytes], None], log: Callable[[str], object]
) -> bool:
    """Send what is below a directory, called `name` in the archive; whether all could be read.

    Errors: OutputError - it cannot be sent.
    """

    def put(data: bytes) -> None:
        try:
            send(data)
        except OSError as error:
            raise OutputError(error) from None

    command = Command("http: tar", Session(), Output(io.BytesIO()), io.BufferedWriter(_Lines(log)))
    out = ArchiveFile(put, None)
    writer = Writer(out, command)
    writer.begin(name, lwp)
    limits = Limits()
    limits.follow = COMMAND_LINE
    try:
        Walk(writer, limits, command.session, command.fail).operand(lwp, path, path)
    except OSError as error:
        command.fail(path, error)
    out.end()
    return command.status == 0
