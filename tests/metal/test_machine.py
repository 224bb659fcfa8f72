# SPDX-License-Identifier: BSD-2-Clause
"""Time, memory, files, entropy, exceptions: what the kernel gives the interpreter, and how it refuses."""

import re
import subprocess
import sys
import time

import pytest


def _drift(lines):
    """By how much the machine's clock runs away from the host's, as a share.  Lines may come late, never early: of each
    half the one that came soonest counts."""
    points = [(host, float(text)) for host, text in lines]
    half = len(points) // 2
    first, second = (min(part, key=lambda point: point[0] - point[1]) for part in (points[:half], points[half:]))
    return abs((second[0] - first[0]) / (second[1] - first[1]) - 1)


@pytest.mark.parametrize("board", ["microvm", "microvm,pit=off,rtc=on", "q35,hpet=off"])
def test_the_clock_runs_as_the_hosts(machine, board):
    script = "import time\nfor _ in range(24):\n    print(time.monotonic(), flush=True)\n    time.sleep(0.1)\n"
    assert _drift(machine(script, board=board).lines) < 0.04


def test_the_date_is_right(machine):
    ended = machine("import time\nprint(time.time(), flush=True)")
    now = time.time() - (time.monotonic() - ended.lines[0][0])
    assert now - 3 < float(ended.output) < now + 1      # a CMOS clock knows whole seconds


def test_no_clock_at_all(machine):
    ended = machine("", board="microvm,pit=off,rtc=off")
    assert ended.closing == 125
    assert "no clock tells how fast" in ended.log


def test_a_null_pointer(machine):
    ended = machine("from rump.rumpuser.bare import _hyper\nprint('before', flush=True)\n_hyper.load(8, 4)")
    assert (ended.output, ended.closing, ended.status) == ("before\n", 125, 251)
    assert "metal: exception 14 (page fault), error code 0, in thread 1" in ended.log
    assert "metal:   read at address 0000000000000008" in ended.log
    assert all(f" {name} " in ended.log for name in ("rip", "rsp", "rax", "r15"))


@pytest.mark.parametrize(
    ("code", "name"),
    [("_hyper.load(1 << 63, 1)", "general protection"), ("_hyper.store(0xffffffffff, 1, 0)", "page fault")],
)
def test_other_exceptions(machine, code, name):
    ended = machine(f"from rump.rumpuser.bare import _hyper\n{code}")
    assert ended.closing == 125
    assert f"({name})" in ended.log


def test_a_stack_that_overflows_is_caught(machine):
    """In a thread: below its stack is a guard page."""
    script = """
import sys, threading
sys.setrecursionlimit(10**9)
nested = []
for _ in range(200000): nested = [nested]
thread = threading.Thread(target=repr, args=(nested,))
thread.start(); thread.join(); print("never")
"""
    ended = machine(script)
    assert (ended.output, ended.closing) == ("", 125)
    touched = int(re.search("write at address ([0-9a-f]+)", ended.log)[1], 16)
    stack = int(re.search("rsp ([0-9a-f]+)", ended.log)[1], 16)
    assert abs(touched - stack) < 4096


def test_memory_comes_back(ok):
    script = """
for round in range(4):
    block = bytearray(500 << 20)
    block[::1 << 20] = bytes([round]) * 500
    print(block[-1 << 20] == round)
    del block
pieces = [bytearray(100 << 10) for _ in range(3000)]
del pieces[::2]
more = [bytearray(90 << 10) for _ in range(1500)]
del pieces, more
print(len(bytearray(400 << 20)))
grown = bytearray()
for _ in range(100): grown += bytes(1 << 20)
print(len(grown))
"""
    assert ok(script, memory="800M") == "True\n" * 4 + f"{400 << 20}\n{100 << 20}\n"


def test_memory_that_is_not_there(ok):
    script = """
for size in (300 << 20, 1 << 40, 1 << 62):
    try: bytearray(size)
    except MemoryError: print("refused")
print(len(bytearray(50 << 20)) >> 20)
"""
    assert ok(script, memory="256M") == "refused\nrefused\nrefused\n50\n"


