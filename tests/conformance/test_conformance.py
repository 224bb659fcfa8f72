# SPDX-License-Identifier: BSD-2-Clause
"""The pytest front end: host x file system x body, with ids like ``tmpfs-linux-rename_over_directory``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rump.conformance.bodies import collect, interleaves, suited
from rump.conformance.drivers import SUBJECTS, Subject
from rump.conformance.failing import fail_every_call
from rump.conformance.hosts import HOSTS
from rump.conformance.images import decode, encode, load
from rump.conformance.result import results
from rump.conformance.runner import difference, golden, identifier, run_body
from rump.conformance.selection import representative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.scenario import Body

MODES = {
    "linux": ("linux", False),
    "linux-pure": ("linux-pure", False),
    "linux-isolated": ("linux-isolated", False),
    "bare-memory": ("bare-memory", False),
    "bare-memory-marshal": ("bare-memory", True),
}
BIG = ("fat16", "fat32", "ext2-written", "fat16-written", "fat32-written")
"""Subjects that differ from a smaller one in little; they run in fewer modes."""
SLICE = {(subject, name) for subject, cases in representative().items() for name, _ in cases}


def wanted(mode: str, subject: str, name: str) -> bool:
    """All on two hosts; through marshal what is not big; isolated, and without compiled pieces, which change little,
    the slice."""
    if mode in ("linux-pure", "linux-isolated"):
        return (subject, name) in SLICE and not (mode == "linux-isolated" and interleaves(collect()[name]))
    return mode != "bare-memory-marshal" or subject not in BIG


CASES = [
    pytest.param(mode, subject, name, body, id=identifier(subject.name, mode, name))
    for subject in SUBJECTS.values()
    for mode in MODES
    for name, body in suited(subject, collect()).items()
    if wanted(mode, subject.name, name)
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
    assert len(bodies) >= 300
    assert [name for name, body in bodies.items() if not body.__doc__] == []


def test_the_slice_is_small_and_has_every_driver() -> None:
    assert {SUBJECTS[subject].fstype for subject, _ in SLICE} == {subject.fstype for subject in SUBJECTS.values()}
    assert len(SLICE) * 5 < sum(len(suited(subject, collect())) for subject in SUBJECTS.values())
    assert max(SUBJECTS[subject].size for subject, _ in SLICE) <= 8 << 20


@pytest.mark.parametrize("subject", SMALL)
@pytest.mark.parametrize("host", ["linux", "bare-memory"])
def test_every_hypercall_failed_once(host: str, subject: str) -> None:
    """Only errors come out, nothing leaks, and the kernel can be halted."""
    bodies = collect()
    failed = sum(fail_every_call(host, SUBJECTS[subject], bodies[f"data_{n}"]) for n in ("copied_out", "contents"))
    assert failed >= 4
    if SUBJECTS[subject].read_only:
        assert failed >= 15
        fail_every_call(host, SUBJECTS[subject], bodies["directories_listing"])


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
from rump.conformance.__main__ import main
sys.exit(main([{arguments}]))
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
    arguments = "--host", "bare-memory", "--slice"
    blocked = BLOCKED.format(
        names=HOST_MODULES, path=[p for p in sys.path if p], arguments=", ".join(map(repr, arguments))
    )
    outputs = (
        _python(0, "-m", "rump.conformance", "--host", "linux", "--slice"),
        _python(1, "-m", "rump.conformance", *arguments, "--marshal"),
        _python(4711, "-c", blocked),
    )
    found = [result for output in outputs for result in results(output)]
    assert len(found) == 3
    assert all(result.green for result in found)
    assert len({result.digest for result in found}) == 1


def test_plain_runner_says_what_differs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A transcript that is not the golden one fails, with the first differing line and both its sides."""
    from rump.conformance import __main__ as program
    from rump.conformance import runner

    wanted = {name: list(lines) for name, lines in GOLDEN["tmpfs"].items()}
    wanted["names_empty_path"][1] = "something else"
    monkeypatch.setattr(runner, "golden", lambda subject: wanted)
    assert program.main(["--host", "bare-memory", "--fs", "tmpfs", "--only", "names_empty"]) == 1
    said = capsys.readouterr().out
    assert "FAILED tmpfs-bare-memory-names_empty_path: line 2:" in said
    assert "golden  something else" in said
    assert "0 passed, 1 failed" in said
    assert program.main(["--host", "nowhere"]) == 2


def test_images_come_back_as_they_were() -> None:
    for name in ("ext2", "ext4", "fat12", "fat16"):
        image = load(name)
        assert decode(encode(image)) == image
