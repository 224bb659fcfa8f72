# SPDX-License-Identifier: BSD-2-Clause
"""Machines without an operating system.  Those that boot one are marked slow."""

import os
import subprocess
import sys

import pytest

from rump.rumpuser.bare.image import ImageError, build
from rump.servers.machine.description import MachineError, find

EPOCH = "1700000000"


@pytest.fixture(scope="session")
def metal():
    """The kind of machine; skips where it cannot be built or started."""
    try:
        build()
        return find("metal")
    except (ImageError, MachineError) as error:
        pytest.skip(str(error))


@pytest.fixture
def fsu(tmp_path):
    """fsu(word ..., stdin=b""): (status, output, errors), at a fixed time; run in the test's folder."""

    def run(*words, stdin=b""):
        environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "rump.fsutils", *words]
        done = subprocess.run(
            command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, check=False, timeout=200
        )
        return done.returncode, done.stdout, done.stderr

    return run
