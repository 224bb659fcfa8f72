# SPDX-License-Identifier: BSD-2-Clause
"""`rump top`: a monolith's numbers on a terminal, again and again, as top(1) has it."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from urllib.request import Request, urlopen

from rump.servers.monolith.usage import bytes_text, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CLEAR = "\x1b[H\x1b[2J"


def run(
    url: str, *, rounds: int | None = None, delay: float = 2.0, as_json: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> int:  # fmt: skip
    """Show a kernel's numbers; the exit status.

    url      of its status page (http://127.0.0.1:PORT/), or of a sysproxy server (unix://, tcp://)
    rounds   how often; None: until ^C
    delay    seconds between
    """
    ending = ExitStack()
    clear = CLEAR if rounds != 1 and sys.stdout.isatty() else ""
    done = 0
    try:
        fetch = _source(url, ending)
        while rounds is None or done < rounds:
            if done:
                sleep(delay)
            said = fetch()
            sys.stdout.write(json.dumps(said) + "\n" if as_json else clear + "\n".join(lines(said)) + "\n")
            sys.stdout.flush()
            done += 1
    except KeyboardInterrupt:
        pass
    finally:
        ending.close()
    return 0


def _source(url: str, ending: ExitStack) -> Callable[[], dict[str, Any]]:
    """What fetches the numbers.  Errors: OSError."""
    if url.startswith("http://"):
        request = Request(url.rstrip("/") + "/status.json")

        def fetch() -> dict[str, Any]:
            with urlopen(request, timeout=30) as answer:
                said: dict[str, Any] = json.load(answer)
            return said

        return fetch
    from rump.servers.client import connect

    lwp = ending.enter_context(connect(url, name="top"))
    return lambda: snapshot(lwp)


def lines(said: dict[str, Any]) -> list[str]:
    """The numbers as lines of text."""
    process = said.get("process", {})
    facts = [f"up {said['uptime']:.0f} s"] if "uptime" in said else []
    facts += [f"CPU {process['cpu']:.1f} s"] if "cpu" in process else []
    facts += [f"{bytes_text(process['memory'])} resident"] if "memory" in process else []
    facts += [f"{len(said['mounts'])} mounts", f"{len(said['processes'])} processes"]
    result = [", ".join(facts), "", f"{'SIZE':>6} {'USED':>6} {'FREE':>6} {'FILES':>8} TYPE     AT"]
    for row in said["mounts"]:
        used, free = bytes_text(row["size"] - row["free"]), bytes_text(row["free"])
        device = f" ({row['device']})" if row["device"] else ""
        result.append(f"{bytes_text(row['size']):>6} {used:>6} {free:>6} {row['files']:>8} {row['type']:8} "
                      f"{_shown(row['at'])}{_shown(device)}")  # fmt: skip
    result += ["", f"{'PID':>5} {'PPID':>5} {'USER':>6} {'FDS':>4} NAME"]
    for row in said["processes"]:
        numbers = f"{row['pid']:>5} {row['parent']:>5} {row['uid']:>6} {row['descriptors']:>4}"
        result.append(f"{numbers} {_shown(row['name'])}")
    return result


def _shown(text: str) -> str:
    """A name of somebody's as a terminal may have it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
