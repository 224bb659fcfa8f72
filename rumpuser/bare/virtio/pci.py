# SPDX-License-Identifier: BSD-2-Clause
"""virtio over PCI.  VIRTIO 1.2, section 4.1: modern devices, and transitional ones by their modern interface.

Functions are found by the configuration mechanism #1 of the PCI Local Bus Specification 3.0 (3.2.2.3.2): ports 0xCF8
and 0xCFC; base addresses are as the firmware left them.
"""

from __future__ import annotations

from rump.rumpuser.interface.errno import EIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.rumpuser.bare.virtio.machine import Machine

_ADDRESS = 0xCF8
_DATA = 0xCFC
_VENDOR = 0x1AF4
_MODERN = 0x1040            # device id = this + the kind; ids from 0x1000 are transitional (4.1.2.1)
_TRANSITIONAL = range(0x1000, 0x1040)

# Configuration header, PCI 3.0, 6.1 and 6.2; PCI-to-PCI Bridge 1.2, 3.2.
COMMAND = 0x04
MEMORY_AND_MASTER = 2 | 4
CAPABILITIES_THERE = 1 << 4     # in the status, the upper half of that word
HEADER_TYPE = 0x0E
_SEVERAL = 0x80             # functions
_BRIDGE = 1
BASE_ADDRESSES = 0x10
_SECONDARY_BUS = 0x19
SUBSYSTEM_ID = 0x2E
CAPABILITIES = 0x34

# struct virtio_pci_cap, 4.1.4
VENDOR_CAPABILITY = 9
COMMON, NOTIFY, DEVICE = 1, 2, 4
_CAPABILITIES_MAX = 48      # of four bytes or more, behind the header of a configuration space of 256

# struct virtio_pci_common_cfg, 4.1.4.3: (offset, width)
DEVICE_FEATURE_SELECT = (0, 4)
DEVICE_FEATURE = (4, 4)
DRIVER_FEATURE_SELECT = (8, 4)
DRIVER_FEATURE = (12, 4)
DEVICE_STATUS = (20, 1)
GENERATION = (21, 1)
QUEUE_SELECT = (22, 2)
QUEUE_SIZE = (24, 2)
QUEUE_ENABLE = (28, 2)
QUEUE_NOTIFY_OFF = (30, 2)
QUEUE_ADDRESSES = (32, 40, 48)


class Function:
    """A PCI function's configuration space."""

    def __init__(self, machine: Machine, bus: int, device: int, function: int) -> None:
        self.name = f"{bus:02x}:{device:02x}.{function}"
        self.machine = machine
        self._base = 1 << 31 | bus << 16 | device << 11 | function << 8

    def read(self, offset: int, width: int) -> int:
        self.machine.port_out(_ADDRESS, 4, self._base | offset & 0xFC)
        return self.machine.port_in(_DATA + offset % 4, width)

    def write(self, offset: int, width: int, value: int) -> None:
        self.machine.port_out(_ADDRESS, 4, self._base | offset & 0xFC)
        self.machine.port_out(_DATA + offset % 4, width, value)

    def kind(self) -> int:
        """Which virtio device this is, 0: none."""
        vendor, device = self.read(0, 2), self.read(2, 2)
        if vendor != _VENDOR:
            return 0
        return self.read(SUBSYSTEM_ID, 2) if device in _TRANSITIONAL else max(0, device - _MODERN)

    def base_address(self, number: int) -> int:
        """Where a region of memory is; 0: it is one of ports, or nowhere."""
        if number > 5:
            return 0
        low = self.read(BASE_ADDRESSES + 4 * number, 4)
        if low & 1:
            return 0
        high = self.read(BASE_ADDRESSES + 4 * number + 4, 4) if low & 6 == 4 and number < 5 else 0
        return high << 32 | low & ~0xF

    def capabilities(self) -> Iterator[int]:
        """Offsets of the vendor's own capabilities, in order."""
        if not self.read(COMMAND, 4) >> 16 & CAPABILITIES_THERE:
            return
        offset = self.read(CAPABILITIES, 1) & 0xFC
        for _ in range(_CAPABILITIES_MAX):      # a list may be a ring
            if not offset:
                return
            if self.read(offset, 1) == VENDOR_CAPABILITY:
                yield offset
            offset = self.read(offset + 1, 1) & 0xFC


