# SPDX-License-Identifier: BSD-2-Clause
"""What a kind of machine is.  Another kind is a class like `metal.Metal`, and a row in `KINDS`."""

from __future__ import annotations

import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EMULATOR = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"

KINDS = {"metal": ("metal", "Metal"), "xen": ("xen", "Xen")}
"""Name -> module beside this one, class in it."""


class MachineError(Exception):
    """A machine cannot be started, or ended as none should; the text is for people."""


class Description:
    """A kind of machine.

    name        as in --host
    memory      in MiB
    block, network, console, entropy        QEMU's names of the virtio devices, with options common to all of them
    """

    name = ""
    memory = 512
    block = network = console = entropy = ""

    def boot(self, module: str, words: Sequence[str], settings: dict[str, str]) -> list[str]:
        """QEMU's arguments for the machine itself and for what it boots: `module` is the boot module's path, Python is
        given `words`, and `settings` are its environment.  The console is the first serial port."""
        raise NotImplementedError

    def module(self) -> str:
        """The path of the boot module: interpreter, library, `rump`.  Errors: MachineError - it cannot be built."""
        raise NotImplementedError

    def status(self, log: bytes, ended: int) -> int | None:
        """The exit status that the program there ended with, by what is on the console and how the emulator ended;
        None - it did not come to its end."""
        raise NotImplementedError


def find(name: str) -> Description:
    """The kind of machine of that name.  Errors: MachineError - there is none, or no emulator."""
    if name not in KINDS:
        raise MachineError(f"no machine is called {name!r}; there are: {', '.join(KINDS)}")
    if shutil.which(EMULATOR) is None:
        raise MachineError(f"{EMULATOR} is not installed (Debian's package {PACKAGE})")
    from importlib import import_module

    module, kind = KINDS[name]
    found: Description = getattr(import_module(f"rump.servers.machine.{module}"), kind)()
    return found


def quoted(word: str) -> str:
    """A word as our kernel's command line takes it."""
    if word and not any(letter.isspace() or letter in '"\\' for letter in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command_line(words: Sequence[str], settings: dict[str, str]) -> str:
    """A command line of our kernel: settings, and behind ``--`` what Python is given.

    >>> command_line(["-c", "print(1, 2)"], {"PYTHONHASHSEED": "0"})
    'PYTHONHASHSEED=0 -- -c "print(1, 2)"'
    """
    return " ".join([*(quoted(f"{name}={value}") for name, value in settings.items()), "--", *map(quoted, words)])
