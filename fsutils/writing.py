# SPDX-License-Identifier: BSD-2-Clause
"""What the verbs that change things inside images have in common."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.names import escape
from rump.fsutils.operand import matches
from rump.fsutils.operand import parse as parse_operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat

    Act: TypeAlias = Callable[[Lwp, bytes, Operand], object]

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."


def inside(texts: Iterable[str]) -> list[Operand]:
    """Operands that are to be paths in images.  Errors: UsageError - one is not."""
    operands = []
    for text in texts:
        operand = parse_operand(text, image_by_default=True)
        if operand.image is None or (operand.path == b"/" and not text.endswith("/")):
            raise UsageError(f"{text}: not a path inside an image, IMAGE:/PATH")
        operands.append(operand)
    return operands


def written(command: Command, texts: Sequence[str]) -> list[Operand]:
    """Operands that will be written to.  Errors: UsageError - one is not inside an image."""
    operands = inside(texts)
    for operand in operands:
        command.session.writes_to(operand)
    return operands


def each(command: Command, operands: Iterable[Operand], act: Act) -> int:
    """Do something to each operand; what fails is said, the others go on.  The exit status."""
    for operand in operands:
        if command.interrupted:
            break
        try:
            lwp, path = command.session.resolve(operand)
            act(lwp, path, operand)
        except OSError as error:
            command.fail(operand, error)
    return command.status


def each_match(command: Command, operands: Sequence[Operand], act: Act) -> int:
    """The same to what each operand stands for that may be a pattern: to what is there already."""
    session = command.session
    return each(command, (match for operand in operands for match in matches(session, operand)), act)


def reference(command: Command, text: str) -> os.stat_result | Stat | None:
    """What there is to say of the file that --reference names, on the host or in an image; None if it was said that it
    cannot be had."""
    operand = parse_operand(text, image_by_default=False)
    try:
        if operand.image is None:
            return os.stat(operand.path)
        lwp, path = command.session.resolve(operand)
        return lwp.stat(path)
    except OSError as error:
        command.fail(operand, error)
        return None


def quoted(path: bytes) -> bytes:
    """A path for -v: in quotes, on one line."""
    return b"'" + escape(path, also=b"'\\") + b"'"


def below(operand: Operand, path: bytes) -> bytes:
    """What a path is called that is in an operand's file system."""
    return operand.at(path).shown
