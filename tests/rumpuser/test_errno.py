# SPDX-License-Identifier: BSD-2-Clause
"""The one errno space, and the way into it."""

import errno as host_errno

import pytest

from rump.rumpuser.interface import errno as space
from rump.rumpuser.interface.errno import EAGAIN, EDEADLK, EINVAL, EIO, ENOENT, EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import errno_of, host_error

NUMBERS = {name: value for name, value in vars(space).items() if name.startswith("E") and name.isupper()}


def test_every_number_has_one_name_and_a_phrase():
    assert len(NUMBERS) > 80
    assert len(set(NUMBERS.values())) == len(NUMBERS)
    assert {value: name for name, value in NUMBERS.items()} == space.NAMES
    assert set(space.PHRASES) == set(NUMBERS.values())
    assert all(phrase and phrase[0].isupper() and not phrase.endswith(".") for phrase in space.PHRASES.values())


def test_number_by_name():
    assert space.number("ENOENT") == ENOENT
    assert space.number("EWOULDBLOCK") == EAGAIN
    assert space.number("EDEADLOCK") == EDEADLK
    assert space.number("ENOSUCHTHING") == EIO


@pytest.mark.parametrize("name", sorted(set(NUMBERS) & set(dir(host_errno)) - {"ENOTSUP"}))
def test_translation_by_name(name):
    assert errno_of(getattr(host_errno, name)) == NUMBERS[name]


def test_translation_where_the_host_has_two_names_for_one_number():
    if host_errno.ENOTSUP == host_errno.EOPNOTSUPP:
        assert errno_of(host_errno.ENOTSUP) == EOPNOTSUPP
    assert errno_of(host_errno.EWOULDBLOCK) == EAGAIN


@pytest.mark.parametrize("number", [None, 0, -1, 9999, getattr(host_errno, "EKEYEXPIRED", 9998)])
def test_what_netbsd_does_not_have_is_eio(number):
    assert errno_of(number) == EIO


def test_errors_cross_the_edge_once():
    error = HostError(ENOENT, "here")
    assert host_error(error) is error
    assert host_error(OSError(host_errno.ENOENT, "x"), "there").errno == ENOENT
    assert host_error(OverflowError()).errno == EINVAL


def test_host_error_is_an_os_error():
    error = HostError(EOPNOTSUPP, "disk.img")
    assert isinstance(error, OSError) and type(error) is HostError
    assert (error.errno, error.strerror) == (45, "Operation not supported")
    assert str(error) == "disk.img: EOPNOTSUPP (Operation not supported)"
    assert str(HostError(ENOENT)) == "ENOENT (No such file or directory)"
    assert type(HostError(ENOENT)) is HostError
