# SPDX-License-Identifier: BSD-2-Clause
"""What every scenario of the conformance suite leaves on a FAT or exFAT that it wrote to, as other checkers see it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from rump.conformance.bodies import collect, suited
from rump.conformance.drivers import EXFAT_WRITTEN, IMAGE, WRITTEN_FAT
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import run_body

pytestmark = pytest.mark.slow


def checked(image, tool: str) -> None:
    """Nothing is wrong.  (fsck.exfat says so in words, and not always by its status.)"""
    done = subprocess.run([tool, "-n", image], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tool.endswith("fsck.fat") or ": clean." in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("subject", [*WRITTEN_FAT, EXFAT_WRITTEN], ids=lambda subject: subject.name)
def test_checkers_find_nothing(subject, tmp_path):
    wanted = "fsck.exfat" if subject is EXFAT_WRITTEN else "fsck.fat"
    tool = shutil.which(wanted) or shutil.which(wanted, path="/usr/sbin:/sbin")
    if tool is None:
        pytest.skip(f"needs {wanted}")
    image = tmp_path / "image"
    for name, body in suited(subject, collect()).items():
        with HOSTS["bare-memory"]() as machine:
            outcome = run_body(machine, subject, name, body)
            assert outcome.problem is None, name
            image.write_bytes(machine.get(IMAGE))
        try:
            checked(image, tool)
        except AssertionError as error:
            error.add_note(name)
            raise
