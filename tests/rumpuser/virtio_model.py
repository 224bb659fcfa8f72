# SPDX-License-Identifier: BSD-2-Clause
"""A machine that is an array of bytes, and virtio devices on it, after VIRTIO 1.2: the device's side of what
`rumpuser.bare.virtio` drives.  Written from the specification alone; what the driver must not do is asserted."""

import struct
import threading

from rump.rumpuser.bare.virtio import mmio, pci

MMIO = 0xFEB00000
BAR = 0xFE000000
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
QUEUE_MAX = 8


class Machine:
    """Memory is what drivers asked for or named; anything else is out of bounds for devices."""

    def __init__(self):
        self.now = 0
        self.devices = []       # with addresses
        self.buffers = {}       # address -> view
        self.config = {}        # PCI: (bus, device, function) -> bytearray of the configuration space
        self.selected = 0
        self.rested = 0

    def memory(self, length):
        return memoryview(bytearray(length))

    def physical(self, buffer):
        address = 0x1_0000_0000 + 0x1000_0000 * len(self.buffers)
        self.buffers[address] = memoryview(buffer).cast("B")
        return address

    def reach(self, address, length):
        """Memory as a device sees it."""
        for start, view in self.buffers.items():
            if start <= address and address + length <= start + len(view):
                return view[address - start : address - start + length]
        raise AssertionError(f"a device is sent to {address:#x}, {length} bytes")

    def map(self, address, length):
        pass

    def _at(self, address):
        for start, length, device in self.devices:
            if start <= address < start + length:
                return device, address - start
        return None, 0

    def load(self, address, width):
        device, offset = self._at(address)
        return 0 if device is None else device.load(offset, width)

    def store(self, address, width, value):
        device, offset = self._at(address)
        assert 0 <= value < 1 << 8 * width
        device.store(offset, width, value)

    def port_out(self, port, width, value):
        if port == 0xCF8:
            self.selected = value
            return
        space, offset = self._configuration(port)
        space[offset : offset + width] = value.to_bytes(width, "little")

    def port_in(self, port, width):
        space, offset = self._configuration(port)
        return int.from_bytes(space[offset : offset + width], "little") if space else (1 << 8 * width) - 1

    def _configuration(self, port):
        assert self.selected >> 31 and 0xCFC <= port < 0xD00
        place = (self.selected >> 16 & 0xFF, self.selected >> 11 & 31, self.selected >> 8 & 7)
        return self.config.get(place), (self.selected & 0xFC) + port - 0xCFC

    def barrier(self):
        pass

    def monotonic(self):
        self.now += 1000
        return self.now

    def rest(self, until):
        self.rested += 1
        self.now = max(self.now, until)
        for _, _, device in self.devices:
            device.tick()

    def lock(self):
        return threading.Lock()


