# SPDX-License-Identifier: BSD-2-Clause
"""Copying as a library function."""

from __future__ import annotations

from rump.fsutils.copy.engine import Copier
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.options import Rules
from rump.fsutils.copy.paths import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.copy.target import Target


def copy_tree(origin: bytes, target: Target, to: bytes, rules: Rules | None = None) -> list[tuple[bytes, str]]:
    """Make `to` a copy of the source's `origin`; a directory that is there gets what is in it.

    What could not be copied: (path, why).  Errors: OSError - there is no place for `to`.
    """
    failures: list[tuple[bytes, str]] = []
    links = LinkMap()
    with target:
        copier = Copier(target, rules or Rules(), lambda path, e: failures.append((path, str(e))), links=links)
        parent, name = split(to)
        top = target.top(parent)
        try:
            copier.copy(origin, top, name, origin, to)
        finally:
            target.close(top)
    return failures
