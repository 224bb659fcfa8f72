# SPDX-License-Identifier: BSD-2-Clause
"""The helpers beside these tests are imported by their own names; what is served by 9P."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rump.kernel import boot
from rump.rumpuser.host import default

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def serve_ninep() -> Iterator[Callable]:
    """Makes exports of an empty directory."""
    from ninep_peer import Served

    with boot(default()) as kernel:
        lwp = kernel.newproc(name="exported")
        lwp.mkdir(b"/export")
        lwp.chroot(b"/export")
        lwp.chdir(b"/")
        before = len(kernel.processes)
        made: list = []

        def make(**options: object) -> Served:
            made.append(Served(lwp, **options))
            return made[-1]

        yield make
        for served in made:
            served.close()
        assert len(kernel.processes) == before, "processes of clients are left behind"
        kernel.exit(lwp)


@pytest.fixture
def served(serve_ninep: Callable):
    """One of them."""
    return serve_ninep()
