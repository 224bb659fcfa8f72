# SPDX-License-Identifier: BSD-2-Clause
"""What every scenario of the conformance suite leaves on a volume that it wrote to, as e2fsck sees it."""

from __future__ import annotations

import pytest
from ext2_session import fsck
from ext2_support import needs_mke2fs

from rump.conformance.bodies import collect, suited
from rump.conformance.drivers import IMAGE, WRITTEN
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import run_body

pytestmark = [needs_mke2fs, pytest.mark.slow]


@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("subject", WRITTEN, ids=lambda subject: subject.name)
def test_e2fsck_finds_nothing(subject, part, tmp_path):
    image = tmp_path / "image"
    for name, body in [*suited(subject, collect()).items()][part::8]:
        with HOSTS["bare-memory"]() as machine:
            outcome = run_body(machine, subject, name, body)
            assert outcome.problem is None, name
            image.write_bytes(machine.get(IMAGE))
        try:
            fsck(image)
        except Exception as error:
            error.add_note(name)
            raise
