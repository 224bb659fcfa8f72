# SPDX-License-Identifier: BSD-2-Clause
"""What newfs is asked for: options as strings, turned into numbers, with the defaults that mke2fs publishes.

The defaults are those of mke2fs.conf(5) and mke2fs(8) of e2fsprogs 1.47: features by type, block size and inode ratio
by size, 5 % reserved, the journal's size by the volume's.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import features
from rump.drivers.fs.ext2fs.newfs.layout import GROUP_BLOCKS_MAX
from rump.drivers.fs.ext2fs.newfs.quota import GROUP, PROJECT, USER
from rump.kernel.errors import fault
from rump.kernel.vfs.newfs import Numbers, choice, known, power
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments

OPTIONS = (
    "type", "size", "block_size", "inode_ratio", "inodes", "inode_size", "reserved_percent", "label", "uuid",
    "features", "journal_size", "hash_seed", "stride", "stripe_width", "root_owner", "lazy_itable_init", "zeroed",
    "time", "last_mounted", "dry_run", "num_backup_sb", "mmp_update_interval", "orphan_file_size", "quotatype",
    "encoding", "encoding_flags", "fast_commit_size", "resize", "flex_groups", "errors", "test_fs", "root_perms",
    "lazy_journal_init", "packed_meta_blocks", "group_blocks", "cluster_size",
)  # fmt: skip

_EXT2 = ("ext_attr", "resize_inode", "dir_index", "filetype", "sparse_super", "large_file")
_EXT3 = (*_EXT2, "has_journal")
_EXT4 = (*_EXT3, "extent", "huge_file", "flex_bg", "metadata_csum", "64bit", "dir_nlink", "extra_isize")
TYPES = {"ext2": _EXT2, "ext3": _EXT3, "ext4": _EXT4}
"""Type -> its features."""

_ALSO = (
    "uninit_bg", "metadata_csum_seed", "large_dir", "ea_inode", "verity", "stable_inodes", "inline_data", "encrypt",
    "casefold", "fast_commit", "sparse_super2", "meta_bg", "mmp", "quota", "project", "orphan_file", "bigalloc",
)  # fmt: skip
CAN = frozenset((*_EXT4, *_ALSO))
"""Features that can be laid out; the rest would need structures that are not made here."""

MIB = 1 << 20
QUOTAS = {"usrquota": USER, "grpquota": GROUP, "prjquota": PROJECT}
ERRORS = {"continue": 1, "remount-ro": 2, "panic": 3}
UNITS = {"k": 1 << 10, "m": MIB, "g": 1 << 30}
ENCODINGS = ("utf8", "utf8-12.1")


class Wanted:
    """The options, understood.

    type, features          "ext4"; names of features
    dry_run                 nothing is written; the size may then be more than the device has
    size                    bytes of the device to use
    block_size, inode_size  bytes
    inode_ratio             bytes of the volume for each inode; void if `inodes` is not 0
    inodes                  how many are asked for, 0: by the ratio
    reserved_percent        of the blocks, only root may fill them
    journal_size            bytes, None: by the volume's size
    stride, stripe_width    blocks
    lazy                    inode tables that are marked unused need not be zeros
    zeroed                  the device is known to read as zeros
    time                    seconds since 1970
    group_blocks            of a group, 0: as many as its bitmap has bits
    cluster_size            bigalloc: bytes that are allocated at once
    backups                 sparse_super2: how many copies of the superblock, at most 2
    flex_groups             flex_bg: how many groups keep their bitmaps and tables together
    packed                  flex_bg: all groups' bitmaps and tables, and the journal, come first
    resize                  blocks that the volume can grow to, 0: a thousand times those it has
    fast_commit_size        bytes, 0: by the journal's usual size
    orphan_file_size        bytes, 0: by the volume's size
    mmp_interval            seconds, 0: as few as can be
    quotas                  kinds of quota (quota.USER ...)
    encoding_flags          1: names that are no UTF-8 are refused
    errors                  what to do on an error: 1 continue, 2 read-only, 3 panic
    test_fs                 experimental kernels may mount it
    root_mode               permissions of the root directory
    lazy_journal            the journal need not be zeros
    """

    def __init__(self, arguments: MountArguments) -> None:
        options, services = arguments.options, arguments.services
        known(options, OPTIONS)
        device = arguments.device
        if device is None:
            raise fault(e.ENXIO, "ext2fs needs a device")
        number = Numbers(options)
        self.type = options.get("type", "ext2")
        if self.type not in TYPES:
            raise fault(e.EINVAL, f"option type={self.type}: not one of {' '.join(TYPES)}")
        self.dry_run = bool(number("dry_run", 0, 0, 1))
        most = 1 << 62 if self.dry_run else device.size
        self.size = number("size", device.size & ~4095 or device.size, 0, most)
        self.features = _features(self.type, _wished(options))
        self._sizes(number)
        self._of_features(number, options)
        self.flex_groups = power("flex_groups", number("flex_groups", 16, 1, 1 << 31))
        self.packed = bool(number("packed_meta_blocks", 0, 0, 1))
        self.errors = choice("errors", options.get("errors", "continue"), ERRORS)
        self.test_fs = bool(number("test_fs", 0, 0, 1))
        self.root_mode = _mode(options.get("root_perms", "755"))
        self.lazy_journal = bool(number("lazy_journal_init", 0, 0, 1))
        self.reserved_percent = _percent(options.get("reserved_percent", "5"))
        journal = number("journal_size", -1, 0, 1 << 20)
        self.journal_size = None if journal < 0 else journal * MIB
        self.stride = number("stride", 0, 0, 0xFFFF)
        self.stripe_width = number("stripe_width", 0, 0, 0xFFFFFFFF)
        self.lazy = bool(number("lazy_itable_init", 1, 0, 1))
        self.zeroed = bool(number("zeroed", 0, 0, 1))
        self.time = number("time", min(max(services.now() // 10**9, 0), 0xFFFFFFFF), 0, 0xFFFFFFFF)
        self.uuid = _uuid("uuid", options.get("uuid", "random"), services.random)
        self.hash_seed = _uuid("hash_seed", options.get("hash_seed", "random"), services.random)
        self.label = _text("label", options.get("label", ""), 16)
        self.last_mounted = _text("last_mounted", options.get("last_mounted", ""), 64)
        self.root_owner = _owner(options.get("root_owner", "0:0"))

    def _sizes(self, number: Numbers) -> None:
        """Block size, inode size and ratio: by the size of the volume, unless they are given."""
        mebibytes = self.size // MIB
        small = mebibytes < 512
        self.block_size = power("block_size", number("block_size", 1024 if small else 4096, 1024, 65536))
        ratio = 8192 if mebibytes < 3 else 4096 if small else 16384
        if mebibytes >= 4 * MIB:
            ratio = 65536 if mebibytes >= 16 * MIB else 32768
        cluster = number("cluster_size", self.block_size * 16, self.block_size * 2, 1 << 28)
        self.cluster_size = power("cluster_size", cluster)
        if "bigalloc" in self.features:
            ratio = max(ratio, cluster)
        self.inode_ratio = number("inode_ratio", max(ratio, self.block_size), 1024, 1 << 26)
        self.inodes = number("inodes", 0, 1, 0xFFFFFFFF)
        self.inode_size = power("inode_size", number("inode_size", 256, 128, self.block_size))
        self.group_blocks = number("group_blocks", 0, 256, min(self.block_size * 8, GROUP_BLOCKS_MAX))
        if self.group_blocks % 8:
            raise fault(e.EINVAL, f"option group_blocks={self.group_blocks}: not a multiple of 8")
        self.resize = number("resize", 0, 1, 0xFFFFFFFF)
        if 0 < self.resize <= self.size // self.block_size:
            raise fault(e.EINVAL, f"option resize={self.resize}: not more blocks than the volume has")

    def _bytes(self, name: str, options: dict[str, str]) -> int:
        """A size in blocks, or with a suffix in bytes; 0 if it is not given."""
        text = options.get(name, "0")
        unit = UNITS.get(text[-1:].lower(), 0)
        digits = text[:-1] if unit else text
        good = digits.isascii() and digits.isdigit() and len(digits) < 20
        size = int(digits) * (unit or self.block_size) if good else 0
        if name in options and not 0 < size <= self.size:
            raise fault(e.EINVAL, f"option {name}={text}: no size")
        return size

    def _of_features(self, number: Numbers, options: dict[str, str]) -> None:
        """What has a meaning only with a feature."""
        for name, feature in NEEDED.items():
            if name in options and feature not in self.features:
                raise fault(e.EINVAL, f"option {name}: needs the feature {feature}")
        for feature in ("inline_data", "project"):
            if feature in self.features and self.inode_size < 256:
                raise fault(e.EINVAL, f"feature {feature}: needs an inode_size of 256 or more")
        self.backups = number("num_backup_sb", 2, 0, 2) if "sparse_super2" in self.features else 0
        if "bigalloc" in self.features and self.group_blocks:
            raise fault(e.EINVAL, "option group_blocks: does not go with the feature bigalloc")
        self.fast_commit_size = number("fast_commit_size", 0, self.block_size, 1 << 40)
        self.orphan_file_size = self._bytes("orphan_file_size", options)
        self.mmp_interval = number("mmp_update_interval", 0, 0, 300)
        kinds = [choice("quotatype", word, QUOTAS) for word in options.get("quotatype", "").split(":") if word]
        kinds = kinds or [USER, GROUP]
        if "project" in self.features:
            kinds.append(PROJECT)
        self.quotas = tuple(sorted(set(kinds)))
        self.encoding_flags = _encoding(options)


NEEDED = {
    "num_backup_sb": "sparse_super2", "fast_commit_size": "fast_commit", "orphan_file_size": "orphan_file",
    "mmp_update_interval": "mmp", "quotatype": "quota", "resize": "resize_inode", "flex_groups": "flex_bg",
    "cluster_size": "bigalloc", "encoding": "casefold", "encoding_flags": "casefold",
}  # fmt: skip
"""Option -> the feature it is about."""


def _features(kind: str, text: str) -> set[str]:
    """The type's features with those named added, and with those named after ``^`` or ``-`` taken away."""
    chosen = set(TYPES[kind])
    for word in text.replace(" ", ",").split(","):
        name = {"extents": "extent"}.get(word.lstrip("^-+"), word.lstrip("^-+"))
        if not name:
            continue
        if name == "none":
            chosen.clear()
        elif word[0] in "^-":
            _known(name)
            chosen.discard(name)
        elif name in CAN:
            chosen.add(name)
        else:
            _known(name)
            raise fault(e.EINVAL, f"feature {name}: cannot be made here")
    return _consistent(chosen)


