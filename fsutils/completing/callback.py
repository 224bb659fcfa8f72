# SPDX-License-Identifier: BSD-2-Clause
"""What the completion scripts of the host's shells call: ``fsu __complete SHELL ...``.

    bash LINE WORD          the line up to the cursor as typed, and the part of it that bash is going to replace
    zsh -- WORD ...         the words without their quotes, the last one as far as it was typed; fish likewise

It prints a candidate a line, for bash as it is to be typed; a final one ends with a space (bash, zsh); for the others a
tab and what it is follow.  Whatever goes wrong, nothing is said: this runs in the middle of somebody's typing.
"""

from __future__ import annotations

import os
import signal

from rump.fsutils.completing.candidates import Completer
from rump.fsutils.session import Session
from rump.fsutils.shelling.words import quoted, unfinished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Output
    from rump.fsutils.completing.candidates import Candidate

SECONDS = 3.0           # nobody waits longer


class _Late(Exception):
    """It takes too long."""


def complete(words: list[str], output: Output) -> int:
    """Print candidates; the exit status is always 0."""
    session = Session()
    session.log = lambda line: None
    try:
        _limit()
        lines = _bash(session, *words[1:]) if words[0] == "bash" else _words(session, words)
        output.write(os.fsencode("".join(line + "\n" for line in lines if "\n" not in line)))
        output.flush()
    except Exception:
        pass
    finally:
        _limit(0)
        session.end()
    return 0


def _limit(seconds: float = SECONDS) -> None:
    def late(number: int, frame: object) -> None:
        raise _Late

    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _bash(session: Session, line: str, replaced: str) -> list[str]:
    """Candidates for bash, which takes ``:``, ``@`` and ``=`` for ends of words."""
    words, last, start, quote = unfinished(line)
    typed = line[start:]
    skip = len(typed) - len(replaced) if typed.endswith(replaced) else 0
    if not typed.endswith(replaced) and typed[:1] in ("'", '"'):
        skip = 1
    lines = []
    for text, final, _ in _candidates(session, words, last):
        end = (quote if quote != "\\" else "") + " " if final else ""
        lines.append((typed + quoted(text[len(last) :], quote) + end)[skip:])
    return lines


def _words(session: Session, given: list[str]) -> list[str]:
    """Candidates for shells that quote by themselves."""
    *words, last = given[given.index("--") + 1 :]
    final = " " if given[0] == "zsh" else ""
    return [text + (final if is_final else "") + "\t" + what
            for text, is_final, what in _candidates(session, words, last)]  # fmt: skip


def _candidates(session: Session, words: list[str], last: str) -> list[Candidate]:
    completer = Completer(session)
    name = os.path.basename(words[0])
    if name.startswith("fsu_"):
        return completer.program(name, words[1:], last)
    return completer.line(words[1:], last)
