# SPDX-License-Identifier: BSD-2-Clause
"""What a host is to the runner: a way to run a Python program there, and to read what it prints."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import rump.conformance
from rump.conformance.result import Result, closing

SECONDS = 3600          # the longest a suite may take on the slowest host


class Failure(Exception):
    """Why a host is not green."""


class Host:
    """One host.

    title       what it is, for people
    how         how it was run, for people
    backend     the folder of rumpuser that was under test
    suite_host  the name of the host in rump.conformance
    """

    title = ""
    how = ""
    backend = "linux"
    suite_host = "linux"

    def prepare(self) -> None:
        """Make what is needed, if it is not there.  Errors: Failure."""

    def kernel(self) -> str:
        """The kernel under it."""
        return f"{platform.system()} {platform.release().split('-')[0]}"

    def run(self, arguments: list[str]) -> str:
        """``python -m rump.conformance`` with these arguments; all it prints.  Errors: Failure."""
        raise NotImplementedError


class Here(Host):
    """This interpreter on this machine, which the others are held to."""

    title = "this machine"

    def run(self, arguments: list[str]) -> str:
        return captured([sys.executable, "-m", "rump.conformance", *arguments], python_path(package_folder()))


def run_suite(host: Host, arguments: list[str]) -> Result:
    """Run what the arguments say.  Errors: Failure - it did not come to its end."""
    log = host.run(["--host", host.suite_host, *arguments])
    try:
        result = closing(log)
    except ValueError as error:
        raise Failure(f"{error}\n{log[-4000:]}") from None
    if result.failed:
        print(log[-4000:])
    return result


def captured(command: list[str], environment: dict[str, str], seconds: float = SECONDS) -> str:
    """A program's output, errors among it; whatever its exit status, which says less than its last lines."""
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, check=False)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(str(error)) from None
    return done.stdout.decode(errors="replace")


def package_folder() -> Path:
    """Where `rump` is: the folder for sys.path."""
    return Path(rump.conformance.__file__).parents[2]


def python_path(folder: Path, **more: str) -> dict[str, str]:
    """An environment for another Python that is to find `rump` there."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "RUMP_XEN") if name in os.environ}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **more}


def cache() -> Path:
    """Where things that take long to make are kept."""
    told = os.environ.get("RUMP_CACHE")
    folder = Path(told) if told else Path.home() / ".cache" / "rumpkernel"
    folder = folder / "hosts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def needs(program: str, package: str) -> str:
    """The path of a program.  Errors: Failure, naming the package of Debian that has it."""
    path = shutil.which(program)
    if path is None:
        raise Failure(f"there is no {program}; it is in Debian's package {package}")
    return path


def plain_package(target: Path) -> Path:
    """A copy of `rump` alone, without links and compiled pieces, in a folder; that folder."""
    source = package_folder() / "rump"
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc")
    shutil.copytree(source, target / "rump", ignore=ignore, dirs_exist_ok=True)
    return target


class Scratch:
    """A folder that is gone afterwards."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="rump-hosts-"))
        return self._path

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def made(folder: Path, make: str, command: list[str], **options: object) -> None:
    """Run what makes a thing.  Errors: Failure with the end of what it said."""
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)  # type: ignore[call-overload]  # fmt: skip
    if done.returncode:
        raise Failure(f"{make}: {done.stdout.decode(errors='replace')[-2000:]}")