def test_memory_above_four_gibibytes(ok):
    script = """
from rump.rumpuser.bare import _hyper as machine
blocks = [bytearray(60 << 20) for _ in range(6)]
for i, block in enumerate(blocks): block[-1] = i
print(max(map(machine.physical, blocks)) >> 32, [block[-1] for block in blocks], machine.MEMORY >> 20)
"""
    output = ok(script, board="q35,max-ram-below-4g=256M", memory="512M")
    assert output == "1 [0, 1, 2, 3, 4, 5] 511\n"


def test_pages_views_and_exchanges(ok):
    script = """
from rump.rumpuser.bare import _hyper as machine
address = machine.pages(4)
view = machine.view(address, 4 * machine.PAGE_SIZE)
print(address % 4096, view.nbytes, view.readonly, any(view))
machine.store(address, 8, 0x1122334455667788)
print(view[:8].hex(), [hex(machine.load(address, width)) for width in (1, 2, 4, 8)])
old = 0x55667788
print(machine.compare_exchange(address, 1, 2) == old, machine.compare_exchange(address, old, 7) == old, view[0])
view[4096:4100] = b"abcd"
print(machine.physical(view[4096:]) - address, bytes(machine.view(address + 4096, 4)))
machine.barrier(); view.release(); machine.pages_free(address, 4)
size = machine.PAGE_SIZE
for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
    block = machine.pages(4 << 10)
    for part in order: machine.pages_free(block + (part << 10) * size, 1 << 10)
    again = machine.pages(4 << 10)
    print(again == block)
    machine.pages_free(again, 4 << 10)
print(machine.pages(4) == address, machine.hypercall(17, 0) , machine.cpuid(1)[3] & 1, machine.MACHINE)
for call in ("port_in(0x80, 3)", "load(4096, 5)", "store(4096, 0, 0)", "port_out(0x80, 8, 0)"):
    try: eval("machine." + call)
    except ValueError as error: print(error)
try: machine.pages(1 << 40)
except MemoryError: print("none")
"""
    lines = ok(script).splitlines()
    assert lines[0] == "0 16384 False False"
    assert lines[1] == "8877665544332211 ['0x88', '0x7788', '0x55667788', '0x1122334455667788']"
    assert lines[2:4] == ["True True 7", "4096 b'abcd'"]
    assert lines[4:8] == ["True", "True", "True", "True -38 1 metal"]
    assert lines[8:] == [f"a width of {width} bytes" for width in (3, 5, 0, 8)] + ["none"]


def test_entropy(machine):
    script = """
import os, sys
from rump.rumpuser.bare import _hyper as machine
machine.random_add(b"more")
found = {os.urandom(16) for _ in range(50)} | {machine.random(16) for _ in range(50)}
with open("/dev/urandom", "rb") as file: found.add(file.read(16))
bits = sum(byte.bit_count() for item in found for byte in item)
print(len(found), 0.47 < bits / (len(found) * 128) < 0.53)
print(machine.random(16).hex())
"""
    first, second = (machine(script, line="PYTHONHASHSEED=0").output.splitlines() for _ in range(2))
    assert first[0] == second[0] == "101 True"
    assert first[1] != second[1]


def test_system_calls_that_are_not_there(machine):
    script = """
import os
for _ in range(2):
    try: os.pipe()
    except OSError as error: print(error.strerror)
try: os.fork()
except OSError as error: print(error.strerror)
"""
    ended = machine(script, line="metal.debug")
    assert (ended.closing, ended.output) == (0, "Function not implemented\n" * 3)
    assert ended.log.count("metal: system call 293 is not there\n") == 1
    assert "is not there" not in machine(script).log


