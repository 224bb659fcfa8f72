# SPDX-License-Identifier: BSD-2-Clause
"""Mounting a tmpfs: its options (mount_tmpfs(8)) and what it can hold."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import Capabilities
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.tmpfs.ops import TmpfsVolume
    from rump.kernel.vfs.volume import MountArguments

USER_FLAGS = abi.UF_NODUMP | abi.UF_IMMUTABLE | abi.UF_APPEND | abi.UF_OPAQUE
SYSTEM_FLAGS = abi.SF_ARCHIVED | abi.SF_IMMUTABLE | abi.SF_APPEND
CAPABILITIES = Capabilities(
    name_max=255,
    file_size_max=(1 << 63) - 1,
    time_min=-(1 << 63),
    time_max=(1 << 63) - 1,
    symlinks=True,
    hard_links=True,
    devices=True,
    fifos=True,
    sockets=True,
    owners=True,
    permissions=True,
    xattrs=True,
    sparse=True,
    link_max=(1 << 31) - 1,
    flags=USER_FLAGS | SYSTEM_FLAGS,
    writable=True,
)
DEFAULT_SIZE = 1 << 30
DEFAULT_NODES = 1 << 20
SUFFIXES = {"k": 10, "m": 20, "g": 30, "t": 40}


def mount(arguments: MountArguments) -> TmpfsVolume:
    """A new, empty file system.

    Options: size= bytes of file data (k, m, g, t; default 1g), nodes= files (default 1m), uid=, gid=, mode= (octal) of
    the root directory.  Errors: EINVAL - an unknown option, or a value that is none.
    """
    from rump.drivers.fs.tmpfs.ops import TmpfsVolume

    numbers = {"size": DEFAULT_SIZE, "nodes": DEFAULT_NODES, "uid": 0, "gid": 0, "mode": 0o755}
    for name, text in arguments.options.items():
        if name not in numbers:
            raise fault(e.EINVAL, f"tmpfs: unknown option {name}")
        numbers[name] = _number(name, text)
    return TmpfsVolume(
        arguments.services, numbers["size"], numbers["nodes"], numbers["uid"], numbers["gid"], numbers["mode"]
    )


def _number(name: str, text: str) -> int:
    shift = SUFFIXES.get(text[-1:].lower(), 0) if name in ("size", "nodes") else 0
    digits = text[:-1] if shift else text
    base = 8 if name == "mode" else 10
    if not digits or not digits.isascii() or any(not "0" <= digit < chr(ord("0") + base) for digit in digits):
        raise fault(e.EINVAL, f"tmpfs: option {name}={text}")
    value = int(digits, base) << shift
    if name == "mode" and value > 0o7777:
        raise fault(e.EINVAL, f"tmpfs: option {name}={text}")
    return value
