# SPDX-License-Identifier: BSD-2-Clause
"""Records of runs, and the page that is made of them: HOSTS.md.

A record is a file of tests/hosts/records, in JSON: what was run, how, when, and what came out.  Three words say how
strong it is, see HOSTS.md; `order` is where its row stands.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from textwrap import fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from running import Host

    from rump.conformance.result import Result

FOLDER = Path(__file__).parent / "records"
PAGE = Path(__file__).parents[2] / "HOSTS.md"
ABI = FOLDER / "abi" / "numbers.json"
_ABI = re.compile(r"^abi: (\w+) (\S+): (.*), 0 wrong$", re.MULTILINE)
_CLOSED = re.compile(r"^[1-9]\d* passed, 0 failed\s*\Z", re.MULTILINE)
WORDS = ("executed", "compiled + ABI-checked", "simulated")


def write(name: str, host: Host, results: list[Result]) -> None:
    """Keep how a run of the driver suite and of the contract suite went."""
    bodies, contract = results
    record = {
        "host": name,
        "title": host.title,
        "backend": f"rumpuser/{host.backend}",
        "verified": bodies.how,
        "run": host.how,
        "date": today(),
        "python": f"{bodies.implementation} {bodies.python}, {bodies.byteorder} endian, {bodies.pointers} bits",
        "kernel": host.kernel(),
        "bodies": _counts(bodies),
        "contract": _counts(contract),
        "selection": bodies.selection,
        "digest": bodies.digest,
    }
    if documents := getattr(host, "documents", ""):
        record["documents"] = documents
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=True) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="ascii")


def write_abi(log: str) -> None:
    """Keep what tests/abi found.  Errors: ValueError - the log does not close, or something was wrong."""
    if not _CLOSED.search(log):
        raise ValueError("no such log, or not all was right")
    found: dict[str, list[str]] = {}
    for host, machine, text in _ABI.findall(log):
        found.setdefault(host, []).append(f"{machine}: {text}")
    text = json.dumps({"date": today(), "hosts": found}, indent=1, ensure_ascii=True) + "\n"
    ABI.write_text(text, encoding="ascii")


def _counts(result: Result) -> dict[str, Any]:
    return {"passed": result.passed, "failed": result.failed, "without": dict(sorted(result.reasons.items()))}


def today() -> str:
    """The date, or that of SOURCE_DATE_EPOCH."""
    return time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))


def load() -> list[dict[str, Any]]:
    """All records, the strongest word first."""
    found = [json.loads(path.read_text(encoding="ascii")) for path in sorted(FOLDER.glob("*.json"))]
    return sorted(found, key=lambda record: (WORDS.index(record["verified"]), record["backend"] != "rumpuser/linux",
                                             record["backend"], record["host"]))  # fmt: skip


def page() -> str:
    """HOSTS.md."""
    records = load()
    numbers = json.loads(ABI.read_text(encoding="ascii"))
    for record in records:
        record["abi"] = numbers["hosts"].get(record["backend"].rpartition("/")[2], [])
        if record["verified"] == "simulated" and any(", linked" in line for line in record["abi"]):
            record["also"] = "compiled + ABI-checked"
    rows = [_row(record) for record in records]
    digests = [_digests(records, selection) for selection in ("all", "slice")]
    notes = [_notes(record) for record in records if record.get("documents")]
    return _PAGE.format(rows="\n".join(rows), digests="\n".join(filter(None, digests)), notes="\n".join(notes))


def _row(record: dict[str, Any]) -> str:
    bodies, contract = record["bodies"], record["contract"]
    skipped = sum(bodies["without"].values())
    verified = ", ".join(filter(None, [record["verified"], record.get("also")]))
    cells = [
        record["title"], f"`{record['backend']}`", verified, record["date"],
        f"{record['run']}; {record['python']}; {record['kernel']}",
        f"{record['selection']}: {bodies['passed']} ({skipped} ended for want of a capability), "
        f"contract: {contract['passed']}",
        f"`{record['digest'][:12]}`",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _digests(records: list[dict[str, Any]], selection: str) -> str:
    found = {record["digest"] for record in records if record["selection"] == selection}
    if not found:
        return ""
    what = "everything" if selection == "all" else "the slice"
    return f"- {what}: " + ", ".join(f"`{digest}`" for digest in sorted(found))


def _notes(record: dict[str, Any]) -> str:
    """What a host that was not run was held to."""
    lines = [f"### {record['title']}", ""]
    if record["abi"]:
        lines += [*[f"- {line}" for line in record["abi"]], ""]
    if record.get("documents"):
        lines += fill(f"The model follows {record['documents']}", 118, break_long_words=False).splitlines() + [""]
    return "\n".join(lines)


_PAGE = """\
# Hosts

Made by `python tests/hosts --page` from the records of runs in tests/hosts/records.  Three words, and never a stronger
one than is true:

- **executed** - the suites ran on that system itself;
- **compiled + ABI-checked** - the backend was built and linked against that system's headers and libraries, and its
  numbers and layouts were compared with those; it did not run there;
- **simulated** - the backend, unmodified, ran the suites against a model of that system's documented behaviour.

A digest is over the transcripts of all scenarios and the images that they leave: the same on every host, for the same
selection.

| host | backend | how verified | date | how it was run | passed | digest |
|---|---|---|---|---|---|---|
{rows}

Digests:

{digests}

"Linked" below means against that system's libraries (their stubs); where only declarations of ours or tables of others
were at hand, the backend is not called ABI-checked. [docs/abi.md](docs/abi.md) says what was compared with what.

Other Pythons on Linux x86-64 (3.12, 3.13) and an installation without compiler and cffi run the tests in `tox`.

## Without a row

- **Xen** 4.17 under QEMU (TCG), as a domain that xl starts beside a Debian dom0, `rumpuser/bare/xen`: *executed*,
  without the suites (`tox -e xen-domu`): a session on a disk of Linux's (blkfront) with Linux's transcript and image,
  and echoes over a network card of Linux's (netfront). The row above is the first domain's.
- **Genode**, `rumpuser/bare/genode`: *simulated*: the C++ side is compiled against declarations of ours and run with a
  simulation of Genode's sessions (`tox -e genode`).

## Run it yourself

`python -m rump.conformance --host NAME` is the suite on the machine it is started on.  `python tests/hosts NAME` makes
and runs one of the others of this page that can be had on a Debian 12 machine (`--list`: which), and compares;
`python tests/hosts ssh:USER@MACHINE`, or `tox -e conformance-remote -- USER@MACHINE`, does it on any machine that has
Python 3.11 and an ssh server.  The workflow files in `docs/ci` do it on real NetBSD, DragonFly BSD, OmniOS, Cygwin and
Debian GNU/Hurd machines; they have not been run here.

{notes}"""
