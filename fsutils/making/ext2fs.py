# SPDX-License-Identifier: BSD-2-Clause
"""ext2, ext3 and ext4, with mke2fs's letters."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.making.maker import Maker, derived_uuid, given, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure
    from rump.kernel.lwps import Lwp

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
_OPTIONS = (
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


class Ext2fs(Maker):
    """ext2, ext3 and ext4."""

    title = "ext2, ext3, ext4 (as mke2fs has them)"

    def add_arguments(self, parser: argparse._ActionsContainer) -> None:
        add = parser.add_argument
        for letter, name, value, text in _OPTIONS:
            add(letter, dest=name, metavar=value, help=text)
        add("-O", dest="features", metavar="LIST", action="append", default=[],
            help="features to add, and with ^ before them to leave out")  # fmt: skip
        add("-j", dest="has_journal", action="store_true", help="with a journal")
        add("-J", dest="journal", metavar="LIST", help="size=MIB of the journal, 0 for none; fast_commit_size=KIB")
        add("-E", dest="extended", metavar="LIST", action="append", default=[], help=_EXTENDED_HELP)
        add("-F", dest="force", action="store_true", help="--force")
        add("-n", dest="dry_run", action="store_true", help="--dry-run")

    def options(self, arguments: argparse.Namespace) -> dict[str, str]:
        options = given(arguments, tuple([name for _, name, _, _ in _OPTIONS]))
        features = ["has_journal"] * arguments.has_journal + arguments.features
        if features:
            options["features"] = ",".join(features)
        return options | _journal(arguments.journal or "") | _extended(arguments.extended)

    def derived(self, options: dict[str, str]) -> dict[str, str]:
        label = options.get("label", "")
        return {name: derived_uuid(name, label) for name in ("uuid", "hash_seed")
                if options.get(name, "random") == "random"}  # fmt: skip

    def settle(self, lwp: Lwp, options: dict[str, str]) -> None:
        if "root_owner" in options:
            uid, _, gid = options["root_owner"].partition(":")
            lwp.chown(b"/", int(uid), int(gid))
        if "root_perms" in options:
            lwp.chmod(b"/", int(options["root_perms"], 8))

    def measure(self, options: dict[str, str]) -> Measure:
        from rump.fsutils.making.measure_ext2fs import MeasureExt2fs

        return MeasureExt2fs()

    def summary(self, made: dict[str, str]) -> str:
        journal = f"a journal of {made['journal blocks']} blocks" if made["journal blocks"] != "0" else "no journal"
        backups = made["backups"].replace(" ", ", ")
        label = " " + quoted(made["label"]) if made["label"] else ""
        return (
            f"{made['type']}{label}, UUID {made['uuid']}: {made['blocks']} blocks of {made['block size']} bytes, "
            f"{made['reserved blocks']} of them reserved for root; {made['inodes']} inodes of {made['inode size']} "
            f"bytes; {made['groups']} groups of {made['blocks per group']} blocks and {made['inodes per group']} "
            f"inodes; {journal}; "
            + (f"copies of the superblock in blocks {backups}." if backups else "no copy of the superblock.")
        )


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


MAKER = Ext2fs()