def _wished(options: dict[str, str]) -> str:
    """The features, with those that other options imply."""
    text = options.get("features", "")
    if "encoding" in options:
        text += ",casefold"
    if "prjquota" in options.get("quotatype", "").split(":"):
        text += ",project"
    return text


def _known(name: str) -> None:
    if not any(name in table.values() for table in (features.COMPAT, features.INCOMPAT, features.RO_COMPAT)):
        raise fault(e.EINVAL, f"feature {name}: unknown")


def _consistent(chosen: set[str]) -> set[str]:
    """Features that fit each other.  Errors: EINVAL - they do not."""
    if "metadata_csum" in chosen:
        chosen -= {"uninit_bg"}         # its bit is said to be implied, and must not be set
    needs = (("resize_inode", "sparse_super"), ("metadata_csum_seed", "metadata_csum"), ("verity", "extent"),
             ("64bit", "extent"), ("bigalloc", "extent"), ("orphan_file", "has_journal"))  # fmt: skip
    for name, other in needs:
        if name in chosen and other not in chosen:
            raise fault(e.EINVAL, f"feature {name}: needs {other}")
    if chosen >= {"resize_inode", "meta_bg"}:
        raise fault(e.EINVAL, "feature meta_bg: does not go with resize_inode")
    return chosen


