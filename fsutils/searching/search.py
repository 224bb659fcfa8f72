# SPDX-License-Identifier: BSD-2-Clause
"""Going through a file for the lines that a pattern selects.

A file is read in big pieces and searched in blocks of whole lines, not line by line.  One with a NUL byte or a hole is
binary: NUL bytes then end lines, too, so that no line gets long, and holes are empty lines that need not be looked at.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from rump.fsutils.contents import Contents
    from rump.fsutils.copy.target import Watch
    from rump.fsutils.searching.pattern import Pattern

    class Show(Protocol):
        """What is told of lines: (the line, its number, where it is in the file, whether it is selected)."""

        def __call__(self, line: bytes, number: int, offset: int, selected: bool) -> None: ...


LONGEST = 1 << 26           # bytes of a line
TEXT, BINARY, SKIP = range(3)


class Plan:
    """What is looked for, and how far.

    invert           select lines that do not match
    most             stop behind so many selected lines; None: never
    before, after    lines of context
    end              what ends a line
    binary           `TEXT`: there are no binary files; `BINARY`: their lines are not shown; `SKIP`: they are not read
    counts           all selected lines are counted; else the first of a binary file ends the search
    stops            the first selected line is all there is to know
    watch            asked whether to go on
    """

    def __init__(self, pattern: Pattern, watch: Watch) -> None:
        self.pattern = pattern
        self.watch = watch
        self.invert = False
        self.most: int | None = None
        self.before = self.after = 0
        self.end = b"\n"
        self.binary = BINARY
        self.counts = self.stops = False


class Search:
    """The search of one file.

    selected   how many lines were selected
    binary     the file is binary
    hidden     lines were selected that are not shown: they are of a binary file
    """

    def __init__(self, plan: Plan, show: Show | None) -> None:
        self._plan = plan
        self._show = show
        self.selected = 0
        self.binary = self.hidden = False
        self._line = 0              # lines before the block at hand
        self._offset = 0            # bytes before it
        self._before: list[tuple[bytes, int, int]] = []
        self._after = 0             # lines of context still to be shown
        self._empty_is_selected: bool | None = None

    def run(self, contents: Contents) -> None:
        """Search a file.  Errors: OSError."""
        held: list[bytes] = []
        size = 0
        for data, zeros in contents.pieces():
            if self._plan.watch.interrupted:
                return
            if zeros or (not self.binary and b"\0" in data):
                self.binary = self._plan.binary != TEXT and self._plan.end != b"\0"
                if self.binary and self._plan.binary == SKIP:
                    self.selected = 0
                    return
            if zeros and (self.binary or self._plan.end == b"\0"):
                if self._block(b"".join([*held, self._plan.end])) or self._empty_lines(zeros - 1):
                    return
                held, size = [], 0
                continue
            for piece in _spelled_out(data, zeros):
                if self.binary:
                    piece = piece.replace(b"\0", b"\n")
                cut = piece.rfind(self._plan.end) + 1
                if cut:
                    if self._block(b"".join([*held, piece[:cut]])):
                        return
                    held, size = [], 0
                held.append(piece[cut:])
                size += len(piece) - cut
                if size > LONGEST:
                    raise fault(e.EFBIG, f"line {self._line + 1} has more than {LONGEST >> 20} MiB")
        if size:
            self._block(b"".join(held))

    # ---- lines -------------------------------------------------------------------------------------------------------

    def _block(self, block: bytes) -> bool:
        """Search whole lines; whether all there is to know is known."""
        plan = self._plan
        shows = self._show is not None and not self.binary
        if shows and (plan.before or plan.after):
            done = self._with_context(block)
        else:
            done = self._without(block, shows)
        self._line += block.count(plan.end)
        self._offset += len(block)
        return done

    def _without(self, block: bytes, shows: bool) -> bool:
        """Show selected lines, or count them."""
        plan = self._plan
        at, number = 0, self._line
        for start, end in self._chosen(block):
            self.selected += 1
            self.hidden = self.binary
            if shows and self._show is not None:
                number += block.count(plan.end, at, start)
                at = start
                self._show(block[start:end], number + 1, self._offset + start, True)
            if self._is_enough():
                return True
        return False

    def _is_enough(self) -> bool:
        """Whether the lines selected so far are all that are wanted."""
        plan = self._plan
        if plan.stops or (self.binary and not plan.counts):
            return True
        return plan.most is not None and self.selected >= plan.most

    def _with_context(self, block: bytes) -> bool:
        """The same with lines before and after them."""
        plan, show = self._plan, self._show
        assert show is not None
        number, full = self._line, plan.most is not None and self.selected >= plan.most
        if full and not self._after:
            return True
        for start, end, selected in self._all(block):
            number += 1
            line = block[start:end], number, self._offset + start
            if selected and not full:
                for before in self._before:
                    show(*before, False)
                self._before.clear()
                show(*line, True)
                self.selected += 1
                self._after = plan.after
                full = plan.most is not None and self.selected >= plan.most
            elif self._after:
                self._after -= 1
                show(*line, False)
            elif plan.before and not full:
                self._before.append(line)
                del self._before[: -plan.before]
            if full and not self._after:
                return True
        return False

    def _chosen(self, block: bytes) -> Iterator[tuple[int, int]]:
        """The selected lines of a block: from, to behind their end."""
        if self._plan.invert:
            return ((start, end) for start, end, selected in self._all(block) if selected)
        return self._matching(block)

    def _all(self, block: bytes) -> Iterator[tuple[int, int, bool]]:
        """All lines, and whether they are selected."""
        invert, end_of_line, at = self._plan.invert, self._plan.end, 0
        for start, end in (*self._matching(block), (len(block), 0)):
            while at < start:
                behind = block.find(end_of_line, at) + 1 or len(block)
                yield at, behind, invert
                at = behind
            if end:
                yield start, end, not invert
                at = end

    def _matching(self, block: bytes) -> Iterator[tuple[int, int]]:
        """The lines that match."""
        search, end_of_line, size = self._plan.pattern.search, self._plan.end, len(block)
        if self._plan.pattern.by_line:
            yield from self._matching_by_line(block)
            return
        at = 0
        while at < size and (match := search(block, at)) is not None:
            place = match.start()
            if place >= size and block.endswith(end_of_line):
                break               # behind the last line
            start = block.rfind(end_of_line, at, place) + 1 or at
            at = block.find(end_of_line, place) + 1 or size
            yield start, at

    def _matching_by_line(self, block: bytes) -> Iterator[tuple[int, int]]:
        search, end_of_line, at = self._plan.pattern.search, self._plan.end, 0
        while at < len(block):
            end = block.find(end_of_line, at)
            behind = end + 1 or len(block)
            if search(block[at : end if end >= 0 else behind]) is not None:
                yield at, behind
            at = behind

    def _empty_lines(self, count: int) -> bool:
        """So many empty lines, from a hole; whether all there is to know is known."""
        plan = self._plan
        if self._empty_is_selected is None:
            self._empty_is_selected = (plan.pattern.search(b"") is not None) != plan.invert
        if self._empty_is_selected and count:
            if self._show is not None and not self.binary:
                return self._show_empty_lines(count)
            wanted = 1 if plan.stops or not plan.counts else count
            self.hidden = self.binary
            self.selected += wanted if plan.most is None else min(wanted, plan.most - self.selected)
            if self._is_enough():
                return True
        self._line += count
        self._offset += count
        return False

    def _show_empty_lines(self, count: int) -> bool:
        """With -z a hole is as many empty records as it has bytes, and they may all be wanted."""
        while count:
            piece = min(count, 1 << 16)
            if self._block(self._plan.end * piece):
                return True
            count -= piece
        return False


def _spelled_out(data: bytes, zeros: int) -> Iterator[bytes]:
    """A piece, or the zeros of a hole in pieces."""
    if data:
        yield data
    while zeros:
        count = min(zeros, 1 << 20)
        yield bytes(count)
        zeros -= count
