# SPDX-License-Identifier: BSD-2-Clause
"""Starts a machine under QEMU and gathers what it says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from stat import S_ISBLK

from rump.rumpuser.bare.image import archive
from rump.servers.machine.description import EMULATOR, MachineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from rump.servers.machine.description import Description

_COMMON = ("-accel", "tcg", "-cpu", "max,-erms", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
           "-serial", "stdio")  # fmt: skip
_TAIL = 4096            # bytes of the console that an error shows


class Disk:
    """A file or block device of this host that the machine has as a disk, under the name `serial`."""

    def __init__(self, path: str, serial: str, read_only: bool = False) -> None:
        self.path, self.serial, self.read_only = path, serial, read_only

    def arguments(self, number: int, device: str) -> list[str]:
        """Locks are ours to take, before: QEMU's own would shut out more than it has to."""
        kind = "host_device" if S_ISBLK(os.stat(self.path).st_mode) else "file"
        back = {
            "driver": "raw", "node-name": f"disk{number}", "read-only": self.read_only, "discard": "unmap",
            "file": {"driver": kind, "filename": os.path.abspath(self.path), "locking": "off"},
        }  # fmt: skip
        return ["-blockdev", json.dumps(back),
                "-device", f"{device},drive=disk{number},serial={self.serial},werror=report,rerror=report"]  # fmt: skip


class Machine:
    """A machine that runs a Python program.

    description     the kind of machine
    words           what its Python is given: ``-m module ...``
    settings        its environment
    disks           disk0, disk1 ... of the machine, and by their serials
    files           what it finds in its files in memory: (path, contents)
    wires           descriptors of sockets (datagrams are Ethernet frames), one for each network card
    user_network    one more network card, on QEMU's own network (10.0.2.0/24: we are 15, a neighbour 2)
    console         takes what is on the console; without, `log` tells
    line            whether there is a stream of bytes between the program and us
    """

    def __init__(
        self,
        description: Description,
        words: Sequence[str],
        *,
        settings: dict[str, str] | None = None,
        disks: Sequence[Disk] = (),
        files: Sequence[tuple[str, bytes]] = (),
        wires: Sequence[int] = (),
        user_network: bool = False,
        console: IO[bytes] | None = None,
        line: bool = False,
    ) -> None:
        self.description = description
        self._words, self._settings = words, {"PYTHONHASHSEED": "0", **(settings or {})}
        self._disks, self._files, self._wires, self._user_network = disks, files, wires, user_network
        self._console = console or tempfile.TemporaryFile()     # noqa: SIM115
        self._own_console = console is None
        self._module: IO[bytes] | None = None
        self.line: socket.socket | None = None
        self._far: socket.socket | None = None
        if line:
            self.line, self._far = socket.socketpair()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exception: object) -> None:
        """A machine that still runs is switched off."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        complaints = self.process.stderr if self.process is not None else None
        for end in (self.line, self._far, self._module, complaints, self._console if self._own_console else None):
            if end is not None:
                end.close()

    def start(self) -> None:
        """Switch it on.  Errors: MachineError."""
        kept = [*self._wires]
        command = [EMULATOR, *_COMMON, "-m", str(self.description.memory), *self._boot(), *self._devices(kept)]
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.PIPE, pass_fds=kept
            )
        except OSError as error:
            raise MachineError(f"{EMULATOR}: {error.strerror}") from error
        if self._far is not None:
            self._far.close()       # so that the line ends when the machine does

    def _boot(self) -> list[str]:
        module = self.description.module()
        if self._files:
            self._module = tempfile.NamedTemporaryFile(prefix="rump-machine-")      # noqa: SIM115
            with open(module, "rb") as base:
                while piece := base.read(1 << 20):
                    self._module.write(piece)
            archive.write(self._module, self._files)    # type: ignore[arg-type]
            self._module.flush()
            module = self._module.name
        return self.description.boot(module, self._words, self._settings)

    def _devices(self, kept: list[int]) -> list[str]:
        """Arguments for devices; `kept` grows by the descriptors that the emulator inherits."""
        kind = self.description
        found = ["-device", kind.entropy] if kind.entropy else []
        for number, disk in enumerate(self._disks):
            found += disk.arguments(number, kind.block)
        for number, wire in enumerate(self._wires):
            found += ["-netdev", f"socket,id=wire{number},fd={wire}", "-device", f"{kind.network},netdev=wire{number}"]
        if self._user_network:
            found += ["-netdev", "user,id=user,restrict=on", "-device", f"{kind.network},netdev=user"]
        if self._far is not None:
            kept.append(self._far.fileno())
            found += ["-chardev", f"socket,id=line,fd={self._far.fileno()}", "-device", f"{kind.console},max_ports=2",
                      "-device", "virtserialport,chardev=line"]  # fmt: skip
        return found

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit status of the program.

        Errors: MachineError - the machine stopped otherwise, or not in `timeout` seconds.
        """
        assert self.process is not None
        try:
            _, complaint = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise MachineError(f"no end after {timeout:g} seconds{self.shown()}") from None
        status = self.description.status(self.log(), self.process.returncode)
        if status is None:
            said = complaint.decode("utf-8", "replace").strip()
            raise MachineError(f"the machine stopped: {said or f'status {self.process.returncode}'}{self.shown()}")
        return status

    def log(self) -> bytes:
        """What was on the console."""
        self._console.seek(0)
        return self._console.read()

    def shown(self) -> str:
        """The end of what was on the console, for the text of an error."""
        log = self.log()[-_TAIL:].decode("utf-8", "replace").strip()
        return f"; its console:\n{log}" if log else ""


def run(
    description: Description, words: Sequence[str], *, timeout: float | None = None, **more: object
) -> tuple[int, bytes]:
    """Run a program to its end: its exit status, and what was on the console.  `more` as for `Machine`."""
    with Machine(description, words, **more) as machine:  # type: ignore[arg-type]
        machine.start()
        status = machine.wait(timeout)
        return status, machine.log()
