# SPDX-License-Identifier: BSD-2-Clause
"""The command line, what it prints, and the closing block that others read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from rump.conformance import __main__ as program
from rump.conformance.drivers import SUBJECTS
from rump.conformance.result import Result, closing, results
from rump.conformance.runner import first_difference

FEW = ("--host", "bare-memory", "--fs", "tmpfs", "--fs", "fat12-written", "--only", "links_link")


def _result() -> Result:
    result = Result("linux", "executed", "bodies", "slice")
    for without in (None, "sparse", None, "sparse", "hard_links"):
        result.count(None, without)
    result.count("something")
    result.digest = "ab" * 32
    return result


def test_the_block_comes_back() -> None:
    """Out of a log with carriage returns, other lines, and TAP's signs before it."""
    written = _result()
    assert (written.passed, written.failed, written.without, written.green) == (5, 1, 3, False)
    for prefix in ("", "# "):
        log = "booting\r\n" + "".join(f"{prefix}{line}\r\n" for line in written.lines()) + "power off\r\n"
        read = closing(log)
        assert vars(read) == vars(written)


def test_a_run_that_was_cut_off_is_none() -> None:
    lines = _result().lines()
    for count in range(len(lines)):
        assert results("\n".join(lines[:count])) == []
    with pytest.raises(ValueError, match="does not close"):
        closing("\n".join([*lines, *lines[:3]]))
    with pytest.raises(ValueError, match="does not close"):
        closing("5 passed, 0 failed\n")
    other = [*lines[:-1], "6 passed, 0 failed"]
    assert results("\n".join(other)) == []
    for number in range(1, len(lines) - 1):
        assert results("\n".join(lines[:number] + lines[number + 1 :])) == []
    assert len(results("\n".join(lines + lines))) == 2


def test_differences_show_both_sides() -> None:
    """Also where a side has ended."""
    assert first_difference(["a", "b"], ["a", "b"]) is None
    assert first_difference(["a", "x"], ["a", "b"]) == "line 2:\n    golden  b\n    here    x"
    assert first_difference(["a"], ["a", "b"]) == "line 2:\n    golden  b\n    here    (no more lines)"
    assert first_difference(["a", "b"], ["a"]) == "line 2:\n    golden  (no more lines)\n    here    b"
    assert first_difference(["(no more lines)"], []) is not None


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([*FEW, "--list"]) == 0
    said = capsys.readouterr().out.split()
    assert "tmpfs-bare-memory-links_link_counts" in said
    starts = "tmpfs-bare-memory-links_link", "fat12-written-bare-memory-links_link"
    assert all(line.startswith(starts) for line in said)


def test_tap(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([*FEW, "--tap"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "TAP version 13"
    tests = [line for line in lines if line.startswith("ok ")]
    assert [line.split()[1] for line in tests] == [str(number) for number in range(1, len(tests) + 1)]
    assert f"1..{len(tests)}" in lines
    assert "# SKIP without hard_links" in "\n".join(tests)
    result = closing("\n".join(lines))
    assert (result.passed, result.failed) == (len(tests), 0)


def test_failures_in_tap_and_junit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has the first differing line."""
    from rump.conformance import runner

    real = runner.golden

    def broken(subject: object) -> dict[str, list[str]]:
        found = dict(real(subject))  # type: ignore[arg-type]
        found["links_link_errors"] = ["<&>\x01"]
        return found

    monkeypatch.setattr(runner, "golden", broken)
    path = tmp_path / "junit.xml"
    assert program.main([*FEW, "--tap", "--junit", str(path)]) == 1
    said = capsys.readouterr().out
    assert "not ok 2 - tmpfs-bare-memory-links_link_errors" in said
    assert "#     golden  <&>" in said
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.attrib["tests"])
    failures = [case for case in cases if case.find("failure") is not None]
    assert [case.attrib["name"] for case in failures] == [
        "tmpfs-bare-memory-links_link_errors", "fat12-written-bare-memory-links_link_errors"
    ]  # fmt: skip
    assert int(suite.attrib["skipped"]) == len([case for case in cases if case.find("skipped") is not None]) > 0
    assert closing(suite.findtext("system-out", "")).failed == 2


def test_several_hosts_agree_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--host", "linux", *FEW]) == 0
    said = capsys.readouterr().out
    first, second = results(said)
    assert (first.host, second.host, first.digest) == ("linux", "bare-memory", second.digest)
    assert "linux and bare-memory: 1 digest" in said
    second.digest = "other"
    assert program.summary([first, second]) == 1
    assert "the hosts do not agree" in capsys.readouterr().out
    assert program.main([*FEW[:2], "--only", "no such body"]) == 1, "nothing that ran is nothing proved"


def test_faults_and_crash(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = "--fs", "fat12-written", "--only"
    assert program.main(["--faults", *chosen, "links_unlink_errors"]) == 0
    assert closing(capsys.readouterr().out).suite == "faults"
    assert program.main(["--crash", *chosen, "contents"]) == 0
    result = closing(capsys.readouterr().out)
    assert (result.suite, result.passed) == ("crash", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"], ["--host"], ["--host", "none"], ["--fs", "none"], ["--crash", "--faults"],
        ["--update", "--only", "x"], ["--update", "--slice"], ["--contract", "--replay", "x"],
    ],
)  # fmt: skip
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    assert "python -m rump.conformance" in capsys.readouterr().err


def test_every_subject_that_is_written_can_lose_power() -> None:
    from rump.conformance.crash import WORKLOADS

    made = [subject.name for subject in SUBJECTS.values() if subject.made_with is not None]
    assert made
    assert all(f"{name}-{script}" in WORKLOADS for name in made for script in ("names", "contents"))
