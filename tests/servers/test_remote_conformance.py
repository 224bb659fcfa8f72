# SPDX-License-Identifier: BSD-2-Clause
"""The suite's bodies by way of a server: their transcripts are those of every other host."""

from __future__ import annotations

import pytest

from rump.conformance.__main__ import main


@pytest.mark.skipif("sys.platform != 'linux'", reason="the host is Linux")
@pytest.mark.parametrize(
    "arguments", [("--slice",), ("--fs", "ext4-written", "--only", "space", "--only", "data"), ("--fs", "cd9660")]
)
def test_transcripts_are_the_same(arguments, capfd):
    status = main(["--host", "linux-remote", *arguments])
    assert status == 0, capfd.readouterr().out
