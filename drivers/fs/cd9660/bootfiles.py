# SPDX-License-Identifier: BSD-2-Clause
"""Boot images as files: with -o boot the root has a directory "[BOOT]", with the catalog and all images in it."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import boot
from rump.drivers.fs.cd9660.dates import decode17
from rump.drivers.fs.cd9660.disk_boot import MEDIA_HARD_DISK, MEDIA_NONE
from rump.kernel.abi import S_IFDIR, S_IFMT, S_IFREG
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import DATA, END, FILEID, MODE, SIZE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.inode import Inodes
    from rump.drivers.fs.cd9660.lookup import Directories
    from rump.drivers.fs.cd9660.medium import Medium
    from rump.drivers.fs.cd9660.mount import Descriptors
    from rump.kernel.vfs.volume import Attributes, EntryPlus, Handle, Run

NAME = b"[BOOT]"
CATALOG = b"boot.catalog"
DIRECTORY_ID = 1            # fileids: no record or directory can begin there
FIRST_ID = 2
COOKIE = 1 << 40            # of the root: behind all its records, which are at 32-bit places
LOOKED_AT = 1 << 16         # files looked at for one that begins where a boot image does
AT_ONCE = 1024


class BootFiles:
    """The directory and what is in it.  It is called "[BOOT]", with a "_" if the root has that name already."""

    def __init__(
        self, medium: Medium, descriptors: Descriptors, inodes: Inodes, directories: Directories, root: int
    ) -> None:
        self._medium = medium
        self._root = root
        self._inodes = inodes
        self._directories = directories
        images, length = boot.catalog(medium, descriptors.catalog)
        self.name = NAME
        while directories.find(root, self.name) is not None:
            self.name += b"_"
        self._time = decode17(descriptors.primary.modified) or decode17(descriptors.primary.created) or 0
        sizes = self._file_sizes({image.start for image in images if image.media in (MEDIA_NONE, MEDIA_HARD_DISK)})
        self._files = [(CATALOG, descriptors.catalog, length)] if length else []
        for image in images:
            size = boot.size(medium, image, sizes.get(image.start, 0))
            self._files.append((image.name, image.start, size))

    def _file_sizes(self, starts: set[int]) -> dict[int, int]:
        """The sizes of files that begin at some bytes of the device, as far as the tree has them."""
        found: dict[int, int] = {}
        waiting, seen, left = [self._root], {self._root}, LOOKED_AT
        while waiting and left > 0 and len(found) < len(starts):
            directory, cookie = waiting.pop(), 0
            while cookie >= 0 and left > 0:
                try:
                    rows, cookie = self._directories.rows(directory, cookie, AT_ONCE)
                except Fault:
                    break
                left -= len(rows) + 1
                for _, _, _, attributes in rows:
                    if attributes and attributes[MODE] & S_IFMT == S_IFREG and attributes[SIZE]:
                        found.update(self._size_at(attributes, starts))
                    elif attributes and attributes[1] == 0 and attributes[FILEID] not in seen:
                        seen.add(attributes[FILEID])
                        waiting.append(attributes[FILEID])
        return found

    def _size_at(self, attributes: Attributes, starts: set[int]) -> dict[int, int]:
        try:
            file = self._inodes.file(attributes[:2])
        except Fault:
            return {}
        start = file.extents[0][0]
        return {start: sum(extent[1] for extent in file.extents)} if start in starts else {}

    # ---- as the volume is asked ------------------------------------------------------------------------------------

    def has(self, file: Handle) -> bool:
        """Whether a handle is of something here."""
        return not file[1] and DIRECTORY_ID <= file[0] < FIRST_ID + len(self._files)

    def attributes(self, file: Handle) -> Attributes:
        time = self._time
        if file[0] == DIRECTORY_ID:
            return DIRECTORY_ID, 0, S_IFDIR | 0o555, 2, 0, 0, 0, 0, 0, time, time, time, 0, 0
        size = self._files[file[0] - FIRST_ID][2]
        return file[0], 0, S_IFREG | 0o444, 1, 0, 0, 0, size, size, time, time, time, 0, 0

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        if file[0] == DIRECTORY_ID:
            raise fault(e.EISDIR)
        _, start, size = self._files[file[0] - FIRST_ID]
        length = min(length, size - offset)
        return ((DATA, offset, length, start + offset),) if length > 0 else ()

    def lookup(self, directory: Handle, name: bytes) -> Attributes | None:
        """What has a name in a directory, if it is of these files."""
        if directory == (self._root, 0) and name == self.name:
            return self.attributes((DIRECTORY_ID, 0))
        if directory != (DIRECTORY_ID, 0):
            return None
        for number, (own, _, _) in enumerate(self._files):
            if own == name:
                return self.attributes((FIRST_ID + number, 0))
        raise fault(e.ENOENT)

    def lists(self, directory: Handle, cookie: int) -> bool:
        """Whether a directory's entries from a cookie on are here."""
        return directory == (DIRECTORY_ID, 0) or (directory == (self._root, 0) and cookie >= COOKIE)

    def after(self, directory: Handle) -> int:
        """The cookie to go on with behind the last record of a directory."""
        return COOKIE if directory == (self._root, 0) else END

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        if directory[0] != DIRECTORY_ID:
            here = cookie == COOKIE
            return ((self.name, COOKIE + 1, self.attributes((DIRECTORY_ID, 0))),) if here else (), END
        stop = min(cookie + count, len(self._files))
        entries = tuple([(self._files[number][0], number + 1, self.attributes((FIRST_ID + number, 0)))
                         for number in range(cookie, stop)])  # fmt: skip
        return entries, stop if stop < len(self._files) else END