def test_signals_are_remembered_and_abort_ends_the_machine(machine):
    script = """
import os, signal
before = signal.getsignal(signal.SIGUSR1)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
print(before, signal.signal(signal.SIGUSR1, before), signal.pthread_sigmask(signal.SIG_BLOCK, {1, 2}))
print(signal.pthread_sigmask(signal.SIG_SETMASK, ()) == {1, 2})
os.kill(os.getpid(), 0)
os.kill(os.getpid(), signal.SIGWINCH)
os.abort()
"""
    ended = machine(script, line="PYTHONUNBUFFERED=1")
    assert ended.output == "0 1 set()\nTrue\n"
    assert ended.closing == 127
    assert "metal: signal 6 ends the program" in ended.log


FILES = """
import errno, os, shutil, stat, sys
os.chdir(sys.argv[1] if len(sys.argv) > 1 else "/tmp")
os.umask(0o27)

def tell(what, function, *arguments, **named):
    try:
        result = function(*arguments, **named)
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(what, result)

def status(path, **named):
    found = os.stat(path, **named)
    return stat.filemode(found.st_mode), found.st_size, found.st_mtime_ns

def put(path, data, mode="wb"):
    with open(path, mode) as file:
        return file.write(data)

def get(path):
    with open(path, "rb") as file:
        return file.read()

tell("put", put, "a", b"hello")
tell("append", put, "a", b" world", "ab")
tell("exclusive", put, "a", b"", "xb")
tell("get", get, "a")
tell("missing", get, "nothing")
tell("below a file", get, "a/b")
tell("slash behind a file", get, "a/")
tell("mkdir", os.mkdir, "d", 0o777)
tell("mkdir again", os.mkdir, "d")
tell("mkdir below nothing", os.mkdir, "no/d")
tell("deep", os.makedirs, "d/e/f")
tell("open a folder", put, "d", b"")
tell("unlink a folder", os.unlink, "d")
tell("rmdir a file", os.rmdir, "a")
tell("rmdir a full one", os.rmdir, "d")
tell("rename", os.rename, "a", "d/b")
tell("rename into itself", os.rename, "d", "d/e/g")
tell("rename over a full folder", os.rename, "d/e", "d")
put("c", b"other")
tell("rename over a file", os.rename, "c", "d/b")
tell("got", get, "d/b")
tell("rename a file over a folder", os.rename, "d/b", "d/e")
tell("rename a folder over a file", os.rename, "d/e", "d/b")
tell("symlink", os.symlink, "d/b", "l")
tell("through it", get, "l")
tell("readlink", os.readlink, "l")
tell("readlink of a file", os.readlink, "d/b")
tell("a loop", os.symlink, "loop", "loop")
tell("round it", get, "loop")
for i in range(30): os.symlink(f"link-{i - 1}" if i else "d/b", f"link-{i}")
tell("a chain", get, "link-29")
for i in range(30): os.unlink(f"link-{i}")
tell("dangling", os.symlink, "new", "dangling")
tell("create through it", put, "dangling", b"made")
tell("made", get, "new")
tell("link to a folder", os.symlink, "d/e", "folder")
tell("in it", put, "folder/x", b"x" * 10000)
tell("up from it", lambda: sorted(os.listdir("folder/..")))
tell("kinds", lambda: [stat.filemode(os.lstat(name).st_mode) for name in ("l", "d", "new")])
tell("chmod", os.chmod, "d/b", 0o640)
tell("utime", os.utime, "d/b", ns=(5, 1234567890))
tell("status", status, "d/b")
tell("truncate", os.truncate, "d/b", 2)
tell("longer", os.truncate, "d/b", 5)
tell("got", get, "d/b")
tell("truncate a folder", os.truncate, "d", 0)
descriptor = os.open("d/b", os.O_RDWR)
tell("pwrite", os.pwrite, descriptor, b"zz", 8)
tell("pread", os.pread, descriptor, 100, 0)
tell("seek", os.lseek, descriptor, -3, os.SEEK_END)
tell("seek before", os.lseek, descriptor, -30, os.SEEK_END)
tell("read", os.read, descriptor, 9)
copy = os.dup(descriptor)
tell("dup shares the offset", os.lseek, copy, 1, os.SEEK_SET)
tell("so", os.lseek, descriptor, 0, os.SEEK_CUR)
os.unlink("d/b")
tell("unlinked but open", os.pread, descriptor, 3, 7)
tell("links", lambda: os.fstat(descriptor).st_nlink)
os.close(descriptor); os.close(copy)
tell("closed", os.close, descriptor)
tell("write what is read only", lambda: os.write(os.open("new", os.O_RDONLY), b"x"))
tell("long name", put, "n" * 256, b"")
tell("longest name", put, "n" * 255, b"")
tell("copytree", lambda: shutil.copytree("d", "tree", symlinks=True))
tell("walk", lambda: [(top, sorted(folders), sorted(names)) for top, folders, names in sorted(os.walk("."))])
tell("cwd", lambda: (os.chdir("d/e/f"), os.getcwd().endswith("/d/e/f"), os.chdir("../../.."))[1])
folder = os.open("d", os.O_RDONLY | os.O_DIRECTORY)
tell("openat", lambda: os.close(os.open("made-here", os.O_CREAT | os.O_WRONLY, dir_fd=folder)))
tell("statat", lambda: stat.filemode(os.stat("made-here", dir_fd=folder).st_mode))
tell("renameat", os.rename, "made-here", "moved", src_dir_fd=folder)
tell("unlinkat", os.unlink, "moved")
tell("directory of a file", os.open, "new", os.O_DIRECTORY)
tell("no-follow", os.open, "l", os.O_NOFOLLOW)
tell("access", os.access, "nothing", os.F_OK)
for i in range(300): put(f"d/e/many-{i}", b"")
tell("chown", lambda: (os.chown("new", 7, 8), os.lchown("l", 9, -1), os.stat("new")[4:6], os.lstat("l").st_uid))
tell("many", lambda: len(os.listdir("d/e")))
for name in os.scandir("d/e"):
    if name.is_file(): os.unlink(name)
tell("few", lambda: sorted(os.listdir("d/e")))
tell("sparse", os.truncate, "new", 3 << 20)
tell("its end", lambda: (os.stat("new").st_size, get("new").rstrip(bytes(1))))
tell("rmtree", shutil.rmtree, "tree")
tell("left", lambda: sorted(os.listdir(".")))
"""


