# SPDX-License-Identifier: BSD-2-Clause
"""Unmodified programs as clients: a library that goes before libc makes names below /rump those of a server.

`rump exec -u URL -- ls -l /rump/etc` is what people type; `environment` is for programs that start others.  The
library is compiled when the package is installed, or with the host's compiler when it is first used; it exists for
Linux with glibc on machines of 64 bits (rump_hijack(3) of the original: NetBSD and Linux).
"""

from __future__ import annotations

import os

from rump.servers.hijack.library import library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

__all__ = ["environment", "execute", "library"]


def environment(url: str, inherited: Mapping[str, str], prefix: str = "/rump") -> dict[str, str]:
    """What a program has to have in its environment to be a client of the server at `url`.

    prefix     below which names are the server's: absolute, without a comma

    Errors: `OSError` - ENOSYS: there is no such library for this host, or no compiler to make it; EINVAL - the prefix.
    """
    import errno

    if not prefix.startswith("/") or prefix.strip("/") == "" or "," in prefix:
        raise OSError(errno.EINVAL, "not a prefix", prefix)
    before = inherited.get("LD_PRELOAD")
    made = dict(inherited)
    made["LD_PRELOAD"] = library() + (f" {before}" if before else "")
    made["RUMP_SERVER"] = absolute(url)
    made["RUMPHIJACK"] = f"path={prefix}"
    return made


def absolute(url: str) -> str:
    """The URL of a server for a program that may be started in another directory."""
    if url.startswith("unix://") and not url.startswith("unix:///"):
        return "unix://" + os.path.abspath(url[len("unix://") :])
    return url


def execute(url: str, command: Sequence[str], prefix: str = "/rump") -> NoReturn:
    """Become a program that is a client of the server.  Errors: `OSError`, as `environment` and execvp(3)."""
    os.execvpe(command[0], list(command), environment(url, os.environ, prefix))
