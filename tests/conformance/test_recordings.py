# SPDX-License-Identifier: BSD-2-Clause
"""Recorded on one host, replayed on another: the same transcript and image, or the first difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rump.conformance import __main__ as program
from rump.conformance.bodies import collect
from rump.conformance.drivers import SUBJECTS
from rump.conformance.recordings import parts, record, replay
from rump.conformance.result import closing
from rump.rumpuser.middleware.replay import ReplayError

BODIES = (
    "data_parts", "data_copied_out", "data_read_back", "directories_listing", "processes_change_directory",
    "xattrs_read",
    "filling_copied_in_with_holes", "interleaved_rename_and_rmdir", "moves_below_what_moved",
)  # fmt: skip
SUBJECTS_HERE = ("tmpfs", "ext4-written", "fat12-written", "exfat-written", "ext4", "cd9660")


@pytest.mark.parametrize("subject", SUBJECTS_HERE)
def test_recorded_on_linux_and_replayed_without_a_host(subject: str) -> None:
    """System calls, hypercalls, transcript and image are the same; the other way round, too."""
    for name in BODIES:
        body = collect()[name]
        if SUBJECTS[subject].read_only and not getattr(body, "reads", False):
            continue
        for here, there in (("linux", "bare-memory"), ("bare-memory", "linux-pure")):
            outcome, lines = record(here, SUBJECTS[subject], name, body)
            assert outcome.problem is None
            ((header, events),) = parts(lines)
            assert header["problem"] is None
            again, problem = replay(there, header, events)
            assert problem is None
            assert again.lines == outcome.lines


def _one() -> list[bytes]:
    return record("bare-memory", SUBJECTS["ext4"], "data_contents", collect()["data_contents"])[1]


def test_a_difference_is_told() -> None:
    """In a system call, a hypercall, what is read from the host here, the transcript, and at the end."""
    header, *events = _one()
    told = json.loads(header)
    told["transcript"][3] = "something else"
    assert "there   something else" in str(replay("bare-memory", told, events)[1])
    told = json.loads(header)
    place = next(number for number, line in enumerate(events) if b'"enter"' in line and b'"read"' in line)
    changed = [*events]
    changed[place] = changed[place].replace(b'"read"', b'"fsync"')
    assert "recorded was the system call fsync" in str(replay("bare-memory", told, changed)[1])
    assert "recorded was nothing more" in str(replay("bare-memory", told, events[:-1])[1])
    assert "but the kernel made nothing more" in str(replay("bare-memory", told, [*events, events[-1]])[1])
    place = next(number for number, line in enumerate(events) if line.startswith(b'["call","read",'))
    event = json.loads(events[place])
    event[3]["zeros"] += 0 if event[3]["bytes"] else -1
    event[3]["bytes"] = "AAAA" + event[3]["bytes"][4:]
    changed = [*events]
    changed[place] = json.dumps(event).encode()
    assert replay("bare-memory", told, changed)[1] is not None


def test_a_recording_that_is_none() -> None:
    header, *events = _one()
    for lines in ([b"nonsense"], [b"[]"], [events[0]], [header, *events[:5]]):
        with pytest.raises(ReplayError):
            list(parts(lines))
    told = json.loads(header)
    assert "there is no" in str(replay("bare-memory", {**told, "body": "no_such"}, events)[1])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What one host wrote into a file another one reads."""
    path = str(tmp_path / "recording")
    chosen = "--fs", "tmpfs", "--fs", "ext2", "--only", "links_symlink", "--only", "data_parts"
    assert program.main(["--host", "linux", *chosen, "--record", path]) == 0
    recorded = closing(capsys.readouterr().out)
    assert program.main(["--host", "bare-memory", "--replay", path]) == 0
    replayed = closing(capsys.readouterr().out)
    assert (recorded.digest, recorded.passed, recorded.reasons) == (replayed.digest, replayed.passed, replayed.reasons)
    assert replayed.suite == "replay"
    (tmp_path / "recording").write_bytes(b"{}\n")
    assert program.main(["--host", "bare-memory", "--replay", path]) == 1
    assert "not a recording" in capsys.readouterr().out