def test_files_behave_as_on_linux(ok, tmp_path):
    """The same script here and there."""
    script, folder = tmp_path / "files.py", tmp_path / "work"
    script.write_text(FILES)
    folder.mkdir()
    here = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=True)
    there = ok(FILES)
    assert there.splitlines() == here.stdout.splitlines()
    assert len(there.splitlines()) > 60


def test_the_library_is_there(ok):
    """What people import without a thought, and nothing that would need another process."""
    names = (
        "argparse", "array", "ast", "asyncio", "base64", "binascii", "bisect", "collections", "contextlib", "csv",
        "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "importlib",
        "inspect", "io", "itertools", "json", "logging", "math", "pathlib", "pickle", "queue", "random", "re",
        "secrets", "select", "shutil", "statistics", "string", "struct", "tempfile", "textwrap", "threading",
        "traceback", "typing", "unicodedata", "unittest", "uuid", "weakref", "xml.etree.ElementTree", "zipfile", "zlib",
    )  # fmt: skip
    script = f"for name in {names}: __import__(name)\nimport decimal, sys\nprint(decimal.Decimal(1) / 7, sys.platform)"
    assert ok(script) == "0.1428571428571428571428571429 linux\n"


def test_the_kernel_of_rump_runs(ok):
    script = """
from rump.kernel import abi, boot
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
with boot(Bare(Memory())) as kernel:
    fd = kernel.lwp.open(b"/tmp/f", abi.O_RDWR | abi.O_CREAT)
    print(kernel.lwp.write(fd, b"it runs"))
import rump.conformance
print(len(rump.conformance.__loader__.get_data("/lib/site/rump/conformance/golden/tmpfs.txt")) > 1000)
"""
    assert ok(script) == "7\nTrue\n"
