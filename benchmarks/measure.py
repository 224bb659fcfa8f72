# SPDX-License-Identifier: BSD-2-Clause
"""Measuring whole processes: CPU time (user and system), wall time and peak memory, the best of alternating runs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Contender(NamedTuple):
    """A tool doing a job."""

    name: str
    command: list[str]
    before: Callable[[], object] | None = None      # not measured
    output: str = os.devnull


class Result(NamedTuple):
    """The best of all runs, in seconds and MiB."""

    cpu: float
    wall: float
    memory: float


def once(contender: Contender, environment: dict[str, str]) -> Result:
    """One run, in a child of a child so that its peak memory is its own."""
    if contender.before is not None:
        contender.before()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(contender, environment, write)
    os.close(write)
    with open(read, encoding="ascii") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    cpu, wall, memory, status = text.split()
    if int(status):
        raise RuntimeError(f"{contender.name}: {contender.command} ended with status {status}")
    return Result(float(cpu), float(wall), float(memory))


def _child(contender: Contender, environment: dict[str, str], write: int) -> None:
    with open(contender.output, "wb") as output:
        start = time.perf_counter()
        done = subprocess.run(contender.command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
        wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = f"{used.ru_utime + used.ru_stime} {wall} {used.ru_maxrss / 1024} {done.returncode}"
    os.write(write, line.encode())
    os._exit(0)


def compare(contenders: list[Contender], runs: int) -> dict[str, Result]:
    """Every contender in turn, `runs` times; for each the least CPU time, wall time and peak memory seen."""
    # A user's own environment: LC_ALL=C makes 7z three times as quick, TZ=UTC debugfs by a fifth.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RUMP_"))}
    environment["MTOOLS_SKIP_CHECK"] = "1"
    best: dict[str, Result] = {}
    for _ in range(runs):
        for contender in contenders:
            result = once(contender, environment)
            known = best.get(contender.name, result)
            best[contender.name] = Result(*(min(pair) for pair in zip(known, result, strict=True)))
    return best


def machine() -> str:
    """What the figures were measured on."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    version = ".".join(map(str, sys.version_info[:3]))
    system = f"{os.uname().sysname} {'.'.join(os.uname().release.split('.')[:2])}"
    return f"{model}, {os.cpu_count()} cores, {system}, CPython {version}"
