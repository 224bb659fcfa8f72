# SPDX-License-Identifier: BSD-2-Clause
"""The bare backend needs nothing of a host: it runs where everything that reaches one is taken away."""

import os
import subprocess
import sys

PROGRAM = """
import sys

# All but _io, with which the interpreter itself reads our files.
FORBIDDEN = (
    "os", "posix", "io", "socket", "_socket", "threading", "_thread", "select", "mmap", "time", "pathlib",
    "random", "_random", "subprocess", "fcntl", "ctypes", "_ctypes", "signal", "_signal", "tempfile", "shutil",
    "asyncio", "zlib", "_cffi_backend", "errno", "typing", "dataclasses", "enum", "inspect", "typing_extensions",
)


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise AssertionError(f"{name} is imported")
        return None


sys.path[:0] = sys.argv[1].split(":")
import rump     # a namespace; finding it is the interpreter's business
before = set(sys.modules)
for name in FORBIDDEN:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocker())

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface.hypercalls import *

host = Bare(Memory(now=10, seed=1))
made = []
host.init(VERSION, Upcalls(lambda: made.append("+"), lambda: made.append("-")))
handle = host.open(b"disk", OPEN_RDWR | OPEN_CREATE)
assert host.write(handle, b"123456789", 5) == 9
buffer = bytearray(20)
assert host.read(handle, buffer, 0) == 14
assert buffer == bytes(5) + b"123456789" + bytes(6)
assert host.crc32c(0xFFFFFFFF, buffer[5:14]) ^ 0xFFFFFFFF == 0xE3069283
assert host.crc32c_many([0], bytes(2048), 0, 256, 256, 8) == [0] * 8
host.clock_sleep(CLOCK_RELWALL, 32)
assert host.clock_gettime(CLOCK_RELWALL) == 42
assert len(host.getrandom(10)) == 10
mutex = host.mutex_create()
mutex.acquire()
assert host.condition_create(mutex).wait(8) is False
assert host.clock_gettime(CLOCK_ABSMONO) == 40
try:
    host.open(b"missing", 0)
except HostError as error:
    assert error.errno == 2
host.console_write(b"done")
assert host.platform.console == b"done"
assert made == ["-", "+"] * 5, made
loaded = sorted(set(sys.modules) - before)
assert all(name.startswith("rump.") or name == "__future__" for name in loaded), loaded
print("alone")
"""


def _run(program):
    command = [sys.executable, "-I", "-S", "-c", program, ":".join(path for path in sys.path if path)]
    return subprocess.run(command, capture_output=True, check=False)


def test_the_bare_backend_alone():
    ended = _run(PROGRAM)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"alone\n", b"")


def test_the_blocker_blocks():
    program = PROGRAM.replace("host = Bare", "import socket\nhost = Bare")
    ended = _run(program)
    assert ended.returncode != 0
    assert b"socket is imported" in ended.stderr


def test_it_stays_small():
    """At most 240 lines of code: without empty lines, comments and docstrings."""
    import rump.rumpuser.bare as bare

    folder = os.path.dirname(bare.__file__)
    files = [os.path.join(folder, *name) for name in (("__init__.py",), ("platform.py",), ("memory", "__init__.py"))]
    assert sum(_lines_of_code(file) for file in files) <= 240


def _lines_of_code(path):
    import ast
    import tokenize

    with tokenize.open(path) as file:
        text = file.read()
    documented = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            documented.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    code = set()
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(iter(text.splitlines(keepends=True)).__next__):
        if token.type not in silent:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documented)
