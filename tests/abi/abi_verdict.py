# SPDX-License-Identifier: BSD-2-Clause
"""What was found, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence

from abi_probe import Reading
from abi_tables import Claim


class Verdict:
    """What was found of one host on one machine."""

    def __init__(self, host: str, machine: str) -> None:
        self.host = host
        self.machine = machine
        self.compared = 0
        self.wrong: list[str] = []
        self._done: list[str] = []
        self._sources: dict[str, int] = {}

    def did(self, what: str, said: str) -> bool:
        """Note a step, of which the compiler said something if it failed."""
        if said:
            self.wrong.append(f"{self.host} {self.machine}: not {what}: {said}")
        else:
            self._done.append(what)
        return not said

    def compare(self, claims: Sequence[Claim], readings: Sequence[tuple[str, Reading]]) -> None:
        """Hold what tables state against what sources say.  Every number must be in one, and right in all."""
        self._sources = dict.fromkeys((name for name, _ in readings if name), 0)
        for claim in claims:
            self.compared += 1
            found = [(name, reading.values[claim.label]) for name, reading in readings if claim.label in reading.values]
            for name, _ in found:
                self._sources[name] = self._sources.get(name, 0) + 1
            differing = [f"{name or 'theirs'}: {_shown(value)}" for name, value in found if value != claim.value]
            if differing:
                self.wrong.append(f"{claim.table}: {claim.label} is {_shown(claim.value)}; {', '.join(differing)}")
            elif not found:
                reasons = [reading.refused.get(claim.label, "not in it") for _, reading in readings]
                self.wrong.append(f"{claim.table}: {claim.label}: {'; '.join(reasons)}")

    def line(self) -> str:
        """The line that HOSTS.md is made from."""
        each = ", ".join(f"{name} {count}" for name, count in self._sources.items() if name)
        compared = f"{self.compared} numbers compared{f' ({each})' if each else ''}"
        return f"abi: {self.host} {self.machine}: {', '.join([*self._done, compared, f'{len(self.wrong)} wrong'])}"

    def steps(self) -> int:
        """How many things were done or compared."""
        return len(self._done) + self.compared


def report(verdicts: Sequence[Verdict]) -> int:
    """Say it all.  1 if anything is wrong, or nothing was compared."""
    for verdict in verdicts:
        print(*verdict.wrong, verdict.line(), sep="\n", flush=True)
    failed = sum(len(verdict.wrong) for verdict in verdicts)
    compared = sum(verdict.compared for verdict in verdicts)
    print(f"{max(sum(verdict.steps() for verdict in verdicts) - failed, 0)} passed, {failed} failed", flush=True)
    return 1 if failed or not compared else 0


def _shown(value: int) -> str:
    return f"{value:#x}" if value > 4096 else str(value)