class Pci:
    """A virtio device that is a PCI function.  Errors: EIO - it does not say where its registers are."""

    def __init__(self, function: Function) -> None:
        self.name = f"virtio at PCI {function.name}"
        self.kind = function.kind()
        self._machine = function.machine
        self._places: dict[int, int] = {}
        self._multiplier = 0
        function.write(COMMAND, 2, function.read(COMMAND, 2) | MEMORY_AND_MASTER)
        for offset in function.capabilities():
            self._add(function, offset)
        if not {COMMON, NOTIFY}.issubset(self._places):
            raise HostError(EIO, f"{self.name}: its registers are nowhere")

    def _add(self, function: Function, offset: int) -> None:
        """A capability, if it is the first of its kind that we can reach (4.1.4: the first is preferred)."""
        kind = function.read(offset + 3, 1)
        base = function.base_address(function.read(offset + 4, 1))
        if not base or kind in self._places:
            return
        self._places[kind] = base + function.read(offset + 8, 4)
        self._machine.map(self._places[kind], function.read(offset + 12, 4))
        if kind == NOTIFY:
            self._multiplier = function.read(offset + 16, 4)

    def _get(self, field: tuple[int, int]) -> int:
        return self._machine.load(self._places[COMMON] + field[0], field[1])

    def _set(self, field: tuple[int, int], value: int) -> None:
        self._machine.store(self._places[COMMON] + field[0], field[1], value)

    def status(self) -> int:
        return self._get(DEVICE_STATUS)

    def set_status(self, status: int) -> None:
        self._set(DEVICE_STATUS, status)

    def features(self) -> int:
        """All that the device offers."""
        offered = 0
        for half in (0, 1):
            self._set(DEVICE_FEATURE_SELECT, half)
            offered |= self._get(DEVICE_FEATURE) << 32 * half
        return offered

    def accept(self, features: int) -> None:
        for half in (0, 1):
            self._set(DRIVER_FEATURE_SELECT, half)
            self._set(DRIVER_FEATURE, features >> 32 * half & 0xFFFFFFFF)

    def queue_size(self, number: int) -> int:
        """How many descriptors a queue may have at most; 0: there is no such queue."""
        self._set(QUEUE_SELECT, number)
        return self._get(QUEUE_SIZE)

    def enable_queue(self, number: int, size: int, addresses: tuple[int, int, int]) -> None:
        self._set(QUEUE_SELECT, number)
        if self._get(QUEUE_ENABLE):
            raise HostError(EIO, f"{self.name}: queue {number} is in use")
        self._set(QUEUE_SIZE, size)
        for offset, address in zip(QUEUE_ADDRESSES, addresses, strict=True):
            self._set((offset, 4), address & 0xFFFFFFFF)
            self._set((offset + 4, 4), address >> 32)
        self._set(QUEUE_ENABLE, 1)

    def notify(self, number: int) -> None:
        self._set(QUEUE_SELECT, number)
        offset = self._get(QUEUE_NOTIFY_OFF) * self._multiplier
        self._machine.store(self._places[NOTIFY] + offset, 2, number)

    def generation(self) -> int:
        return self._get(GENERATION)

    def configuration(self, offset: int, width: int) -> int:
        """A field of 1, 2 or 4 bytes; a device without configuration says 0."""
        return self._machine.load(self._places[DEVICE] + offset, width) if DEVICE in self._places else 0


def functions(machine: Machine) -> Iterator[Function]:
    """All functions: those of bus 0, and what is behind bridges."""
    waiting, seen = [0], {0}
    while waiting:
        bus = waiting.pop(0)
        for function in _on_bus(machine, bus):
            yield function
            if function.read(HEADER_TYPE, 1) & ~_SEVERAL == _BRIDGE:
                behind = function.read(_SECONDARY_BUS, 1)
                if behind not in seen:
                    seen.add(behind)
                    waiting.append(behind)


def _on_bus(machine: Machine, bus: int) -> Iterator[Function]:
    for device in range(32):
        several = 8
        for number in range(8):
            function = Function(machine, bus, device, number)
            if number < several and function.read(0, 2) != 0xFFFF:
                if number == 0 and not function.read(HEADER_TYPE, 1) & _SEVERAL:
                    several = 1
                yield function
            elif number == 0:
                break


def there(machine: Machine) -> bool:
    """Whether the machine has a PCI bus."""
    return next(functions(machine), None) is not None


def devices(machine: Machine) -> list[Pci]:
    """The virtio devices on PCI, in the order of bus and slot."""
    return [Pci(function) for function in functions(machine) if function.kind()]
