# SPDX-License-Identifier: BSD-2-Clause
"""The ABI check itself: that it compares what there is, and that a wrong number of each kind is told.

What needs other systems' headers runs by `tox -e abi`; here this machine's own compiler and headers do.
"""

import errno
import os
import re
import runpy
import shutil
import struct
import subprocess
import sys

import pytest
from abi_model import ILP32, ILP32_PACKED, LP64, ROOT, DataModel, load
from abi_probe import Reading, read
from abi_tables import Claim, tables
from abi_verdict import Verdict, report
from abi_zig_tables import numbers

from rump.rumpuser.posix.compiled import PIECES
from rump.rumpuser.posix.layout import Layout

HOSTS = sorted(path.parent.name for path in (ROOT / "rumpuser").glob("*/abi.py"))
NATIVE = DataModel(struct.calcsize("P"), order=sys.byteorder)
HEADERS = ("errno.h", "sys/stat.h", "unistd.h")


@pytest.fixture
def compiler(tmp_path):
    """The system's compiler, as `abi_probe` wants one."""
    name = shutil.which("cc")
    if name is None:
        pytest.skip("no C compiler")

    def compiler(source, result):
        options = ["-c", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"]
        done = subprocess.run([name, *options, str(source), "-o", str(result)], capture_output=True, text=True)
        return done.stderr if done.returncode else ""

    return compiler


def constant(name, value):
    return Claim("table", name, f"(unsigned long long)({name})", value)


def verdict_of(compiler, folder, *claims):
    verdict = Verdict("host", "machine")
    verdict.compare(claims, [("", read(compiler, folder, HEADERS, claims, sys.byteorder))])
    return verdict


@pytest.mark.parametrize("form", ["@hhqqi", "bq", "b3i", "16sHP", "i2q", "Bl", "H0q", "4Q3B", "@n2b0P"])
def test_the_native_model_is_struct(form):
    assert NATIVE.calcsize(form) == struct.calcsize(form)


@pytest.mark.parametrize("model,size", [(LP64, 16), (ILP32, 16), (ILP32_PACKED, 12)])
def test_eight_bytes_are_aligned_as_the_machine_does(model, size):
    assert model.calcsize("iq") == size


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_tables_that_load_for_any_machine(host):
    for model in (LP64, ILP32, ILP32_PACKED):
        stated = tables(host, model, "x86_64")
        assert all(table.headers and table.system and table.claims for table in stated), host
    claims = [claim for table in tables(host, LP64, "x86_64") for claim in table.claims]
    assert len(claims) >= 10
    assert any(claim.label.startswith("sizeof") for claim in claims)


def test_a_table_imports_nothing_of_a_host(tmp_path):
    (tmp_path / "abi.py").write_text("import socket\n")
    with pytest.raises(ImportError, match="socket"):
        load(tmp_path / "abi.py", LP64)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux' headers")
def test_linux_numbers_are_those_of_the_headers_here(compiler, tmp_path):
    stated = tables("linux", NATIVE, os.uname().machine)
    claims = [claim for table in stated for claim in table.claims]
    headers = [header for table in stated for header in table.headers]
    verdict = Verdict("linux", "native")
    verdict.compare(claims, [("", read(compiler, tmp_path, headers, claims, sys.byteorder))])
    assert verdict.wrong == []
    assert verdict.compared == len(claims) > 20


def test_right_numbers(compiler, tmp_path):
    good = [constant("ENOENT", errno.ENOENT), constant("S_IFDIR", 0o40000), constant("SEEK_END", os.SEEK_END)]
    verdict = verdict_of(compiler, tmp_path, *good, constant("-1", (1 << 64) - 1))
    assert verdict.wrong == []
    assert verdict.line() == "abi: host machine: 4 numbers compared, 0 wrong"


def test_a_wrong_constant_is_told_with_both(compiler, tmp_path):
    verdict = verdict_of(compiler, tmp_path, constant("ENOENT", 3), constant("EPERM", 1))
    assert verdict.wrong == ["table: ENOENT is 3; theirs: 2"]
    assert verdict.line() == "abi: host machine: 2 numbers compared, 1 wrong"


@pytest.mark.parametrize("what,expression", [
    ("size", "sizeof(struct timespec)"), ("offset", "offsetof(struct timespec, tv_nsec)"),
    ("member", "sizeof(((struct timespec *)0)->tv_sec)"),
])  # fmt: skip
def test_a_wrong_layout_is_told(compiler, tmp_path, what, expression):
    verdict = verdict_of(compiler, tmp_path, Claim("table", what, expression, 4096))
    assert len(verdict.wrong) == 1
    assert verdict.wrong[0].startswith(f"table: {what} is 4096; theirs: ")


def test_what_a_header_lacks_is_told_by_name(compiler, tmp_path):
    missing = Claim("table", "struct timespec.tv_x", "offsetof(struct timespec, tv_x)", 0)
    verdict = verdict_of(compiler, tmp_path, constant("ENOENT", 2), constant("ENOSUCHTHING", 1), missing)
    assert len(verdict.wrong) == 2
    assert "ENOSUCHTHING" in verdict.wrong[0]
    assert "tv_x" in verdict.wrong[1]


def test_a_header_that_is_not_there(compiler, tmp_path):
    reading = read(compiler, tmp_path, ["errno.h", "no/such.h"], [constant("EPERM", 1)], sys.byteorder)
    assert reading.values == {"EPERM": 1}
    assert reading.missing_headers == ["no/such.h"]


def test_a_number_must_be_right_in_every_source():
    right, wrong = Reading(), Reading()
    right.values, wrong.values = {"X": 1}, {"X": 2}
    verdict = Verdict("host", "tables")
    verdict.compare([Claim("table", "X", "X", 1), Claim("table", "Y", "Y", 1)], [("a", right), ("b", wrong)])
    assert verdict.wrong == ["table: X is 1; b: 2", "table: Y: not in it; not in it"]
    assert verdict.line() == "abi: host tables: 2 numbers compared (a 1, b 1), 2 wrong"


def test_the_last_line_counts(capsys):
    verdict = Verdict("host", "machine")
    assert verdict.did("compiled", "")
    assert not verdict.did("linked", "undefined symbol: nothing")
    verdict.compared = 5
    assert report([verdict]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "host machine: not linked: undefined symbol: nothing",
        "abi: host machine: compiled, 5 numbers compared, 1 wrong",
        "5 passed, 1 failed",
    ]
    assert report([]) == 1


SOME = """
pub const E = enum(u16) {
    PERM = 1,
    @"2BIG" = 7,
};
"""
C = """
pub const E = switch (native_os) {
    .other => u8,
    .some => some.E,
    else => void,
};
pub const F = switch (native_os) {
    .other, .some => struct {
        pub const GETLK = 0x7;
    },
};
pub const O = switch (native_os) {
    .some => packed struct(u32) {
        ACCMODE: std.A = .RDONLY,
        NONBLOCK: bool = false,
        _4: u5 = 0,
        CREAT: bool = false,
        _: u1 = 0,
    },
};
pub const SEEK = switch (native_os) {
    .other => void,
};
"""


def test_tables_of_zig(tmp_path):
    (tmp_path / "std" / "c").mkdir(parents=True)
    (tmp_path / "std" / "c" / "some.zig").write_text(SOME)
    (tmp_path / "std" / "c.zig").write_text(C)
    assert numbers(tmp_path, "some") == {
        "EPERM": 1, "E2BIG": 7, "F_GETLK": 7, "O_NONBLOCK": 4, "O_CREAT": 0x100,
        "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2,
    }  # fmt: skip


def test_layouts_are_those_of_their_header_here(compiler, tmp_path):
    layout = Layout("struct timespec", ("tv_sec", "l"), ("tv_nsec", "l"))
    claims = [Claim("t", "size", f"sizeof({layout.ctype})", layout.size)]
    for name, (offset, _) in layout.fields.items():
        claims.append(Claim("t", name, f"offsetof({layout.ctype}, {name})", offset))
    assert verdict_of(compiler, tmp_path, *claims).wrong == []


def builder():
    pytest.importorskip("cffi")
    return runpy.run_path(str(ROOT / "rumpuser" / "build_ffi.py"))


def functions(builder, host):
    return {name for piece in builder["pieces"](host) for name in re.findall(r"\b(rump_\w+)\(", piece["FUNCTIONS"])}


@pytest.mark.parametrize("host", HOSTS)
def test_cffi_takes_the_pieces_of_every_host(host, tmp_path, capsys):
    made = builder()
    assert callable(made[host])         # what setup.py asks for
    made["make"](host).emit_c_code(str(tmp_path / "module.c"))
    text = (tmp_path / "module.c").read_text()
    found = functions(made, host)
    assert "rump_crc32c" in found
    assert all(f"_cffi_f_{name}(" in text for name in found)


def test_every_piece_that_backends_ask_for_is_some_hosts():
    made = builder()
    found = {name for host in HOSTS for name in functions(made, host)}
    assert set(PIECES.values()) <= found
