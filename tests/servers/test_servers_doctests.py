# SPDX-License-Identifier: BSD-2-Clause
"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = ("listening", "linux", "ninep.messages", "web.conditions", "web.handler", "web.page", "web.site",
           "web.types", "web.urls")  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"rump.servers.{name}"))
    assert tried and not failed
