# SPDX-License-Identifier: BSD-2-Clause
"""The Genode platform: compiled as a component's code is, and run against a simulation of the sessions."""

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

import pytest

from rump.conformance.contract import run_contract
from rump.conformance.hosts import HOSTS
from rump.conformance.machines.bare import OnDisk
from rump.conformance.machines.base import SIMULATED
from rump.conformance.report import Report
from rump.conformance.runner import run
from rump.conformance.selection import representative
from rump.rumpuser.bare import genode
from rump.rumpuser.bare.discard import Discards
from rump.rumpuser.bare.genode.platform import Genode
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError

FOLDER = Path(genode.__file__).parent
HERE = Path(__file__).parent
SOURCES = sorted((FOLDER / "_c").glob("*.cc"))
INCLUDES = [f"-I{FOLDER / 'declarations'}", f"-I{FOLDER / '_c'}"]
SUBJECTS = "tmpfs", "ext2-written", "fat12-written"
STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Werror"]
FREESTANDING = ["-ffreestanding", "-nostdinc++", "-fno-exceptions", "-fno-rtti"]

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler here")


@pytest.mark.parametrize("source", [path for path in SOURCES if path.name != "module.cc"], ids=lambda path: path.name)
def test_it_needs_nothing_but_genodes_interface(source, tmp_path):
    """Without the C++ library and without an operating system's headers."""
    subprocess.run(["g++", *STRICT, *FREESTANDING, *INCLUDES, "-c", source, "-o", tmp_path / "object"], check=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The module with the simulation in it: one for all tests, as a component has one set of sessions."""
    headers = sysconfig.get_path("include")
    if not (Path(headers) / "Python.h").exists():
        pytest.skip("no Python.h here")
    built = tmp_path_factory.mktemp("genode") / "_genode.so"
    command = ["g++", *STRICT, "-Wno-missing-field-initializers", "-O1", "-fPIC", "-shared", f"-I{headers}", *INCLUDES]
    subprocess.run([*command, *SOURCES, HERE / "simulation.cc", "-o", built], check=True)
    return built


@pytest.fixture(scope="module")
def simulation(library):
    found = ctypes.CDLL(str(library))
    found.simulation_start()
    return found


@pytest.fixture(scope="module")
def module(library, simulation):
    loader = ExtensionFileLoader("_genode", str(library))
    found = importlib.util.module_from_spec(importlib.util.spec_from_loader("_genode", loader))
    loader.exec_module(found)
    return found


@pytest.fixture
def platform(module):
    return Genode(module)


@pytest.fixture
def disk(platform):
    return platform.device(b"disk0", False)


class GenodeMachine(OnDisk):
    """Images on the disk of the simulation."""

    how = SIMULATED

    def __init__(self, module):
        class Host(Discards):
            pass

        self._bare = Host(Genode(module))
        self._disk = self._bare.platform.files[b"disk0"]
        self._end, self._names = 0, set()

    def address(self, view):
        return ctypes.addressof(ctypes.c_char.from_buffer(view))

    def network(self):
        return None


def value(simulation, name):
    return ctypes.c_long.in_dll(simulation, name)


def test_time(platform):
    before = platform.monotonic()
    platform.block_until(before + 1_234_567)
    assert before + 1_234_567 <= platform.monotonic() <= before + 1_236_000
    platform.block_until(0)


def test_the_date(platform):
    assert platform.epoch_offset() + platform.monotonic() == 1_600_000_000_250_000_000


def test_the_console_takes_all(platform, simulation):
    start = value(simulation, "simulation_console_length").value
    platform.console_write(bytes(range(256)) * 3)
    shown = (ctypes.c_char * 65536).in_dll(simulation, "simulation_console").raw
    assert shown[start : start + 768] == bytes(range(256)) * 3


def test_entropy_is_all_that_was_asked_for(platform):
    drawn = platform.entropy(1000)
    assert len(drawn) == 1000
    assert len({drawn[start : start + 10] for start in range(0, 1000, 10)}) == 100
    assert platform.entropy(0) == b""


def test_no_negative_entropy(platform):
    with pytest.raises(ValueError, match="negative"):
        platform.entropy(-1)


@pytest.mark.parametrize(("offset", "length"), [(0, 512), (1000, 5), (511, 2), (4096, 400_000), (513, 300_001)])
def test_the_disk(disk, offset, length):
    data = bytes(number * 7 % 256 for number in range(length))
    disk.write(memoryview(data), offset)
    found = bytearray(length + 2)
    disk.read(memoryview(found), max(0, offset - 1))
    start = min(offset, 1)
    assert found[start : start + length] == data


def test_long_transfers_are_several_packets(disk, simulation):
    before = value(simulation, "simulation_packets").value
    disk.read(memoryview(bytearray(1 << 20)), 0)
    assert value(simulation, "simulation_packets").value - before == 8


def test_sync_and_discard(disk, simulation):
    before = value(simulation, "simulation_syncs").value
    disk.sync()
    assert value(simulation, "simulation_syncs").value == before + 1
    disk.write(memoryview(b"x" * 2048), 0)
    disk.discard(1, 1600)
    found = bytearray(2048)
    disk.read(memoryview(found), 0)
    assert found == b"x" * 512 + bytes(1024) + b"x" * 512


def test_refusals_are_errors(disk, simulation):
    fail = value(simulation, "simulation_fail")
    fail.value = 1
    try:
        for call, arguments in (
            (disk.read, (memoryview(bytearray(512)), 0)),
            (disk.write, (memoryview(bytes(512)), 0)),
            (disk.sync, ()),
            (disk.discard, (0, 4096)),
        ):
            with pytest.raises(HostError) as raised:
                call(*arguments)
            assert raised.value.errno == e.EIO
    finally:
        fail.value = 0


@pytest.mark.parametrize(("offset", "length"), [(1, 512), (0, 100), (1 << 62, 512), (512 << 20, 512)])
def test_the_component_checks_ranges_itself(module, offset, length):
    assert not module.read(bytearray(length), offset)
    assert not module.write(bytes(length), offset)


def test_the_end(library):
    """In a process of its own, which ends with the status."""
    program = """
import ctypes, importlib.util, sys
from importlib.machinery import ExtensionFileLoader
ctypes.CDLL(sys.argv[1]).simulation_start()
loader = ExtensionFileLoader("_genode", sys.argv[1])
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("_genode", loader))
loader.exec_module(module)
module.halt(7)
"""
    assert subprocess.run([sys.executable, "-c", program, library], check=False).returncode == 7


def test_the_contract(module):
    said = []
    result = run_contract("simulated-genode", Report(said.append), make=lambda: GenodeMachine(module))
    assert result.failed == 0, said
    assert result.passed > 30


def test_a_slice_of_the_suite(module, monkeypatch):
    monkeypatch.setitem(HOSTS, "simulated-genode", lambda: GenodeMachine(module))
    chosen = {name: rows for name, rows in representative().items() if name in SUBJECTS}
    said = []
    hosts = "bare-memory", "simulated-genode"
    results = {host: run(host, chosen, Report(said.append), selection="slice") for host in hosts}
    assert [result.failed for result in results.values()] == [0, 0], said[:5]
    assert len({result.digest for result in results.values()}) == 1
    assert results["simulated-genode"].passed > 10
