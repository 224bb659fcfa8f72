# SPDX-License-Identifier: BSD-2-Clause
"""The file systems under test: how each is made and mounted.  One joins with a `Subject` here."""

from __future__ import annotations

from rump.conformance.images import load
from rump.conformance.images import size as image_size
from rump.conformance.plainfs import driver as plainfs
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.hosts import Machine
    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import FileSystem

IMAGE = "image"
LATER = (b"labelled", b"remarks")
"""What an ext2 of revision 0 cannot hold."""
DEVICE = b"/dev/under-test"


class Subject:
    """A file system under test, in memory unless it has an image.

    fstype   as mount(2) has it
    image    the name of an image in `rump.conformance.images`, "" without a device
    options  mount options
    extras   what it can do beside its declared capabilities: "byte_names" (any bytes are a name), "unwritten" (extents
             can be), "persistent" (contents outlive an unmount), "big_xattrs" (values of 64 KiB), "big_rdev" (device
             numbers of any size), "journal" (what recovers from a crash is of one moment); or cannot: "utf16_names"
             (names are as long as they have UTF-16 units), "one_link" (of directories too), "dates_of_access" (times
             of access are days), "even_access" (they are even seconds), "timeless_root" (the root directory has none),
             "numbers_are_places" (a file that moves gets another number, once nobody uses it)
    absent   what its image has not of the standard tree, though the driver's capabilities would let it
    drivers  tables that the kernel is booted with
    newfs    options (`made_with`): it is made anew by the kernel itself, on a device of `size` bytes, and written to
    """

    def __init__(
        self,
        name: str,
        fstype: str,
        *,
        image: str = "",
        options: dict[str, str] | None = None,
        extras: tuple[str, ...] = (),
        absent: tuple[bytes, ...] = (),
        drivers: tuple[FileSystem, ...] = (),
        newfs: dict[str, str] | None = None,
        size: int = 0,
    ) -> None:
        self.name = name
        self.fstype = fstype
        self.read_only = bool(image)
        self.options = options
        self.extras = frozenset(extras)
        self.absent = frozenset(absent)
        self.drivers = drivers
        self.made_with = newfs
        self._image = image
        self._size = size

    @property
    def size(self) -> int:
        """Of its device, in bytes; 0 without one."""
        return image_size(self._image) if self._image else self._size

    def newfs(self, kernel: Kernel, machine: Machine) -> bytes:
        """Make the file system on a machine; the path of its device, b"" if it needs none."""
        if self.made_with is not None:
            kernel.etfs_register(DEVICE, machine.put(IMAGE, bytes(self._size)), read_only=False)
            kernel.newfs(self.fstype, DEVICE, self.made_with)
            return DEVICE
        if not self._image:
            return b""
        kernel.etfs_register(DEVICE, machine.put(IMAGE, load(self._image)))
        return DEVICE

    def mount(self, lwp: Lwp, device: bytes, path: bytes, *, read_only: bool = False) -> None:
        """Mount it."""
        lwp.mount(self.fstype, path, abi.MNT_RDONLY if read_only or self.read_only else 0, device, self.options)

    def image(self, machine: Machine) -> bytes | bytearray | None:
        """The bytes of its image as they are now."""
        return machine.get(IMAGE) if self._image or self._size else None


_FIXED = {
    "uuid": "01234567-89ab-cdef-0123-456789abcdef", "hash_seed": "fedcba98-7654-3210-fedc-ba9876543210",
    "block_size": "1024", "inodes": "512", "lazy_itable_init": "0",
}  # fmt: skip
WRITTEN = (
    Subject(
        "ext2-written", "ext2fs", newfs={"type": "ext2", **_FIXED}, size=4 << 20, extras=("byte_names", "persistent"),
    ),
    Subject(
        "ext4-written", "ext2fs", newfs={"type": "ext4", "journal_size": "1", **_FIXED}, size=6 << 20,
        extras=("byte_names", "persistent", "unwritten", "journal"),
    ),
)  # fmt: skip
"""ext2fs as it writes."""
_FAT = "persistent", "utf16_names", "one_link", "dates_of_access", "timeless_root", "numbers_are_places"
WRITTEN_FAT = (
    Subject(
        "fat12-written", "msdosfs", newfs={"bits": "12", "cluster_sectors": "1", "uuid": "1234-abcd"}, size=2 << 20,
        extras=_FAT,
    ),
    Subject(
        "fat16-written", "msdosfs", newfs={"bits": "16", "cluster_sectors": "1", "uuid": "1234-abcd"}, size=4 << 20,
        extras=_FAT,
    ),
    Subject(
        "fat32-written", "msdosfs", newfs={"bits": "32", "cluster_sectors": "1", "uuid": "1234-abcd"}, size=4 << 20,
        extras=_FAT,
    ),
)  # fmt: skip
"""msdosfs as it writes."""
EXFAT_WRITTEN = Subject(
    "exfat-written", "exfat", newfs={"uuid": "0123-4567", "cluster_size": "1024", "label": "written"}, size=4 << 20,
    extras=(
        "persistent", "unwritten", "utf16_names", "one_link", "even_access", "timeless_root", "numbers_are_places",
    ),
)  # fmt: skip
"""exfat as it writes."""
SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject(
            "tmpfs", "tmpfs", options={"size": "256k", "nodes": "400"}, extras=("byte_names", "big_xattrs", "big_rdev"),
        ),
        *WRITTEN,
        *WRITTEN_FAT,
        EXFAT_WRITTEN,
        Subject("plainfs", "plainfs", drivers=(plainfs,)),
        Subject("ext2", "ext2fs", image="ext2", extras=("byte_names", "persistent"), absent=LATER),
        Subject("ext4", "ext2fs", image="ext4", extras=("byte_names", "persistent", "unwritten")),
        Subject("fat12", "msdosfs", image="fat12", extras=("persistent",)),
        Subject("fat16", "msdosfs", image="fat16", extras=("persistent",)),
        Subject("fat32", "msdosfs", image="fat32", extras=("persistent",)),
        Subject("cd9660", "cd9660", image="iso", extras=("byte_names", "persistent"), absent=LATER[:1]),
        Subject("cd9660-joliet", "cd9660", image="iso-joliet", extras=("persistent",), absent=(b"n" * 255,)),
        Subject("cd9660-enhanced", "cd9660", image="iso-enhanced", extras=("persistent",), absent=(b"n" * 255,)),
    )
}
