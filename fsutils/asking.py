# SPDX-License-Identifier: BSD-2-Clause
"""Questions that -i has asked: on standard error, answered on standard input."""

from __future__ import annotations

import sys

from rump.fsutils.writing import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.command import Command

    Agree: TypeAlias = Callable[[bytes], bool]


def agreed(command: Command, question: str, path: bytes) -> bool:
    """Ask ``fsu rm: remove 'PATH'? ``; whether the answer begins with y.  Without an answer it is no."""
    command.out.flush()
    try:
        command.errors.write(f"{command.program}: {question} ".encode() + quoted(path) + b"? ")
        command.errors.flush()
    except OSError:
        pass
    return sys.stdin.buffer.readline().strip()[:1] in (b"y", b"Y")


def overwriting(command: Command) -> Agree:
    """Whether a file, told by its path, may be replaced."""
    return lambda path: agreed(command, "overwrite", path)
