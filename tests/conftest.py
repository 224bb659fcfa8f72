# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures for all: devices in memory, and others' tools."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def memory_device() -> Any:
    """The class of devices in memory."""
    path = Path(__file__).parent / "kernel" / "dev" / "memory_device.py"
    spec = importlib.util.spec_from_file_location("memory_device", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MemoryDevice


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., str]:
    """Run another's tool, ``run_tool("sgdisk", "-p", image, stdin="")``; the test is skipped where there is none."""

    def run(name: str, *arguments: object, stdin: str = "", cwd: Path | None = None) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            pytest.skip(f"{name} is not installed")
        command = [path, *map(str, arguments)]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(
            command, input=stdin.encode(), capture_output=True, env=environment, check=False, cwd=cwd
        )
        assert done.returncode == 0, f"{command[:4]}: {done.stdout!r}{done.stderr!r}"
        return done.stdout.decode("utf-8", "surrogateescape")

    return run
