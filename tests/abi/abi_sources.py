# SPDX-License-Identifier: BSD-2-Clause
"""Where the numbers of systems come from whose headers the compiler does not have.

- ``declared/``: what the public headers say, in our words, each with its source; compiled like a header;
- Zig's own tables of DragonFly and illumos (`abi_zig_tables`);
- Debian's packages glibc-source (the Hurd's headers) and newlib-source (what Cygwin shares), where they are installed.

A number must be in one of the sources of its host, and must be the same in all that have it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from abi_probe import Reading, read
from abi_tables import Claim
from abi_zig import DECLARED, Zig, zig_library
from abi_zig_tables import numbers

GLIBC = Path("/usr/src/glibc/glibc-2.36.tar.xz")
NEWLIB = Path("/usr/src/newlib/newlib-3.3.0.tar.xz")
_GLIBC_FOLDERS = (
    "sysdeps/mach/hurd", "sysdeps/mach", "sysdeps/hurd", "sysdeps/i386/htl", "sysdeps/htl", "sysdeps/mach/htl",
    "sysdeps/x86", "sysdeps/wordsize-32", "sysdeps/pthread", "sysdeps/gnu", "sysdeps/generic", "string", "io", "posix",
    "misc", "stdlib", "time", "include", ".",
)  # fmt: skip
_SYSTEM_OF_ZIG = {"dragonfly": "dragonfly", "solaris": "illumos"}


class Source:
    """A place that tells numbers: its name for people, and how to ask it."""

    def __init__(self, name: str, ask: Callable[[Sequence[Claim]], Reading]) -> None:
        self.name = name
        self.ask = ask


def sources(host: str, folder: Path, cache: Path) -> list[Source]:
    """All sources of a host that are here."""
    found = [Source("declarations", lambda claims: _declared(host, folder, cache, claims))]
    if host in _SYSTEM_OF_ZIG:
        found.append(Source("Zig's tables", lambda claims: _zig_table(host, claims)))
    if host == "hurd" and GLIBC.exists():
        found.append(Source("glibc 2.36's headers", lambda claims: _hurd(folder, cache, claims)))
    if host == "cygwin" and NEWLIB.exists():
        found.append(Source("newlib 3.3's headers", lambda claims: _newlib(folder, cache, claims)))
    return found


def compile_declared(host: str, source: str, folder: Path, cache: Path) -> str:
    """Compile C against the declarations of a host's calls; musl's headers stand for those of standard C."""
    file = folder / "pieces.c"
    file.write_text(source)
    zig = Zig("x86_64-linux-musl", folder, cache)
    return zig.run(
        "-c", "-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", f"-I{DECLARED / host}", "-include",
        "abi.h", str(file), "-o", str(folder / "pieces.o"),
    )  # fmt: skip


def _declared(host: str, folder: Path, cache: Path, claims: Sequence[Claim]) -> Reading:
    zig = Zig("x86_64-linux-musl", folder, cache)

    def compiler(source: Path, result: Path) -> str:
        free = ("-ffreestanding", "-nostdlibinc", "-ferror-limit=0", f"-I{DECLARED / host}")
        return zig.run("-c", *free, str(source), "-o", str(result))

    return read(compiler, folder, ["abi.h"], claims, "little")


def _zig_table(host: str, claims: Sequence[Claim]) -> Reading:
    known = numbers(zig_library(), _SYSTEM_OF_ZIG[host])
    reading = Reading()
    reading.values = {claim.label: known[claim.label] for claim in claims if claim.label in known}
    return reading


def _hurd(folder: Path, cache: Path, claims: Sequence[Claim]) -> Reading:
    """Of 32-bit x86, as Debian 12's glibc has no other Hurd.  Its struct flock is older than ours: left out."""
    top = _unpacked(GLIBC, folder / "glibc", (".h",))
    (top / "gnu").mkdir()
    (top / "gnu" / "stubs.h").write_text("")
    zig = Zig("x86-linux-gnu", folder, cache)
    options = [f"-I{top / name}" for name in _GLIBC_FOLDERS]

    def compiler(source: Path, result: Path) -> str:
        macros = ("-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64")
        return zig.run("-c", "-ferror-limit=0", "-nostdinc", *macros, *_own(), *options, str(source), "-o", str(result))

    plain = [claim for claim in claims if "struct" not in claim.label]
    return read(compiler, folder, ["errno.h", "fcntl.h", "unistd.h", "sys/file.h"], plain, "little")


def _newlib(folder: Path, cache: Path, claims: Sequence[Claim]) -> Reading:
    """Errors and flags, which Cygwin takes from newlib; structures are its own: left out."""
    top = _unpacked(NEWLIB, folder / "newlib", (".h",))
    (top / "cygwin").mkdir()
    for name in ("newlib.h", "_newlib_version.h", "cygwin/config.h", "cygwin/types.h"):
        # What newlib's build makes, and what is Cygwin's own: neither is in the archive, and neither is asked.
        (top / name).write_text("")
    zig = Zig("x86_64-linux-gnu", folder, cache)

    def compiler(source: Path, result: Path) -> str:
        include = (f"-I{top}", f"-I{top / 'newlib/libc/include'}")
        macros = ("-D__CYGWIN__", "-D_SYS_STAT_H", "-D__LINUX_ERRNO_EXTENSIONS__")
        return zig.run("-c", "-ferror-limit=0", "-nostdinc", *macros, *_own(), *include, str(source), "-o", str(result))

    plain = [claim for claim in claims if "struct" not in claim.label]
    return read(compiler, folder, ["sys/errno.h", "sys/_default_fcntl.h"], plain, "little")


def _own() -> tuple[str, str]:
    """The compiler's own headers (stddef.h, limits.h), which -nostdinc leaves out."""
    return "-isystem", str(zig_library() / "include")


def _unpacked(archive: Path, folder: Path, endings: tuple[str, ...]) -> Path:
    """The files with these endings of an archive with one folder at its top."""
    with tarfile.open(archive) as file:
        for member in file:
            content = file.extractfile(member) if member.isfile() and member.name.endswith(endings) else None
            if content is not None:
                place = folder / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content.read())
    (top,) = folder.iterdir()
    return top
