# SPDX-License-Identifier: BSD-2-Clause
"""How names look: escaped, coloured, with an indicator of the type behind them."""

from __future__ import annotations

import os

from rump.fsutils import names
from rump.kernel.vfs.volume import MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from rump.fsutils.listing.entries import Entry

INDICATORS = {0o010000: b"|", 0o040000: b"/", 0o120000: b"@", 0o140000: b"="}
EXECUTABLE = 0o111


def is_colored(o: argparse.Namespace, terminal: bool) -> bool:
    """Whether --color asks for colours; unless said otherwise on a terminal, without NO_COLOR in the environment."""
    return o.color == "always" or (o.color in ("auto", None) and terminal and not os.environ.get("NO_COLOR"))


def _as_is(name: bytes) -> bytes:
    return name


class Naming:
    """Shows names as the options say.

    escape      one name, safe for where it goes
    is_plain    names go out as they are: nothing to do
    """

    def __init__(self, o: argparse.Namespace, terminal: bool) -> None:
        quoting = o.quoting or ("shell" if terminal else "literal")
        self.escape = _STYLES.get(quoting) or _quoting(quoting)
        self._classify = o.classify
        self._colors: Callable[[bytes, int, bytes], bytes] | None = None
        if is_colored(o, terminal):
            from rump.fsutils.listing.color import Colors

            self._colors = Colors().show
        self.is_plain = quoting == "literal" and not self._classify and self._colors is None

    def show(self, entries: Sequence[Entry]) -> list[bytes]:
        """The names of entries as they are to be written."""
        if self.is_plain:
            return [entry[0] for entry in entries]
        return [self.one(entry[0], entry[2][MODE]) for entry in entries]

    def one(self, name: bytes, mode: int, arrow: bytes = b"") -> bytes:
        """A name, by its mode; `arrow` goes behind it, before no indicator."""
        shown = self.escape(name)
        if self._colors is not None:
            shown = self._colors(name, mode, shown)
        return shown + arrow if arrow else shown + self.indicator(mode)

    def indicator(self, mode: int) -> bytes:
        """What -F or -p puts behind a name."""
        kind = mode & 0o170000
        if self._classify == "slash":
            return b"/" if kind == 0o040000 else b""
        if self._classify == "all":
            return b"*" if kind == 0o100000 and mode & EXECUTABLE else INDICATORS.get(kind, b"")
        return b""

    def target(self, target: bytes) -> bytes:
        """Where a symbolic link leads, to go behind its name."""
        return b" -> " + self.escape(target)


def _octal(name: bytes) -> bytes:
    """A name with ``\\ooo`` for each byte that does not print.

    >>> _octal(b"a\\nb\\xff")
    b'a\\\\012b\\\\377'
    """
    return b"".join(
        character.encode() if character.isprintable()
        else b"".join(b"\\%03o" % byte for byte in character.encode("utf-8", "surrogateescape"))
        for character in names.text(name)
    )  # fmt: skip


def _c_escape(name: bytes) -> bytes:
    return names.escape(name, also=b"\\ ")


_STYLES: dict[str, Callable[[bytes], bytes]] = {
    "question": names.question, "literal": _as_is, "escape": _c_escape, "octal": _octal,
}  # fmt: skip


def _quoting(style: str) -> Callable[[bytes], bytes]:
    """The styles with quotes: "shell", "shell-always", "c"."""
    from rump.fsutils.listing import quoting

    return {"shell": quoting.shell, "shell-always": quoting.shell_always, "c": quoting.c}[style]
