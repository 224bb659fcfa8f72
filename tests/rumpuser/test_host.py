# SPDX-License-Identifier: BSD-2-Clause
"""Choosing the host, and what starting one costs."""

import os
import subprocess
import sys

import pytest

from rump.rumpuser import host

HEAVY = {
    "dataclasses", "inspect", "enum", "pathlib", "subprocess", "typing", "threading", "json", "re", "functools",
    "collections", "importlib.metadata", "importlib.util", "_cffi_backend", "rump.rumpuser.linux._ffi",
    "rump.rumpuser.pure.crc32c", "contextlib", "logging", "random", "tempfile", "array", "select",
}  # fmt: skip


def _program(text):
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = sys.argv[1].split(':'); {text}"]
    return subprocess.run([*command, ":".join(sys.path)], capture_output=True, check=True).stdout.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="another host")
def test_linux():
    assert host.default().traits.name == "linux"


def test_another_platform_is_named(monkeypatch):
    monkeypatch.setattr(host.sys, "platform", "plan9")
    with pytest.raises(NotImplementedError, match="'plan9'"):
        host.default()


@pytest.mark.skipif(sys.platform != "linux", reason="another host")
def test_nothing_heavy_is_imported_at_start():
    text = (
        "from rump.rumpuser.host import default; h = default(); h.open(b'/', 0); h.traits.threads; "
        "print(*sys.modules, sep='\\n')"
    )
    assert set(_program(text).split()) & HEAVY == set()


def test_the_platform_is_read_in_one_file_only():
    root = os.path.dirname(host.__file__)
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".py"):
                with open(path, encoding="utf-8") as file:
                    if "sys.platform" in file.read():
                        found.append(os.path.relpath(path, root))
    assert found == ["host.py"]


@pytest.mark.skipif(sys.platform != "linux", reason="another host")
def test_compiled_pieces_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("RUMP_NATIVE", "0")
    linux = host.default()
    assert linux.traits.compiled == ()
    assert not linux.traits.punches_holes
    assert linux.crc32c.__module__ == "rump.rumpuser.posix.crc"
    linux.crc32c(0, b"")
    assert linux.crc32c.__module__ == "rump.rumpuser.pure.crc32c"


@pytest.mark.skipif(sys.platform != "linux", reason="another host")
def test_a_broken_compiled_module_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "rump.rumpuser.linux._ffi", None)
    import rump.rumpuser.linux

    monkeypatch.delattr(rump.rumpuser.linux, "_ffi", raising=False)
    linux = host.default()
    assert linux.traits.compiled == ()
    assert linux.crc32c(0xFFFFFFFF, b"123456789") ^ 0xFFFFFFFF == 0xE3069283