class Device:
    """A virtio device without a transport.  `serve` is each kind's own.

    late        answers only when time goes by
    silent      never answers
    spoil       what it does to what it puts in the used ring: (head, written) -> (head, written)
    """

    def __init__(self, machine, kind, features=0, config=b"", queues=1):
        self.machine, self.kind = machine, kind
        self.features = features | 1 << 32
        self.config = bytearray(config)
        self.queue_count = queues
        self.late = self.silent = False
        self.spoil = lambda head, written: (head, written)
        self.resets = self.most_under_way = self.generation = 0
        self.kicks = []
        self.reset()

    def reset(self):
        self.resets += 1
        self.status = self.accepted = 0
        self.feature_select = self.driver_select = self.queue = 0
        self.sizes, self.places, self.ready = {}, {}, set()
        self.seen, self.used, self.waiting = {}, {}, []

    def set_status(self, value):
        if value == 0:
            self.reset()
            return
        assert value & ~self.status or value == self.status, "status bits are only added"
        if value & FEATURES_OK and not self.status & FEATURES_OK:
            assert self.status & (ACKNOWLEDGE | DRIVER) == ACKNOWLEDGE | DRIVER
            if self.accepted & ~self.features or not self.accepted >> 32 & 1:
                value &= ~FEATURES_OK
        if value & DRIVER_OK:
            assert value & FEATURES_OK
        self.status = value

    def accept(self, half, value):
        assert not self.status & FEATURES_OK
        self.accepted = self.accepted & ~(0xFFFFFFFF << 32 * half) | value << 32 * half

    def queue_size(self):
        return QUEUE_MAX if self.queue < self.queue_count else 0

    def enable(self):
        assert self.status & FEATURES_OK and not self.status & DRIVER_OK
        for address, align in zip(self.places[self.queue], (16, 2, 4), strict=True):
            assert address % align == 0
        self.seen[self.queue] = self.used[self.queue] = 0
        self.ready.add(self.queue)

    def memory(self, address, length):
        return self.machine.reach(address, length)

    def notify(self, number):
        assert self.status & DRIVER_OK and number in self.ready
        self.kicks.append(number)
        size = self.sizes[number]
        _, available, _ = self.places[number]
        (index,) = struct.unpack("<H", self.memory(available + 2, 2))
        while self.seen[number] != index:
            (head,) = struct.unpack("<H", self.memory(available + 4 + 2 * (self.seen[number] % size), 2))
            self.waiting.append((number, head, *self.chain(number, head)))
            self.seen[number] = (self.seen[number] + 1) & 0xFFFF
        self.most_under_way = max(self.most_under_way, len(self.waiting))
        if not self.late:
            self.work()

    def chain(self, number, head):
        readable, writable, place = [], [], head
        for _ in range(self.sizes[number]):
            address, length, flags, following = struct.unpack(
                "<QIHH", self.memory(self.places[number][0] + 16 * place, 16)
            )
            assert length
            assert flags & 2 or not writable, "readable behind writable (2.7.4.2)"
            (writable if flags & 2 else readable).append(self.memory(address, length))
            if not flags & 1:
                return readable, writable
            place = following
            assert place < self.sizes[number]
        raise AssertionError("a chain without an end")

    def tick(self):
        if self.late:
            self.work()

    def work(self):
        if self.silent:
            return
        waiting, self.waiting = self.waiting, []
        for number, head, readable, writable in reversed(waiting):       # any order will do
            written = self.serve(number, b"".join(readable), writable)
            if written is None:
                self.waiting.append((number, head, readable, writable))
            else:
                self.give_back(number, head, written)

    def give_back(self, number, head, written):
        used = self.places[number][2]
        slot = used + 4 + 8 * (self.used[number] % self.sizes[number])
        self.memory(slot, 8)[:] = struct.pack("<II", *self.spoil(head, written))
        self.used[number] = (self.used[number] + 1) & 0xFFFF
        self.memory(used + 2, 2)[:] = struct.pack("<H", self.used[number])

    def configuration(self, offset, width):
        return int.from_bytes(self.config[offset : offset + width], "little")


class Registers:
    """What both transports do; `halves` are the written halves of a queue's addresses."""

    def __init__(self, device, address, length):
        self.device, self.halves = device, {}
        device.machine.devices.append((address, length, self))

    def tick(self):
        self.device.tick()

    def enable(self, *lows):
        """Take a queue into use, the lower halves of whose three addresses are in these registers."""
        device = self.device
        device.places[device.queue] = tuple(
            self.halves[device.queue, low] | self.halves[device.queue, low + 4] << 32 for low in lows
        )
        device.enable()


class OverMmio(Registers):
    """Registers of 4.2.2."""

    def __init__(self, device, address=MMIO, version=2):
        super().__init__(device, address, mmio.LENGTH)
        self.version = version

    def load(self, offset, width):
        device = self.device
        if offset >= 0x100:
            return device.configuration(offset - 0x100, width)
        assert width == 4
        return {
            0x000: 0x74726976, 0x004: self.version, 0x008: device.kind,
            0x010: device.features >> 32 * device.feature_select & 0xFFFFFFFF,
            0x034: device.queue_size(), 0x044: int(device.queue in device.ready),
            0x070: device.status, 0x0FC: device.generation,
        }[offset]  # fmt: skip

    def store(self, offset, width, value):
        device = self.device
        assert width == 4
        if offset in (0x080, 0x084, 0x090, 0x094, 0x0A0, 0x0A4):
            self.halves[device.queue, offset] = value
        elif offset == 0x044:
            self.enable(0x80, 0x90, 0xA0)
        elif offset == 0x024:
            device.driver_select = value
        elif offset == 0x020:
            device.accept(device.driver_select, value)
        elif offset == 0x038:
            device.sizes[device.queue] = value
        else:
            {0x014: lambda: setattr(device, "feature_select", value), 0x030: lambda: setattr(device, "queue", value),
             0x050: lambda: device.notify(value), 0x070: lambda: device.set_status(value)}[offset]()  # fmt: skip


