# SPDX-License-Identifier: BSD-2-Clause
"""A bare machine for the tests: QEMU without any accelerator, and the image that is built once for all of them."""

import shutil
import subprocess
import threading
import time
from typing import NamedTuple

import pytest

from rump.rumpuser.bare.image import archive, build, requirements

QEMU = "qemu-system-x86_64"
BOARDS = {"microvm": "microvm,pit=on,rtc=on", "q35": "q35"}
EXIT_PORT = ("-device", "isa-debug-exit,iobase=0xf4,iosize=1")
CPU = "max,-erms"       # with ERMS libc moves memory by string instructions, which QEMU emulates byte by byte
CLOSING = "metal: exit status "


class Ended(NamedTuple):
    """How a machine ended.

    status      QEMU's exit status
    output      what came from the first serial port
    log         what came from the second one
    lines       (the host's monotonic clock, line) as the lines of the first port came
    """

    status: int
    output: str
    log: str
    lines: list[tuple[float, str]]

    @property
    def closing(self) -> int:
        """The status of the closing line, which has to be the last one."""
        last = self.log.splitlines()[-1]
        assert last.startswith(CLOSING), self.log
        return int(last.removeprefix(CLOSING))


@pytest.fixture(scope="session")
def image():
    """(kernel, boot module)"""
    if not shutil.which(QEMU):
        pytest.skip(f"no {QEMU} here")
    if requirements.missing():
        pytest.skip(f"not installed: {' '.join(requirements.missing())}")
    return build()


@pytest.fixture
def machine(image, tmp_path):
    """Runs a script as /main.py on a machine; see `run` below."""
    kernel, module = image

    def run(script=None, *, board="microvm", memory="512M", line="", arguments=EXIT_PORT, loader=None, timeout=60):
        log = tmp_path / "log"
        boot_module = tmp_path / "module.cpio"
        shutil.copyfile(module, boot_module)
        if script is not None:
            with open(boot_module, "ab") as output:
                archive.write(output, [("main.py", script.encode())])
        command = [QEMU, "-M", BOARDS.get(board, board), "-accel", "tcg", "-cpu", CPU, "-m", memory, "-nodefaults"]
        command += ["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        command += ["-chardev", f"file,id=log,path={log}"]
        command += ["-device", "isa-serial,chardev=log,index=1", *arguments]
        command += loader or ["-kernel", kernel, "-initrd", str(boot_module), "-append", line]
        status, lines = _watch(command, timeout)
        output = "".join(text for _, text in lines)
        return Ended(status, output, log.read_text() if log.exists() else "", lines)

    return run


def _watch(command, timeout):
    """Runs it with nothing to read; (exit status, timed lines of its output)."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        try:
            lines = [(time.monotonic(), line.decode("utf-8", "replace")) for line in process.stdout]
            return process.wait(), lines
        finally:
            watchdog.cancel()
            process.kill()


@pytest.fixture
def ok(machine):
    """Runs a script that has to end well; what it printed."""

    def run(script=None, **options):
        ended = machine(script, **options)
        assert (ended.closing, ended.status) == (0, 1), ended.output + ended.log
        return ended.output

    return run

