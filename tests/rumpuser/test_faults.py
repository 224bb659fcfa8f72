# SPDX-License-Identifier: BSD-2-Clause
"""Faults: which call fails, and that a test can count until nothing was touched."""

import itertools

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import HostError
from rump.rumpuser.interface.errno import EIO, ENOMEM, ENOSPC
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, OPEN_CREATE, OPEN_RDWR
from rump.rumpuser.middleware.faults import Faults


def host(*arguments, **named):
    return Faults(Bare(Memory()), *arguments, **named)


def body(faulty):
    handle = faulty.open(b"x", OPEN_RDWR | OPEN_CREATE)
    faulty.write(handle, b"0123", 0)
    faulty.write(handle, b"4567", 4)
    buffer = bytearray(8)
    count = faulty.read(handle, buffer, 0)
    return bytes(buffer[:count])


def test_none():
    faulty = host()
    assert body(faulty) == b"01234567"
    assert not faulty.fired
    assert faulty.counts == {"open": 1, "write": 2, "read": 1}


def test_every_call_once():
    failed = []
    for nth in itertools.count(1):
        faulty = host(nth=nth)
        try:
            body(faulty)
        except HostError as error:
            assert error.errno == EIO
            failed.append(error.detail)
        if not faulty.fired:
            break
    assert failed == ["injected into open", "injected into write", "injected into write", "injected into read"]


def test_named_and_with_an_errno():
    faulty = host("write", 2, ENOSPC)
    with pytest.raises(HostError) as failure:
        body(faulty)
    assert failure.value.errno == ENOSPC
    assert faulty.counts["write"] == 2


def test_any_named_call():
    faulty = host("clock_gettime", 1, ENOMEM)
    with pytest.raises(HostError):
        faulty.clock_gettime(0)


@pytest.mark.parametrize("forever, expected", [(False, [True, False, True, True]), (True, [True, False, False, False])])
def test_once_or_from_then_on(forever, expected):
    faulty = host("getrandom", 2, forever=forever)
    outcomes = []
    for _ in expected:
        try:
            faulty.getrandom(1)
            outcomes.append(True)
        except HostError:
            outcomes.append(False)
    assert outcomes == expected


def test_a_failed_call_does_not_reach_the_host():
    faulty = host("write", 1)
    handle = faulty.open(b"x", OPEN_RDWR | OPEN_CREATE)
    with pytest.raises(HostError):
        faulty.write(handle, b"abc", 0)
    assert faulty.getfileinfo(handle)[0] == 0


def test_submit_fails_in_one_request():
    faulty = host("submit", 1)
    handle = faulty.open(b"x", OPEN_RDWR | OPEN_CREATE)
    assert faulty.submit(handle, [(BIO_WRITE, b"abc", 0), (BIO_WRITE, b"xy", 1)]) == (-EIO, 2)
    assert faulty.submit(handle, [(BIO_WRITE, b"abc", 0)]) == (3,)


def test_short_reads():
    faulty = host(truncate_reads_after=1)
    handle = faulty.open(b"x", OPEN_RDWR | OPEN_CREATE)
    faulty.write(handle, b"01234567", 0)
    assert faulty.read(handle, bytearray(8), 0) == 8
    assert not faulty.fired
    buffer = bytearray(b"########")
    assert faulty.read(handle, buffer, 0) == 4
    assert faulty.fired
    assert buffer == b"0123####"


def test_short_reads_of_submit():
    faulty = host(truncate_reads_after=1)
    handle = faulty.open(b"x", OPEN_RDWR | OPEN_CREATE)
    requests = [(BIO_WRITE, b"01234567", 0), (BIO_READ, bytearray(8), 0), (BIO_READ, bytearray(8), 0)]
    assert faulty.submit(handle, requests) == (8, 8, 4)
