# SPDX-License-Identifier: BSD-2-Clause
"""What comes out of a pipe or a device of the host, as a file that can be copied: ``fsu cp /dev/stdin x.img:/note``."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from tempfile import TemporaryFile

from rump.fsutils.operand import Operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def spooled(operand: Operand) -> Iterator[Operand]:
    """The operand with its contents, up to their end, in a file without a name.  Errors: OSError."""
    with open(operand.path, "rb", buffering=0) as stream, TemporaryFile(prefix="fsu-") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.flush()
        os.fchmod(file.fileno(), 0o666)
        yield Operand(operand.text, None, None, b"/dev/fd/%d" % file.fileno())
