# SPDX-License-Identifier: BSD-2-Clause
"""What people may have meant: what to do with an image that no driver reads, which command an unknown one was to be."""

from __future__ import annotations

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_QEMU = "qemu-img convert -O raw makes a raw image of it"
_TABLE = (
    (("LUKS", "BitLocker"), "cryptsetup open --readonly, as root, makes a block device of it"),
    (("LVM2",), "vgchange -ay, as root, makes block devices of its volumes"),
    (("Linux RAID",), "mdadm --assemble --readonly, as root, makes a block device of it"),
    (("QCOW", "QED", "VMDK", "VDI", "VHD", "Parallels"), _QEMU),
    (("Apple disk image",), "qemu-img convert -f dmg -O raw makes a raw image of it"),
    (("EnCase",), "ewfexport -f raw makes a raw image of it"),
    (("Android sparse",), "simg2img makes a raw image of it"),
    (("Android dynamic",), "lpunpack takes it apart"),
    (("Android boot",), "unpack_bootimg takes it apart"),
    (("SquashFS",), "unsquashfs takes it apart"),
    (("cramfs",), "cramfsck -x takes it apart"),
    (("EROFS",), "fsck.erofs --extract takes it apart"),
    (("UBI image", "UBIFS"), "ubireader_extract_files takes it apart"),
    (("JFFS2",), "jefferson takes it apart"),
    (("Linux swap",), "there are no files in it"),
    (("gzip", "compress'd"), "gunzip it first"),
    (("xz",), "unxz it first"),
    (("zstd",), "unzstd it first"),
    (("bzip2",), "bunzip2 it first"),
    (("lz4",), "unlz4 it first"),
    (("lzop",), "lzop -d it first"),
    (("lzip",), "lzip -d it first"),
    (("zip archive",), "unzip it first"),
    (("7z archive", "WIM archive", "xar archive"), "7z x takes it apart"),
    (("RAR archive",), "unrar x takes it apart"),
    (("cpio archive",), "cpio -i takes it apart"),
    (("tar archive",), "fsu tar -x takes it apart"),
    (("ar archive",), "ar x takes it apart"),
    (("ELF file",), "a program or library, no image"),
    (("device tree", "U-Boot image"), "dumpimage takes it apart"),
)


_OTHER_NAMES = {
    "copy": "cp", "del": "rm", "delete": "rm", "dir": "ls", "egrep": "grep -E", "extract": "tar -x", "fdisk": "part",
    "fgrep": "grep -F", "format": "mkfs", "lsblk": "part", "md5sum": "sum -a md5", "move": "mv",
    "nano": "edit", "partitions": "part", "rename": "mv", "search": "find", "sha1sum": "sum -a sha1",
    "sha256sum": "sum", "sha512sum": "sum -a sha512", "symlink": "ln -s", "type": "cat", "unlink": "rm", "vi": "edit",
    "vim": "edit",
}  # fmt: skip


def unknown_command(name: str, known: Iterable[str]) -> UsageError:
    """The error of a command that is not there.

    >>> str(unknown_command("chwon", ["chown", "ls"])), str(unknown_command("dir", ["ls"]))
    ("unknown command 'chwon'; did you mean chown?", "unknown command 'dir'; did you mean ls?")
    """
    from difflib import get_close_matches

    meant = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else get_close_matches(name, sorted(known), 3, 0.6)
    return UsageError(f"unknown command {name!r}" + (f"; did you mean {' or '.join(meant)}?" if meant else ""))


def hint(looks: str) -> str:
    """What helps with something that looks like this, "" if nothing is known.

    >>> hint("QCOW2 disk image"), hint("Linux swap"), hint("XFS")
    ('qemu-img convert -O raw makes a raw image of it', 'there are no files in it', '')
    """
    return next((text for names, text in _TABLE if looks.startswith(names)), "")


def explain(looks: str | None, head: bytes) -> str:
    """Why there is nothing to mount: what it looks like and what helps, or what its first bytes tell."""
    if looks:
        text = hint(looks)
        return f"no file system that can be read here; it looks like {looks}" + (f": {text}" if text else "")
    if not head:
        return "no file system or partition table found: it is empty"
    if not head.strip(b"\0"):
        return "no file system or partition table found: it begins with zeros"
    if _is_text(head):
        return "no file system or partition table found: it is a text file, not an image"
    return "no file system or partition table found"


def _is_text(head: bytes) -> bool:
    """Whether bytes look like the beginning of a text.

    >>> _is_text("Grüße\\n".encode()), _is_text("Grüße".encode()[:3]), _is_text(b"a\\0b")
    (True, True, False)
    """
    try:
        text = head[: len(head) - 3].decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\n\r\f\x1b" for letter in text)
