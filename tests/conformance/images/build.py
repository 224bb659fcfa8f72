# SPDX-License-Identifier: BSD-2-Clause
"""Has others' tools make the images: mke2fs and debugfs (e2fsprogs), mkfs.fat, mtools, xorriso.

    python -m rump.conformance.images.build         as root, for devices and owners; needs those tools

Identifiers, hash seeds and times are given, so that the same tools make the same images - but for
the host's inode numbers, which xorriso notes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from rump.conformance.images import encode
from rump.conformance.tree import STANDARD, WHEN, Entry
from rump.kernel import abi
from rump.kernel.vfs.volume import Capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UUID = "01234567-89ab-cdef-0123-456789abcdef"
SECOND = 10**9
ENVIRONMENT = {**os.environ, "E2FSPROGS_FAKE_TIME": str(WHEN), "SOURCE_DATE_EPOCH": str(WHEN), "TZ": "UTC"}
EXT2: dict[str, object] = {
    "name_max": 255, "file_size_max": 1 << 40, "time_min": -(1 << 31) * SECOND, "time_max": ((1 << 31) - 1) * SECOND,
    "time_step": SECOND, "symlinks": True, "hard_links": True, "devices": True, "fifos": True, "owners": True,
    "permissions": True, "xattrs": True, "sparse": True,
}  # fmt: skip
EXT4 = {**EXT2, "time_max": ((3 << 32) + (1 << 31)) * SECOND - 1, "time_step": 1}
FAT: dict[str, object] = {
    "name_max": 765, "file_size_max": (1 << 32) - 1, "time_min": 315532800 * SECOND, "time_max": 4354819198 * SECOND,
    "time_step": 2 * SECOND,
}  # fmt: skip
ISO_NAMES: dict[str, object] = {
    "name_max": 255, "file_size_max": 1 << 40, "time_min": -2208988800 * SECOND, "time_max": 5869583999 * SECOND,
    "time_step": SECOND,
}  # fmt: skip
ISO = {
    **ISO_NAMES, "symlinks": True, "hard_links": True, "devices": True, "fifos": True, "owners": True,
    "permissions": True, "xattrs": True,
}  # fmt: skip
ISO_DATE = "2001090901464000"


def fitting(capabilities: dict[str, object], *extras: str) -> list[Entry]:
    """The part of the standard tree that a format can hold."""
    able = Capabilities(**capabilities)  # type: ignore[arg-type]
    return [entry for entry in STANDARD if entry.fits(able, frozenset(extras))]


def run(*command: str | bytes, given: str = "") -> None:
    """Run a tool; what it says is shown if it fails."""
    done = subprocess.run(command, input=given.encode(), env=ENVIRONMENT, capture_output=True, check=False)
    if done.returncode or b"set_inode_field:" in done.stderr:
        sys.exit(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")


# ---- the tree on the host ----------------------------------------------------------------------------------------


def make_tree(top: bytes, entries: Iterable[Entry]) -> None:
    """Make the files on the host."""
    os.umask(0)
    made = list(entries)
    for entry in made:
        _make(top, entry)
    for entry in reversed(made):
        times = (WHEN * SECOND, max(0, entry.mtime))
        os.utime(os.path.join(top, entry.path), ns=times, follow_symlinks=False)
    os.utime(top, ns=(WHEN * SECOND, WHEN * SECOND))


def _make(top: bytes, entry: Entry) -> None:
    path = os.path.join(top, entry.path)
    if entry.kind == abi.S_IFDIR:
        os.mkdir(path)
    elif entry.kind == abi.S_IFLNK:
        os.symlink(entry.target, path)
    elif entry.kind == abi.S_IFREG:
        with open(path, "wb") as file:
            for offset, piece in entry.pieces:
                file.seek(offset)
                file.write(piece)
            file.truncate(entry.size)
    elif entry.kind:
        os.mknod(path, entry.kind | 0o600, os.makedev(abi.major(entry.rdev), abi.minor(entry.rdev)))
    else:
        os.link(os.path.join(top, entry.target), path)
        return
    os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind != abi.S_IFLNK:
        os.chmod(path, entry.mode)
    for name, value in entry.xattrs:
        os.setxattr(path, name, value)  # type: ignore[attr-defined, unused-ignore]


# ---- ext2, ext4 ----------------------------------------------------------------------------------------------------


def ext(image: str, entries: list[Entry], blocks: str, options: tuple[str, ...], extra: bool) -> None:
    """An ext image.  What mke2fs does not copy, or copies from the host, debugfs sets afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.fsencode(folder), entries)
        identity = ("-U", UUID, "-E", f"hash_seed={UUID},root_owner=0:0,lazy_itable_init=0", "-L", "rump")
        run("mke2fs", "-q", "-F", *options, *identity, "-d", folder, image, blocks)
    lines = []
    last = 12 + sum(1 for entry in entries if entry.kind)
    for inode in (2, *range(11, last)):
        lines += [f"set_inode_field <{inode}> {field} @{WHEN}" for field in ("atime", "ctime")]
        if extra:
            lines += [f"set_inode_field <{inode}> {field}_extra 0" for field in ("atime", "ctime", "mtime", "crtime")]
            lines.append(f"set_inode_field <{inode}> crtime @{WHEN}")
    for entry in entries:
        if entry.mtime != WHEN * SECOND:
            lines += _mtime(entry, extra)
        if "unwritten" in entry.needs:
            lines.append(f"fallocate {entry.path.decode()} 4 15")
    run("debugfs", "-w", "-f", "-", image, given="\n".join(lines) + "\n")


