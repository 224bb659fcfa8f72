# SPDX-License-Identifier: BSD-2-Clause
"""A network backend for the guest of `xen_model.Xen`, from xen/include/public/io/netif.h.

As with the block backend: what a front end must not do is asserted, what the other end may do wrong is a knob.
"""

import struct

from xen_model import OTHER

RING, SENT, RECEIVED = 256, 12, 8       # entries of a ring, bytes of an entry


class NetBackend:
    """A card of domain 0 for the guest.  It takes an offer in state Connected, as Linux's does."""

    def __init__(self, xen, daemon, number=0, mac=b"00:16:3e:01:02:03"):
        self.xen, self.daemon = xen, daemon
        self.front = b"device/vif/%d" % number
        self.back = b"/local/domain/0/backend/vif/1/%d" % number
        self.sent = []                  # frames of the guest
        self.queue = []                 # frames for it: what there is no room for waits
        self.held = None                # a list: responses to the guest's frames are kept in it
        self.status = 0
        self.answer = lambda *response: response        # (identity, status) of a frame of the guest
        self.deliver = lambda *response: response       # (identity, offset, flags, status) of a frame for it
        self.offset = 0
        self.extra = 0                  # responses that nobody asked for
        self.rings = None
        self.connections = 0
        daemon.nodes |= {
            self.front + b"/backend": self.back, self.front + b"/backend-id": b"%d" % OTHER,
            self.front + b"/mac": mac, self.front + b"/state": b"1", self.back + b"/state": b"2",
        }  # fmt: skip
        daemon.watchers[self.front + b"/state"] = self.changed

    def state(self, number):
        self.daemon.set(self.back + b"/state", b"%d" % number)

    def changed(self):
        nodes = self.daemon.nodes
        state, mine = int(nodes[self.front + b"/state"]), int(nodes[self.back + b"/state"])
        if state == 1 and mine == 6:
            self.state(2)
        elif state == 4 and mine == 2:
            self.connect(nodes)
        elif state == 5:
            self.rings = None
            self.state(6)

    def connect(self, nodes):
        assert nodes[self.front + b"/request-rx-copy"] == b"1"
        assert nodes[self.front + b"/feature-no-csum-offload"] == b"1"
        grants = [int(nodes[self.front + name]) for name in (b"/tx-ring-ref", b"/rx-ring-ref")]
        self.rings = [self.xen.map_grant(OTHER, grant, True) for grant in grants]
        self.port = int(nodes[self.front + b"/event-channel"])
        self.xen.handlers[self.port] = self.nudged
        self.consumed = [0, 0]
        self.connections += 1
        self.state(4)

    # ---- rings -----------------------------------------------------------------------------------------------------

    def requests(self, which, size):
        ring, found = self.rings[which], []
        produced = struct.unpack_from("<I", ring)[0]
        assert (produced - self.consumed[which]) % (1 << 32) <= RING
        while self.consumed[which] != produced:
            start = 64 + self.consumed[which] % RING * size
            found.append(bytes(ring[start : start + size]))
            self.consumed[which] = (self.consumed[which] + 1) % (1 << 32)
        return found

    def respond(self, which, size, responses):
        ring = self.rings[which]
        before = answered = struct.unpack_from("<I", ring, 8)[0]
        for response in responses:
            start = 64 + answered % RING * size
            ring[start : start + len(response)] = response
            answered = (answered + 1) % (1 << 32)
        answered = (answered + self.extra) % (1 << 32)
        struct.pack_into("<I", ring, 8, answered)
        event = struct.unpack_from("<I", ring, 12)[0]
        if (answered - event) % (1 << 32) < (answered - before) % (1 << 32):
            self.xen.raise_event(self.port)

    def nudged(self):
        if self.rings is None:
            return
        responses = []
        for request in self.requests(0, SENT):
            grant, offset, flags, identity, size = struct.unpack("<IHHHH", request)
            assert size >= 14 and offset + size <= 4096 and not flags
            self.sent.append(bytes(self.xen.map_grant(OTHER, grant, False)[offset : offset + size]))
            responses.append(struct.pack("<Hh", *self.answer(identity, self.status)))
        if self.held is not None:
            self.held += responses
        elif responses:
            self.respond(0, SENT, responses[::-1])      # in any order
        self.flow()

    def let_go(self):
        """The kept responses."""
        responses, self.held = self.held, None
        self.respond(0, SENT, responses)

    def put(self, *frames):
        """Frames for the guest."""
        self.queue += frames
        if self.rings is not None:
            self.flow()

    def flow(self):
        """Fill the room that the guest has offered."""
        ring, responses = self.rings[1], []
        produced = struct.unpack_from("<I", ring)[0]
        while self.queue and self.consumed[1] != produced:
            start = 64 + self.consumed[1] % RING * RECEIVED
            identity, grant = struct.unpack_from("<HxxI", ring, start)
            self.consumed[1] = (self.consumed[1] + 1) % (1 << 32)
            frame = self.queue.pop(0)
            page = self.xen.map_grant(OTHER, grant, True)
            page[self.offset : self.offset + len(frame)] = frame
            responses.append(struct.pack("<HHHh", *self.deliver(identity, self.offset, 0, len(frame))))
        if responses:
            self.respond(1, RECEIVED, responses)
