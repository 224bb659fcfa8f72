# SPDX-License-Identifier: BSD-2-Clause
"""The pytest front end: host x file system x body, with ids like ``tmpfs-linux-rename.over_directory``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rump.conformance.bodies import collect, suited
from rump.conformance.drivers import SUBJECTS, Subject
from rump.conformance.failing import fail_every_call
from rump.conformance.hosts import HOSTS
from rump.conformance.images import decode, encode, load
from rump.conformance.runner import difference, golden, run_body
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.replay import Replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.scenario import Body

MODES = {
    "linux": ("linux", False),
    "linux-pure": ("linux-pure", False),
    "bare-memory": ("bare-memory", False),
    "bare-memory-marshal": ("bare-memory", True),
}
BIG = ("fat16", "fat32", "ext2-written", "fat16-written", "fat32-written")
"""Subjects that differ from a smaller one in little; they run in fewer modes."""
CASES = [
    pytest.param(mode, subject, name, body, id=f"{subject.name}-{mode}-{name}")
    for subject in SUBJECTS.values()
    for mode in MODES
    if subject.name not in BIG or mode in ("linux", "bare-memory")
    for name, body in suited(subject, collect()).items()
]
GOLDEN = {name: golden(subject) for name, subject in SUBJECTS.items()}
SMALL = [name for name in SUBJECTS if name not in BIG]


@pytest.mark.parametrize(("mode", "subject", "name", "body"), CASES)
def test_body(mode: str, subject: Subject, name: str, body: Body) -> None:
    """A body passes, and its transcript is the golden one."""
    host, marshal = MODES[mode]
    with HOSTS[host]() as machine:
        outcome = run_body(machine, subject, name, body, marshal=marshal)
    problem = difference(outcome, GOLDEN[subject.name].get(name))
    if problem is not None:
        pytest.fail(problem, pytrace=False)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_golden_files_hold_every_body_and_no_other(subject: str) -> None:
    assert list(GOLDEN[subject]) == list(suited(SUBJECTS[subject], collect()))


def test_bodies_say_what_they_prove() -> None:
    bodies = collect()
    assert len(bodies) >= 120
    assert [name for name, body in bodies.items() if not body.__doc__] == []


@pytest.mark.parametrize("subject", SMALL)
def test_recorded_on_linux_and_replayed(subject: str) -> None:
    """The same system calls on the replay host give the same transcript, without a single real hypercall."""
    for name in ("data.parts", "data.copied_out", "directories.listing", "processes.change_directory", "xattrs.read"):
        _record_and_replay(SUBJECTS[subject], name, collect()[name])


def _record_and_replay(subject: Subject, name: str, body: Body) -> None:
    lines: list[bytes] = []
    with HOSTS["linux"]() as machine:
        first = run_body(machine, subject, name, body, recorded=True, wrap=lambda host: Record(host, lines.append))
        replay = Replay(lines)
        second = run_body(machine, subject, name, body, recorded=True, wrap=lambda host: replay)
    assert difference(first, GOLDEN[subject.name][name]) is None
    if not subject.read_only:
        # Nothing was written the second time: what would have been is held against the recording, write by write.
        second.lines[:] = [line for line in second.lines if not line.startswith("image ")]
        first.lines[:] = [line for line in first.lines if not line.startswith("image ")]
    assert difference(second, first.lines) is None
    replay.finish()


@pytest.mark.parametrize("subject", SMALL)
@pytest.mark.parametrize("host", ["linux", "bare-memory"])
def test_every_hypercall_failed_once(host: str, subject: str) -> None:
    """Only errors come out, nothing leaks, and the kernel can be halted."""
    bodies = collect()
    failed = sum(fail_every_call(host, SUBJECTS[subject], bodies[f"data.{n}"]) for n in ("copied_out", "contents"))
    assert failed >= 4
    if SUBJECTS[subject].read_only:
        assert failed >= 15
        fail_every_call(host, SUBJECTS[subject], bodies["directories.listing"])


BLOCKED = """
import sys
NAMES = {names!r}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ImportError(name + " is blocked")
sys.path[:0] = {path!r}
import marshal, struct, hashlib, binascii, bisect, heapq, collections, typing
for name in list(sys.modules):
    if name.partition(".")[0] in NAMES:
        del sys.modules[name]
sys.meta_path.insert(0, Blocker())
from rump.conformance.runner import run
sys.exit(run("bare-memory", {subjects!r}, sys.stdout.write).failed)
"""
HOST_MODULES = (
    "os", "io", "posix", "socket", "threading", "_thread", "time", "mmap", "pathlib", "random", "subprocess",
    "selectors", "signal", "fcntl", "ctypes", "zlib", "tempfile", "shutil", "argparse", "logging", "asyncio",
)  # fmt: skip


def _python(seed: int, *command: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_digest_whatever_the_host_mode_and_hash_seed() -> None:
    """Three hash seeds, two hosts, marshalled or not - and once without anything a host's modules offer."""
    selected = [argument for name in SMALL for argument in ("--fs", name)]
    outputs = {
        _python(0, "-m", "rump.conformance", "--host", "linux", *selected),
        _python(1, "-m", "rump.conformance", "--host", "bare-memory", "--marshal", *selected),
        _python(4711, "-c", BLOCKED.format(names=HOST_MODULES, path=[p for p in sys.path if p], subjects=SMALL)),
    }
    assert len(outputs) == 1, outputs
    assert " 0 failed\ndigest " in outputs.pop()


def test_plain_runner_says_what_differs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A transcript that is not the golden one fails, with the first differing line and both its sides."""
    from rump.conformance import __main__ as program
    from rump.conformance import runner

    wanted = {name: list(lines) for name, lines in GOLDEN["tmpfs"].items()}
    wanted["names.empty_path"][1] = "something else"
    monkeypatch.setattr(runner, "golden", lambda subject: wanted)
    assert program.main(["--host", "bare-memory", "--fs", "tmpfs", "--only", "names.empty"]) == 1
    said = capsys.readouterr().out
    assert "FAILED tmpfs-bare-memory-names.empty_path: line 2:" in said
    assert "golden  something else" in said
    assert "0 passed, 1 failed" in said
    assert program.main(["--host", "nowhere"]) == 2


def test_images_come_back_as_they_were() -> None:
    for name in ("ext2", "ext4", "fat12", "fat16"):
        image = load(name)
        assert decode(encode(image)) == image
