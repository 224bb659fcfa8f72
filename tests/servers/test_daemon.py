# SPDX-License-Identifier: BSD-2-Clause
"""Becoming a daemon: what who started it is told, and what of his the daemon lets go."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from rump.servers.daemon import daemonize

def work(daemon):
    {work}

sys.exit(daemonize(work))
"""


def run(work: str, *descriptors: int) -> tuple[int, str]:
    """Status and complaints of a program that becomes a daemon for this work."""
    text = PROGRAM.format(work=work.replace("\n", "\n    "))
    words = [sys.executable, "-c", text]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, timeout=60, pass_fds=descriptors)
    return done.returncode, done.stderr


def test_ready() -> None:
    """The program ends when the daemon is ready; what it says from then on nobody hears."""
    reading, writing = os.pipe()
    work = f'''print("before", file=sys.stderr)
daemon.ready("/")
print("after", file=sys.stderr)
os.write({writing}, os.getcwdb())
return 5'''
    with open(reading, "rb") as told:
        try:
            assert run(work, writing) == (0, "before\n")
        finally:
            os.close(writing)
        assert told.read() == b"/"


@pytest.mark.parametrize(("work", "status", "said"), [
    ('print("no", file=sys.stderr)\nreturn 3', 3, "no\n"),
    ("return 0", 1, ""),                    # it was never ready
    ("os.kill(os.getpid(), 9)", 1, ""),
])  # fmt: skip
def test_not_ready(work: str, status: int, said: str) -> None:
    assert run(work) == (status, said)


def test_a_mistake_in_it_is_shown() -> None:
    status, said = run("raise RuntimeError('mistake')")
    assert status == 1
    assert said.endswith("RuntimeError: mistake\n")
