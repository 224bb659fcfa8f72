# SPDX-License-Identifier: BSD-2-Clause
"""The outcome: everything of a volume that is not a file's contents.

Path tables and directories lie in front of the files: there are readers that do not seek, or want continuation areas
before what they are about (libarchive).  Where the room left for them turns out too small, the files are moved.

All of it is written and reaches stable storage; then come the boot sector and the descriptors but the primary one, then
that.  Whenever this is cut short the medium shows the empty volume it held before, or all of the new.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR, SYSTEM_SECTORS
from rump.drivers.fs.cd9660.newfs.place import FIRST_FILE, FIRST_TREE
from rump.drivers.fs.cd9660.writing import descriptors, identifiers
from rump.drivers.fs.cd9660.writing.descriptors import Tables
from rump.drivers.fs.cd9660.writing.hierarchy import Hierarchy, Names
from rump.drivers.fs.cd9660.writing.relocation import too_deep
from rump.drivers.fs.cd9660.writing.rockridge import Dates, RockRidge
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rump.drivers.fs.cd9660.newfs.options import Wanted
    from rump.drivers.fs.cd9660.writing.boot import Boot
    from rump.drivers.fs.cd9660.writing.hybrid import PartitionTables
    from rump.drivers.fs.cd9660.writing.tree import Node, Tree
    from rump.drivers.fs.cd9660.writing.volume import AuthorVolume
    from rump.kernel.dev.block import BlockDevice

PIECE = 1 << 20             # bytes written in one go
CHEAP = 8192                # sectors of files that are moved to save the room in front of them
JOLIET_LENGTH, JOLIET_LONG_LENGTH = 64, 103
CATALOG_MODE = abi.S_IFREG | 0o444


class Outcome:
    """Directories, path tables and descriptors of a tree.

    sectors     of the whole volume, once its places are known
    """

    def __init__(self, tree: Tree, wanted: Wanted, time: int) -> None:
        """`time`: when the volume was made, nanoseconds since 1970."""
        self._wanted = wanted
        self._time = time
        self.sectors = 0
        dates = Dates()
        rock = RockRidge(dates, tree.has_xattrs) if wanted.rockridge else None
        moved = None
        if rock is not None and not wanted.allow_deep and too_deep(tree.root):
            moved = self._moved(tree)
        names = Names(identifiers.iso_shape(wanted.level), identifiers.iso_identifier)
        self._hierarchies = [Hierarchy(tree.root, names, dates, rock, moved)]
        if wanted.joliet:
            shape = identifiers.joliet_shape(JOLIET_LONG_LENGTH if wanted.joliet_long else JOLIET_LENGTH)
            names = Names(shape, identifiers.joliet_identifier)
            self._hierarchies.append(Hierarchy(tree.root, names, dates, None, None))
        self._tables: list[Tables] = []

    def _moved(self, tree: Tree) -> Node:
        """RR_MOVED."""
        root = tree.root
        node = tree.make(abi.S_IFDIR | 0o755, root.uid, root.gid, 0, b"", root.mtime)
        node.nlink = 2
        root.nlink += 1
        return node

    @property
    def size(self) -> int:
        """How many sectors all but the descriptors take."""
        return sum([2 * -(-each.path_size // SECTOR) + each.sectors for each in self._hierarchies])

    def place(self, sector: int) -> None:
        """Give everything its place from a sector on."""
        for hierarchy in self._hierarchies:
            count = -(-hierarchy.path_size // SECTOR)
            self._tables.append(Tables(hierarchy, sector, sector + count))
            hierarchy.place(sector + 2 * count)
            sector += 2 * count + hierarchy.sectors

    def write(self, device: BlockDevice) -> None:
        """Write all but the descriptors to their places."""
        for tables in self._tables:
            write(device, tables.little, self._pieces(tables.hierarchy))

    @staticmethod
    def _pieces(hierarchy: Hierarchy) -> Iterator[bytes]:
        """The bytes, in order: a whole number of sectors each."""
        for order in "<>":
            table = hierarchy.path_table(order)
            yield table + bytes(-len(table) % SECTOR)
        for directory in hierarchy.layout:
            yield hierarchy.encode(directory)

    def descriptors(self, catalog: int) -> list[bytes]:
        """The volume descriptors, the primary one first; `catalog`: the boot catalog's sector, 0 for none."""
        primary, *others = [
            descriptors.volume(self._wanted, tables, self.sectors, self._time, joliet=number > 0)
            for number, tables in enumerate(self._tables)
        ]
        boot = [descriptors.boot_record(catalog)] if catalog else []
        return [primary, *boot, *others, descriptors.terminator()]


