# SPDX-License-Identifier: BSD-2-Clause
"""The programs that run the suites on other hosts, and the page of what they found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "tests" / "hosts"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python tests/hosts``."""
    return subprocess.run([sys.executable, str(PROGRAM), *words], env={**ENVIRONMENT, **environment},
                          capture_output=True, text=True, check=False, timeout=200)  # fmt: skip


def test_the_page_is_that_of_the_records() -> None:
    assert run("--page").stdout == (ROOT / "HOSTS.md").read_text(encoding="utf-8")


def test_records_say_what_they_must() -> None:
    records = [json.loads(path.read_text()) for path in sorted((PROGRAM / "records").glob("*.json"))]
    assert records
    for record in records:
        assert record["verified"] in ("executed", "compiled + ABI-checked", "simulated"), record["host"]
        assert record["bodies"]["failed"] == record["contract"]["failed"] == 0, record["host"]
        assert record["bodies"]["passed"] and record["contract"]["passed"] and len(record["digest"]) == 64
        assert (ROOT / record["backend"]).is_dir()
        if record["verified"] != "executed":
            assert record["documents"], f"{record['host']}: which documents does the model follow?"
    for selection in ("all", "slice"):
        digests = {record["digest"] for record in records if record["selection"] == selection}
        assert len(digests) <= 1, f"{selection}: {digests}"


def test_every_workflow_says_that_it_was_not_run() -> None:
    for path in sorted((ROOT / "docs" / "ci").glob("*.yml")):
        assert "Not run here" in path.read_text()
        assert path.name in (ROOT / "docs" / "ci" / "README.md").read_text()


def test_hosts_that_are_not_there() -> None:
    done = run("nowhere")
    assert done.returncode == 1 and "no such host" in done.stdout
    assert run("--nothing").returncode == 2
    assert "s390x" in run("--list").stdout


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A folder with an ssh that goes nowhere: what the other side's shell would run is run here."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1 $2" = "-o BatchMode=yes" ] || exit 8\nshift 3\nexec sh -c "$*"\n')
    program.chmod(0o755)
    return program.parent


@pytest.mark.slow
def test_over_ssh(ssh: Path) -> None:
    """Both suites there and here; nothing stays."""
    path = f"{ssh}{os.pathsep}{os.environ['PATH']}"
    left = ssh.parent / "tmp"
    left.mkdir()
    done = run("ssh:somebody@somewhere", PATH=path, TMPDIR=str(left), RUMP_REMOTE_PYTHON=sys.executable)
    assert done.returncode == 0, done.stdout
    assert "ssh:somebody@somewhere: OK" in done.stdout
    assert list(left.iterdir()) == []


def test_a_log_that_does_not_close_is_no_success(ssh: Path) -> None:
    """Whatever the exit status."""
    (ssh / "ssh").write_text("#!/bin/sh\ncat > /dev/null\necho '12 passed, 0 failed'\n")
    done = run("ssh:somewhere", PATH=f"{ssh}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 1 and "does not close" in done.stdout
