# SPDX-License-Identifier: BSD-2-Clause
"""The workloads of power loss, on several hosts; and that they fail when syncs are ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from rump.conformance import crash
from rump.rumpuser.middleware.powerloss import Lost

WORKLOADS = pytest.mark.parametrize("workload", crash.WORKLOADS.values(), ids=lambda workload: workload.name)
HOSTS = pytest.mark.parametrize("host", ["linux", "linux-pure", "bare-memory"])


@HOSTS
@WORKLOADS
def test_every_state_is_as_it_must_be(host: str, workload: crash.Workload) -> None:
    assert crash.run(host, workload, seed=1, count=500, barriers=True) > (workload.most or 500)


@WORKLOADS
def test_without_barriers_it_fails(workload: crash.Workload) -> None:
    with pytest.raises(Lost, match="barriers dropped"):
        crash.run("bare-memory", workload, seed=1, count=500, barriers=False)


@WORKLOADS
def test_states_are_the_same_on_every_host(workload: crash.Workload) -> None:
    made = [[crash.again(host, workload, 3, index, True) for index in range(3)] for host in ("linux", "bare-memory")]
    assert [state.image() for state in made[0]] == [state.image() for state in made[1]]
    assert list(map(str, made[0])) == list(map(str, made[1]))


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert crash.main(["--count", "10", "--workload", "synced"]) == 0
    assert capsys.readouterr().out.startswith("synced: 5")
    assert crash.main(["--no-barriers", "--seed", "2", "--workload", "synced"]) == 1
    failed = capsys.readouterr().out
    index = failed.split(" index ")[1].split(",")[0]
    saved = str(tmp_path / "image")
    again = ["--no-barriers", "--workload", "synced", "--seed", "2", "--index", index, "--save", saved]
    assert crash.main(again) == 1
    assert capsys.readouterr().out == failed
    assert (tmp_path / "image").stat().st_size == 32768
    assert crash.main(["--index", "3", "--workload", "synced"]) == 0
    assert "seed 1 index 3: " in capsys.readouterr().out
    for wrong in (["--seed"], ["--seed", "x"], ["--host", "none"], ["--workload", "none"]):
        assert crash.main(wrong) == 2
