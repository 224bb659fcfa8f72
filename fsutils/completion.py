# SPDX-License-Identifier: BSD-2-Clause
"""Print the completion script of a shell of the host, which completes commands, options, partitions and paths, also
those inside images.

Packages install it.  Without one it goes to the files below, or for bash into ~/.bashrc as

    source <(fsu completion bash)
"""

from __future__ import annotations

from rump.fsutils.completing.scripts import SCRIPTS, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "bash|zsh|fish"
RELATED = ("shell",)
EXAMPLES = """\
fsu completion bash > ~/.local/share/bash-completion/completions/fsu
    For bash with the package bash-completion.

fsu completion zsh > ~/.zfunc/_fsu
    For zsh, in a directory of $fpath.

fsu completion fish > ~/.config/fish/completions/fsu.fish
    For fish.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="which shell")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print the script."""
    command.out.write(script(arguments.shell, programs()).encode())
    return 0


def programs() -> tuple[str, ...]:
    """The programs that can be completed."""
    from rump.fsutils.original.programs import PROGRAMS

    return ("fsu", *(f"fsu_{name}" for name in PROGRAMS))
