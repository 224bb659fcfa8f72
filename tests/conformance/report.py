# SPDX-License-Identifier: BSD-2-Clause
"""What a run says while it goes on, and at its end: plain lines, TAP, or a JUnit file beside them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.conformance.result import Result

    Say = Callable[[str], object]


class Report:
    """Plain: only what failed, and the closing block."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def case(self, name: str, problem: str | None, without: str | None) -> None:
        """One went so: problem None - it passed; `without` - it ended for want of that capability."""
        if problem is not None:
            self._say(f"FAILED {name}: {problem}\n")

    def close(self, result: Result) -> None:
        """All have run."""
        for line in result.lines():
            self._say(line + "\n")


class Tap(Report):
    """The Test Anything Protocol, version 13; the closing block is its last comments."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self._number = 0

    def case(self, name: str, problem: str | None, without: str | None) -> None:
        if not self._number:
            self._say("TAP version 13\n")
        self._number += 1
        verdict = "ok" if problem is None else "not ok"
        skipped = f" # SKIP without {without}" if without is not None and problem is None else ""
        self._say(f"{verdict} {self._number} - {name}{skipped}\n")
        for line in (problem or "").splitlines():
            self._say(f"# {line}\n")

    def close(self, result: Result) -> None:
        self._say(f"1..{self._number}\n")
        for line in result.lines():
            self._say(f"# {line}\n")
        self._number = 0


class Junit(Report):
    """The XML that CI systems read, written to a file at the end; says beside it what `beside` says."""

    def __init__(self, path: str, beside: Report) -> None:
        self._path = path
        self._beside = beside
        self._suites: list[str] = []
        self._cases: list[str] = []

    def case(self, name: str, problem: str | None, without: str | None) -> None:
        self._beside.case(name, problem, without)
        inside = ""
        if problem is not None:
            inside = f'<failure message="{_escaped(problem.splitlines()[0])}">{_escaped(problem)}</failure>'
        elif without is not None:
            inside = f'<skipped message="without {_escaped(without)}"/>'
        self._cases.append(f'<testcase classname="rump.conformance" name="{_escaped(name)}">{inside}</testcase>')

    def close(self, result: Result) -> None:
        self._beside.close(result)
        self._suites.append(
            f'<testsuite name="{_escaped(result.host)}" tests="{result.passed + result.failed}" errors="0"'
            f' failures="{result.failed}" skipped="{result.without}">\n'
            + "\n".join(self._cases)
            + f"\n<system-out>{_escaped(chr(10).join(result.lines()))}</system-out>\n</testsuite>\n"
        )
        self._cases = []
        with open(self._path, "w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
            file.write("".join(self._suites) + "</testsuites>\n")


def _escaped(text: str) -> str:
    """Text for XML, which has no control characters."""
    clean = "".join(char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        clean = clean.replace(char, entity)
    return clean
