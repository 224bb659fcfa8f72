# SPDX-License-Identifier: BSD-2-Clause
"""plainfs: a file system that can do little, and does not tell upper from lower case; for the suite only.

It keeps the other side of every capability honest: bodies about what it does not have find the documented errno, and
the kernel's name cache meets names that are equal without being the same.
"""

from __future__ import annotations

from rump.drivers.fs.tmpfs.ops import TmpfsVolume
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import Capabilities, FileSystem
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.drivers.fs.tmpfs.inode import Node
    from rump.kernel.vfs.volume import Attributes, Handle, MountArguments, Volume

STEP = 2 * 10**9
CAPABILITIES = Capabilities(
    name_max=64,
    file_size_max=(1 << 20) - 1,
    time_min=315_532_800 * 10**9,
    time_max=4_354_819_198 * 10**9,
    time_step=STEP,
    case_sensitive=False,
    writable=True,
)
TIMES = (v.ATIME, v.MTIME, v.CTIME, v.BIRTHTIME)


class PlainVolume(TmpfsVolume):
    """Names keep their spelling, and are found by any other."""

    capabilities = CAPABILITIES

    def name_key(self, name: bytes) -> bytes:
        return name.lower()

    def _spelled(self, directory: Handle, name: bytes) -> bytes:
        """How a name is spelled in the directory, if it is there."""
        key = name.lower()
        return next((other for other in self._directory(directory).entries if other.lower() == key), name)

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        return super().lookup(directory, self._spelled(directory, name))

    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        kind = mode & abi.S_IFMT
        if kind not in (abi.S_IFREG, abi.S_IFDIR):
            raise fault(e.EOPNOTSUPP)
        mode = kind | (0o755 if kind == abi.S_IFDIR else 0o644)
        return super().create(directory, self._spelled(directory, name), mode, 0, 0, 0, b"")

    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return super().unlink(directory, self._spelled(directory, name))

    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return super().rmdir(directory, self._spelled(directory, name))

    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        from_name = self._spelled(from_directory, from_name)
        there = self._spelled(to_directory, to_name)
        if from_directory != to_directory or there != from_name:
            to_name = there
        return super().rename(from_directory, from_name, to_directory, to_name)

    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        raise fault(e.EOPNOTSUPP)

    def write(self, file: Handle, offset: int, data: Buffer) -> Attributes:
        """Without holes: what lies before is filled with zeros."""
        self._fill(self._node(file), offset)
        return super().write(file, offset, data)

    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        self._fill(self._node(file), offset)
        return super().allocate(file, offset, length)

    def punch(self, file: Handle, offset: int, length: int) -> Attributes:
        raise fault(e.EOPNOTSUPP)

    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        node = self._node(file)
        if any(field in (v.MODE, v.UID, v.GID, v.FLAGS) for field, _ in changes):
            raise fault(e.EOPNOTSUPP)
        for field, value in changes:
            if field in TIMES and not CAPABILITIES.time_min <= value <= CAPABILITIES.time_max:
                raise fault(e.EINVAL, f"time {value}")
            if field == v.SIZE:
                self._fill(node, value)
        kept = ((field, value - value % STEP if field in TIMES else value) for field, value in changes)
        return super().set_attributes(file, tuple(kept))

    def _fill(self, node: Node, end: int) -> None:
        if end > node.size:
            super().write((node.number, node.generation), node.size, bytes(end - node.size))

    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        raise fault(e.EOPNOTSUPP)

    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        raise fault(e.EOPNOTSUPP)

    def set_xattr(self, file: Handle, name: bytes, value: bytes, flags: int) -> Attributes:
        raise fault(e.EOPNOTSUPP)

    def remove_xattr(self, file: Handle, name: bytes) -> Attributes:
        raise fault(e.EOPNOTSUPP)


def mount(arguments: MountArguments) -> Volume:
    """A new, empty one."""
    return PlainVolume(arguments.services, 1 << 20, 400, 0, 0, 0o755)


driver = FileSystem("plainfs", mount=mount, capabilities=CAPABILITIES, needs_device=False)
