# SPDX-License-Identifier: BSD-2-Clause
"""The read benchmarks: `fsu` against debugfs, 7z, mtools and cp in the same run.

    python benchmarks/run.py [--runs N] [--markdown FILE] [--only WORD] [--keep FOLDER]

Whole processes, warm cache, output to /dev/null or to a folder that is emptied before each run.  The machine may be
noisy: compare ratios, not seconds.  Exits with 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import trees
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


def prepare(work: Path) -> None:
    """Trees and images; kept from one run to the next with --keep."""
    if (work / "done").exists():
        return
    print("making trees and images ...", file=sys.stderr)
    trees.small_files(work / "small")
    trees.many_files(work / "many")
    trees.one_folder(work / "wide" / "folder")
    (work / "tiny").mkdir()
    (work / "tiny" / "hello").write_text("hello\n")
    trees.ext4(work / "small.ext4", work / "small", "512M")
    trees.ext4(work / "many.ext4", work / "many", "256M", "-N", "60000")
    trees.ext4(work / "wide.ext4", work / "wide", "128M", "-N", "1000")
    trees.ext4(work / "tiny.ext4", work / "tiny", "8M")
    trees.fat32(work / "small.fat", work / "small", "512M")
    trees.huge(work / "huge.ext4", work / "tiny")
    script(work, "list", (f'ls -l "{folder}"' for folder in folders(work / "small")))
    script(work, "list-many", (f'ls -l "{folder}"' for folder in folders(work / "many")))
    script(work, "list-wide", iter(["ls -l /folder"]))
    script(work, "rdump", iter([f"rdump / {work}/out-debugfs"]))
    subprocess.run(["sync", "-f", work], check=True)
    (work / "done").touch()


def jobs(work: Path) -> list[Job]:
    """The table."""
    small, many, wide, tiny, fat, huge = (
        work / name for name in ("small.ext4", "many.ext4", "wide.ext4", "tiny.ext4", "small.fat", "huge.ext4")
    )
    nothing = Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"])
    out = {name: work / f"out-{name}" for name in ("fsu", "debugfs", "7z", "cp", "mcopy")}
    big = out["fsu"].with_name("out-big")
    return [
        Job("`ls` of a small image", [Contender("fsu", fsu("ls", f"{tiny}:/")), nothing,
            Contender("debugfs", ["debugfs", "-R", "ls /", str(tiny)])], nothing.name, 4, 15),
        Job("`ls` of a 4 TiB image", [Contender("fsu", fsu("ls", f"{huge}:/")), nothing,
            Contender("debugfs", ["debugfs", "-R", "ls /", str(huge)])], nothing.name, 5),
        Job("`ls -lR`, 21,600 entries", [Contender("fsu", fsu("ls", "-lR", f"{small}:/")),
            Contender("debugfs", ["debugfs", "-f", str(work / "list"), str(small)]),
            Contender("7z", ["7z", "l", str(small)])], "debugfs", 1),
        Job("`ls -lR`, 50,000 entries", [Contender("fsu", fsu("ls", "-lR", f"{many}:/")),
            Contender("debugfs", ["debugfs", "-f", str(work / "list-many"), str(many)]),
            Contender("7z", ["7z", "l", str(many)])], "debugfs", 1),
        Job("`ls -l`, one folder of 100,000 names", [Contender("fsu", fsu("ls", "-l", f"{wide}:/folder")),
            Contender("debugfs", ["debugfs", "-f", str(work / "list-wide"), str(wide)])], "debugfs", 1),
        Job("`cat` of 200 MiB", [Contender("fsu", fsu("cat", f"{small}:/big.bin")),
            Contender("debugfs", ["debugfs", "-R", "cat /big.bin", str(small)]),
            Contender("7z", ["7z", "x", "-so", str(small), "big.bin"])], "debugfs", 1),
        Job("`cp` of 200 MiB to a file, the rate (start-up taken off the ratio)", [
            Contender("fsu", fsu("cp", f"{small}:/big.bin", big / "fsu"), lambda: fresh(big)),
            Contender("cp", ["cp", str(work / "small" / "big.bin"), str(big / "cp")], lambda: fresh(big)),
            Contender("debugfs", ["debugfs", "-R", f"dump /big.bin {big}/debugfs", str(small)], lambda: fresh(big)),
            Contender("fsu ls", fsu("ls", f"{tiny}:/")),
            ], "cp", 1.25, less="fsu ls"),
        Job("extract the tree, `cp -a`", [
            Contender("fsu", fsu("cp", "-aR", f"{small}:/", out["fsu"]), lambda: gone(out["fsu"])),
            Contender("debugfs", ["debugfs", "-f", str(work / "rdump"), str(small)], lambda: fresh(out["debugfs"])),
            Contender("7z", ["7z", "x", "-y", f"-o{out['7z']}", str(small)], lambda: gone(out["7z"])),
            Contender("cp -a", ["cp", "-a", str(work / "small"), str(out["cp"])], lambda: gone(out["cp"])),
            ], "debugfs", 1.3),
        Job("FAT32: `ls -lR`, 21,600 entries", [Contender("fsu", fsu("ls", "-lR", f"{fat}:/")),
            Contender("mdir", ["mdir", "-i", str(fat), "-/", "::/"]),
            Contender("7z", ["7z", "l", str(fat)])], "7z", 2),
        Job("FAT32: `cat` of 200 MiB", [Contender("fsu", fsu("cat", f"{fat}:/big.bin")),
            Contender("mtype", ["mtype", "-i", str(fat), "::/big.bin"]),
            Contender("7z", ["7z", "x", "-so", str(fat), "big.bin"])], "7z", 2),
        Job("FAT32: extract the tree", [
            Contender("fsu", fsu("cp", "-R", f"{fat}:/", out["fsu"]), lambda: gone(out["fsu"])),
            Contender("mcopy", ["mcopy", "-s", "-i", str(fat), "::/", str(out["mcopy"])],
                lambda: fresh(out["mcopy"])),
            Contender("7z", ["7z", "x", "-y", f"-o{out['7z']}", str(fat)], lambda: gone(out["7z"])),
            ], "7z", 2),
    ]  # fmt: skip


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


def main() -> int:
    """Run them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender (the best counts)")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    parser.add_argument("--only", default="", help="only the lines whose title has this word")
    parser.add_argument("--keep", type=Path, help="a folder for trees and images, used again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(exist_ok=True)
        prepare(work)
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


if __name__ == "__main__":
    sys.exit(main())
