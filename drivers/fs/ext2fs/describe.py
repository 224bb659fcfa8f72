# SPDX-License-Identifier: BSD-2-Clause
"""What a volume says of itself, for people."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, features
from rump.kernel.calendar import civil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.medium import Medium

DAY = 86400             # seconds
SYSTEMS = ("Linux", "GNU/Hurd", "Masix", "FreeBSD", "Lites")
ENCODINGS = {1: "utf8-12.1"}


def describe(medium: Medium) -> tuple[tuple[bytes, bytes], ...]:
    """(key, value) of everything known, always in the same order."""
    return tuple((key.encode(), value if isinstance(value, bytes) else value.encode())
                 for key, value in _lines(medium))  # fmt: skip


def _lines(medium: Medium) -> Iterator[tuple[str, str | bytes]]:
    geometry = medium.geometry
    raw = geometry.raw
    yield "label", raw.volume_name.partition(b"\0")[0]
    yield "uuid", uuid(raw.uuid)
    yield "features", " ".join(features.names(geometry.compat, geometry.incompat, geometry.ro_compat))
    yield "revision", str(raw.rev_level)
    yield "state", _state(raw.state)
    yield "block size", str(geometry.block_size)
    if geometry.cluster_size != geometry.block_size:
        yield "cluster size", str(geometry.cluster_size)
    yield "blocks", str(geometry.blocks)
    yield "groups", str(geometry.groups)
    yield "inodes", str(geometry.inodes)
    yield "inode size", str(geometry.inode_size)
    yield "made by", SYSTEMS[raw.creator_os] if raw.creator_os < len(SYSTEMS) else str(raw.creator_os)
    yield from _times(raw)
    yield "mount count", str(raw.mnt_count)
    yield "last mounted on", raw.last_mounted.partition(b"\0")[0]
    if geometry.incompat & disk.INCOMPAT_CASEFOLD:
        yield "encoding", ENCODINGS.get(raw.encoding, str(raw.encoding))
    if geometry.compat & disk.COMPAT_HAS_JOURNAL:
        yield "journal", f"inode {raw.journal_inum}" if raw.journal_inum else f"external {uuid(raw.journal_uuid)}"
        yield "journal state", "needs recovery" if geometry.incompat & disk.INCOMPAT_RECOVER else "clean"
    if raw.error_count:
        yield "errors", str(raw.error_count)


def _times(raw: disk.Superblock) -> Iterator[tuple[str, str]]:
    times = (
        ("created", raw.mkfs_time, raw.mkfs_time_hi),
        ("last mounted", raw.mtime, raw.mtime_hi),
        ("last written", raw.wtime, raw.wtime_hi),
        ("last checked", raw.lastcheck, raw.lastcheck_hi),
    )
    for name, low, high in times:
        seconds = low | high << 32
        yield name, moment(seconds) if seconds else "never"


def _state(bits: int) -> str:
    words = ["clean" if bits & disk.STATE_VALID else "not clean"]
    if bits & disk.STATE_ERRORS:
        words.append("with errors")
    if bits & disk.STATE_ORPHANS:
        words.append("orphans being cleared")
    return " ".join(words)


def uuid(raw: bytes) -> str:
    """Sixteen bytes in the usual form."""
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def moment(seconds: int) -> str:
    """Seconds since 1970 as ``2024-05-06 07:08:09 UTC``."""
    days, rest = divmod(seconds, DAY)
    year, month, day = civil(days)
    return f"{year}-{month:02}-{day:02} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} UTC"
