# SPDX-License-Identifier: BSD-2-Clause
"""poll(2), on the virtual clock."""

from __future__ import annotations

from rump.conformance.scenario import NOW, SECOND, Scenario, abi, e

IN, OUT = abi.POLLIN, abi.POLLOUT


def files_are_ready(t: Scenario) -> None:
    """Regular files never make one wait."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.equal(t.poll(((fd, IN | OUT),), 5 * SECOND), ((fd, IN | OUT),))
    t.equal(t.poll(((fd, 0),), 0), ())


def pipe_events(t: Scenario) -> None:
    """POLLIN with data, POLLOUT with room, POLLHUP and POLLERR without the other end, asked for or not."""
    reader, writer = t.pipe2()
    both = ((reader, IN), (writer, OUT))
    t.equal(t.poll(both, 0), ((writer, OUT),))
    t.write(writer, bytes(65_536))
    t.equal(t.poll(both, 0), ((reader, IN),))
    t.close(writer)
    t.equal(t.poll(((reader, IN),), 0), ((reader, IN | abi.POLLHUP),))
    t.read(reader, 65_536)
    t.equal(t.poll(((reader, 0),), 0), ((reader, abi.POLLHUP),))
    reader2, writer2 = t.pipe2()
    t.close(reader2)
    t.equal(t.poll(((writer2, OUT),), 0), ((writer2, abi.POLLERR),))


def timeout(t: Scenario) -> None:
    """Nothing happens for as long as was said, on the clock."""
    reader, _ = t.pipe2()
    for wait in (3 * SECOND, 1, 0):
        t.equal(t.poll(((reader, IN),), wait), ())
    t.write_file(b"f")
    t.true(0 <= NOW + 3 * SECOND + 1 - t.stat(b"f").st_mtime_ns < t.capabilities.time_step, "the time that passed")


def no_descriptors(t: Scenario) -> None:
    """Only waiting; a negative descriptor is passed over."""
    t.equal(t.poll((), SECOND), ())
    t.equal(t.poll(((-1, IN),), SECOND), ())


def bad_descriptor(t: Scenario) -> None:
    """POLLNVAL, at once and whatever was asked."""
    t.equal(t.poll(((40, 0), (41, IN)), 9 * SECOND), ((40, abi.POLLNVAL), (41, abi.POLLNVAL)))


def for_ever(t: Scenario) -> None:
    """EDEADLK: for ever, on a host that cannot wait."""
    reader, _ = t.pipe2()
    t.expect(e.EDEADLK, t.poll, ((reader, IN),), None)


def fifo_events(t: Scenario) -> None:
    """A FIFO polls as a pipe does."""
    t.needs("fifos")
    t.mkfifo(b"p", 0o600)
    fd = t.open(b"p", abi.O_RDWR)
    t.equal(t.poll(((fd, IN | OUT),), 0), ((fd, OUT),))
    t.write(fd, b"x")
    t.equal(t.poll(((fd, IN | OUT),), 0), ((fd, IN | OUT),))
