# SPDX-License-Identifier: BSD-2-Clause
"""What the answers of an isolated driver must look like, operation by operation.

These are checks of form, so that nothing above the volume ever sees a value of the wrong kind.  Whether it is true what
a driver says of an image nobody but the driver can tell; where the kernel acts on it - runs against the device's size,
names of directories - it looks for itself (`kernel.vfs.data`, `Kernel.check_names`).
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.isolated.broker import Lie
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FIELDS = [int] * 14
_WORD = 1 << 64
_RANGES = (
    (v.FILEID, _WORD), (v.GENERATION, _WORD), (v.MODE, 1 << 32), (v.NLINK, 1 << 32),
    (v.UID, 1 << 32), (v.GID, 1 << 32), (v.RDEV, _WORD), (v.SIZE, _WORD), (v.ALLOCATED, _WORD), (v.FLAGS, 1 << 32),
)  # fmt: skip
"""Fields of attributes, none of which is negative -> one above the highest, as wide as those of struct stat."""
_TARGET_MAX = 1 << 16       # bytes: the largest block of any format
_RUNS = (v.DATA, v.HOLE, v.UNWRITTEN, v.INLINE, v.ENCODED)


def _need(fits: bool, what: str) -> None:
    if not fits:
        raise Lie(f"an answer that cannot be: {what}")


def attributes(found: Any) -> None:
    """14 ints, none wider than struct stat has it; times of any 64 bits and a sign.

    A file of no known kind is one of a damaged image, which honest drivers tell of, too: the kernel refuses it.
    """
    _need(type(found) is tuple and list(map(type, found)) == _FIELDS, "attributes")
    _need(min(found) > -_WORD and max(found) < _WORD, "attributes beyond 64 bits")
    for field, limit in _RANGES:
        _need(0 <= found[field] < limit, "a size or number out of range")


def _several(found: Any, count: int, what: str) -> None:
    _need(type(found) is tuple and len(found) == count, what)


def _pair(found: Any, _arguments: tuple[Any, ...]) -> None:
    _several(found, 2, "two attributes")
    attributes(found[0])
    attributes(found[1])


def _renamed(found: Any, _arguments: tuple[Any, ...]) -> None:
    _several(found, 4, "attributes of a rename")
    for one in found[:3]:
        attributes(one)
    if found[3] is not None:
        attributes(found[3])


def _attributes(found: Any, _arguments: tuple[Any, ...]) -> None:
    attributes(found)


def _nothing(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(found is None, "something where nothing is said")


def _bytes(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(type(found) is bytes, "no bytes")


def _key(found: Any, arguments: tuple[Any, ...]) -> None:
    """The kernel keeps many, so they must be short: a folded name has a few times the bytes of the name."""
    _need(type(found) is bytes and len(found) <= 16 * len(arguments[0]) + 16, "the key of a name")


def _target(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(type(found) is bytes and 0 < len(found) <= _TARGET_MAX and b"\0" not in found, "a link's target")


def _read(found: Any, arguments: tuple[Any, ...]) -> None:
    _need(type(found) is bytes and len(found) <= arguments[2], "more bytes than were asked for")


def _statvfs(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(type(found) is tuple and list(map(type, found)) == [int] * 8, "statvfs")
    _need(min(found) >= 0 and max(found) < _WORD and found[0] > 0 and found[1] > 0, "statvfs out of range")


def _described(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(type(found) is tuple, "a description")
    for pair in found:
        _need(type(pair) is tuple and list(map(type, pair)) == [bytes, bytes], "a description")


def runs(found: Any) -> None:
    """Runs of known kinds, that adjoin one another; the device's bounds are `kernel.vfs.data`'s affair."""
    _need(type(found) is tuple, "runs")
    end = None
    for run in found:
        _need(type(run) is tuple and list(map(type, run)) == [int] * 4, "a run")
        _need(run[0] in _RUNS and run[1] >= 0 and run[2] > 0 and max(run) < _WORD, "a run out of range")
        _need(end is None or run[1] == end, "runs that do not adjoin")
        _need(run[3] >= 0, "a run before the device")
        end = run[1] + run[2]


def _mapped(found: Any, _arguments: tuple[Any, ...]) -> None:
    runs(found)


def _placed(found: Any, arguments: tuple[Any, ...]) -> None:
    if found is None:
        return
    _several(found, len(arguments[1]), "runs of each file")
    for one in found:
        runs(one)


def _gathered(found: Any, arguments: tuple[Any, ...]) -> None:
    _several(found, len(arguments[0]), "what each file takes")
    for one in found:
        if one is not None:
            _several(one, 2, "runs and names")
            runs(one[0])
            _strings(one[1], ())


def _strings(found: Any, _arguments: tuple[Any, ...]) -> None:
    _need(type(found) is tuple and all(type(one) is bytes for one in found), "names")


def _populated(found: Any, arguments: tuple[Any, ...]) -> None:
    _several(found, 2, "what became of rows")
    _several(found[0], len(arguments[1]), "what became of rows")
    _need(all(type(one) is int and (one == 0 or one in e.PHRASES) for one in found[0]), "an errno")
    attributes(found[1])


def names(found: tuple[bytes, ...]) -> None:
    """Names that files may have."""
    joined = b"/".join(found)
    _need(b"" not in found and b"\0" not in joined and joined.count(b"/") == max(0, len(found) - 1), "a name")
    _need(b"." not in found and b".." not in found, 'a name "." or ".."')
    _need(max(map(len, found)) <= abi.NAME_MAX * 4, "a name too long")


def _listing(found: Any, arguments: tuple[Any, ...], width: int) -> tuple[tuple[Any, ...], ...]:
    """The columns of what was listed, names and cookies checked."""
    _several(found, 2, "a listing")
    rows, cookie = found
    _need(type(rows) is tuple and type(cookie) is int and -1 <= cookie < _WORD, "a listing")
    _need(len(rows) <= max(0, arguments[2]) and (len(rows) > 0 or cookie == v.END), "a listing's length")
    if not rows:
        return ()
    _need(set(map(type, rows)) == {tuple} and set(map(len, rows)) == {width}, "the rows of a listing")
    columns = tuple(zip(*rows, strict=True))
    _need(set(map(type, columns[0])) == {bytes} and set(map(type, columns[1])) == {int}, "names and cookies")
    _need(min(columns[1]) >= 0 and max(columns[1]) < _WORD, "cookies out of range")
    names(columns[0])
    return columns


def _listed(found: Any, arguments: tuple[Any, ...]) -> None:
    columns = _listing(found, arguments, 4)
    if columns:
        _need(set(map(type, columns[2])) == {int} and set(map(type, columns[3])) == {int}, "numbers and types")
        _need(min(columns[2]) >= 0 and max(columns[2]) < _WORD, "a number out of range")
        _need(min(columns[3]) >= 0 and max(columns[3]) < 256, "a type out of range")


def _listed_attributes(found: Any, arguments: tuple[Any, ...]) -> None:
    """As `attributes` for each row, but by columns: there may be very many."""
    columns = _listing(found, arguments, 3)
    there = [row for row in columns[2] if row is not None] if columns else []
    if not there:
        return
    _need(set(map(type, there)) == {tuple} and set(map(len, there)) == {14}, "attributes")
    fields = tuple(zip(*there, strict=True))
    _need(all(set(map(type, field)) == {int} for field in fields), "attributes")
    _need(all(min(field) > -_WORD and max(field) < _WORD for field in fields), "attributes beyond 64 bits")
    for field, limit in _RANGES:
        _need(min(fields[field]) >= 0 and max(fields[field]) < limit, "a size or number out of range")


CHECKS: dict[str, Callable[[Any, tuple[Any, ...]], None]] = {
    "root": _attributes,
    "statvfs": _statvfs,
    "describe": _described,
    "sync": _nothing,
    "unmount": _nothing,
    "attributes": _attributes,
    "set_attributes": _attributes,
    "readlink": _target,
    "map": _mapped,
    "read": _read,
    "reserve": _mapped,
    "commit_write": _attributes,
    "abandon": _nothing,
    "write": _attributes,
    "allocate": _attributes,
    "punch": _attributes,
    "gather": _gathered,
    "lookup": _attributes,
    "name_key": _key,
    "list": _listed,
    "list_attributes": _listed_attributes,
    "create": _pair,
    "link": _pair,
    "unlink": _pair,
    "rmdir": _pair,
    "rename": _renamed,
    "place": _placed,
    "populate": _populated,
    "list_xattr": _strings,
    "get_xattr": _bytes,
    "set_xattr": _attributes,
    "remove_xattr": _attributes,
    "inactive": _nothing,
    "forget": _nothing,
    "callout": _nothing,
}
"""Operation -> what checks its answer, given the arguments as well."""
