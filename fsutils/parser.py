# SPDX-License-Identifier: BSD-2-Clause
"""argparse as all verbs use it, loaded for what a `Reader` does not read itself."""

from __future__ import annotations

import argparse
import os

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse's own way to find that out is slow to import."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_width())


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are `UsageError`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


_widths: list[int] = []     # looked up once: argparse makes a formatter for every option


def _width() -> int:
    if not _widths:
        try:
            columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
        except (OSError, ValueError):
            columns = 80
        _widths.append(min(max(columns, 40), 120) - 2)
    return _widths[0]
