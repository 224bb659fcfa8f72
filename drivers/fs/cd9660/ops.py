# SPDX-License-Identifier: BSD-2-Clause
"""The volume."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import bmap, names, susp
from rump.drivers.fs.cd9660.disk_susp import Compressed
from rump.drivers.fs.cd9660.inode import ZISOFS_ENTRIES, File, Inodes
from rump.drivers.fs.cd9660.lookup import Directories
from rump.kernel.abi import DT_UNKNOWN, S_IFDIR, S_IFLNK, S_IFMT
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.kept import Kept
from rump.kernel.vfs.volume import ENCODED, END, MODE, Capabilities, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.bootfiles import BootFiles
    from rump.drivers.fs.cd9660.medium import Medium
    from rump.drivers.fs.cd9660.mount import Descriptors, NameSpace
    from rump.drivers.fs.cd9660.options import Options
    from rump.drivers.fs.cd9660.susp import Entries
    from rump.drivers.fs.cd9660.zisofs import CompressedFile
    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, MountArguments, Run

FILES = 256                 # of which it is kept where they are
ROWS = 4096                 # looked at together
COMPRESSED = 4              # compressed ones that are being read
NAME_MAX = {"rockridge": 255, "joliet": 333, "enhanced": 222, "plain": 222}     # bytes: as many as fit into a record
JOLIET_UNITS = 111          # of UTF-16, each up to three bytes
PARENTS = 8                 # directories of which it is kept where the records of those in them are
INSENSITIVE = ("joliet", "plain")


class Cd9660Volume(Volume):
    """A mounted ISO 9660 volume."""

    def __init__(
        self,
        arguments: MountArguments,
        medium: Medium,
        descriptors: Descriptors,
        kinds: tuple[str, ...],
        space: NameSpace,
        options: Options,
    ) -> None:
        """`kinds` are the name spaces there are, `space` is the one to be used."""
        self._medium = medium
        self._descriptors = descriptors
        self._kinds = kinds
        self._space = space
        self._inflate = arguments.services.inflate
        self._fold = names.fold if options.ignore_case or space.kind in INSENSITIVE else None
        self._inodes = Inodes(medium, options, space.use)
        self._directories = Directories(
            self._inodes, options, space.decode_name, self._fold, arguments.cache_bytes // 2
        )
        self.capabilities = self._capable()
        self._files = Kept(FILES)
        self._compressed = Kept(COMPRESSED)
        self._parents = Kept(PARENTS)
        self._boot: BootFiles | None = None
        if options.boot:
            from rump.drivers.fs.cd9660.bootfiles import BootFiles

            self._boot = BootFiles(medium, descriptors, self._inodes, self._directories, space.root)

    def _capable(self) -> Capabilities:
        """What this volume can hold: less than the format, without Rock Ridge."""
        from rump.drivers.fs.cd9660 import driver

        most = driver.capabilities
        if self._space.kind == "rockridge":
            capabilities = Capabilities(**{name: getattr(most, name) for name in Capabilities.__slots__})
        else:
            capabilities = Capabilities(
                name_max=NAME_MAX[self._space.kind],
                file_size_max=most.file_size_max, time_min=most.time_min, time_max=most.time_max,
                time_step=most.time_step, flags=most.flags,
            )  # fmt: skip
        capabilities.case_sensitive = self._fold is None
        return capabilities

    # ---- the whole volume ----------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        return self._inodes.directory(self._space.root)

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        primary = self._descriptors.primary
        size = primary.block_size
        return size, size, primary.space_size, 0, 0, 0, 0, self.capabilities.name_max

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        from rump.drivers.fs.cd9660.describe import describe

        return describe(self._medium, self._descriptors, self._kinds, self._space)

    # ---- files ---------------------------------------------------------------------------------------------------

    def attributes(self, file: Handle) -> Attributes:
        if self._boot is not None and self._boot.has(file):
            return self._boot.attributes(file)
        return self._inodes.attributes(file)

    def readlink(self, file: Handle) -> bytes:
        found = self._file(file)
        target = susp.link_target(found.others) if found.mode & S_IFMT == S_IFLNK else b""
        if not target:
            raise fault(e.EINVAL) if found.mode & S_IFMT != S_IFLNK else Corrupt(f"byte {file[1]}: a link to nothing")
        return target

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        if self._boot is not None and self._boot.has(file):
            return self._boot.map(file, offset, length)
        found = self._file(file)
        if self._zisofs_entry(found):
            length = min(length, found.size - offset)
            return ((ENCODED, offset, length, 0),) if length > 0 else ()
        return bmap.runs(self._medium, found, offset, length)

    def read(self, file: Handle, offset: int, length: int) -> bytes:
        compressed: CompressedFile | None = self._compressed.get(file)
        if compressed is None:
            from rump.drivers.fs.cd9660.zisofs import CompressedFile

            found = self._file(file)
            entry = self._zisofs_entry(found)
            if not entry:
                raise fault(e.EINVAL, f"byte {file[1]}: not compressed")
            compressed = CompressedFile(self._medium, found, entry, self._inflate)
            self._compressed.put(file, compressed)
        return compressed.read(offset, length)

    def gather(self, files: tuple[Handle, ...]) -> tuple[tuple[tuple[Run, ...], tuple[bytes, ...]] | None, ...]:
        if self._boot is not None:
            return super().gather(files)
        return tuple([self._gathered(file) for file in files])

    def _gathered(self, file: Handle) -> tuple[tuple[Run, ...], tuple[bytes, ...]] | None:
        """As it was listed, or its record is decoded once, and not kept: it will hardly be wanted again."""
        run = self._directories.lately.get(file[0])
        if run is not None and file[0] == file[1] and run[3] + run[2] <= self._medium.device.size:
            return ((run,) if run[2] else ()), ()
        try:
            found = self._inodes.file(file)
            if self._zisofs_entry(found):
                runs: tuple[Run, ...] = ((ENCODED, 0, found.size, 0),) if found.size else ()
            else:
                runs = bmap.runs(self._medium, found, 0, found.size)
            return runs, tuple(self._listed(found.others)) if found.others else ()
        except Fault:
            return None

    def _file(self, file: Handle) -> File:
        """What it takes to read a file."""
        found: File | None = self._files.get(file)
        if found is None:
            found = self._inodes.file(file)
            self._files.put(file, found)
        return found

    def _zisofs_entry(self, file: File) -> bytes:
        """The ZF of a file that is to be uncompressed, else b""."""
        found = (entry for signature, entry in file.others if signature in ZISOFS_ENTRIES)
        return next((entry for entry in found if len(entry) >= Compressed.struct.size), b"")

    # ---- directories ---------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        boot = self._boot
        if boot is not None:
            found = boot.lookup(directory, name)
            if found is not None:
                return found
        row = self._directories.find(directory[0], name) if self._stored(directory) else None
        if row is None:
            long = self._space.kind == "joliet" and names.utf16_units(name) > JOLIET_UNITS
            raise fault(e.ENAMETOOLONG if long else e.ENOENT)
        return row[3] or self._inodes.attributes((row[1], row[1]))

    def name_key(self, name: bytes) -> bytes:
        return self._fold(name) if self._fold else name

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        entries, follow = self.list_attributes(directory, cookie, count)
        return tuple([
            (name, behind, attributes[0], attributes[MODE] >> 12) if attributes else (name, behind, behind, DT_UNKNOWN)
            for name, behind, attributes in entries
        ]), follow  # fmt: skip

    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        if count < 1 or cookie < 0:
            return (), cookie if cookie >= 0 else END
        boot = self._boot
        if boot is not None and boot.lists(directory, cookie):
            return boot.list(directory, cookie, count)
        if not self._stored(directory):
            return (), END
        rows, follow = self._directories.rows(directory[0], cookie, count)
        entries = tuple([(name, behind, attributes) for name, _, behind, attributes in rows])
        if follow < 0 and boot is not None:
            follow = boot.after(directory)
        return entries, follow

    def _stored(self, directory: Handle) -> bool:
        """Whether a directory has records: one without an extent is empty.  Errors: ENOTDIR; ESTALE."""
        if not directory[1]:
            return True
        if self._inodes.attributes(directory)[MODE] & S_IFMT != S_IFDIR:
            raise fault(e.ENOTDIR)
        return False

    # ---- extended attributes -------------------------------------------------------------------------------------

    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        return tuple(self._xattrs(file))

    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        value = self._xattrs(file).get(name)
        if value is None:
            raise fault(e.ENOATTR)
        return value

    def _xattrs(self, file: Handle) -> dict[bytes, bytes]:
        if not self.capabilities.xattrs:
            raise fault(e.EOPNOTSUPP)
        if self._boot is not None and self._boot.has(file):
            return {}
        if file[1]:
            return self._listed(self._file(file).others)
        return self._listed(self._inodes.entries(file[0]) + self._inodes.entries(self._record_of(file[0])))

    def _listed(self, others: Entries) -> dict[bytes, bytes]:
        """The attributes that entries say."""
        from rump.drivers.fs.cd9660 import aaip

        return aaip.attributes(others)

    def _record_of(self, directory: int) -> int:
        """The place of the record of the directory at a byte in its parent; its own "." where that has none."""
        parent = self._inodes.parent(directory)
        places: dict[int, int] | None = self._parents.get(parent)
        if places is None:
            places, cookie = {}, 0
            while cookie >= 0:
                rows, cookie = self._directories.rows(parent, cookie, ROWS)
                places |= {attributes[0]: place for _, place, _, attributes in rows if attributes and not attributes[1]}
            self._parents.put(parent, places)
        return places.get(directory, directory)
