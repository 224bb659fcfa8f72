# SPDX-License-Identifier: BSD-2-Clause
"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "attributes", "dates", "df", "image", "json_lines", "ls", "names", "owners", "part", "sizes", "stat_format",
    "listing.columns", "mkfs",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"rump.fsutils.{name}"))
    assert tried and not failed
