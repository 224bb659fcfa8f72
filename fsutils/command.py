# SPDX-License-Identifier: BSD-2-Clause
"""What every verb is given: where to write, how to complain, and the session that reaches into images."""

from __future__ import annotations

import os

from rump.fsutils.errors import reason
from rump.fsutils.names import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from typing_extensions import Buffer

    from rump.fsutils.operand import Operand
    from rump.fsutils.session import Session

PIECE = 1 << 16


class OutputClosed(Exception):
    """Nobody reads our output any more; the command ends without a word."""


class OutputFailed(Exception):
    """The output cannot be written; the argument is the host's OSError."""


class Output:
    """Standard output: bytes, gathered into big pieces."""

    __slots__ = ("_file", "_pieces", "_size", "is_terminal")

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._pieces: list[bytes] = []
        self._size = 0
        self.is_terminal = file.isatty()

    def write(self, data: bytes) -> None:
        """Add to the output; small pieces wait for company."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._write(data)

    def write_through(self, data: Buffer) -> None:
        """Write at once, behind what has been gathered; `data` may be the caller's buffer."""
        if self._size:
            self.flush()
        self._write(data)

    def descriptor(self) -> int | None:
        """The host's descriptor under the output, with nothing left in between; None if there is none."""
        self.flush()
        try:
            return self._file.fileno()
        except (OSError, AttributeError, ValueError):
            return None

    def _write(self, data: Buffer) -> None:
        try:
            if data:
                self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:
            raise OutputFailed(error) from None


class Command:
    """A verb being carried out.

    program  "fsu ls", for messages
    out      standard output
    session  images and the kernel that reads them
    status   the exit status so far: 0, 1 once anything failed
    checks_room   copies see first whether there is room in an image
    """

    checks_room = True
    __slots__ = ("errors", "out", "program", "session", "status")

    def __init__(self, program: str, session: Session, out: Output, errors: IO[bytes]) -> None:
        self.program = program
        self.session = session
        self.out = out
        self.errors = errors
        self.status = 0

    def fail(self, text: str | bytes | Operand, error: BaseException | str) -> None:
        """Say what went wrong with what, and remember that something did: ``fsu ls: PATH: No such file ...``."""
        self.status = 1
        self.warn(text, error)

    def warn(self, text: str | bytes | Operand, error: BaseException | str) -> None:
        """The same for what is no failure."""
        name = text if isinstance(text, (str, bytes)) else text.text
        self.say(f"{shown(name)}: {shown(reason(error))}" if name else shown(reason(error)))

    def say(self, message: str) -> None:
        """A line on standard error, ``fsu ls: message``, in order with the output on a terminal."""
        if self.out.is_terminal:
            self.out.flush()
        try:
            self.errors.write(os.fsencode(f"{self.program}: {message}\n"))
            self.errors.flush()
        except OSError:
            pass

    @property
    def interrupted(self) -> bool:
        """Whether the user pressed ^C: a verb that loops asks between operations, and returns."""
        return self.session.interrupted
