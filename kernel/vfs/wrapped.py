# SPDX-License-Identifier: BSD-2-Clause
"""Volumes in special circumstances: mounted synchronously, or taken away from those who use them."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.vfs.marshal import OPERATIONS
from rump.kernel.vfs.volume import Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.vfs.volume import Capabilities

CHANGES = (
    "set_attributes", "commit_write", "write", "allocate", "punch", "create", "link", "unlink", "rmdir", "rename",
    "populate", "set_xattr", "remove_xattr",
)  # fmt: skip
"""The operations after which a volume mounted with MNT_SYNCHRONOUS is synced."""
HARMLESS = ("name_key", "abandon", "inactive", "forget", "unmount", "describe")
"""What may still be asked of a volume that is not mounted any more."""


class SynchronousVolume(Volume):
    """A volume whose changes are on stable storage when the operation returns (MNT_SYNCHRONOUS).

    The errors of `sync` are those of every change then, too.
    """

    def __init__(self, volume: Volume) -> None:
        self.capabilities = volume.capabilities
        for name in OPERATIONS:
            operation = getattr(volume, name)
            setattr(self, name, _synced(operation, volume.sync) if name in CHANGES else operation)


def _synced(operation: Callable[..., Any], sync: Callable[[], None]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        result = operation(*arguments)
        sync()
        return result

    return call


class DeadVolume(Volume):
    """What a volume was that has been unmounted by force: its files are still open, but lead nowhere (deadfs).

    Everything fails with EIO; nothing reaches the driver or the device.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        for name in OPERATIONS:
            if name not in HARMLESS:
                setattr(self, name, _gone)


def _gone(*arguments: Any) -> Any:
    raise fault(e.EIO, "the file system was unmounted")
