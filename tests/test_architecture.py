# SPDX-License-Identifier: BSD-2-Clause
"""The arrows between the parts: who may import whom, read off the source; and the rules that every file keeps."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("rumpuser", "kernel", "drivers", "fsutils", "servers")
PURE = {
    "__future__", "_bisect", "_struct", "array", "binascii", "bisect", "builtins", "codecs", "collections", "enum",
    "functools", "heapq", "itertools", "marshal", "math", "operator", "re", "string", "struct", "types", "typing",
    "unicodedata",
}  # fmt: skip
"""Standard modules that only compute, and that a static CPython has."""
TYPING_ONLY = {"typing_extensions"}
LINES_MAX = 600
SPDX = "# SPDX-License-Identifier: BSD-2-Clause"


def files(*folders):
    """Python files of the checkout below these folders."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found, folders
    return found


def module_of(path):
    """The dotted name that a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[:2] == ("tests", "conformance"):
        parts = ("conformance", *parts[2:])
    return ".".join(("rump", *(part for part in parts if part != "__init__")))


def imports(path, running_only=True):
    """(line, module) of what a file imports; by default not what stands under `if TYPE_CHECKING:`."""
    found = []

    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and running_only:
            for other in node.orelse:
                visit(other)
            return
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found.extend((node.lineno, f"{start}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "import_module"):
            found.append((node.lineno, ast.unparse(node.args[0])))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def within(name, *prefixes):
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def offences(folders, allowed, running_only=True):
    """Imports of files below `folders` that are not `allowed`, as "file:line: module"."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in files(*folders)
        for line, name in imports(path, running_only)
        if not allowed(path, name)
    ]


def is_pure(name):
    return name.partition(".")[0] in PURE


def test_the_kernel_imports_the_interface_and_pure_computing_only():
    """What is loaded by a name in a table - drivers, groups of system calls - is the exception."""
    tables = {"kernel/component.py": "BUILT_IN[name]"}

    def allowed(path, name):
        by_name = tables.get(str(path.relative_to(ROOT))) == name or (path.name == "lwps.py" and "." not in name)
        return is_pure(name) or within(name, "rump.kernel", "rump.rumpuser.interface") or by_name

    assert offences(["kernel"], allowed) == []


SHARED = {"rump.drivers.fs.msdosfs": "rump.drivers.fs.fat", "rump.drivers.fs.exfat": "rump.drivers.fs.fat"}
"""What drivers of one family have in common: driver -> package."""


def test_drivers_import_the_kernel_themselves_and_pure_computing_only():
    def allowed(path, name):
        own = ".".join(module_of(path).split(".")[:4])
        return (
            is_pure(name)
            or within(name, "rump.kernel", "rump.rumpuser.interface.errno", own, SHARED.get(own, own))
            or name == "rump.rumpuser.interface.errno"
        )

    assert offences(["drivers"], allowed) == []


def test_drivers_do_not_know_the_kernels_insides():
    """They see the volume interface, devices, errors, constants, the buffer cache and transactions; no vnodes, lwps
    or mounts."""
    known = (
        "volume", "buffer", "transaction", "ordered", "operation", "abi", "errors", "dev.block", "structure", "record",
        "vfs", "kept", "newfs", "usage", "runs", "calendar", "calendar",
    )  # fmt: skip

    def allowed(path, name):
        inside = name.removeprefix("rump.kernel.").removeprefix("vfs.")
        return not within(name, "rump.kernel") or within(inside, *known) or name == "rump.kernel"

    assert offences(["drivers"], allowed) == []


def test_no_host_imports_what_stands_above_it():
    above = ("rump.kernel", "rump.drivers", "rump.fsutils", "rump.servers", "rump.conformance")
    assert offences(["rumpuser"], lambda path, name: not within(name, *above), running_only=False) == []


def test_the_interface_imports_nothing_of_a_host():
    def allowed(path, name):
        return is_pure(name) or within(name, "rump.rumpuser.interface")

    assert offences(["rumpuser/interface"], allowed) == []


def test_the_bare_backend_imports_nothing_of_a_host():
    """(The interpreter's threads are no host's; a machine takes that piece if its interpreter has some.  The program
    that builds an image is one of the building host, and nothing of the backend imports it.)"""

    def allowed(path, name):
        if (ROOT / "rumpuser" / "bare" / "image") in path.parents:
            return True
        if within(name, "rump.rumpuser.bare.image"):
            return False
        takers = ("rumpuser/pure/threads.py", "rumpuser/bare/metal/", "rumpuser/bare/xen/", "rumpuser/bare/genode/")
        threads = within(name, "_thread") and str(path.relative_to(ROOT)).startswith(takers)
        return threads or is_pure(name) or within(
            name, "rump.rumpuser.interface", "rump.rumpuser.pure", "rump.rumpuser.bare"
        )  # fmt: skip

    bare = ["rumpuser/bare", "rumpuser/pure"]
    assert offences(bare, allowed) == []


