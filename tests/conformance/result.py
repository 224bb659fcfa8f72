# SPDX-License-Identifier: BSD-2-Clause
"""The closing block of a run: what ran where, and how it went.  Written and read here; no host is needed for either.

    conformance begin host=linux how=executed
    conformance python=3.11.2 implementation=cpython byteorder=little pointers=64
    conformance suite=bodies selection=slice marshal=no
    conformance passed=431 failed=0 without=77
    conformance without hard_links=12
    conformance digest=4f0c...
    431 passed, 0 failed

Every line is plain ASCII.  A log from a serial line may have carriage returns, and whatever else before and between;
a block without its last line is none: the run was cut off.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = "conformance"
"""What the lines of a block begin with, but for the last."""
BEGIN = "begin"


class Result:
    """How a run went.

    host, how     as in `rump.conformance.hosts`, and the word of HOSTS.md for what that proves
    python        version, implementation, byteorder ("little", "big") and pointers (bits) of the Python that ran it
    suite         "bodies", "contract", "faults", "crash" or "replay"
    selection     "all", "slice", or what was chosen by name; marshal: "yes" or "no"
    passed        how many passed; `without` of them ended where the file system lacks a capability
    failed        how many did not
    reasons       capability -> how many bodies ended for want of it
    digest        over all transcripts; of one selection it is the same on every host
    """

    def __init__(self, host: str = "", how: str = "", suite: str = "bodies", selection: str = "all") -> None:
        self.host = host
        self.how = how
        self.python = ".".join(map(str, sys.version_info[:3]))
        self.implementation = sys.implementation.name
        self.byteorder: str = sys.byteorder
        self.pointers = sys.maxsize.bit_length() + 1
        self.suite = suite
        self.selection = selection
        self.marshal = "no"
        self.passed = self.failed = 0
        self.reasons: dict[str, int] = {}
        self.digest = ""

    @property
    def without(self) -> int:
        """How many bodies ended for want of a capability."""
        return sum(self.reasons.values())

    @property
    def green(self) -> bool:
        """Whether something ran and nothing failed."""
        return self.passed > 0 and not self.failed

    def count(self, problem: str | None, without: str | None = None) -> None:
        """One more that passed (problem None) or failed."""
        if problem is not None:
            self.failed += 1
            return
        self.passed += 1
        if without is not None:
            self.reasons[without] = self.reasons.get(without, 0) + 1

    def lines(self) -> list[str]:
        """The closing block."""
        rows = [
            (BEGIN, f"host={self.host}", f"how={self.how}"),
            (f"python={self.python}", f"implementation={self.implementation}", f"byteorder={self.byteorder}",
             f"pointers={self.pointers}"),
            (f"suite={self.suite}", f"selection={self.selection}", f"marshal={self.marshal}"),
            (f"passed={self.passed}", f"failed={self.failed}", f"without={self.without}"),
            *[("without", f"{reason}={count}") for reason, count in sorted(self.reasons.items())],
            (f"digest={self.digest}",),
        ]  # fmt: skip
        return [*[" ".join((WORD, *row)) for row in rows], self.last()]

    def last(self) -> str:
        """The last line."""
        return f"{self.passed} passed, {self.failed} failed"


def results(log: str) -> list[Result]:
    """Every whole closing block in a log, in order.  What is cut off, or contradicts itself, is left out."""
    found: list[Result] = []
    block: list[str] | None = None
    for line in map(_clean, log.splitlines()):
        words = line.split()
        if words[:2] == [WORD, BEGIN]:
            block = [line]
        elif block is not None and words[:1] == [WORD]:
            block.append(line)
        elif block is not None and _is_last(words):
            result = _parsed(block)
            if result is not None and result.last() == line:
                found.append(result)
            block = None
    return found


def closing(log: str) -> Result:
    """The last closing block of a log.  Errors: ValueError - there is none, or the run was cut off after it."""
    found = results(log)
    begun = sum(_clean(line).split()[:2] == [WORD, BEGIN] for line in log.splitlines())
    if not found or begun != len(found):
        raise ValueError("the log does not close: the run did not come to its end")
    return found[-1]


def _clean(line: str) -> str:
    """A line without what serial lines and TAP put around it."""
    return line.strip("\r\n \t\0").removeprefix("# ")


def _is_last(words: list[str]) -> bool:
    return len(words) == 4 and words[0].isdecimal() and words[1] == "passed," and words[3] == "failed"


def _parsed(block: list[str]) -> Result | None:
    """None: it says less than a block does, or what no block says."""
    result = Result()
    fields = dict(_fields(block))
    try:
        for name in ("host", "how", "python", "implementation", "byteorder", "suite", "selection", "marshal", "digest"):
            setattr(result, name, fields.pop(name))
        for name in ("pointers", "passed", "failed"):
            setattr(result, name, int(fields.pop(name)))
        without = int(fields.pop("without"))
        result.reasons = {name.partition(" ")[2]: int(count) for name, count in fields.items()}
    except (KeyError, ValueError):
        return None
    return result if result.without == without else None


def _fields(block: list[str]) -> Iterator[tuple[str, str]]:
    """name, value; capabilities as "without NAME"."""
    for line in block:
        words = line.split()[1:]
        prefix = "without " if words[:1] == ["without"] else ""
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                yield prefix + name, value
