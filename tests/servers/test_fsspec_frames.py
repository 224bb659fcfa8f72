# SPDX-License-Identifier: BSD-2-Clause
"""What others do with files they open through fsspec: pandas, dask and ray, as they are.  Extra "frames"."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fsspec")

import fsspec
from fsspec_images import Server, make

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = "name,age\nann,31\nbob,47\n"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/people.csv").write_text(PEOPLE)
    for number in range(3):
        (tmp_path / f"tree/etc/part{number}.csv").write_text(f"n,square\n{number},{number**2}\n")
    return make(tmp_path / "disk.img", "ext4", "8M", "-d", str(tmp_path / "tree"))


@pytest.fixture
def served(image: Path) -> Iterator[Server]:
    pytest.importorskip("aiohttp")
    with Server(image.read_bytes()) as server:
        yield server


def test_pandas_reads_and_writes_csv(image: Path, served: Server) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(f"rump://people.csv::file://{image}")
    assert list(frame.age) == [31, 47]
    assert pandas.read_csv(f"rump://people.csv::{served.url}").equals(frame)
    frame.to_csv(f"rump://copy.csv.gz::file://{image}", index=False)
    assert pandas.read_csv(f"rump://copy.csv.gz::file://{image}").equals(frame)


def test_pandas_reads_and_writes_parquet(image: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"n": range(1000), "text": ["x" * (n % 7) for n in range(1000)]})
    frame.to_parquet(f"rump://data.parquet::file://{image}")
    assert pandas.read_parquet(f"rump://data.parquet::file://{image}").equals(frame)
    assert list(pandas.read_parquet(f"rump://data.parquet::file://{image}", columns=["n"]).columns) == ["n"]


def test_arrow_reads_a_data_set(image: Path) -> None:
    data = pytest.importorskip("pyarrow.dataset")
    fs, path = fsspec.url_to_fs(f"rump://etc::file://{image}")
    table = data.dataset(path, filesystem=fs, format="csv").to_table()
    assert sorted(table["square"].to_pylist()) == [0, 1, 4]


def test_dask_reads_many_files(image: Path) -> None:
    frames = pytest.importorskip("dask.dataframe")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASK_SCHEDULER", "threads")
        frame = frames.read_csv(f"rump://etc/*.csv::file://{image}")
        assert int(frame.square.sum().compute(scheduler="threads")) == 5
    bag = pytest.importorskip("dask.bag").read_text(f"rump://etc/*.csv::file://{image}")
    assert bag.count().compute(scheduler="synchronous") == 6


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the protocol as an installed one would."""
    implementation = "rump.servers.fsspec.ImageFileSystem"
    register = f"import fsspec; fsspec.register_implementation('rump', '{implementation}', clobber=True)"
    (script.parent / "sitecustomize.py").write_text(register)
    path = os.pathsep.join([str(script.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120,
                          check=False, env={**os.environ, "PYTHONPATH": path, "RAY_DEDUP_LOGS": "0"})  # fmt: skip


@pytest.mark.slow
def test_find_on_dask(image: Path, served: Server, tmp_path: Path) -> None:
    """The example: several images, one of them behind a web server, one missing."""
    pytest.importorskip("dask.distributed")
    script = tmp_path / "run/find_on_dask.py"
    script.parent.mkdir()
    script.write_text((ROOT / "docs/examples/find_on_dask.py").read_text())
    done = run(script, "**/p*.csv", str(image), served.url, "/none.img")
    lines = [line.split()[-1] for line in done.stdout.splitlines()]
    names = ["/etc/part0.csv", "/etc/part1.csv", "/etc/part2.csv", "/people.csv"]
    assert lines == [f"{where}:{name}" for where in (str(image), served.url) for name in names], done.stderr
    assert done.returncode == 1 and "/none.img" in done.stderr


@pytest.mark.slow
def test_ray_reads_csv(image: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray.data")
    script = tmp_path / "run/on_ray.py"
    script.parent.mkdir()
    script.write_text(f"""if True:
        import fsspec, ray
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
        fs, path = fsspec.url_to_fs("rump://etc::file://{image}")
        @ray.remote
        def total(fs, path):
            return sum(int(fs.cat(name).split(b",")[-1]) for name in fs.glob(path + "/*.csv"))
        print("total", ray.get(total.remote(fs, path)))
        print("rows", ray.data.read_csv(path, filesystem=fs).count())
    """)
    done = run(script)
    assert "total 5" in done.stdout and "rows 3" in done.stdout, done.stderr