def write(device: BlockDevice, sector: int, pieces: Iterable[bytes]) -> None:
    """Write pieces one behind the other, in large ones."""
    held: list[bytes] = []
    size = 0
    where = sector * SECTOR
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            device.write(where, b"".join(held))
            where += size
            held, size = [], 0
    if held:
        device.write(where, b"".join(held))


def show(device: BlockDevice, found: list[bytes], boot_sector: bytes) -> None:
    """Write the volume descriptors, the primary one last; what they lead to has been written."""
    device.sync(barrier=True)
    device.write((SYSTEM_SECTORS + 1) * SECTOR, b"".join(found[1:]))
    if boot_sector:
        device.write(0, boot_sector)
    device.sync(barrier=True)
    device.write(SYSTEM_SECTORS * SECTOR, found[0])
    device.sync(barrier=True)


def publish(volume: AuthorVolume) -> None:
    """Make what has been filled in to be seen.  Errors: see `AuthorVolume.unmount`."""
    wanted, device = volume.wanted, volume.device
    now = volume.now() if wanted.time is None else wanted.time * 10**9
    boot = _boot(volume)
    hybrid = _hybrid(volume, boot)
    catalog = _named_catalog(volume.tree, wanted, now - now % 10**9)
    outcome = Outcome(volume.tree, wanted, now)
    start = FIRST_FILE + outcome.size
    end = _make_room(volume, start + bool(boot))
    outcome.place(FIRST_FILE)
    outcome.sectors = end + wanted.pad + (hybrid.backup_sectors if hybrid is not None else 0)
    if outcome.sectors > volume.sectors.end:
        raise fault(e.ENOSPC, f"{outcome.sectors} sectors are needed, {volume.sectors.end} there")
    if boot:
        boot.patch()
        device.write(start * SECTOR, boot.catalog())
    if catalog is not None:
        catalog.extents = ((start, 1),)
    outcome.write(device)
    if not wanted.zeroed:
        _clear(device, start + bool(boot), volume.first)
        _clear(device, end, end + wanted.pad)
    boot_sector, backup = hybrid.encode(outcome.sectors) if hybrid is not None else (b"", b"")
    write(device, end + wanted.pad, [backup])
    show(device, outcome.descriptors(start if boot else 0), boot_sector)
    _clear(device, FIRST_TREE, FIRST_FILE)      # of no use any more


def _make_room(volume: AuthorVolume, first: int) -> int:
    """Have the files begin at a sector, or somewhat behind it if they are large; the sector behind them."""
    used = volume.sectors.next - volume.first
    more = first - volume.first
    if more > 0 or (more < 0 and used <= CHEAP):
        if volume.sectors.next + more > volume.sectors.end:
            raise fault(e.ENOSPC, f"{volume.sectors.next + more} sectors are needed, {volume.sectors.end} there")
        volume.contents.shift(volume.tree, volume.first, used, more)
        volume.first += more
    return volume.first + used


def _clear(device: BlockDevice, first: int, end: int) -> None:
    """Fill sectors with zeros."""
    write(device, first, (bytes(SECTOR) for _ in range(first, end)))


def _boot(volume: AuthorVolume) -> Boot | None:
    wanted = volume.wanted
    if not wanted.boot and not wanted.efi:
        return None
    from rump.drivers.fs.cd9660.writing.boot import Boot

    return Boot(volume.tree, volume.contents, wanted, volume.device)


def _hybrid(volume: AuthorVolume, boot: Boot | None) -> PartitionTables | None:
    wanted = volume.wanted
    if not (wanted.mbr or wanted.gpt or wanted.mbr_table):
        return None
    from rump.drivers.fs.cd9660.writing.hybrid import PartitionTables

    return PartitionTables(volume.tree, wanted, boot, volume.device)


def _named_catalog(tree: Tree, wanted: Wanted, now: int) -> Node | None:
    """The boot catalog as a file, if it is to have a name.  Errors: ENOENT, ENOTDIR - of the directory; EEXIST."""
    if not wanted.boot_catalog:
        return None
    above, _, name = wanted.boot_catalog.rpartition(b"/")
    try:
        directory = tree.find(above) if above else tree.root
        if directory.entries is None:
            raise fault(e.ENOTDIR)
        node = tree.make(CATALOG_MODE, directory.uid, directory.gid, 0, b"", now)
        times = directory.mtime, directory.ctime
        tree.enter(directory, name, node, now)
        directory.mtime, directory.ctime = times
    except OSError as error:
        shown = wanted.boot_catalog.decode("utf-8", "replace")
        raise fault(error.errno or e.EINVAL, f"cd9660: option boot-catalog={shown}") from None
    node.size = SECTOR
    node.extents = ((0, 1),)
    return node
