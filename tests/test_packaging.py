# SPDX-License-Identifier: BSD-2-Clause
"""What the installed distribution holds."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys

import pytest


def _files() -> list[importlib.metadata.PackagePath]:
    """The files of an installed wheel; from a checkout there is nothing to look at."""
    try:
        files = importlib.metadata.files("rumpkernel")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    if not files or any("__editable__" in str(file) for file in files):
        pytest.skip("an editable installation")
    return [file for file in files if "__pycache__" not in file.parts]


def test_only_rump_is_installed() -> None:
    """`kernel`, `drivers` or `tests` in site-packages would clash with everybody's."""
    tops = {file.parts[0] for file in _files()} - {".."}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rump"}
    names = ("kernel", "drivers", "rumpuser", "fsutils", "servers", "tests", "conformance")
    script = f"import importlib.util as u; print([name for name in {names} if u.find_spec(name)])"
    found = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True, text=True)
    assert found.stdout == "[]\n"


def test_every_part_is_there_and_typed() -> None:
    """Each part of the namespace is marked as typed; the conformance suite comes along with its data."""
    names = {str(file) for file in _files()}
    for part in ("rumpuser", "kernel", "drivers", "fsutils", "servers", "conformance"):
        assert f"rump/{part}/py.typed" in names, part
    assert any(name.startswith("rump/conformance/golden/") for name in names)
    assert "rump/conformance/bodies/__init__.py" in names
    assert "rump/fsutils/example/disk.img.xz" in names
    for name in ("_hyper.pyi", "metal/_c/entry.S", "metal/_c/kernel.ld", "metal/_c/kernel.h", "metal/_c/python/main.c"):
        assert f"rump/rumpuser/bare/{name}" in names, name      # what an image is built from
    for name in ("_genode.pyi", "_c/module.cc", "_c/platform.h", "declarations/base/env.h"):
        assert f"rump/rumpuser/bare/genode/{name}" in names, name       # what a component is built from


def test_pages_and_completions_are_there() -> None:
    """What man and the shells of the host look for."""
    from rump.fsutils.main import VERBS

    names = {str(file) for file in _files()}
    for name in ("man/man1/fsu.1", *(f"man/man1/fsu-{verb}.1" for verb in VERBS), "bash-completion/completions/fsu",
                 "zsh/site-functions/_fsu", "fish/vendor_completions.d/fsu.fish"):  # fmt: skip
        assert any(each.endswith(f"share/{name}") for each in names), name


def test_rump_is_a_namespace() -> None:
    """Other distributions may add parts of their own."""
    spec = importlib.util.find_spec("rump")
    assert spec is not None and spec.origin is None


def test_the_command_is_installed() -> None:
    """`fsu` is an entry point."""
    _files()
    scripts = importlib.metadata.entry_points(group="console_scripts")
    assert {script.value for script in scripts if script.name == "fsu"} == {"rump.fsutils.main:main"}