COMMON, NOTIFY, CONFIG = 0, 0x1000, 0x2000


class OverPci(Registers):
    """A function with its registers in one region, 4.1.4; 64-bit base address in number 4."""

    def __init__(self, device, place=(0, 3, 0), address=BAR):
        super().__init__(device, address, 0x3000)
        space = bytearray(256)
        struct.pack_into("<HHHH", space, 0, 0x1AF4, 0x1040 + device.kind, 0, 0x10)
        space[0x34] = 0x40
        struct.pack_into("<Q", space, 0x10 + 4 * 4, address | 4)
        struct.pack_into("<BBBBBBHII", space, 0x40, 5, 0x50, 0, 0, 0, 0, 0, 0, 0)     # somebody else's capability
        for number, (kind, start) in enumerate(((1, COMMON), (2, NOTIFY), (4, CONFIG), (1, 0x2800))):
            offset = 0x50 + 0x18 * number
            following = offset + 0x18 if number < 3 else 0x40        # the list is a ring
            struct.pack_into("<BBBBBBHII", space, offset, 9, following, 0x14, kind, 4, 0, 0, start, 0x1000)
            struct.pack_into("<I", space, offset + 16, 4)
        device.machine.config[place] = space

    def load(self, offset, width):
        device = self.device
        if offset >= CONFIG:
            return device.configuration(offset - CONFIG, width)
        value, size = {
            4: (device.features >> 32 * device.feature_select & 0xFFFFFFFF, 4), 20: (device.status, 1),
            21: (device.generation, 1), 24: (device.sizes.get(device.queue, device.queue_size()), 2),
            28: (int(device.queue in device.ready), 2), 30: (device.queue + 1, 2),
        }[offset]  # fmt: skip
        assert width == size
        return value

    def store(self, offset, width, value):
        device = self.device
        if offset >= NOTIFY:
            assert width == 2 and offset == NOTIFY + 4 * (value + 1)
            device.notify(value)
        elif 32 <= offset < 56:
            self.halves[device.queue, offset] = value
        elif offset == 28:
            self.enable(32, 40, 48)
        elif offset == 12:
            device.accept(device.driver_select, value)
        elif offset == 24:
            device.sizes[device.queue] = value
        else:
            {0: lambda: setattr(device, "feature_select", value), 8: lambda: setattr(device, "driver_select", value),
             20: lambda: device.set_status(value), 22: lambda: setattr(device, "queue", value)}[offset]()  # fmt: skip


class Disk(Device):
    """5.2.  `requests` are those it saw: (type, sector, length of the data)."""

    def __init__(self, machine, data=bytes(65536), features=0, block=512, size_max=1 << 20, seg_max=6):
        config = struct.pack("<QIIHBBIBBHIBBHIIIIIB3x", len(data) // 512, size_max, seg_max, 0, 0, 0, block,
                             0, 0, 0, 0, 0, 0, 1, 64, 1, 1, 8, 1, 1)  # fmt: skip
        super().__init__(machine, 2, features, config)
        self.data, self.requests, self.status_byte, self.flushes = bytearray(data), [], None, 0

    def serve(self, number, readable, writable):
        kind, reserved, sector = struct.unpack("<IIQ", readable[:16])
        assert reserved == 0 and len(writable[-1]) == 1
        payload = readable[16:]
        self.requests.append((kind, sector, len(payload) or sum(map(len, writable[:-1]))))
        writable[-1][0] = self.status_byte if self.status_byte is not None else self.act(
            kind, 512 * sector, payload, writable[:-1]
        )  # fmt: skip
        return sum(map(len, writable)) if kind in (0, 8) else 1

    def act(self, kind, start, payload, writable):
        if kind == 0:
            for piece in writable:
                piece[:] = self.data[start : start + len(piece)]
                start += len(piece)
        elif kind == 1:
            assert not self.features & 1 << 5
            self.data[start : start + len(payload)] = payload
        elif kind == 4:
            assert self.accepted & 1 << 9
            self.flushes += 1
        elif kind == 8:
            writable[0][:] = b"serial".ljust(20, b"\0")
        elif kind in (11, 13):
            assert self.accepted & 1 << kind - (-2 if kind == 11 else -1)
            first, count, flags = struct.unpack("<QII", payload)
            assert count <= 64 if kind == 11 else count <= 8
            assert flags == (0 if kind == 11 else 1)
            self.data[512 * first : 512 * (first + count)] = bytes(512 * count)
        else:
            return 2
        return 0


