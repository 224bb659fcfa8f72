# SPDX-License-Identifier: BSD-2-Clause
"""Owners, times and extended attributes of host files, as far as the host lets us set them."""

from __future__ import annotations

import errno
import os

from rump.fsutils.copy.target import Complaint
from rump.kernel.vfs.volume import ATIME, GID, MODE, MTIME, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.copy.options import Keep
    from rump.fsutils.copy.source import Pairs
    from rump.fsutils.copy.target import Place
    from rump.kernel.vfs.volume import Attributes

SET_ID = 0o6000
LATE = (1 << 31) * 10**9       # 2038: no host has trouble with times from 1970 to here
_setxattr: Callable[..., None] | None = getattr(os, "setxattr", None)
_NOT_HERE = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NOT_YOURS = {errno.EPERM, errno.EACCES}


class HostAttributes:
    """Sets attributes; what is refused goes to `complaints`, in the measure of ``cp``:

    - owners: only the superuser is told; for others the set-id bits go with the owner;
    - extended attributes: what a file system cannot hold is said once, what only the superuser may set is left out in
      silence; with `Keep.strict` each is a failure.
    """

    __slots__ = ("complaints", "is_root", "keep")

    def __init__(self, keep: Keep, complaints: list[Complaint]) -> None:
        self.keep = keep
        self.complaints = complaints
        self.is_root = os.geteuid() == 0

    def open_file(self, place: Place, out: int, attributes: Attributes, pairs: Pairs, mode: int, right: bool) -> None:
        """Everything for an open file whose contents are final.  `right`: it was made with this mode."""
        if self.keep.owner and (attributes[UID] != place.uid or attributes[GID] != place.gid):
            mode = self._own(lambda uid, gid: os.fchown(out, uid, gid), attributes, mode)
            right = False
        if pairs:
            self.set_xattrs(out, pairs, True)
            right = False
        if not right:
            self._try(lambda: os.fchmod(out, mode))
        if self.keep.times:
            atime, mtime = attributes[ATIME], attributes[MTIME]
            if 0 <= mtime < LATE and 0 <= atime < LATE:
                os.utime(out, ns=(atime, mtime))
            else:
                self._set_odd_times(out, atime, mtime)

    def closed(self, place: Place, name: bytes, attributes: Attributes, pairs: Pairs) -> None:
        """The same for what cannot be opened, made with its mode."""
        if self.keep.owner:
            self._own(
                lambda uid, gid: os.chown(name, uid, gid, dir_fd=place.fd, follow_symlinks=False),
                attributes, attributes[MODE],
            )  # fmt: skip
        if pairs:
            self.set_xattrs(b"/proc/self/fd/%d/%s" % (place.fd, name), pairs, False)
        if self.keep.times:
            times = attributes[ATIME], attributes[MTIME]
            self._try(lambda: os.utime(name, ns=times, dir_fd=place.fd, follow_symlinks=False))

    def set_xattrs(self, where: int | bytes, pairs: Pairs, follow: bool) -> None:
        """Set extended attributes of an open file or of a path."""
        if _setxattr is None:
            self.complaints.append(Complaint("extended attributes are not kept: not on this host", once=True))
            return
        for name, value in pairs:
            try:
                _setxattr(where, name, value, follow_symlinks=follow) if not follow else _setxattr(where, name, value)
            except OSError as error:
                self._xattr_refused(name, error)

    def _xattr_refused(self, name: bytes, error: OSError) -> None:
        if self.keep.strict or error.errno not in _NOT_HERE | _NOT_YOURS:
            self.complaints.append(Complaint(f"{os.fsdecode(name)}: {os.strerror(error.errno or 0)}"))
        elif error.errno in _NOT_HERE:
            self.complaints.append(Complaint(f"extended attributes are not kept: {error.strerror}", once=True))

    def _own(self, chown: Callable[[int, int], None], attributes: Attributes, mode: int) -> int:
        """Set the owner; the mode that may be set now."""
        uid, gid = attributes[UID], attributes[GID]
        try:
            chown(uid if self.is_root or uid != os.geteuid() else -1, gid)
            return mode
        except OSError as error:
            if self.is_root:
                self.complaints.append(Complaint(error))
        try:
            chown(-1, gid)
        except OSError:
            pass
        return mode & ~SET_ID

    def _set_odd_times(self, out: int, atime: int, mtime: int) -> None:
        """Set times that not every file system can hold."""
        try:
            os.utime(out, ns=(atime, mtime))
            kept = os.fstat(out).st_mtime_ns == mtime
        except (OSError, OverflowError):
            kept = False
        if not kept:
            text = "modification times that this file system of the host cannot hold were changed"
            self.complaints.append(Complaint(text, once=True))

    def _try(self, change: Callable[[], None]) -> None:
        try:
            change()
        except (OSError, OverflowError) as error:
            self.complaints.append(Complaint(error if isinstance(error, OSError) else str(error)))
