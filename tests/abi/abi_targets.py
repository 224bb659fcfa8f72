# SPDX-License-Identifier: BSD-2-Clause
"""The machines whose headers the `ziglang` package has."""

from __future__ import annotations

from typing import NamedTuple

from abi_model import ILP32, ILP32_BIG, ILP32_PACKED, LP64, LP64_BIG, DataModel


class Target(NamedTuple):
    """A host on one machine."""

    host: str       # the backend's folder
    name: str       # the compiler's name of it
    model: DataModel
    links: bool = False     # link the pieces too: the first time a C library's stubs have to be made, 20 s of one core
    nightly: bool = False   # not in the ordinary run


DECLARED_ONLY = ("dragonfly", "solaris", "hurd", "cygwin")
"""Hosts whose headers it does not have."""

MACHINES = {
    "linux": {"powerpc64": "ppc64", "x86": "i686"},
    "netbsd": {"aarch64": "evbarm", "arm": "evbarm", "x86": "i386", "x86_64": "amd64"},
}
"""What uname says on machines that the compiler calls otherwise."""

TARGETS = (
    Target("netbsd", "x86_64-netbsd", LP64, links=True),
    Target("netbsd", "x86-netbsd", ILP32_PACKED),
    Target("netbsd", "aarch64-netbsd", LP64),
    Target("netbsd", "sparc64-netbsd", LP64_BIG),
    Target("netbsd", "arm-netbsd-eabi", ILP32, nightly=True),
    Target("freebsd", "x86_64-freebsd", LP64, links=True),
    Target("freebsd", "aarch64-freebsd", LP64),
    Target("openbsd", "x86_64-openbsd", LP64, links=True),
    Target("openbsd", "sparc64-openbsd", LP64_BIG),
    Target("macos", "aarch64-macos", LP64, links=True),
    Target("macos", "x86_64-macos", LP64),
    Target("linux", "x86_64-linux-musl", LP64, links=True),
    Target("linux", "s390x-linux-musl", LP64_BIG),
    Target("linux", "arm-linux-musleabihf", ILP32),
    Target("linux", "mips-linux-musleabi", ILP32_BIG),
    Target("linux", "powerpc64-linux-musl", LP64_BIG),
    Target("linux", "x86-linux-gnu", ILP32_PACKED),
    Target("linux", "x86_64-linux-gnu", LP64),
)
