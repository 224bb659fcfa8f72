# SPDX-License-Identifier: BSD-2-Clause
"""No syncing: nothing waits for stable storage.  For images that are made anew if the power fails."""

from __future__ import annotations

from rump.rumpuser.middleware.thin import Thin


class NoSync(Thin):
    """A host whose `sync` does nothing, at once."""

    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        """Nothing is made durable: not even the promise of an error is kept."""
