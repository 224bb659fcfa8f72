# SPDX-License-Identifier: BSD-2-Clause
"""The read benchmarks: `fsu` against debugfs, 7z and cp in the same run.

    python benchmarks/reading.py [--runs N] [--markdown FILE] [--only WORD] [--keep FOLDER]

Whole processes, warm cache, output to /dev/null or to a folder that is emptied before each run.  The machine may be
noisy: compare ratios, not seconds.  Exits with 1 if a budget is missed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import trees
from measure import Contender
from table import Job, folders, fresh, fsu, gone, main, script


def prepare(work: Path) -> None:
    """Trees and images."""
    trees.small_files(work / "small")
    trees.many_files(work / "many")
    trees.one_folder(work / "wide" / "folder")
    (work / "tiny").mkdir()
    (work / "tiny" / "hello").write_text("hello\n")
    trees.ext4(work / "small.ext4", work / "small", "512M")
    trees.ext4(work / "many.ext4", work / "many", "256M", "-N", "60000")
    trees.ext4(work / "wide.ext4", work / "wide", "128M", "-N", "1000")
    trees.ext4(work / "tiny.ext4", work / "tiny", "8M")
    trees.huge(work / "huge.ext4", work / "tiny")
    script(work, "list", (f'ls -l "{folder}"' for folder in folders(work / "small")))
    script(work, "list-many", (f'ls -l "{folder}"' for folder in folders(work / "many")))
    script(work, "list-wide", iter(["ls -l /folder"]))
    script(work, "rdump", iter([f"rdump / {work}/out-debugfs"]))


def jobs(work: Path) -> list[Job]:
    """The table."""
    small, many, wide, tiny, huge = (
        work / name for name in ("small.ext4", "many.ext4", "wide.ext4", "tiny.ext4", "huge.ext4")
    )
    nothing = Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"])
    out = {name: work / f"out-{name}" for name in ("fsu", "debugfs", "7z", "cp")}
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
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", prepare, jobs, 5))
