# SPDX-License-Identifier: BSD-2-Clause
"""Middleware for readers that stay: they lock nothing, and stand in nobody's way."""

from __future__ import annotations

from rump.rumpuser.middleware.thin import Thin


class Unlocked(Thin):
    """`host` whose locks are had by everybody.  Who uses it finds out by other means that a file has changed."""

    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        """Nothing is locked."""
