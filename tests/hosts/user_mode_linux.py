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
{python} -c {loopback}
export TMPDIR=/mnt HOME=/mnt PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PYTHONPATH={path}
uname -sr
{command}
echo o > /proc/sysrq-trigger
sleep 60
"""

# Interface "lo" up (netdevice(7): SIOCSIFFLAGS, IFF_UP | IFF_LOOPBACK | IFF_RUNNING), with no more than Python has.
_LOOPBACK = "import fcntl, socket, struct; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " \
            "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x49))"


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
            path = shlex.quote(str(package_folder()))
            script.write_text(_SCRIPT.format(
                path=path, command=command, python=shlex.quote(sys.executable), loopback=shlex.quote(_LOOPBACK),
            ))  # fmt: skip
            script.chmod(0o755)
            log = captured(_command(script), {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "HOME": str(folder)})
        self._kernel = next((line.strip() for line in log.splitlines() if line.startswith("Linux ")), self._kernel)
        return log


def _command(script: Path) -> list[str]:
    return [needs("linux.uml", "user-mode-linux"), "mem=1G", "rootfstype=hostfs", "rootflags=/", "root=/dev/root",
            "ro", f"init={script}", "con=null", "con0=null,fd:1", "quiet"]  # fmt: skip
