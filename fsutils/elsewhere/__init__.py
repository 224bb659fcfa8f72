# SPDX-License-Identifier: BSD-2-Clause
"""A command carried out on a machine with no operating system (``--host metal``): what of it is done here.

The words go there as they are, images as disks, files of this host that are operands as copies in the memory of the
machine; what the command prints, reads and returns comes over a line.  `guest` is the other end.
"""

from __future__ import annotations

import os
import signal
import sys

from rump.fsutils.elsewhere import messages as m
from rump.fsutils.elsewhere.locks import Locks
from rump.fsutils.elsewhere.operands import Operands, check
from rump.fsutils.errors import ImageError
from rump.rumpuser.interface import errno as e
from rump.servers.machine.description import MachineError, find
from rump.servers.machine.line import Line
from rump.servers.machine.qemu import Disk, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command

INTERRUPTED = 128 + 2
SETTINGS = ("SOURCE_DATE_EPOCH", "TZ", "COLUMNS", "LS_COLORS", "GREP_COLORS", "NO_COLOR", "RUMP_DEBUG", "LC_ALL",
            "LC_CTYPE", "LANG")  # fmt: skip
"""What a command may find in its environment."""
_PROGRAM = ("-m", "rump.fsutils.elsewhere.guest")


def carry_out(verb: str, words: list[str], parsed: argparse.Namespace, command: Command) -> int:
    """Run a verb there; the exit status.  Errors: UsageError, OSError, ImageError."""
    check(verb, parsed)
    operands = Operands(verb, words, parsed)
    try:
        kind = find(parsed.host)
        kind.memory += operands.size >> 20
        with Locks(parsed, command) as locks:
            disks = [Disk(path, f"image{number}", not locks.take(path, path in operands.written))
                     for number, path in enumerate(operands.images)]  # fmt: skip
            with Machine(kind, _PROGRAM, disks=disks, files=operands.files, line=True) as machine:
                machine.start()
                return Conversation(machine, verb, operands, command).run()
    except MachineError as error:
        raise ImageError(f"--host {parsed.host}: {error}", e.EIO) from error


class Conversation:
    """What goes over the line, and what SIGINT does meanwhile."""

    def __init__(self, machine: Machine, verb: str, operands: Operands, command: Command) -> None:
        assert machine.line is not None
        self._machine, self._operands, self._command = machine, operands, command
        self._words = [verb, *operands.words]
        self._line = Line(machine.line.recv, machine.line.sendall)
        self._interrupted = False

    def run(self) -> int:
        restore = self._catch_interrupts()
        try:
            self._tell()
            status = self._listen()
        except (EOFError, ConnectionError):
            if self._interrupted:
                return INTERRUPTED
            self._machine.wait()        # says what happened, if it was not the end
            raise MachineError(f"the machine stopped before the command ended{self._machine.shown()}") from None
        finally:
            restore()
        self._machine.wait()
        return status

    def _tell(self) -> None:
        send = self._line.send
        for name in SETTINGS:
            if name in os.environ:
                send(m.SETTING, os.fsencode(f"{name}={os.environ[name]}"))
        umask = os.umask(0o077)
        os.umask(umask)
        send(m.UMASK, b"%o" % umask)
        for number, path in enumerate(self._operands.images):
            size = os.path.getsize(path) if os.path.isfile(path) else 0
            send(m.IMAGE, b"image%d\0%d\0%b" % (number, size, os.fsencode(os.path.abspath(path))))
        for entry in self._operands.entries:
            send(m.ENTRY, entry)
        for word in self._words:
            send(m.WORD, os.fsencode(word))
        out = self._command.out
        flags = (b"o" if out.is_terminal else b"") + (b"e" if sys.stderr and sys.stderr.isatty() else b"")
        send(m.GO, flags + b"\0" + os.fsencode(os.getcwd()))

    def _listen(self) -> int:
        """Serve the command until it ends; its status."""
        while True:
            kind, data = self._line.receive()
            if kind == m.OUTPUT:
                self._command.out.write_through(data)
            elif kind == m.COMPLAINT:
                self._command.errors.write(data)
                self._command.errors.flush()
            elif kind == m.WANTED:
                self._line.send(m.INPUT, os.read(sys.stdin.fileno(), int(data)))
            elif kind == m.ENDED:
                return int(data)

    def _catch_interrupts(self) -> Callable[[], object]:
        """SIGINT is for the command there, which ends what it does; the machine goes off at once where nothing is
        written to, and when it comes again."""

        def on_interrupt(number: int, frame: object) -> None:
            if self._interrupted or not self._operands.written:
                self._interrupted = True
                raise KeyboardInterrupt
            self._interrupted = True
            self._line.send(m.INTERRUPT)

        try:
            before = signal.signal(signal.SIGINT, on_interrupt)
        except ValueError:
            return lambda: None
        return lambda: signal.signal(signal.SIGINT, before)
