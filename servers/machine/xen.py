# SPDX-License-Identifier: BSD-2-Clause
"""Xen: our own kernel as the first domain (PVH) of the Xen that Debian ships, on a PC (q35) with an IOMMU.

The hypervisor is the file that RUMP_XEN names, else the newest /boot/xen-*.gz: Debian's package
xen-hypervisor-4.17-amd64 has it (the package need not be installed, only unpacked).
"""

from __future__ import annotations

import glob
import gzip
import os
import re
import tempfile

from rump.servers.machine.description import MachineError, command_line
from rump.servers.machine.metal import Metal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

_PACKAGE = "xen-hypervisor-4.17-amd64"
_FIRST_DOMAIN = 640         # MiB; the rest is Xen's
_SETTINGS = f"com1=115200,8n1 console=com1 loglvl=none guest_loglvl=none dom0=pvh dom0_mem={_FIRST_DOMAIN}M"
_BEHIND_IOMMU = "pci,disable-legacy=on,iommu_platform=on"
_ENDED = re.compile(rb"^metal: exit status ([0-9]+)\r?$", re.MULTILINE)
_GZIP = b"\x1f\x8b"


class Xen(Metal):
    """Its first domain drives the hardware: the devices are those of bare metal, and reach memory as Xen lets them."""

    name = "xen"
    memory = 1024

    def __init__(self) -> None:
        super().__init__(pc=True)
        self.block, self.network, self.console, self.entropy = [
            f"virtio-{kind}-{_BEHIND_IOMMU}" for kind in ("blk", "net", "serial", "rng")
        ]
        self._unpacked: IO[bytes] | None = None

    def hypervisor(self) -> str:
        """The path of the hypervisor, not compressed.  Errors: MachineError - there is none."""
        if self._unpacked is None:
            packed = os.environ.get("RUMP_XEN") or max(glob.glob("/boot/xen-*.gz"), default="")
            if not packed:
                raise MachineError(f"there is no Xen in /boot; RUMP_XEN may name one (Debian's package {_PACKAGE})")
            try:
                with open(packed, "rb") as file:
                    data = file.read()
                data = gzip.decompress(data) if data.startswith(_GZIP) else data
            except (OSError, EOFError) as error:
                raise MachineError(f"{packed}: {getattr(error, 'strerror', None) or error}") from error
            self._unpacked = tempfile.NamedTemporaryFile(prefix="rump-xen-")        # noqa: SIM115
            self._unpacked.write(data)
            self._unpacked.flush()
        return self._unpacked.name

    def boot(self, module: str, words: Sequence[str], settings: dict[str, str]) -> list[str]:
        """QEMU's loader gives Xen modules with a command line each; they are apart by commas."""
        kernel = f"{self._image()[0]} {command_line(words, settings)}"
        modules = ",".join(text.replace(",", ",,") for text in (kernel, module))
        return [
            "-M", "q35", "-device", "amd-iommu",
            "-kernel", self.hypervisor(), "-append", _SETTINGS, "-initrd", modules,
        ]  # fmt: skip

    def status(self, log: bytes, ended: int) -> int | None:
        """The last line says it, and the emulator ended because the power went off."""
        said = _ENDED.findall(log)
        return int(said[-1]) if said and not ended else None
