# SPDX-License-Identifier: BSD-2-Clause
"""Making ext2, ext3 and ext4, as mke2fs(8) does, and where nothing is chosen with the same outcome.

Options, all strings:

type                ext2, ext3, ext4
size                bytes of the device to use
block_size, inode_size, inode_ratio, inodes, reserved_percent, label, last_mounted
uuid, hash_seed     a UUID, "random" or "clear"
features            "a,^b": the type's and a, but not b
errors              what to do on an error: continue, remount-ro, panic
root_owner          uid:gid
root_perms          octal digits
journal_size        MiB; 0 for none
fast_commit_size    bytes of the journal for fast commits
stride, stripe_width            blocks
group_blocks        blocks (with bigalloc it cannot be chosen)
flex_groups         groups that keep their bitmaps and inode tables together
packed_meta_blocks  1: all groups do, and the journal lies there too
resize              blocks the volume can grow to
cluster_size        bytes (bigalloc)
num_backup_sb       0 to 2 (sparse_super2)
mmp_update_interval             seconds (mmp)
orphan_file_size    blocks, or bytes with a suffix k, m or g
quotatype           of usrquota:grpquota:prjquota (quota; the first two unless said)
encoding, encoding_flags        utf8; strict, nostrict (casefold)
test_fs             1: experimental kernels may mount it
time                seconds since 1970
lazy_itable_init, lazy_journal_init     1: inode tables marked unused, or the journal, are left as they are
zeroed              1: the device is known to read as zeros, so that zeros need not be written
dry_run             1: write nothing

The image depends on nothing else: given uuid, hash_seed and time it is the same, byte for byte.  The superblock comes
last, behind a barrier: a device on which this was cut short holds no file system.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk, features
from rump.drivers.fs.ext2fs.newfs import quota
from rump.drivers.fs.ext2fs.newfs.files import EXTRA_ISIZE, Files
from rump.drivers.fs.ext2fs.newfs.groups import Groups
from rump.drivers.fs.ext2fs.newfs.journal import JOURNAL_INO, Journal, journal_blocks
from rump.drivers.fs.ext2fs.newfs.layout import FIRST_INO, Layout
from rump.drivers.fs.ext2fs.newfs.options import Wanted
from rump.drivers.fs.ext2fs.newfs.space import Space
from rump.drivers.fs.ext2fs.newfs.special import orphan_file, protection
from rump.drivers.fs.ext2fs.newfs.sums import Sums
from rump.kernel.errors import fault
from rump.kernel.vfs.newfs import Writer
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

SUPER = disk.Superblock.struct.size
USER_XATTR, ACL = 4, 8      # default mount options
HALF_MD4 = 1
TEST_FILE_SYSTEM = 4        # the superblock's flag: experimental kernels may mount it
ENCRYPTION = 0x0401         # AES-256-XTS for contents, AES-256-CTS for names
UTF8_12_1 = 1               # the encoding of names: Unicode 12.1.0
SIGNED_HASH = 1             # the superblock's flag: directory hashes take bytes as signed


def newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    """Make a file system; what was made, as `Volume.describe` puts it.

    Errors: EINVAL - an option or feature, named; ENOSPC - the device is too small; EFBIG - too large for the blocks.
    """
    wanted = Wanted(arguments)
    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "ext2fs needs a device")
    maker = Maker(wanted, Sums(arguments.services, wanted.uuid, "metadata_csum" in wanted.features))
    maker.write(None if wanted.dry_run else device)
    return maker.describe()


class Maker:
    """A volume in the making.

    free   blocks, once it is written
    """

    def __init__(self, wanted: Wanted, sums: Sums) -> None:
        self.free = 0
        self.wanted = wanted
        self.sums = sums
        self.layout = Layout(wanted)
        self.space = Space(self.layout)
        self.files = Files(wanted, self.layout, self.space, sums)
        self.files.make()
        self.overhead = self._overhead()
        free = self.layout.blocks - self.overhead * self.layout.cluster
        count, fast = journal_blocks(wanted, self.layout, free)
        self.journal = Journal(self.files, count, fast) if count else None
        if not count:
            self.layout.features -= {"has_journal", "orphan_file"}
        self.overhead += -(-count // self.layout.cluster)
        self.places = self._special()

    def _special(self) -> dict[str, int]:
        """Make what some features need; the superblock's fields that say where it is."""
        chosen = self.layout.features
        places: dict[str, int] = {}
        if "mmp" in chosen:
            places |= protection(self.files)
        if "quota" in chosen:
            places |= quota.make(self.files, self.wanted.quotas)
        if "orphan_file" in chosen:
            places |= orphan_file(self.files)
        return places

    def _overhead(self) -> int:
        """Clusters that can never hold files."""
        layout = self.layout
        if layout.cluster > 1:
            return self.space.overhead()
        own = sum([layout.super_blocks(group) for group in layout.heads()])
        return layout.first_data_block + own + layout.groups * (2 + layout.table_blocks)

    def write(self, device: BlockDevice | None) -> None:
        """Write it all; to nowhere if `device` is None."""
        layout, writer = self.layout, Writer(device)
        block_size = layout.block_size
        if not self.wanted.zeroed:
            writer.wipe(self.wanted.size)       # first of all an old superblock
        groups = Groups(self.wanted, self.space, self.sums, writer, self.files.count)
        groups.write()
        self.free = groups.free_blocks
        if self.journal and not (self.wanted.zeroed or self.wanted.lazy_journal):
            for low, high in self.journal.runs:
                writer.zero(low * block_size, (high - low) * block_size)
        table = self.space.row(0)[2] * block_size
        inodes = b"".join([self.files.inodes[number] for number in range(1, self.files.count + 1)])
        writer.write(table, inodes + bytes(-len(inodes) % block_size))
        for block, data in sorted(self.files.blocks.items()):
            writer.write(block * block_size, data)
        self._superblocks(writer)

    def _superblocks(self, writer: Writer) -> None:
        """The copies, and when all is on stable storage the superblock itself."""
        layout = self.layout
        copies = layout.supers()[1:]
        fields = self._fields()
        fields["kbytes_written"] = writer.count + SUPER * (1 + len(copies)) >> 10
        for group in copies:
            offset = layout.start(group) * layout.block_size
            data = self._sealed(fields | {"state": 0, "block_group_nr": group & 0xFFFF})
            writer.write(offset, data if self.wanted.zeroed else data.ljust(layout.block_size, b"\0"))
        writer.seal(disk.SUPERBLOCK_OFFSET, self._sealed(fields))

    def _sealed(self, fields: dict[str, int | bytes]) -> bytes:
        """A superblock with its checksum, which starts from nothing of the volume's own."""
        data = disk.Superblock.encode(**fields)
        return data[:-4] + pack("<I", self.sums.of(data[:-4], 0xFFFFFFFF)) if self.sums.on else data

    def _fields(self) -> dict[str, int | bytes]:
        layout, wanted = self.layout, self.wanted
        shift, clusters = layout.block_size.bit_length() - 11, layout.cluster.bit_length() - 1
        time = wanted.time
        fields: dict[str, int | bytes] = {
            "inodes_count": layout.inodes, "free_inodes_count": layout.inodes - self.files.count,
            "first_data_block": layout.first_data_block, "log_block_size": shift,
            "log_cluster_size": shift + clusters,
            "blocks_per_group": layout.group_blocks, "clusters_per_group": layout.group_blocks >> clusters,
            "inodes_per_group": layout.group_inodes, "wtime": time, "lastcheck": time, "mkfs_time": time,
            "max_mnt_count": 0xFFFF, "magic": disk.MAGIC, "state": disk.STATE_VALID, "errors": wanted.errors,
            "rev_level": 1, "first_ino": FIRST_INO, "inode_size": layout.inode_size, "uuid": wanted.uuid,
            "volume_name": wanted.label, "last_mounted": wanted.last_mounted, "hash_seed": wanted.hash_seed,
            "def_hash_version": HALF_MD4, "default_mount_opts": USER_XATTR | ACL,
            "flags": SIGNED_HASH | TEST_FILE_SYSTEM * wanted.test_fs,
            "reserved_gdt_blocks": layout.reserved_gdt, "raid_stride": wanted.stride,
            "raid_stripe_width": wanted.stripe_width, "overhead_clusters": self.overhead & 0xFFFFFFFF,
        }  # fmt: skip
        for name, value in (("blocks", layout.blocks), ("r_blocks", layout.reserved), ("free_blocks", self.free)):
            fields[f"{name}_count_lo"] = value & 0xFFFFFFFF
            fields[f"{name}_count_hi"] = value >> 32
        return fields | self._feature_fields() | self._journal_fields() | self.places

    def _feature_fields(self) -> dict[str, int | bytes]:
        """The features' bits, and the fields that come with some."""
        chosen = self.layout.features
        tables = (("feature_compat", features.COMPAT), ("feature_incompat", features.INCOMPAT),
                  ("feature_ro_compat", features.RO_COMPAT))  # fmt: skip
        fields: dict[str, int | bytes] = {
            field: sum([1 << bit for bit, name in table.items() if name in chosen]) for field, table in tables
        }
        if "64bit" in chosen:
            fields["desc_size"] = self.layout.descriptor_size
        if "flex_bg" in chosen:
            fields["log_groups_per_flex"] = self.wanted.flex_groups.bit_length() - 1
        if "sparse_super2" in chosen:
            fields["backup_bgs_0"], fields["backup_bgs_1"] = (0, 0, *self.layout.backups)[-2:]
        if "encrypt" in chosen:
            fields["encrypt_algos"] = ENCRYPTION
        if "casefold" in chosen:
            fields |= {"encoding": UTF8_12_1, "encoding_flags": self.wanted.encoding_flags}
        if self.sums.on:
            fields["checksum_type"] = 1
        if "metadata_csum_seed" in chosen:
            fields["checksum_seed"] = self.sums.seed
        if self.layout.inode_size > 128:
            fields["min_extra_isize"] = fields["want_extra_isize"] = EXTRA_ISIZE
        return fields

    def _journal_fields(self) -> dict[str, int | bytes]:
        """Where the journal is, and a copy of its inode's map and size."""
        if self.journal is None:
            return {}
        size = self.journal.count * self.layout.block_size
        return {
            "journal_inum": JOURNAL_INO, "jnl_backup_type": 1, "jnl_blocks": self.journal.tree,
            "jnl_size_high": size >> 32, "jnl_size_low": size & 0xFFFFFFFF,
        }  # fmt: skip

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        """What was made."""
        layout, wanted = self.layout, self.wanted
        digits = wanted.uuid.hex()
        uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        journal = self.journal.count if self.journal else 0
        names = [name for table in (features.COMPAT, features.INCOMPAT, features.RO_COMPAT)
                 for name in table.values() if name in layout.features]  # fmt: skip
        rows = (
            (b"type", wanted.type), (b"label", wanted.label), (b"uuid", uuid), (b"features", " ".join(names)),
            (b"block size", layout.block_size), (b"blocks", layout.blocks), (b"reserved blocks", layout.reserved),
            (b"inodes", layout.inodes), (b"inode size", layout.inode_size), (b"groups", layout.groups),
            (b"blocks per group", layout.group_blocks), (b"inodes per group", layout.group_inodes),
            (b"journal blocks", journal), (b"free blocks", self.free),
            (b"free inodes", layout.inodes - self.files.count), (b"cluster size", layout.block_size * layout.cluster),
            (b"backups", " ".join(str(layout.start(group)) for group in layout.supers()[1:][:1000])),
        )  # fmt: skip
        return tuple([(key, value if isinstance(value, bytes) else str(value).encode()) for key, value in rows])
