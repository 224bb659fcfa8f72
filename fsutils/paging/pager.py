# SPDX-License-Identifier: BSD-2-Clause
"""Showing text a page at a time, with the host's pager."""

from __future__ import annotations

import os
import subprocess

from rump.fsutils.command import Command, Output, OutputClosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


def pager() -> str:
    """The command line of the pager: $PAGER, else less or more."""
    from shutil import which

    return os.environ.get("PAGER") or ("less" if which("less") else "more")


class paged:
    """A command whose output goes through the pager; the pager has ended when the context has."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def __enter__(self) -> Command:
        command = self._command
        command.out.flush()
        environment = {"LESS": "FRX", **os.environ}
        self._process = subprocess.Popen(pager(), shell=True, stdin=subprocess.PIPE, env=environment)
        self._input: IO[bytes] | None = self._process.stdin
        assert self._input is not None
        self._other = Command(command.program, command.session, Output(self._input), command.errors)
        return self._other

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> bool:
        try:
            if kind is None:
                self._other.out.flush()
        except OutputClosed:
            kind = OutputClosed
        finally:
            self._end()
        self._command.status = self._command.status or self._other.status
        return kind is OutputClosed         # the pager was left before the end

    def _end(self) -> None:
        """Let the pager come to its end, whatever is typed meanwhile."""
        try:
            if self._input is not None:
                self._input.close()
        except OSError:
            pass
        while True:
            try:
                self._process.wait()
                return
            except KeyboardInterrupt:
                continue
