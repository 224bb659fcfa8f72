# SPDX-License-Identifier: BSD-2-Clause
"""Make an ext2, ext3 or ext4 file system in an image, or in a partition of one; with SIZE create or grow the image.

What is there already is not overwritten without --force.  With SOURCE_DATE_EPOCH in the environment the outcome is
reproducible: it gives all times, and UUID and hash seed are derived from it and the label unless they are given.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import ImageError, UsageError
from rump.fsutils.operand import parse as parse_operand
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "IMAGE[@PARTITION] [SIZE]"

_UNITS = {"": 1, "s": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_EXTENDED = (
    "hash_seed", "lazy_itable_init", "lazy_journal_init", "assume_storage_prezeroed", "root_owner", "root_perms",
    "stride", "stripe_width", "resize", "packed_meta_blocks", "num_backup_sb", "mmp_update_interval",
    "orphan_file_size", "quotatype", "encoding", "encoding_flags", "test_fs",
)  # fmt: skip
_EXTENDED_HELP = """\
stride=, stripe_width= (blocks), resize=BLOCKS, packed_meta_blocks=0|1, hash_seed=UUID, root_owner=UID:GID,
root_perms=MODE, lazy_itable_init=0|1, lazy_journal_init=0|1, assume_storage_prezeroed=0|1, num_backup_sb=0|1|2,
mmp_update_interval=SECONDS, orphan_file_size=, quotatype=usrquota:grpquota:prjquota, encoding=utf8,
encoding_flags=strict, test_fs, nodiscard"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, with mke2fs's letters."""
    options = (
        ("-t", "type", "TYPE", "ext2, ext3 or ext4 (it is, unless said)"),
        ("-L", "label", "LABEL", "the volume's label"),
        ("-U", "uuid", "UUID", 'a UUID, "random" (it is, unless said) or "clear"'),
        ("-b", "block_size", "BYTES", "size of a block"),
        ("-i", "inode_ratio", "BYTES", "an inode for so many bytes"),
        ("-N", "inodes", "COUNT", "so many inodes"),
        ("-I", "inode_size", "BYTES", "size of an inode"),
        ("-m", "reserved_percent", "PERCENT", "kept for root; 5 unless said"),
        ("-M", "last_mounted", "FOLDER", "where it claims to have been mounted"),
        ("-e", "errors", "WHAT", "what to do on an error: continue, remount-ro or panic"),
        ("-C", "cluster_size", "BYTES", "bigalloc: size of a cluster"),
        ("-g", "group_blocks", "COUNT", "blocks of a group"),
        ("-G", "flex_groups", "COUNT", "groups that keep their bitmaps and inode tables together"),
    )
    for letter, name, value, text in options:
        parser.add_argument(letter, dest=name, metavar=value, help=text)
    parser.add_argument("-O", dest="features", metavar="LIST", action="append", default=[],
                        help="features to add, and with ^ before them to leave out")  # fmt: skip
    parser.add_argument("-j", dest="has_journal", action="store_true", help="with a journal")
    parser.add_argument("-J", dest="journal", metavar="LIST",
                        help="size=MIB of the journal, 0 for none; fast_commit_size=KIB")  # fmt: skip
    parser.add_argument("-E", dest="extended", metavar="LIST", action="append", default=[],
                        help=_EXTENDED_HELP)
    parser.add_argument("-F", "--force", dest="force", action="store_true", help="overwrite whatever is there")
    parser.add_argument("-n", dest="dry_run", action="store_true", help="say what would be made, and make nothing")
    parser.add_argument("-q", dest="quiet", action="store_true", help="say nothing")
    parser.add_argument("image", metavar="IMAGE[@PARTITION]", help="where to")
    parser.add_argument("size", nargs="?", metavar="SIZE", help="bytes, or with a suffix K, M, G, T or s (sectors)")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make the file system."""
    options = _options(arguments)
    kind = arguments.type or command.session.options.file_system or "ext4"
    size = None if arguments.size is None else parse_size(arguments.size)
    operand = parse_operand(arguments.image, image_by_default=True)
    try:
        if operand.image is None or operand.path != b"/":
            raise UsageError(f"{arguments.image}: a file system is made in an IMAGE[@PARTITION]")
        target = Target(command, operand.image, operand.partition, size, arguments.force)
        made = target.make(kind, options, arguments.dry_run)
    except OSError as error:
        command.fail(operand, error)
        return command.status
    if not arguments.quiet:
        command.out.write(summary(made, arguments.dry_run).encode())
    return command.status


class Target:
    """The image or partition that the file system goes into.

    offset, size   of the part of the image, bytes
    """

    def __init__(self, command: Command, image: str, partition: str | None, size: int | None, force: bool) -> None:
        self._session = command.session
        self._image = image
        self._partition = partition
        self._asked = size
        self._exists = os.path.exists(image)
        if not self._exists and (size is None or partition is not None):
            raise ImageError("does not exist; with a SIZE it is created" if partition is None else "does not exist",
                             e.ENOENT)  # fmt: skip
        self._there = os.stat(image).st_size if self._exists else 0
        self._whole = partition is None and os.path.isfile(image)
        self._device, self.offset, self.size = b"", 0, size or self._there
        if self._exists:
            _not_in_use(image)
            self._find()
        self._empty = not self._exists or self._is_empty()
        if not force and not self._empty:
            self._refuse()

    def _find(self) -> None:
        """The device in the kernel, and where in the image it is."""
        session = self._session
        self._device = session.device(self._image)
        if self._partition is not None:
            self._device = session.partition(self._device, self._partition)
            self.offset = int(getattr(session.kernel.device(self._device), "start", 0))
        self._there = session.kernel.device(self._device).size
        self.size = self._asked or self._there
        if self.size > self._there and not self._whole:
            raise ImageError(f"has only {self._there} bytes", e.ENOSPC)

    def _is_empty(self) -> bool:
        """Whether it is known to read as zeros: the host's file has a hole there."""
        if not os.path.isfile(self._image) or not hasattr(os, "SEEK_DATA"):
            return False
        with open(self._image, "rb") as file:
            try:
                return os.lseek(file.fileno(), self.offset, os.SEEK_DATA) >= self.offset + self._there
            except OSError as error:
                return error.errno == 6         # ENXIO: nothing but a hole to the end

    def _refuse(self) -> None:
        """Raise an error that says what is there, if anything is."""
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
            for start, length in ((0, 1 << 20), (max(self._there - (1 << 16), 0), 1 << 16)):
                file.seek(self.offset + start)
                if any(file.read(min(length, self._there - start))):
                    return True
        return False

    def make(self, kind: str, options: dict[str, str], dry_run: bool) -> dict[str, str]:
        """Make it, and where something is lost by it try first without writing; what was made."""
        kernel = self._session.kernel
        if self._asked is not None or self._whole:
            options["size"] = str(self.size if self._asked is not None else self.size & ~4095 or self.size)
        options.setdefault("time", str(kernel.now() // 10**9))
        zeroed = options.pop("assume_storage_prezeroed", "0") == "1" or self._empty
        if dry_run or not self._empty:
            made = kernel.newfs(kind, self._stand_in(), {"size": str(self.size & ~4095), **options, "dry_run": "1"})
            if dry_run:
                return _text(made)
        if self._whole or not self._exists:
            return self._in_file(kind, options)
        return _text(kernel.newfs(kind, self._writable(), options | {"zeroed": str(int(zeroed))}))

    def _stand_in(self) -> bytes:
        """A device for the try: empty, so that it needs no image that is not there yet."""
        import tempfile

        with tempfile.NamedTemporaryFile(prefix="fsu-mkfs-") as file:
            self._session.kernel.etfs_register(b"/dev/mkfs-try", os.fsencode(file.name), read_only=False)
        return b"/dev/mkfs-try"

    def _in_file(self, kind: str, options: dict[str, str]) -> dict[str, str]:
        """Make it in a file of its own, which is emptied and then grown: all of it reads as zeros."""
        made = False
        descriptor = os.open(self._image, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not self._empty:
                os.ftruncate(descriptor, 0)
            if os.fstat(descriptor).st_size < max(self.size, self._there):
                os.ftruncate(descriptor, max(self.size, self._there))
            rows = self._session.kernel.newfs(kind, self._writable(), options | {"zeroed": "1"})
            made = True
        finally:
            os.close(descriptor)
            if not made and not self._exists:
                os.unlink(self._image)
        return _text(rows)

    def _writable(self) -> bytes:
        """The part as a device that can be written."""
        kernel, path = self._session.kernel, os.path.abspath(os.fsencode(self._image))
        size = None if self._whole or not self._exists else self._there
        kernel.etfs_register(b"/dev/mkfs", path, offset=self.offset, size=size, read_only=False)
        return b"/dev/mkfs"


def _not_in_use(image: str) -> None:
    """A block device of the host that is mounted is refused (Linux does, when asked to open it alone)."""
    from stat import S_ISBLK

    if S_ISBLK(os.stat(image).st_mode):
        os.close(os.open(image, os.O_RDWR | os.O_EXCL))


def parse_size(text: str) -> int:
    """A size in bytes.

    >>> parse_size("1440K"), parse_size("3s"), parse_size("1.5G"), parse_size("4096")
    (1474560, 1536, 1610612736, 4096)
    """
    digits = text.rstrip("bBiI") if text[-1:] in "bBiI" else text
    unit = digits[-1:].lower() if digits[-1:].isalpha() else ""
    number = digits[: len(digits) - len(unit)]
    whole, _, part = number.partition(".")
    if unit not in _UNITS or not (whole + part).isascii() or not (whole + part).isdigit() or len(number) > 20:
        raise UsageError(f"{text}: not a size")
    scale: int = 10 ** len(part)
    return int(whole + part) * _UNITS[unit] // scale


def _options(arguments: argparse.Namespace) -> dict[str, str]:
    """The driver's options."""
    names = ("label", "uuid", "block_size", "inode_ratio", "inodes", "inode_size", "reserved_percent", "last_mounted",
             "errors", "group_blocks", "flex_groups", "cluster_size")  # fmt: skip
    options = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    features = ["has_journal"] * arguments.has_journal + arguments.features
    if features:
        options["features"] = ",".join(features)
    options |= _journal(arguments.journal or "") | _extended(arguments.extended)
    return options | _reproducible(options)


def _journal(text: str) -> dict[str, str]:
    """The options of -J."""
    options: dict[str, str] = {}
    for item in text.split(",") if text else ():
        name, _, value = item.partition("=")
        if name == "size":
            options["journal_size"] = value.removesuffix("M")
        elif name == "fast_commit_size" and value.isascii() and value.isdigit() and len(value) < 20:
            options["fast_commit_size"] = str(int(value) << 10)
        else:
            raise UsageError(f"-J {item}: not size=MIB or fast_commit_size=KIB")
    return options


def _extended(items: list[str]) -> dict[str, str]:
    """The options of -E."""
    options: dict[str, str] = {}
    alone = {"root_owner": f"{os.getuid()}:{os.getgid()}", "encoding": "utf8"}
    for item in ",".join(items).split(","):
        name, _, value = item.partition("=")
        name = name.replace("-", "_")
        if not name or item == "nodiscard":         # nothing is ever discarded
            continue
        if name not in _EXTENDED:
            raise UsageError(f"-E {item}: not known here")
        options[name] = value or alone.get(name, "1")
    return options


def _reproducible(options: dict[str, str]) -> dict[str, str]:
    """What SOURCE_DATE_EPOCH gives: the time, and where they are not given UUID and hash seed derived from it and the
    label, as UUIDs of version 5."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return {}
    from uuid import NAMESPACE_URL, uuid5

    given: dict[str, str] = {"time": epoch}
    for name in ("uuid", "hash_seed"):
        if options.get(name, "random") == "random":
            text = f"rumpkernel:mkfs:{name}:{epoch}:{options.get('label', '')}"
            given[name] = str(uuid5(NAMESPACE_URL, text.encode("utf-8", "surrogateescape").hex()))
    return given


def _text(made: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {key.decode(): value.decode("utf-8", "replace") for key, value in made}


def summary(made: dict[str, str], dry_run: bool) -> str:
    """What was made, in a paragraph."""
    from textwrap import fill

    from rump.fsutils.names import shown

    label = f' "{shown(made["label"])}"' if made["label"] else ""
    journal = f"a journal of {made['journal blocks']} blocks" if made["journal blocks"] != "0" else "no journal"
    backups = made["backups"].replace(" ", ", ")
    return fill(
        f"{'Would make' if dry_run else 'Made'} {made['type']}{label}, UUID {made['uuid']}: {made['blocks']} blocks of "
        f"{made['block size']} bytes, {made['reserved blocks']} of them reserved for root; {made['inodes']} inodes of "
        f"{made['inode size']} bytes; {made['groups']} groups of {made['blocks per group']} blocks and "
        f"{made['inodes per group']} inodes; {journal}; "
        + (f"copies of the superblock in blocks {backups}." if backups else "no copy of the superblock."),
        78, break_long_words=False, break_on_hyphens=False,
    ) + "\n"  # fmt: skip
