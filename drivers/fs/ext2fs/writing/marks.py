# SPDX-License-Identifier: BSD-2-Clause
"""What the superblock says of being mounted: made when the first change is about to be written, taken back at the end.

With a journal it is the feature needs_recovery; without one, that the state is not valid.  A volume that nobody changes
is not touched.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.writing.mmp import Mmp
    from rump.drivers.fs.ext2fs.writing.state import State

SECOND = 10**9


class Marks:
    """The marks of one mount.

    made      whether the medium says that it is mounted
    damaged   somebody found errors; the medium is to say so
    """

    def __init__(self, state: State, mmp: Mmp | None) -> None:
        """`state` needs to have no more than its superblock when the first mark is made."""
        self._state = state
        self._mmp = mmp
        self._valid = False
        self.made = False
        self.damaged = False
        self._counted = False

    def before_commit(self) -> None:
        """Something is about to be written.  No barrier."""
        if self._mmp is not None:
            self._mmp.count()
        if not self._counted:
            fields = self._state.super
            self._valid = bool(fields["state"] & disk.STATE_VALID)
            values = {"mnt_count": fields["mnt_count"] + 1 & 0xFFFF, **self._time("mtime"), **self._time("wtime")}
            if self._state.ordered:
                values["state"] = fields["state"] & ~disk.STATE_VALID
            self._write(values)
            self._counted = True

    def recovering(self) -> None:
        """The journal has been put into place: if it was all, the medium is to be clean at the end nevertheless.
        No barrier."""
        self.made = True
        if self.damaged:
            self._write({})

    def _write(self, values: dict[str, int]) -> None:
        fields = self._state.super
        if not self._state.ordered:
            values["feature_incompat"] = fields["feature_incompat"] | disk.INCOMPAT_RECOVER
        if self.damaged:
            values["state"] = values.get("state", fields["state"]) | disk.STATE_ERRORS
        fields.write_now(**values)
        self.made = True

    def _time(self, name: str) -> dict[str, int]:
        """A time of the superblock, now."""
        seconds = max(self._state.now() // SECOND, 0)
        values = {name: seconds & 0xFFFFFFFF}
        # In the second sector; see `superblock_sum`.  It changes in 2106.
        if self._state.super[f"{name}_hi"] != seconds >> 32 & 0xFF:
            values[f"{name}_hi"] = seconds >> 32 & 0xFF
        return values

    def clean(self) -> None:
        """All is in its place: the medium is clean, which is on stable storage when this returns."""
        if self.made:
            fields = self._state.super
            values = self._time("wtime")
            if self._state.ordered:
                if self._valid and not fields["state"] & disk.STATE_ERRORS:
                    values["state"] = fields["state"] | disk.STATE_VALID
            else:
                values["feature_incompat"] = fields["feature_incompat"] & ~disk.INCOMPAT_RECOVER
            fields.write_now(**values)
            self._state.store.device.sync(barrier=True)
            self.made = self._counted = False
