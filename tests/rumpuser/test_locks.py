# SPDX-License-Identifier: BSD-2-Clause
"""Byte-range locks, on the hosts that have them."""

import os
import subprocess
import sys

import pytest

from rump.rumpuser.interface.errno import EAGAIN, EBADF, EINVAL
from rump.rumpuser.interface.hypercalls import (
    LOCK_EXCLUSIVE,
    LOCK_RELEASE,
    LOCK_SHARED,
    LOCK_TEST,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
)


@pytest.fixture
def two(host, path, new):
    """Two handles of one file."""
    if not host.traits.locks:
        pytest.skip("a host without locks")
    return new(b"0123456789"), host.open(path("file0"), OPEN_RDWR)


def test_exclusive(host, two, refused):
    host.lock(two[0], 0, 5, LOCK_EXCLUSIVE)
    for mode in (LOCK_EXCLUSIVE, LOCK_SHARED):
        with refused(EAGAIN):
            host.lock(two[1], 4, 1, mode)
    host.lock(two[1], 5, 0, LOCK_EXCLUSIVE)


def test_shared(host, two, refused):
    host.lock(two[0], 0, 0, LOCK_SHARED)
    host.lock(two[1], 0, 0, LOCK_SHARED)
    with refused(EAGAIN):
        host.lock(two[1], 3, 1, LOCK_EXCLUSIVE)


def test_release(host, two):
    host.lock(two[0], 0, 10, LOCK_EXCLUSIVE)
    host.lock(two[0], 0, 10, LOCK_RELEASE)
    host.lock(two[1], 0, 10, LOCK_EXCLUSIVE)


def test_closing_releases(host, two):
    host.lock(two[0], 0, 10, LOCK_EXCLUSIVE)
    host.close(two[0])
    host.lock(two[1], 0, 10, LOCK_EXCLUSIVE)


def test_closing_another_handle_does_not(host, two, path, refused):
    host.lock(two[0], 0, 10, LOCK_EXCLUSIVE)
    host.close(host.open(path("file0"), OPEN_RDWR))
    with refused(EAGAIN):
        host.lock(two[1], 0, 10, LOCK_EXCLUSIVE)


def test_closing_an_adopted_file_releases(host, two, path):
    with open(path("file0"), "r+b") as mine:
        handle = host.adopt(mine.fileno())
        host.lock(handle, 0, 10, LOCK_EXCLUSIVE)
        host.close(handle)
        host.lock(two[1], 0, 10, LOCK_EXCLUSIVE)


def test_other_processes(host, two, path, backend):
    if backend != "linux-pure":
        pytest.skip("once is enough")
    host.lock(two[0], 2, 1, LOCK_EXCLUSIVE)
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b')\n"
        "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2)\n"
        "except BlockingIOError: print('locked')\n"
    )
    other = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, os.fsdecode(path("file0"))], capture_output=True, check=True
    )
    assert other.stdout == b"locked\n"


def test_refusals(host, two, path, refused):
    for start, length, mode in ((-1, 1, LOCK_SHARED), (0, -1, LOCK_SHARED), (0, 1, 7)):
        with refused(EINVAL):
            host.lock(two[0], start, length, mode)
    with refused(EBADF):
        host.lock(99, 0, 1, LOCK_SHARED)
    with refused(EBADF):
        host.lock(99, 0, 1, LOCK_TEST)
    with refused(EINVAL):
        host.lock(two[0], 0, -1, LOCK_TEST)


def test_how_the_file_was_opened_decides(host, two, path, refused):
    reader, writer = host.open(path("file0"), OPEN_RDONLY), host.open(path("file0"), OPEN_WRONLY)
    host.lock(reader, 0, 1, LOCK_SHARED)
    host.lock(writer, 1, 1, LOCK_EXCLUSIVE)
    with refused(EBADF):
        host.lock(reader, 5, 1, LOCK_EXCLUSIVE)
    with refused(EBADF):
        host.lock(writer, 5, 1, LOCK_SHARED)


def test_a_handle_changes_what_it_holds(host, two, refused):
    host.lock(two[0], 100, 10, LOCK_EXCLUSIVE)      # behind the end
    host.lock(two[0], 104, 1, LOCK_SHARED)
    host.lock(two[1], 104, 1, LOCK_SHARED)
    for byte in (103, 105):
        with refused(EAGAIN):
            host.lock(two[1], byte, 1, LOCK_SHARED)


@pytest.mark.parametrize("mode", [LOCK_SHARED, LOCK_EXCLUSIVE])
def test_testing(host, two, path, refused, mode):
    reader = host.open(path("file0"), OPEN_RDONLY)
    host.lock(two[0], 4, 2, mode)
    host.lock(two[0], 0, 0, LOCK_TEST)              # one's own locks are no hindrance
    for handle in (two[1], reader):
        for start, length in ((5, 1), (0, 0), (0, 5)):
            with refused(EAGAIN):
                host.lock(handle, start, length, LOCK_TEST)
        host.lock(handle, 0, 4, LOCK_TEST)
        host.lock(handle, 6, 0, LOCK_TEST)
    host.lock(two[0], 0, 0, LOCK_EXCLUSIVE)         # nothing was taken by any of this
    host.close(two[0])
    host.lock(reader, 0, 0, LOCK_TEST)


def test_testing_gives_nothing_up(host, two, refused):
    host.lock(two[0], 0, 1, LOCK_SHARED)
    host.lock(two[0], 0, 1, LOCK_TEST)
    with refused(EAGAIN):
        host.lock(two[1], 0, 1, LOCK_EXCLUSIVE)
