# SPDX-License-Identifier: BSD-2-Clause
"""User-Mode Linux: another kernel than this machine's, with this machine's files, read-only, and its own processes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from running import Host, Scratch, captured, needs, package_folder

_SCRIPT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
export TMPDIR=/mnt HOME=/mnt PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PYTHONPATH={path}
uname -sr
{command}
echo o > /proc/sysrq-trigger
sleep 60
"""


class UserModeLinux(Host):
    """Debian's kernel, as a process."""

    title = "Linux x86-64, another kernel"
    how = "User-Mode Linux (Debian's linux.uml) with this machine's root, read-only"

    def __init__(self) -> None:
        self._kernel = "Linux"

    def kernel(self) -> str:
        return f"{self._kernel}, User-Mode Linux"

    def prepare(self) -> None:
        needs("linux.uml", "user-mode-linux")

    def run(self, arguments: list[str]) -> str:
        command = shlex.join([sys.executable, "-m", "rump.conformance", *arguments])
        with Scratch() as folder:
            script = folder / "init"
            script.write_text(_SCRIPT.format(path=shlex.quote(str(package_folder())), command=command))
            script.chmod(0o755)
            log = captured(_command(script), {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "HOME": str(folder)})
        self._kernel = next((line.strip() for line in log.splitlines() if line.startswith("Linux ")), self._kernel)
        return log


def _command(script: Path) -> list[str]:
    return [needs("linux.uml", "user-mode-linux"), "mem=1G", "rootfstype=hostfs", "rootflags=/", "root=/dev/root",
            "ro", f"init={script}", "con=null", "con0=null,fd:1", "quiet"]  # fmt: skip
