# SPDX-License-Identifier: BSD-2-Clause
"""Xen, with our own kernel as its first domain, under QEMU without any accelerator."""

import os
import sys

import pytest

from rump.rumpuser.bare.image import requirements
from rump.servers.machine.description import MachineError, find
from rump.servers.machine.qemu import run

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for `disk_session`


@pytest.fixture(scope="session")
def xen():
    """The kind of machine; skips where something that it takes is missing."""
    try:
        kind = find("xen")
        kind.hypervisor()
    except MachineError as error:
        pytest.skip(str(error))
    if requirements.missing():
        pytest.skip(f"not installed: {' '.join(requirements.missing())}")
    kind.module()
    return kind


@pytest.fixture
def program(xen):
    """Runs a Python program to a good end: its output, without the machine's closing line."""

    def start(words, *, timeout=120, **more):
        status, log = run(xen, words, timeout=timeout, **more)
        lines = log.decode("utf-8", "replace").replace("\r\n", "\n").splitlines()
        assert (status, lines[-1]) == (0, "metal: exit status 0"), log.decode("utf-8", "replace")
        return lines[:-1]

    return start
