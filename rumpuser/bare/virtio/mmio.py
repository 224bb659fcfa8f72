# SPDX-License-Identifier: BSD-2-Clause
"""virtio over memory-mapped registers.  VIRTIO 1.2, section 4.2; devices of version 2, that is, not the legacy ones."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rump.rumpuser.bare.virtio.machine import Machine

MAGIC = 0x74726976          # "virt"
VERSION = 2
LENGTH = 0x200              # of a device's registers; the configuration begins in the middle

# Registers, table 4.1 of 4.2.2: 32 bits each.
MAGIC_VALUE = 0x000
DEVICE_VERSION = 0x004
DEVICE_ID = 0x008
DEVICE_FEATURES = 0x010
DEVICE_FEATURES_SEL = 0x014
DRIVER_FEATURES = 0x020
DRIVER_FEATURES_SEL = 0x024
QUEUE_SEL = 0x030
QUEUE_NUM_MAX = 0x034
QUEUE_NUM = 0x038
QUEUE_READY = 0x044
QUEUE_NOTIFY = 0x050
STATUS = 0x070
QUEUE_ADDRESSES = (0x080, 0x090, 0x0A0)     # desc, driver, device: the low word, the high one behind it
CONFIG_GENERATION = 0x0FC
CONFIG = 0x100


class Mmio:
    """A device whose registers are at `address`; of the kind 0 if there is none."""

    def __init__(self, machine: Machine, address: int) -> None:
        self.name = f"virtio at {address:#x}"
        self._machine, self._address = machine, address
        machine.map(address, LENGTH)
        there = self._get(MAGIC_VALUE) == MAGIC and self._get(DEVICE_VERSION) == VERSION
        self.kind = self._get(DEVICE_ID) if there else 0

    def _get(self, register: int) -> int:
        return self._machine.load(self._address + register, 4)

    def _set(self, register: int, value: int) -> None:
        self._machine.store(self._address + register, 4, value)

    def status(self) -> int:
        return self._get(STATUS)

    def set_status(self, status: int) -> None:
        self._set(STATUS, status)

    def features(self) -> int:
        """All that the device offers."""
        offered = 0
        for half in (0, 1):
            self._set(DEVICE_FEATURES_SEL, half)
            offered |= self._get(DEVICE_FEATURES) << 32 * half
        return offered

    def accept(self, features: int) -> None:
        for half in (0, 1):
            self._set(DRIVER_FEATURES_SEL, half)
            self._set(DRIVER_FEATURES, features >> 32 * half & 0xFFFFFFFF)

    def queue_size(self, number: int) -> int:
        """How many descriptors a queue may have at most; 0: there is no such queue."""
        self._set(QUEUE_SEL, number)
        return self._get(QUEUE_NUM_MAX)

    def enable_queue(self, number: int, size: int, addresses: tuple[int, int, int]) -> None:
        self._set(QUEUE_SEL, number)
        if self._get(QUEUE_READY):
            raise HostError(EIO, f"{self.name}: queue {number} is in use")
        self._set(QUEUE_NUM, size)
        for register, address in zip(QUEUE_ADDRESSES, addresses, strict=True):
            self._set(register, address & 0xFFFFFFFF)
            self._set(register + 4, address >> 32)
        self._set(QUEUE_READY, 1)

    def notify(self, number: int) -> None:
        self._set(QUEUE_NOTIFY, number)

    def generation(self) -> int:
        return self._get(CONFIG_GENERATION)

    def configuration(self, offset: int, width: int) -> int:
        """A field of 1, 2 or 4 bytes."""
        return self._machine.load(self._address + CONFIG + offset, width)


def devices(machine: Machine, addresses: Iterable[int]) -> list[Mmio]:
    """The devices found where there may be some."""
    return [device for device in [Mmio(machine, address) for address in addresses] if device.kind]


def announced(command_line: str) -> list[int]:
    """Addresses in a kernel's command line, ``virtio_mmio.device=SIZE@ADDRESS:IRQ ...``, as QEMU's microvm adds them.

    >>> [hex(address) for address in announced("quiet virtio_mmio.device=512@0xfeb00e00:12")]
    ['0xfeb00e00']
    """
    found = []
    for word in command_line.split():
        name, _, place = word.partition("=")
        if name == "virtio_mmio.device":
            found.append(int(place.partition("@")[2].partition(":")[0], 0))
    return sorted(found)
