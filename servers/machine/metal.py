# SPDX-License-Identifier: BSD-2-Clause
"""Bare metal: our own kernel on QEMU's microvm, or on a PC (q35), whose devices are on PCI."""

from __future__ import annotations

import re

from rump.servers.machine.description import Description, MachineError, command_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MICROVM = ("-M", "microvm,pit=on,rtc=on,ioapic2=on,auto-kernel-cmdline=off",
            "-global", "virtio-mmio.force-legacy=false")  # fmt: skip
_PC = ("-M", "q35")
_ENDED = re.compile(rb"^metal: exit status ([0-9]+)\r?$", re.MULTILINE)


class Metal(Description):
    """`pc`: a PC instead of a microvm; it takes the firmware's time to start."""

    name = "metal"

    def __init__(self, pc: bool = False) -> None:
        bus = "pci" if pc else "device"
        self._machine = _PC if pc else _MICROVM
        self.block, self.network, self.console, self.entropy = [
            f"virtio-{kind}-{bus}" for kind in ("blk", "net", "serial", "rng")
        ]
        self._built: tuple[str, str] | None = None

    def _image(self) -> tuple[str, str]:
        from rump.rumpuser.bare.image import ImageError, build

        if self._built is None:
            try:
                self._built = build()
            except ImageError as error:
                raise MachineError(str(error)) from error
        return self._built

    def module(self) -> str:
        return self._image()[1]

    def boot(self, module: str, words: Sequence[str], settings: dict[str, str]) -> list[str]:
        return [
            *self._machine, "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
            "-kernel", self._image()[0], "-initrd", module, "-append", command_line(words, settings),
        ]  # fmt: skip

    def status(self, log: bytes, ended: int) -> int | None:
        """The last line says it, and the emulator's own status agrees (isa-debug-exit: twice that and one)."""
        said = _ENDED.findall(log)
        if not said or ended != (2 * int(said[-1]) + 1) & 0xFF:
            return None
        return int(said[-1])
