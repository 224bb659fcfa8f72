# SPDX-License-Identifier: BSD-2-Clause
"""Changes by chance to volumes of every kind; see `fat_session`."""

from __future__ import annotations

import pytest
from fat_session import KINDS, Session, needs_dosfstools

pytestmark = needs_dosfstools


@pytest.mark.parametrize("kind", KINDS)
def test_changes_by_chance(kind: str) -> None:
    for seed in range(2):
        session = Session(kind, seed)
        session.run(100)
        session.check()
