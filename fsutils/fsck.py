# SPDX-License-Identifier: BSD-2-Clause
"""Check file systems, changing nothing.

Of a disk image all partitions are checked that hold something that can be.  The exit status is that of fsck(8): 0 - all
is well, 4 - something is wrong, 8 - something could not be checked.
"""

from __future__ import annotations

from rump.fsutils.errors import ImageError, reason
from rump.fsutils.names import shown
from rump.fsutils.operand import Operand
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.session import candidates
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS, SUMMARY
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rump.fsutils.command import Command

OPERANDS = "IMAGE[@PARTITION] ..."
WRONG = 4
FAILED = 8
_GRADES = {PROGRESS: "progress", NOTE: "note", ERROR: "error", SUMMARY: "summary"}

RELATED = ("info", "sync")
EXAMPLES = """\
fsu fsck disk.img
    Check all partitions.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, those of other checkers accepted among them."""
    add = parser.add_argument
    add("-v", "--verbose", action="store_true", help="say what is being looked at")
    add("-q", "--quiet", action="store_true", help="say only what is wrong")
    add("-m", "--most", type=int, default=1000, metavar="COUNT",
        help="findings shown of each; 1000 unless said, 0: all")  # fmt: skip
    add("-n", "--no-action", action="store_true", help="accepted: nothing is ever changed")
    add("-f", dest="forced", action="store_true", help="accepted: what is marked clean is checked, too")
    add("--json", action="store_true", help="a JSON object for each finding, a line each")
    add("operands", nargs="+", metavar="operand", help="images, or partitions of them")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Check each operand; the worst of their outcomes."""
    worst = 0
    for text in arguments.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            targets = [*_targets(command, operand)]
        except OSError as error:
            command.fail(operand, error)
            worst = max(worst, FAILED)
            continue
        for name, device in targets:
            if command.interrupted:
                break
            worst = max(worst, Check(command, arguments, name, device).run())
    return worst


def _targets(command: Command, operand: Operand) -> Iterator[tuple[str, bytes]]:
    """What an operand means: (name, device)."""
    session = command.session
    if operand.image is None or operand.path != b"/":
        raise ImageError("a file system is checked as a whole: IMAGE[@PARTITION]", e.EINVAL)
    device = session.device(operand.image)
    named = operand.partition is not None or session.options.file_system
    table = None if named or session.kernel.probe(device) is not None else session.kernel.partitions(device)
    if table is None:
        yield operand.volume, session.volume(operand)
        return
    rows = [row for row in candidates(table) if session.holds_file_system(device, row)]
    if not rows:
        raise ImageError("no partition holds a file system that can be read", e.EINVAL)
    for row in rows:
        selector = str(row.number) if row.scheme != "bsd" else row.letter
        yield f"{operand.image}@{selector}", session.kernel.wedge(device, row)


class Check:
    """The check of one file system."""

    def __init__(self, command: Command, arguments: argparse.Namespace, name: str, device: bytes) -> None:
        self._command = command
        self._arguments = arguments
        self._name = name
        self._device = device
        self._errors = self._told = 0

    def run(self) -> int:
        """Do it; the exit status that it calls for."""
        command, name = self._command, self._name
        try:
            kind = command.session.options.file_system or command.session.kind(self._device)
            for grade, text in command.session.kernel.fsck(kind, self._device, command.session.options.mount):
                if command.interrupted:
                    return FAILED
                self._finding(grade, text)
        except OSError as error:
            command.say(f"{shown(name)}: {shown(reason(error))}")
            return FAILED
        if self._told > self._arguments.most > 0:
            command.say(f"{shown(name)}: {self._told - self._arguments.most} more findings are not shown")
        return WRONG if self._errors else 0

    def _finding(self, grade: int, text: str) -> None:
        options = self._arguments
        self._errors += grade == ERROR
        if grade in (NOTE, ERROR):
            self._told += 1
            if self._told > options.most > 0:
                return
        if options.json:
            if grade != PROGRESS:
                self._record(grade, text)
        elif grade == ERROR or (grade == PROGRESS and options.verbose) or (grade >= NOTE and not options.quiet):
            clean = " - clean" if grade == SUMMARY and not self._errors else ""
            self._command.out.write(f"{shown(self._name)}: {shown(text)}{clean}\n".encode("utf-8", "surrogateescape"))

    def _record(self, grade: int, text: str) -> None:
        from rump.fsutils import json_lines

        row: dict[str, object] = {"image": shown(self._name), "grade": _GRADES[grade], "text": shown(text)}
        self._command.out.write(json_lines.line(row))
