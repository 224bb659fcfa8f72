# SPDX-License-Identifier: BSD-2-Clause
"""Another machine, over ssh: the package goes there in a tar stream, the output comes back, nothing stays.

The other side needs sh, tar and Python 3.11 or newer (python3, or what RUMP_REMOTE_PYTHON names).
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import tarfile
from pathlib import Path

from running import SECONDS, Failure, Host, Scratch, needs, plain_package

_SCRIPT = """\
folder=$(mktemp -d) || exit 9
trap 'rm -rf "$folder"' EXIT
cd "$folder" && tar xf - || exit 9
PYTHONPATH=$folder PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 {python} -m rump.conformance {arguments} 2>&1
"""


class Remote(Host):
    """A machine that ssh reaches; its own backend is what is run."""

    suite_host = "native"

    def __init__(self, destination: str) -> None:
        self.title = destination.rpartition("@")[2]
        self.how = "over ssh"
        self._destination = destination
        self._python = os.environ.get("RUMP_REMOTE_PYTHON", "python3")

    def prepare(self) -> None:
        needs("ssh", "openssh-client")
        if self._destination.startswith("-"):
            raise Failure(f"{self._destination}: no destination of ssh")

    def run(self, arguments: list[str]) -> str:
        script = _SCRIPT.format(python=shlex.quote(self._python), arguments=shlex.join(arguments))
        command = ["ssh", "-o", "BatchMode=yes", self._destination, "sh", "-c", shlex.quote(script)]
        with Scratch() as folder:
            package = packed(plain_package(folder))
        try:
            done = subprocess.run(command, input=package, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=SECONDS, check=False)  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(str(error)) from None
        return done.stdout.decode(errors="replace")


def packed(folder: Path) -> bytes:
    """A folder's contents as a tar stream that any tar reads."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(folder / "rump", "rump")
    return stream.getvalue()
