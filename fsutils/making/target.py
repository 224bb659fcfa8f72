# SPDX-License-Identifier: BSD-2-Clause
"""The image or partition that a file system goes into: what is there, how much room there is, who uses it."""

from __future__ import annotations

import os

from rump.fsutils.errors import ImageError
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.session import Session

_DEVICE, _STAND_IN = b"/dev/mkfs", b"/dev/mkfs-try"
GROWN = tuple([1 << shift for shift in (43, 40, 37, 34, 32)])       # bytes of a file that is cut to what it holds
_ENXIO = 6


class Target:
    """An image, or a partition of one.

    exists    whether it is there
    whole     whether it is a file that may become larger and smaller
    room      bytes there are
    offset    of the part of the image, bytes
    """

    def __init__(self, session: Session, image: str, partition: str | None = None) -> None:
        """Errors: OSError - it is in use, or there is no such partition."""
        self._session = session
        self._image = image
        self._partition = partition
        self.exists = os.path.exists(image)
        if not self.exists and partition is not None:
            raise ImageError("does not exist", e.ENOENT)
        self.room = os.stat(image).st_size if self.exists else 0
        self.whole = partition is None and (not self.exists or os.path.isfile(image))
        self._device, self.offset = b"", 0
        if self.exists:
            _not_in_use(image)
            self._find()
        self._made = not self.exists
        self._empty = not self.exists or self._is_empty()

    def _find(self) -> None:
        """The device in the kernel, and where in the image it is."""
        session = self._session
        self._device = session.device(self._image)
        if self._partition is not None:
            self._device = session.partition(self._device, self._partition)
            self.offset = int(getattr(session.kernel.device(self._device), "start", 0))
        self.room = session.kernel.device(self._device).size

    def _is_empty(self) -> bool:
        """Whether it is known to read as zeros: the host's file has a hole there."""
        if not os.path.isfile(self._image) or not hasattr(os, "SEEK_DATA"):
            return False
        with open(self._image, "rb") as file:
            try:
                return os.lseek(file.fileno(), self.offset, os.SEEK_DATA) >= self.offset + self.room
            except OSError as error:
                return error.errno == _ENXIO        # nothing but a hole to the end

    # ---- what is there ---------------------------------------------------------------------------------------------

    def refuse_to_overwrite(self) -> None:
        """Errors: ImageError - there is something, and what."""
        if self._empty:
            return
        kernel = self._session.kernel
        table = kernel.partitions(self._device) if self._partition is None else None
        found = kernel.probe(self._device)
        if found is not None:
            what = f"a file system, {found[1]}"
        elif table is not None:
            count = len(table.partitions)
            what = f"a partition table with {count} partition{'s' * (count != 1)} (one is chosen as in {self._image}@1)"
        else:
            what = kernel.identify(self._device) or ("data" if self._has_data() else "")
        if what:
            raise ImageError(f"there is {what}; --force overwrites it", e.EEXIST)

    def _has_data(self) -> bool:
        """Whether the first MiB or the last 64 KiB hold anything but zeros."""
        with open(self._image, "rb") as file:
            for start, length in ((0, 1 << 20), (max(self.room - (1 << 16), 0), 1 << 16)):
                file.seek(self.offset + start)
                if any(file.read(min(length, self.room - start))):
                    return True
        return False

    # ---- making ----------------------------------------------------------------------------------------------------

    def attempt(self, kind: str, options: dict[str, str], size: int) -> dict[str, str]:
        """What would be made in so many bytes.  Nothing is written.  Errors: Fault."""
        return _text(self._session.kernel.newfs(kind, self._stand_in(), {**options, "size": str(size), "dry_run": "1"}))

    def make(self, kind: str, options: dict[str, str], size: int) -> dict[str, str]:
        """Make it, of so many bytes; what was made.  What is there is lost only if it can be made.

        Errors: Fault; ENOSPC - there is no room for so many bytes.
        """
        if not self._empty:
            self.attempt(kind, options, size)
        return self._make(kind, options | {"size": str(size)}, size)

    def make_growing(self, kind: str, options: dict[str, str]) -> dict[str, str]:
        """Make it in a file that becomes as large as it can, to be cut afterwards (`cut`); of what is no file, all is
        used."""
        if not self.whole:
            return self.make(kind, options, self.room)
        if not self._empty:
            self.attempt(kind, options, GROWN[-1])
        for size in GROWN[:-1]:
            try:
                return self._make(kind, options, size)
            except OSError as error:
                if error.errno not in (e.EFBIG, e.EINVAL, e.ENOSPC):
                    raise
        return self._make(kind, options, GROWN[-1])

    def _make(self, kind: str, options: dict[str, str], size: int) -> dict[str, str]:
        if size > self.room and not self.whole:
            raise ImageError(f"has only {self.room} bytes", e.ENOSPC)
        zeroed = options.get("assume_storage_prezeroed") == "1" or self._empty
        options = {name: value for name, value in options.items() if name != "assume_storage_prezeroed"}
        if self.whole:
            return self._in_file(kind, options, size)
        return self._newfs(kind, options | {"zeroed": str(int(zeroed))}, self.room)

    def _in_file(self, kind: str, options: dict[str, str], size: int) -> dict[str, str]:
        """Make it in a file of its own, which is emptied and then grown: all of it reads as zeros."""
        made = False
        descriptor = os.open(self._image, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not self._empty:
                os.ftruncate(descriptor, 0)
            os.ftruncate(descriptor, max(size, self.room))
            result = self._newfs(kind, options | {"zeroed": "1"}, None)
            self._empty, made = False, True
        finally:
            os.close(descriptor)
            if not made and self._made:
                os.unlink(self._image)
        return result

    def _newfs(self, kind: str, options: dict[str, str], size: int | None) -> dict[str, str]:
        """Make it on a device that stands for the part only; nobody has it afterwards."""
        kernel, path = self._session.kernel, os.path.abspath(os.fsencode(self._image))
        kernel.etfs_register(_DEVICE, path, offset=self.offset, size=size, read_only=False)
        try:
            return _text(kernel.newfs(kind, _DEVICE, options))
        finally:
            kernel.etfs_remove(_DEVICE)

    def starts_over(self) -> None:
        """A file is made anew, of whatever size."""
        if self.whole:
            self.room = 0

    def abandon(self) -> None:
        """Nothing comes of it: a file that was not there goes."""
        if self._made and os.path.exists(self._image):
            os.unlink(self._image)

    def cut(self, size: int) -> None:
        """Cut a file that was made growing to what is used of it."""
        if self.whole:
            os.truncate(self._image, size)

    def _stand_in(self) -> bytes:
        """A device for the try: empty, so that it needs no image that is not there yet."""
        import tempfile

        kernel = self._session.kernel
        try:
            kernel.device(_STAND_IN)
        except FileNotFoundError:
            with tempfile.NamedTemporaryFile(prefix="fsu-mkfs-") as file:
                kernel.etfs_register(_STAND_IN, os.fsencode(file.name), read_only=False)
        return _STAND_IN


def _not_in_use(image: str) -> None:
    """A block device of the host that is mounted is refused (Linux does, when asked to open it alone)."""
    from stat import S_ISBLK

    if S_ISBLK(os.stat(image).st_mode):
        os.close(os.open(image, os.O_RDWR | os.O_EXCL))


def _text(made: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {key.decode(): value.decode("utf-8", "replace") for key, value in made}
