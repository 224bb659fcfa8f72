# SPDX-License-Identifier: BSD-2-Clause
"""The whole check, and what is said of it."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import runpy
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from abi_model import LP64, ROOT
from abi_probe import read
from abi_sources import compile_declared, sources
from abi_tables import Claim, Table, errno_names, tables
from abi_targets import DECLARED_ONLY, MACHINES, TARGETS, Target
from abi_verdict import Verdict, report
from abi_zig import Zig, python_exports, python_headers

Job = Callable[[], Verdict]


class Bench:
    """What all checks share: folders, the interpreter's headers, and the C of every host's pieces."""

    def __init__(self, work: Path, cache: Path) -> None:
        self.work = work
        self.cache = cache
        self.headers = python_headers(work)
        self.exports = python_exports(self.headers, work)
        self._builder = runpy.run_path(str(ROOT / "rumpuser" / "build_ffi.py"))

    def folder(self, name: str) -> Path:
        """A new folder."""
        made = self.work / name
        made.mkdir()
        return made

    def module(self, host: str) -> Path:
        """The C file that cffi makes of a host's pieces."""
        made = self.work / f"{host}.c"
        if not made.exists():
            with contextlib.redirect_stdout(io.StringIO()):
                self._builder["make"](host).emit_c_code(str(made))
        return made

    def pieces(self, host: str) -> str:
        """The same without cffi's part."""
        source: str = self._builder["source"](host)
        return source


def check_target(bench: Bench, target: Target) -> Verdict:
    """Compile, link and compare one host on one machine, with that system's headers."""
    verdict = Verdict(target.host, target.name)
    folder = bench.folder(target.name)
    zig = Zig(target.name, folder, bench.cache)
    built = folder / "module.o"
    if verdict.did("compiled", zig.build(bench.module(target.host), built, bench.headers)) and target.links:
        verdict.did("linked", zig.link(built, bench.exports))
    stated = tables(target.host, target.model, _machine(target))
    claims = _claims(stated)
    if claims:
        headers = [header for table in stated for header in table.headers]
        reading = read(zig.compile, folder, headers, claims, target.model.order)
        verdict.compare(claims, [("", reading)])
    if target.host == "netbsd":
        _complete(verdict, zig)
    return verdict


def _machine(target: Target) -> str:
    """What uname would call it there."""
    name = target.name.partition("-")[0]
    return MACHINES.get(target.host, {}).get(name, name)


def _complete(verdict: Verdict, zig: Zig) -> None:
    """The one errno space has every error of NetBSD's header, not only right ones."""
    theirs = {name for name, value in zig.macros("errno.h").items() if name[0] == "E" and value.isdigit()}
    missing = theirs - errno_names() - {"ELAST"}
    verdict.compared += len(theirs) - 1
    verdict.wrong += [f"rumpuser/interface/errno.py: there is no {name}" for name in sorted(missing)]


def check_declared(bench: Bench, host: str) -> Verdict:
    """Compare a host whose headers the compiler lacks with what is known of them."""
    verdict = Verdict(host, "tables")
    folder = bench.folder(f"{host}-tables")
    said = compile_declared(host, bench.pieces(host), folder, bench.cache)
    verdict.did("compiled against declarations", said)
    claims = _claims(tables(host, LP64))
    verdict.compare(claims, [(source.name, source.ask(claims)) for source in sources(host, folder, bench.cache)])
    return verdict


def _claims(stated: list[Table]) -> list[Claim]:
    return [claim for table in stated for claim in table.claims]


def main(arguments: list[str]) -> int:
    """Check what the arguments choose.  1 if anything is wrong."""
    chosen = _options().parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        bench = Bench(work, Path(chosen.cache or work / "cache"))
        jobs = _jobs(bench, chosen.host, chosen.all)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return report(list(pool.map(lambda job: job(), jobs)))


def _jobs(bench: Bench, hosts: list[str] | None, everything: bool) -> list[Job]:
    targets = [target for target in TARGETS if (everything or not target.nightly) and target.host in (hosts or target)]
    for target in targets:
        bench.module(target.host)       # while there is one thread
    declared = [host for host in DECLARED_ONLY if host in (hosts or DECLARED_ONLY)]
    return [
        *(partial(check_target, bench, target) for target in targets),
        *(partial(check_declared, bench, host) for host in declared),
    ]


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python tests/abi", description=__doc__)
    options.add_argument("--host", action="append", help="check only this backend; may be given again")
    options.add_argument("--all", action="store_true", help="check the machines of the nightly run too")
    options.add_argument("--cache", help="keep what the compiler caches in this folder")
    return options
