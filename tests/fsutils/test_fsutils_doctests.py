# SPDX-License-Identifier: BSD-2-Clause
"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "attributes", "df", "image", "json_lines", "ls", "names", "owners", "part", "sizes", "stat_format",
    "comparing.changes", "comparing.lines", "file_flags", "listing.columns", "listing.naming", "mknod",
    "modes", "original.aliases", "original.flags", "original.grammar", "original.mount_options", "making.sizes",
    "making.maker", "batch", "shelling.words", "shelling.place", "paging.document", "paging.roff",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"rump.fsutils.{name}"))
    assert tried and not failed