class Entropy(Device):
    """5.4.  It counts, and never fills more than three bytes at a time."""

    def __init__(self, machine):
        super().__init__(machine, 4)
        self.drawn = 0

    def serve(self, number, readable, writable):
        assert not readable
        count = min(3, len(writable[0]))
        writable[0][:count] = bytes((self.drawn + at) & 0xFF for at in range(count))
        self.drawn += count
        return count


class Network(Device):
    """5.1.  Frames that come stand in `coming`, those sent in `sent`."""

    def __init__(self, machine, features=1 << 5, mtu=1500):
        super().__init__(machine, 1, features, struct.pack("<6sHHH", b"\x52\x54\0\1\2\3", 1, 1, mtu), queues=2)
        self.coming, self.sent, self.stuck = [], [], False

    def serve(self, number, readable, writable):
        if number == 1:
            if self.stuck:
                return None
            assert readable[:12] == bytes(12)
            self.sent.append(readable[12:])
            return 0
        if not self.coming:
            return None
        frame = bytes(12) + self.coming.pop(0)
        writable[0][: len(frame)] = frame
        return len(frame)

    def arrive(self, *frames):
        self.coming += frames
        self.waiting.reverse()
        self.work()
        self.waiting.reverse()


class Console(Device):
    """5.3.  `written` is what came out of the port, `typed` what goes in.

    ports       with MULTIPORT: the ports that there are, in the order in which the device tells of them
    said        control messages that came: (port, event, value)
    """

    def __init__(self, machine, ports=None, most=31):
        config = bytes(4) + most.to_bytes(4, "little") + bytes(4)
        features, queues = (0, 2) if ports is None else (1 << 1, 2 * most + 2)
        super().__init__(machine, 3, features, config, queues)
        self.ports, self.said, self.events = ports, [], []
        self.typed, self.written = bytearray(), bytearray()

    def serve(self, number, readable, writable):
        if self.ports is not None and number in (2, 3):
            return self.control(readable) if number == 3 else self.event(writable)
        port = max(number // 2 - 1, 0)
        if self.ports is not None:
            assert port in self.ports and (port, 3, 1) in self.said
        if number % 2:
            self.written += readable
            return 0
        if not self.typed or (self.ports is not None and (port, 6, 1) not in self.said):
            return None
        piece = self.typed[: len(writable[0])]
        writable[0][: len(piece)] = piece
        del self.typed[: len(piece)]
        return len(piece)

    def control(self, message):
        said = struct.unpack("<IHH", message)
        self.said.append(said)
        if said == (0, 0, 1):
            self.events = [struct.pack("<IHH", port, 1, 0) for port in self.ports]
        return 0

    def event(self, writable):
        if not self.events:
            return None
        event = self.events.pop(0)
        writable[0][: len(event)] = event
        return len(event)


def over_mmio(device):
    """The driver's transport for a device on registers in memory."""
    OverMmio(device)
    [transport] = mmio.devices(device.machine, [MMIO, MMIO + 0x200])
    return transport


def over_pci(device):
    OverPci(device)
    [transport] = pci.devices(device.machine)
    return transport
