# SPDX-License-Identifier: BSD-2-Clause
"""Watches of Solaris by event ports, where they cannot go on: the watch looks from time to time instead."""

import os

import pytest

from rump.conformance.models import Simulation
from rump.rumpuser.interface import hypercalls as calls

MS = 10**6
PATIENCE = 5000 * MS


@pytest.fixture
def simulation():
    made = Simulation("solaris")
    made.world.load("rump.rumpuser.posix.watch_polling").INTERVAL = MS
    return made


@pytest.fixture
def watched(simulation, tmp_path):
    """A host, a handle of a file, and what makes a watch of it."""
    (tmp_path / "file").write_bytes(b"0123456789")
    host = simulation.backend()
    handle = host.open(os.fsencode(tmp_path / "file"), calls.OPEN_RDWR)
    yield host, handle, lambda: host.watch_create(handle)
    host.close(handle)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def told_of_writes(host, handle, watch, times=2):
    for place in range(times):
        assert host.watch_wait(watch, 0) is False
        host.write(handle, b"more", 10 + 4 * place)
        assert host.watch_wait(watch, PATIENCE) is True
    assert host.watch_wait(watch, 0) is False


def test_a_port_is_used_and_closed(watched):
    host, handle, create = watched
    before = descriptors()
    watch = create()
    assert descriptors() == before + 2      # the file's, and the port
    told_of_writes(host, handle, watch, 3)
    host.watch_close(watch)
    assert descriptors() == before


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.rename(path, path + "2")])
def test_a_file_that_moves_away(watched, tmp_path, change):
    host, handle, create = watched
    watch = create()
    change(str(tmp_path / "file"))
    host.write(handle, b"more", 10)
    assert host.watch_wait(watch, PATIENCE) is True
    told_of_writes(host, handle, watch)
    host.watch_close(watch)


def test_another_file_of_the_same_name(simulation, watched, tmp_path, monkeypatch):
    """The link says where the file was: what is there now is not taken for it."""
    host, handle, create = watched
    (tmp_path / "other").write_bytes(b"")
    monkeypatch.setattr(simulation.system.ports, "_target", lambda path: os.fsencode(tmp_path / "other"))
    before = descriptors()
    watch = create()
    assert descriptors() == before + 1      # no port
    told_of_writes(host, handle, watch)
    host.watch_close(watch)


@pytest.mark.parametrize("refusal", ["ENOTSUP", "EAGAIN", "EACCES", "ENOMEM"])
def test_a_file_system_that_cannot_tell(simulation, watched, refusal):
    host, handle, create = watched
    simulation.system.ports.refusal = refusal
    before = descriptors()
    watch = create()
    assert descriptors() == before + 1
    told_of_writes(host, handle, watch)
    host.watch_close(watch)
    assert descriptors() == before


def test_no_more_ports(simulation, watched, monkeypatch):
    host, handle, create = watched
    library = simulation.world.load("rump.rumpuser.solaris._ffi").lib
    monkeypatch.setattr(library, "rump_watch_open", lambda: -simulation.system.numbers.EAGAIN)
    watch = create()
    told_of_writes(host, handle, watch)
    host.watch_close(watch)


def test_it_works_without_the_piece(tmp_path):
    simulation = Simulation("solaris", compiled=False)
    simulation.world.load("rump.rumpuser.posix.watch_polling").INTERVAL = MS
    (tmp_path / "file").write_bytes(b"")
    host = simulation.backend()
    assert not host.traits.notifies
    handle = host.open(os.fsencode(tmp_path / "file"), calls.OPEN_RDWR)
    watch = host.watch_create(handle)
    told_of_writes(host, handle, watch)
    host.watch_close(watch)
    host.close(handle)