def test_hosts_do_not_import_one_another():
    hosts = (
        "linux", "netbsd", "dragonfly", "solaris", "cygwin", "hurd", "freebsd", "openbsd", "macos", "wasi", "bare",
    )  # fmt: skip
    for host in (name for name in hosts if (ROOT / "rumpuser" / name).is_dir()):
        others = [f"rump.rumpuser.{name}" for name in hosts if name != host]
        assert offences([f"rumpuser/{host}"], lambda path, name, others=others: not within(name, *others)) == []


def test_drivers_do_not_import_one_another():
    for package in sorted((ROOT / "drivers" / "fs").iterdir()):
        if package.is_dir() and list(package.glob("*.py")):
            own = f"rump.drivers.fs.{package.name}"
            assert offences(
                [f"drivers/fs/{package.name}"],
                lambda path, name, own=own: not within(name, "rump.drivers") or within(name, own, SHARED.get(own, own)),
            ) == []  # fmt: skip


def test_bodies_import_the_suite_only():
    def allowed(path, name):
        return within(name, "rump.conformance") or name.startswith("__future__") or path.name == "__init__.py"

    assert offences(["tests/conformance/bodies"], allowed) == []


def test_bodies_of_the_contract_import_the_suite_and_the_interface_only():
    def allowed(path, name):
        runs = path.name == "runner.py" and (name == "name" or within(name, "hashlib"))
        return runs or is_pure(name) or within(name, "rump.conformance", "rump.rumpuser.interface")

    assert offences(["tests/conformance/contract"], allowed) == []


def test_bodies_name_no_host_and_no_file_system_under_test():
    """They ask capabilities.  (tmpfs may be mounted beside what is tested.)"""
    names = re.compile(r"subject\.name|HOSTS|SUBJECTS|traits|\bmsdosfs\b|\bplainfs\b|\blinux\b|bare.memory")
    for path in files("tests/conformance/bodies"):
        code = ast.unparse(_without_docstrings(ast.parse(path.read_text())))
        assert names.findall(code) == [], path


def _without_docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return tree


def test_the_platform_is_named_in_one_file():
    readers = re.compile(r"sys\.platform|os\.name\b|os\.uname\(\)(?:\.sysname|\[0)|platform\.system\(")
    found = [
        str(path.relative_to(ROOT)) for path in files(*PARTS, "tests/conformance") if readers.search(path.read_text())
    ]
    assert found == ["rumpuser/host.py"]


@pytest.mark.parametrize("path", files(*PARTS, "tests"), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file(path):
    """The licence in the first line, a docstring behind it, no more lines than one reads, no bare names of folders."""
    text = path.read_text()
    lines = text.splitlines()
    assert lines and lines[0] == SPDX
    assert len(lines) <= LINES_MAX
    assert all(len(line) <= 120 for line in lines)
    assert len(lines) == 1 or ast.get_docstring(ast.parse(text)) or "tests" in path.parts, "no docstring"
    for line, name in imports(path, running_only=False):
        assert name.partition(".")[0] not in PARTS, f"line {line}: say rump.{name}"


BOOT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.path[:0] = {path!r}
import collections
for name in list(sys.modules):
    if name.partition(".")[0] in {blocked!r}:
        del sys.modules[name]
sys.meta_path.insert(0, Blocker())
from rump.kernel import boot, abi
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
with boot(Bare(Memory())) as kernel:
    fd = kernel.lwp.open(b"/tmp/f", abi.O_RDWR | abi.O_CREAT)
    kernel.lwp.write(fd, b"it runs")
    assert kernel.lwp.pread(fd, 10, 0) == b"it runs"
print(*sorted(name for name in sys.modules if name.startswith("rump.")))
"""
HOST_MODULES = (
    "os", "io", "posix", "socket", "threading", "_thread", "time", "mmap", "pathlib", "random", "subprocess",
    "selectors", "signal", "fcntl", "ctypes", "zlib", "hashlib", "dataclasses", "inspect", "importlib", "json",
    "argparse", "logging", "typing", "typing_extensions",
)  # fmt: skip


def test_a_kernel_boots_where_there_is_no_host():
    """In a fresh interpreter, with everything blocked that a bare one may lack."""
    path = [entry for entry in sys.path if entry]
    command = [sys.executable, "-I", "-c", BOOT.format(blocked=HOST_MODULES, path=path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert "rump.kernel.init" in loaded
    assert not [name for name in loaded if within(name, "rump.rumpuser.posix", "rump.rumpuser.linux", "rump.fsutils")]


def test_a_forbidden_import_is_noticed(tmp_path):
    """The walker sees imports wherever they stand."""
    path = tmp_path / "module.py"
    path.write_text("if TYPE_CHECKING:\n import os\nelse:\n import io\ndef f():\n from socket import socket\n")
    assert imports(path) == [(4, "io"), (6, "socket.socket")]
    assert imports(path, running_only=False) == [(2, "os"), (4, "io"), (6, "socket.socket")]