def _encoding(options: dict[str, str]) -> int:
    """The flags of the encoding of names."""
    name, flags = options.get("encoding", "utf8"), 0
    if name not in ENCODINGS:
        raise fault(e.EINVAL, f"option encoding={name}: not one of {' '.join(ENCODINGS)}")
    for word in options.get("encoding_flags", "").replace(":", ",").split(","):
        if word:
            flags = choice("encoding_flags", word, {"strict": 1, "nostrict": 0})
    return flags


def _mode(text: str) -> int:
    """Permissions, in octal digits."""
    if not 1 <= len(text) <= 5 or text.strip("01234567") or int(text, 8) > 0o7777:
        raise fault(e.EINVAL, f"option root_perms={text}: not permissions in octal digits")
    return int(text, 8)


def _percent(text: str) -> tuple[int, int]:
    """A share as a fraction: (numerator, denominator) of the whole.  At most half."""
    whole, _, part = text.partition(".")
    digits = whole + part
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise fault(e.EINVAL, f"option reserved_percent={text}: not a number")
    share = int(digits), 100 * 10 ** len(part)
    if share[0] * 2 > share[1]:
        raise fault(e.EINVAL, f"option reserved_percent={text}: more than 50")
    return share


def _uuid(name: str, text: str, random: object) -> bytes:
    """Sixteen bytes: as given, zeros for "clear", a random UUID of version 4 for "random"."""
    if text == "clear":
        return bytes(16)
    if text == "random":
        assert callable(random)
        data = bytearray(random(16))
        data[6] = data[6] & 0x0F | 0x40
        data[8] = data[8] & 0x3F | 0x80
        return bytes(data)
    digits = text.replace("-", "")
    try:
        data = bytearray.fromhex(digits)
    except ValueError:
        data = bytearray()
    if len(data) != 16 or len(digits) != 32:
        raise fault(e.EINVAL, f"option {name}={text}: not a UUID")
    return bytes(data)


def _text(name: str, text: str, room: int) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if len(data) > room or b"\0" in data:
        raise fault(e.EINVAL, f"option {name}={text}: longer than {room} bytes")
    return data


def _owner(text: str) -> tuple[int, int]:
    """``uid:gid``."""
    uid, _, gid = text.partition(":")
    for part in (uid, gid):
        if not part.isascii() or not part.isdigit() or len(part) > 10 or int(part) > 0xFFFFFFFF:
            raise fault(e.EINVAL, f"option root_owner={text}: not uid:gid")
    return int(uid), int(gid)
