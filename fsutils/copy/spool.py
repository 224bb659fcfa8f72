# SPDX-License-Identifier: BSD-2-Clause
"""What comes out of a pipe or a device of the host, as a file that can be copied: ``fsu cp - x.img:/note``."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager, nullcontext
from tempfile import TemporaryFile

from rump.fsutils.operand import STDIO, Operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import IO


def _stream(operand: Operand) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if operand.text == STDIO else open(operand.path, "rb", buffering=0)


@contextmanager
def spooled(operand: Operand) -> Iterator[Operand]:
    """The operand with its contents, up to their end, in a file without a name.  Errors: OSError."""
    with _stream(operand) as stream, TemporaryFile(prefix="fsu-") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.flush()
        os.fchmod(file.fileno(), 0o666)
        yield Operand(operand.text, None, None, b"/dev/fd/%d" % file.fileno())
