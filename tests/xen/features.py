# SPDX-License-Identifier: BSD-2-Clause
"""What Xen really does, asked from inside its first domain: each line is a fact that the test outside compares."""

import _thread

from rump.rumpuser.bare import _hyper
from rump.rumpuser.bare.xen import abi
from rump.rumpuser.host import default

MILLISECOND = 10**6
HOST = default()
PLATFORM = HOST.platform
XEN, EVENTS, GRANTS, CLOCK = PLATFORM.hypervisor, PLATFORM.events, PLATFORM.grants, PLATFORM.clock


def say(name, *values):
    print(name, *values, flush=True)


def took(call, *arguments):
    """What a call gives, and how many milliseconds it took by our own clock and by Xen's."""
    own, xens = _hyper.monotonic(), CLOCK.system_time()
    result = call(*arguments)
    return result, (_hyper.monotonic() - own) // MILLISECOND, (CLOCK.system_time() - xens) // MILLISECOND


def event_channels():
    remote = EVENTS.allocate(abi.DOMAIN_SELF)
    local = EVENTS.bind(abi.DOMAIN_SELF, remote)
    for number in range(100):
        port, other = (remote, local) if number % 2 else (local, remote)
        EVENTS.send(other)
        assert EVENTS.take(port)
        assert not EVENTS.take(port)
    say("loop", 100)
    say("poll", *took(EVENTS.poll, remote, CLOCK.system_time() + 300 * MILLISECOND))
    say("listen", EVENTS.listen())
    say("silence", *took(EVENTS.wait, remote, _hyper.monotonic() + 200 * MILLISECOND))

    def nudge():
        _hyper.wait(_hyper.monotonic() + 100 * MILLISECOND)
        EVENTS.send(local)

    before = _hyper.interrupts()
    _thread.start_new_thread(nudge, ())
    say("nudge", *took(EVENTS.wait, remote, _hyper.monotonic() + 10_000 * MILLISECOND))
    say("interrupts", _hyper.interrupts() - before)
    for port in (remote, local):
        EVENTS.close(port)
    try:
        EVENTS.send(local)
    except OSError as error:
        say("closed", type(error).__name__, error.errno)


def grants():
    say("frames", GRANTS.limit())
    page = _hyper.pages(1)
    references = [GRANTS.grant(0, page) for _ in range(600)]
    say("granted", references[0], len(set(references)))
    for reference in references:
        GRANTS.end(reference)
    say("again", GRANTS.grant(0, page) in references)


say("version", XEN.version())
say("first", PLATFORM.first, _hyper.MACHINE)
say("pages", XEN.reservation())
event_channels()
grants()
say("sleep", *took(HOST.platform.block_until, _hyper.monotonic() + 250 * MILLISECOND))
say("wall", (CLOCK.wall() + CLOCK.system_time()) // 10**9, (_hyper.epoch_offset() + _hyper.monotonic()) // 10**9)
say("random", HOST.getrandom(16) != HOST.getrandom(16))
say("store", PLATFORM.store())
say("done")
