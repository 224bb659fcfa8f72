# SPDX-License-Identifier: BSD-2-Clause
"""A table of jobs, each done by several tools in the same run; what the files with the jobs share."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Contender, Result, compare, machine


class Job:
    """One line of the table: contenders, and what the first may cost relative to another.

    less   a contender whose time is taken off the first's: its start-up, where the line is about a rate
    """

    def __init__(
        self, title: str, contenders: list[Contender], against: str, factor: float, runs: int = 0, less: str = ""
    ) -> None:
        self.title = title
        self.contenders = [each for each in contenders if shutil.which(each.command[0])]
        self.against = against
        self.factor = factor
        self.runs = runs
        self.less = less


def fsu(*arguments: object) -> list[str]:
    """The command, run by this interpreter's environment as a user would."""
    return [os.path.join(os.path.dirname(sys.executable), "fsu"), *map(str, arguments)]


def fresh(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def gone(folder: Path) -> None:
    """Not there."""
    shutil.rmtree(folder, ignore_errors=True)


def script(work: Path, name: str, lines: Iterator[str]) -> Path:
    """A debugfs command file."""
    file = work / name
    file.write_text("".join(line + "\n" for line in lines))
    return file


def folders(tree: Path) -> Iterator[str]:
    """Every folder of a tree, as a path inside the image."""
    for path, names, _ in os.walk(tree):
        names.sort()
        yield "/" + os.path.relpath(path, tree).removeprefix(".")


def copied(image: Path, target: Path) -> Path:
    """A copy of an image, holes kept, in place of whatever was there."""
    target.unlink(missing_ok=True)
    subprocess.run(["cp", "--sparse=always", image, target], check=True)
    return target


def row(job: Job, results: dict[str, Result]) -> tuple[str, bool]:
    """A line of the table, and whether the budget was kept."""
    mine, other = results["fsu"], results.get(job.against)
    mine_cpu = mine.cpu - (results[job.less].cpu if job.less else 0.0)
    ratio = mine_cpu / other.cpu if other else 0.0
    kept = ratio <= job.factor
    others = "; ".join(
        f"{name} {each.cpu:.3f} / {each.wall:.3f}" for name, each in results.items() if name != "fsu"
    )
    verdict = "yes" if kept else "**no**"
    text = f"| {job.title} | {mine.cpu:.3f} / {mine.wall:.3f} | {mine.memory:.0f} | {others} "
    return text + f"| {ratio:.2f} x {job.against} | {job.factor:g} | {verdict} |", kept


HEAD = (
    "| work | fsu, s CPU / wall | MiB | others, s CPU / wall | CPU ratio | budget | kept |\n"
    "|---|---|---|---|---|---|---|"
)


def main(what: str, prepare: Callable[[Path], None], jobs: Callable[[Path], list[Job]], runs: int) -> int:
    """Do all jobs, each contender `runs` times, and print the table; 1 if a budget was missed."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs, help="runs of each contender (the best counts)")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    parser.add_argument("--only", default="", help="only the lines whose title has this word")
    parser.add_argument("--keep", type=Path, help="a folder for trees and images, used again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(exist_ok=True)
        prepared(work, prepare)
        lines, fine = [HEAD], True
        print(HEAD)
        for job in jobs(work):
            if options.only in job.title:
                line, kept = row(job, compare(job.contenders, max(options.runs, job.runs)))
                print(line, flush=True)
                lines.append(line)
                fine = fine and kept
    if options.markdown:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        options.markdown.write_text(f"Measured {day} on {machine()}.\n\n" + "\n".join(lines) + "\n")
    return 0 if fine else 1


def prepared(work: Path, prepare: Callable[[Path], None]) -> None:
    """Trees and images; kept from one run to the next with --keep."""
    done = work / f"done-{Path(sys.argv[0]).stem}"
    if not done.exists():
        print("making trees and images ...", file=sys.stderr)
        prepare(work)
        subprocess.run(["sync", "-f", work], check=True)
        done.touch()
