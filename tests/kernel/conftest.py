# SPDX-License-Identifier: BSD-2-Clause
"""Kernels to test: on the memory platform, whose clock moves only when told, unless threads are wanted."""

import os
import sys

import pytest

from rump.conformance.scenario import leaks
from rump.kernel import boot
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for `blocky`
NOW = 1_600_000_000 * 10**9


class Lab:
    """Boots kernels; at the end of a test all are halted, after all references have been found to add up."""

    def __init__(self):
        self.platform = Memory(now=NOW, seed=1)
        self.kernels = []
        self.messages = []

    def boot(self, host=None, **more):
        kernel = boot(host or Bare(self.platform), log=self.messages.append, **more)
        self.kernels.append(kernel)
        return kernel

    def image(self, name, data):
        self.platform.files[name] = MemoryFile(data)
        return name

    def close(self):
        for kernel in self.kernels:
            if not kernel.halted:
                assert leaks(kernel) == []
                kernel.halt()


@pytest.fixture
def lab():
    made = Lab()
    yield made
    made.close()


@pytest.fixture
def kernel(lab):
    return lab.boot()


@pytest.fixture
def lwp(kernel):
    return kernel.lwp


class Refused:
    """with refused(e.ENOENT): ... - that errno and no other."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        assert error is not None, "nothing was refused"
        if not isinstance(error, OSError):
            return False
        assert error.errno in self.numbers, repr(error)
        self.error = error
        return True


@pytest.fixture
def refused():
    return Refused


@pytest.fixture(params=[False, True], ids=["plain", "marshal"])
def world(request, lab):
    """A kernel with a `Blocky` on /d, reached directly or by bytes only."""
    from blocky import World

    return World(lab, request.param)
