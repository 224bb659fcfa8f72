# SPDX-License-Identifier: BSD-2-Clause
"""A model of Xen with one guest and what another domain runs for it: a xenstore daemon and a block backend.

Written from Xen's public headers and docs/misc/xenstore.txt.  What a front end must not do is asserted; what the other
end may do wrong is a knob.  Time moves when somebody waits.
"""

import struct

PAGE = 4096
SELF, OTHER = 0x7FF0, 0
STORE_PORT = 1
BUFFERS = 1 << 40               # where the guest's own objects have their addresses
EAGAIN, EINVAL, ENOSYS, EFAULT = 11, 22, 38, 14


class Xen:
    """The machine as the guest sees it (`rumpuser.bare.xen.machine`)."""

    def __init__(self, size=8 << 20):
        self.memory = bytearray(size)
        self.next_page = PAGE
        self.now = 1000
        self.buffers = []
        self.shared = self.pages(1)
        self.ports = {STORE_PORT: OTHER}        # port -> domain at the other end; or the port of ours it is bound to
        self.handlers = {}                      # port -> what happens when the guest nudges it
        self.grant_frames = {}
        self.most_grant_frames = 2
        self.parameters = {1: 0, 2: STORE_PORT}
        self.vector = None
        self.came = 0
        self.shut = None
        self.later = []                         # what others do when the guest waits

    # ---- the machine -----------------------------------------------------------------------------------------------

    def physical(self, buffer):
        self.buffers.append(memoryview(buffer).cast("B"))
        return BUFFERS + (len(self.buffers) - 1) * (1 << 20)

    def reach(self, address, length):
        if address >= BUFFERS:
            index, start = divmod(address - BUFFERS, 1 << 20)
            view = self.buffers[index]
        else:
            start, view = address, memoryview(self.memory)
        assert start >= 0 and start + length <= len(view), f"{address:#x}+{length}"
        return view[start : start + length]

    def pages(self, count):
        address = self.next_page
        self.next_page += count * PAGE
        if self.next_page > len(self.memory):
            raise MemoryError
        return address

    def view(self, address, length):
        return self.reach(address, length)

    def load(self, address, width):
        return int.from_bytes(self.reach(address, width), "little")

    def store(self, address, width, value):
        self.reach(address, width)[:] = value.to_bytes(width, "little")

    def compare_exchange(self, address, old, new):
        found = self.load(address, 4)
        if found == old:
            self.store(address, 4, new)
        return found

    def barrier(self):
        pass

    def timestamp(self):
        return self.now * 2 % (1 << 64)

    def monotonic(self):
        return self.now

    def interrupts(self):
        return self.came

    def interrupt_vector(self):
        return 0x31

    def wait(self, until, seen=-1):
        if seen not in (-1, self.came):
            return self.came
        if self.later:
            self.now += 1
            self.later.pop(0)()
            if seen not in (-1, self.came):
                return self.came
        self.now = max(self.now, until)
        return self.came

    # ---- hypercalls ------------------------------------------------------------------------------------------------

    def hypercall(self, number, *arguments):
        call = getattr(self, f"_hypercall_{number}", None)
        return call(*arguments) if call else -ENOSYS

    def fields(self, layout, address):
        return struct.unpack(layout, self.reach(address, struct.calcsize(layout)))

    def put(self, layout, address, *fields):
        self.reach(address, struct.calcsize(layout))[:] = struct.pack(layout, *fields)

    def _hypercall_17(self, command, address):
        if command == 1:
            self.reach(address, 16)[:] = b".7".ljust(16, b"\0")
            return 0
        return 4 << 16 | 17

    def _hypercall_12(self, command, address):
        if command == 3:
            assert self.fields("<H", address) == (SELF,)
            return len(self.memory) // PAGE
        domain, _, space, index, frame = self.fields("<HHIQQ", address)
        assert (command, domain) == (7, SELF)
        if space == 1:
            if index >= self.most_grant_frames:
                return -EINVAL
            self.grant_frames[index] = frame * PAGE
            self.reach(frame * PAGE, PAGE)[:] = bytes(PAGE)
        return 0

    def _hypercall_29(self, command, address):
        if command == 2:
            self.shut = self.fields("<I", address)[0]
        if command == 3:
            ports, count, _, until = self.fields("<QIIQ", address)
            assert count == 1
            port = self.fields("<I", ports)[0]
            if not self.pending(port):
                self.wait(until)
        return 0

    def _hypercall_32(self, command, address):
        if command == 4:
            port = self.fields("<I", address)[0]
            if port not in self.ports:
                return -EINVAL
            bound = self.ports[port]
            if isinstance(bound, tuple):
                self.raise_event(bound[0])
            elif port in self.handlers:
                self.handlers[port]()
        elif command == 6:
            domain, remote, _ = self.fields("<HHI", address)
            self.ports[max(self.ports) + 1] = remote
            self.put("<HHI", address, domain, remote, max(self.ports))
        elif command == 0:
            remote, _, port, _ = self.fields("<HHII", address)
            if port not in self.ports:
                return -EINVAL
            local = max(self.ports) + 1
            self.ports[local], self.ports[port] = (port,), (local,)
            self.put("<HHII", address, remote, 0, port, local)
        elif command == 1:
            local = max(self.ports) + 1
            self.ports[local] = OTHER
            self.put("<III", address, *self.fields("<II", address), local)
        elif command == 3:
            return 0 if self.ports.pop(self.fields("<I", address)[0], None) is not None else -EINVAL
        else:
            return -ENOSYS
        return 0

    def _hypercall_34(self, command, address):
        if command == 23:
            self.vector = self.fields("<IB", address)[1]
            return 0
        domain, _, index, _ = self.fields("<HHIQ", address)
        assert (command, domain) == (1, SELF)
        self.put("<HHIQ", address, domain, 0, index, self.parameters.get(index, 0))
        return 0

    def _hypercall_20(self, command, address, count):
        assert (command, count) == (6, 1)
        self.put("<HHIIh", address, SELF, 0, len(self.grant_frames), self.most_grant_frames, 0)
        return 0

    # ---- Xen's side ------------------------------------------------------------------------------------------------

    def pending(self, port):
        return self.load(self.shared + 0x800 + port // 8, 1) >> port % 8 & 1

    def raise_event(self, port):
        """As evtchn_2l.c: each of the three bits only if the one before was not set."""
        if port not in self.ports or self.pending(port):
            return
        byte = self.shared + 0x800 + port // 8
        self.store(byte, 1, self.load(byte, 1) | 1 << port % 8)
        selector = self.load(self.shared + 8, 8)
        if selector >> port // 64 & 1:
            return
        self.store(self.shared + 8, 8, selector | 1 << port // 64)
        if not self.load(self.shared, 1):
            self.store(self.shared, 1, 1)
            self.came += self.vector is not None

    def map_grant(self, domain, reference, writes):
        """The page that a grant gives that domain, which may write to it only if the grant says so."""
        frame, index = divmod(reference, PAGE // 8)
        entry = self.grant_frames[frame] + index * 8
        flags, whom, page = struct.unpack("<HHI", self.reach(entry, 8))
        assert flags & 3 == 1 and whom == domain, f"grant {reference} is not for domain {domain}"
        assert not writes or not flags & 4
        return self.reach(page * PAGE, PAGE)

    def set_grant_flags(self, reference, flags):
        frame, index = divmod(reference, PAGE // 8)
        entry = self.grant_frames[frame] + index * 8
        self.store(entry, 2, self.load(entry, 2) | flags)

    def set_time(self, *, version=2, stamp=0, system=0, multiplier=1 << 31, shift=0, wall=(5, 7, 0)):
        self.put("<IIQQIb", self.shared + 32, version, 0, stamp, system, multiplier, shift)
        self.put("<IIII", self.shared + 0xC00, version, *wall)


class Daemon:
    """xenstored, for the guest of a `Xen`."""

    def __init__(self, xen):
        self.xen = xen
        self.page = xen.pages(1)
        xen.parameters[1] = self.page // PAGE
        xen.handlers[STORE_PORT] = self.work
        self.nodes = {}
        self.watchers = {}              # path -> called after a write
        self.transactions = {}
        self.refuse_commits = 0
        self.silent = False
        self.news = b""                 # sent before the next answer
        self.distort = None             # (kind, number, payload) -> bytes
        self.asked = b""
        self.answers = b""

    def work(self):
        if self.silent:
            return
        xen, page = self.xen, self.page
        consumer, producer = xen.load(page + 2048, 4), xen.load(page + 2052, 4)
        assert (producer - consumer) % (1 << 32) <= 1024
        while consumer != producer:
            self.asked += bytes(xen.reach(page + consumer % 1024, 1))
            consumer = (consumer + 1) % (1 << 32)
        xen.store(page + 2048, 4, consumer)
        while len(self.asked) >= 16:
            kind, number, transaction, length = struct.unpack("<IIII", self.asked[:16])
            if len(self.asked) < 16 + length:
                break
            payload, self.asked = self.asked[16 : 16 + length], self.asked[16 + length :]
            self.answers += self.news + self.message(kind, number, transaction, payload)
            self.news = b""
        self.flush()
        xen.raise_event(STORE_PORT)

    def flush(self):
        xen, page = self.xen, self.page
        consumer, producer = xen.load(page + 2056, 4), xen.load(page + 2060, 4)
        room = 1024 - (producer - consumer) % (1 << 32)
        for byte in self.answers[:room]:
            xen.store(page + 1024 + producer % 1024, 1, byte)
            producer = (producer + 1) % (1 << 32)
        self.answers = self.answers[room:]
        xen.store(page + 2060, 4, producer)

    def message(self, kind, number, transaction, payload):
        try:
            result = self.answer(kind, transaction, payload)
        except KeyError as missing:
            kind, result = 16, missing.args[0].encode() + b"\0"
        if self.distort is not None:
            return self.distort(kind, number, result)
        return struct.pack("<IIII", kind, number, transaction, len(result)) + result

    def answer(self, kind, transaction, payload):
        path, _, value = payload.partition(b"\0")
        if kind == 6:
            self.transactions[len(self.transactions) + 1] = {}
            return b"%d\0" % len(self.transactions)
        if kind == 7:
            changes = self.transactions.pop(transaction)
            if payload == b"T\0" and self.refuse_commits:
                self.refuse_commits -= 1
                raise KeyError("EAGAIN")
            for name, new in changes.items() if payload == b"T\0" else ():
                self.set(name, new)
        elif kind == 11:
            if transaction:
                self.transactions[transaction][path] = value
            else:
                self.set(path, value)
        elif kind == 2:
            if path not in self.nodes:
                raise KeyError("ENOENT")
            return self.nodes[path]
        elif kind == 1:
            below = {name[len(path) + 1 :].split(b"/")[0] for name in self.nodes if name.startswith(path + b"/")}
            if not below:
                raise KeyError("ENOENT")
            return b"".join(name + b"\0" for name in sorted(below, reverse=True))
        elif kind == 13:
            self.nodes.pop(path, None)
        else:
            raise KeyError("EINVAL")
        return b"OK\0"

    def set(self, path, value):
        self.nodes[path] = value
        watcher = self.watchers.get(path)
        if watcher:
            self.xen.later.append(watcher)


class BlockBackend:
    """A disk of domain 0 for the guest."""

    def __init__(self, xen, daemon, data, number=51712, sector=512, **settings):
        self.xen, self.daemon, self.data = xen, daemon, bytearray(data)
        self.front = b"device/vbd/%d" % number
        self.back = b"/local/domain/0/backend/vbd/1/%d" % number
        self.offers = {"sectors": len(data) // 512, "sector-size": sector, "info": 0, **settings}
        self.log = []
        self.answer = lambda identity, operation, status: (identity, operation, status)
        self.status = 0
        self.delay = False
        self.slow = False
        self.extra = 0                  # responses that nobody asked for
        self.ring = None
        daemon.nodes |= {
            self.front + b"/backend": self.back, self.front + b"/backend-id": b"%d" % OTHER,
            self.front + b"/virtual-device": b"%d" % number, self.back + b"/state": b"2",
            self.back + b"/mode": b"w",
        }  # fmt: skip
        daemon.watchers[self.front + b"/state"] = self.changed

    def state(self, number):
        self.daemon.set(self.back + b"/state", b"%d" % number)

    def changed(self):
        nodes = self.daemon.nodes
        state = int(nodes[self.front + b"/state"])
        if state == 3:
            assert nodes[self.front + b"/protocol"] == b"x86_64-abi"
            self.ring = self.xen.map_grant(OTHER, int(nodes[self.front + b"/ring-ref"]), True)
            self.port = int(nodes[self.front + b"/event-channel"])
            self.xen.handlers[self.port] = self.nudged
            self.consumed = 0
            for name, value in self.offers.items():
                nodes[self.back + b"/" + name.replace("_", "-").encode()] = b"%d" % value
            self.state(4)
        elif state == 5:
            self.ring = None
            self.state(6)

    def nudged(self):
        if self.delay:
            self.xen.later.append(self.serve)
        else:
            self.serve()

    def serve(self):
        if self.ring is None:
            return
        produced, _, answered, _ = struct.unpack_from("<IIII", self.ring)
        assert (produced - self.consumed) % (1 << 32) <= 32
        before = answered
        requests = []
        while self.consumed != produced:
            start = 64 + self.consumed % 32 * 112
            requests.append(bytes(self.ring[start : start + 112]))
            self.consumed = (self.consumed + 1) % (1 << 32)
        for request in reversed(requests):      # in any order
            response = self.answer(*self.carry_out(request))
            struct.pack_into("<QBxh", self.ring, 64 + answered % 32 * 112, *response)
            answered = (answered + 1) % (1 << 32)
        answered = (answered + self.extra) % (1 << 32)
        struct.pack_into("<I", self.ring, 8, answered)
        event = struct.unpack_from("<I", self.ring, 12)[0]
        if (answered - event) % (1 << 32) < (answered - before) % (1 << 32):
            self.xen.raise_event(self.port)

    def carry_out(self, request):
        operation, count, _, identity, sector = struct.unpack_from("<BBHxxxxQQ", request)
        self.log.append((operation, sector, count))
        status = self.status
        if operation == 5:
            length = struct.unpack_from("<Q", request, 24)[0]
            self.data[sector * 512 : (sector + length) * 512] = bytes(length * 512)
        assert count <= 11 or operation == 5
        for index in range(count if operation in (0, 1) and not status else 0):
            reference, first, last = struct.unpack_from("<IBB", request, 24 + 8 * index)
            page = self.xen.map_grant(OTHER, reference, operation == 0)
            length, start = (last - first + 1) * 512, sector * 512
            assert first <= last < 8 and start + length <= len(self.data)
            if operation == 0:
                page[first * 512 : first * 512 + length] = self.data[start : start + length]
            else:
                self.data[start : start + length] = page[first * 512 : first * 512 + length]
            sector += length // 512
        return identity, operation, status