def _mtime(entry: Entry, extra: bool) -> list[str]:
    seconds, nanoseconds = divmod(entry.mtime, SECOND)
    low = seconds & 0xFFFFFFFF
    epoch = (seconds - (low - (low >> 31 << 32))) >> 32
    field = f"set_inode_field {entry.path.decode()} mtime"
    return [f"{field} @{low}"] + ([f"{field}_extra {nanoseconds << 2 | epoch}"] if extra else [])


def ext2(image: str) -> None:
    """As old as mke2fs makes them: revision 0, indirect blocks, 128-byte inodes, no features."""
    entries = [entry for entry in fitting(EXT2, "byte_names") if not entry.xattrs]
    ext(image, entries, "1024", ("-t", "ext2", "-r", "0", "-b", "1024", "-N", "128", "-m", "0"), False)


def ext4(image: str) -> None:
    """Today's defaults, with a journal."""
    entries = fitting(EXT4, "byte_names", "unwritten")
    options = ("-t", "ext4", "-b", "1024", "-I", "256", "-N", "128", "-m", "1", "-J", "size=1", "-O", "resize_inode")
    ext(image, entries, "3072", options, True)
    run("e2fsck", "-f", "-n", image)


# ---- FAT -------------------------------------------------------------------------------------------------------------


def fat(image: str, bits: int, size: int, options: tuple[str, ...]) -> None:
    """A FAT image."""
    with open(image, "wb") as file:
        file.truncate(size)
    run("mkfs.fat", "-F", str(bits), "-i", "12345678", "-n", "RUMP", "--invariant", *options, image)
    with tempfile.TemporaryDirectory() as folder:
        top = os.fsencode(folder)
        entries = fitting(FAT)
        make_tree(top, entries)
        for entry in entries:
            path = os.path.join(top, entry.path)
            if entry.kind == abi.S_IFDIR:
                run("mmd", "-i", image, b"::" + entry.path)
            else:
                run("mcopy", "-m", "-i", image, path, b"::" + entry.path)
    run("mattrib", "-i", image, "+r", "+h", "::small")


def fat12(image: str) -> None:
    """A floppy's format."""
    fat(image, 12, 360 << 10, ("-s", "2", "-r", "112"))


def fat16(image: str) -> None:
    """The format of small disks."""
    fat(image, 16, 2200 << 10, ("-s", "1", "-r", "512"))


def fat32(image: str) -> None:
    """The big format, as small as the tools let it be."""
    fat(image, 32, 34 << 20, ("-s", "1"))


# ---- ISO 9660 --------------------------------------------------------------------------------------------------------


def iso(image: str) -> None:
    """Rock Ridge, with extended attributes (AAIP) and a file that is compressed (zisofs)."""
    entries = [entry for entry in fitting(ISO, "byte_names") if not _foreign(entry)]
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.fsencode(folder), entries)
        os.chmod(folder, 0o755)
        _times_before(folder, entries)
        run(
            "xorriso", "-xattr", "on", "-hardlinks", "on", "-padding", "0", "-zisofs", "block_size=32k:level=9",
            "-outdev", image, "-volid", "RUMP", "-volume_date", "uuid", ISO_DATE, "-map", folder, "/",
            "-set_filter", "--zisofs", "/lines", "--", "-alter_date_r", "c", f"={WHEN}", "/", "--", "-commit",
        )  # fmt: skip


def iso_joliet(image: str) -> None:
    """Joliet only: names of 64 characters, and dates."""
    _names_only(image, "-J", "-joliet-long")


def iso_enhanced(image: str) -> None:
    """ISO 9660:1999: long names, and dates."""
    _names_only(image, "-iso-level", "4")


def _names_only(image: str, *options: str) -> None:
    entries = [entry for entry in fitting(ISO_NAMES) if len(entry.path) < 255]
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.fsencode(folder), entries)
        os.chmod(folder, 0o755)
        _times_before(folder, entries)
        run(
            "xorriso", "-as", "mkisofs", "-quiet", "--norock", "-no-pad", "-V", "RUMP", *options,
            f"--modification-date={ISO_DATE}", "-o", image, folder,
        )  # fmt: skip


def _times_before(folder: str, entries: list[Entry]) -> None:
    """Set the times before 1970."""
    for entry in entries:
        if entry.mtime < 0:
            os.utime(os.path.join(os.fsencode(folder), entry.path), ns=(WHEN * SECOND, entry.mtime))


def _foreign(entry: Entry) -> bool:
    """Whether it has attributes that xorriso does not keep."""
    return any(not name.startswith(b"user.") for name, _ in entry.xattrs)


IMAGES = {
    "ext2": ext2, "ext4": ext4, "fat12": fat12, "fat16": fat16, "fat32": fat32, "iso": iso,
    "iso-joliet": iso_joliet, "iso-enhanced": iso_enhanced,
}  # fmt: skip


def main() -> None:
    """Make all, beside this file."""
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        for name, make in IMAGES.items():
            image = os.path.join(folder, name)
            make(image)
            with open(image, "rb") as file:
                text = encode(file.read())
            with open(os.path.join(here, f"{name}.txt"), "w", encoding="ascii") as out:
                out.write(text)
            print(f"{name}: {os.path.getsize(image)} bytes, {len(text)} as text")


if __name__ == "__main__":
    main()
