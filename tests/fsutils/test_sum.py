# SPDX-License-Identifier: BSD-2-Clause
"""`fsu sum` against sha256sum and its kin."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from rump.fsutils.digests import ALGORITHMS

from .conftest import Fsu, call, tool


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree, and beside it an image of it, image.img; not to be changed."""
    root = tmp_path_factory.mktemp("sum") / "tree"
    (root / "sub/er").mkdir(parents=True)
    (root / "a").write_text("a\n")
    (root / "sub/b").write_bytes(bytes(range(256)) * 5000)
    (root / "sub/er/c").touch()
    (root / "two\nlines\\").write_text("odd\n")
    (root / "link").symlink_to("a")
    with open(root / "sparse", "wb") as file:
        file.seek(3 << 20)
        file.write(b"island")
        file.truncate(5 << 20)
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, root.parent / "image.img", "32M")
    return root


NAMES = ("a", "sub/b", "sub/er/c", "two\nlines\\", "sparse")


@pytest.mark.parametrize("program", ["md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum"])
@pytest.mark.parametrize("options", [(), ("--tag",), ("-b",), ("-z",)])
def test_as_the_host_prints_it(fsu: Fsu, root: Path, program: str, options: tuple[str, ...]) -> None:
    algorithm = {"b2sum": "blake2b"}.get(program, program.removesuffix("sum"))
    done = subprocess.run([tool(program), *options, *NAMES], cwd=root, capture_output=True, check=True)
    assert fsu("sum", "-a", algorithm, *options, "-C", f"{root.parent}/image.img:/", *NAMES).out == done.stdout
    assert fsu("sum", "-a", algorithm, *options, "-C", root, *NAMES).out == done.stdout


def test_names(fsu: Fsu, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = f"{root.parent}/image.img"
    assert fsu("sum", "-a", "crc32", f"{image}:/a").out == b"%08x  %b:/a\n" % (zlib.crc32(b"a\n"), image.encode())
    assert fsu("sum", image).out == subprocess.run(["sha256sum", image], capture_output=True, check=True).stdout
    assert len({fsu("sum", "-a", name, f"{image}:/a").out for name in ALGORITHMS}) == len(ALGORITHMS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    assert fsu("sum", "-a", "SHA-1").out == b"3f786850e387550fdab836ed7e6dc881de23001b  -\n"
    assert fsu("sum", "-a", "sha3", "x").status == 2
    record = json.loads(fsu("sum", "--json", f"{image}:/a").out)
    assert record["path"] == f"{image}:/a" and record["algorithm"] == "sha256" and len(record["digest"]) == 64
    result = fsu("sum", f"{image}:/sub", f"{image}:/a", f"{image}:/none")
    assert result.status == 1 and result.out.count(b"\n") == 1 and b"sub: Is a directory" in result.err


def test_trees_and_back(fsu: Fsu, root: Path, tmp_path: Path) -> None:
    image, listed = f"{root.parent}/image.img:/", tmp_path / "SUMS"
    result = fsu("sum", "-r", "-C", image, ".")
    assert [line.split(b"  ")[1] for line in result.out.splitlines()] == [
        b"./a", b"./sparse", b"./sub/b", b"./sub/er/c", b"./two\\nlines\\\\"]  # fmt: skip
    assert fsu("sum", "-r", "-C", root, ".").out == result.out
    listed.write_bytes(result.out)
    subprocess.run([tool("sha256sum"), "-c", "--strict", "--quiet", listed], cwd=root, check=True)
    result = fsu("sum", "-c", "-C", image, listed)
    assert (result.status, result.err) == (0, b"") and result.out.count(b": OK\n") == 5
    assert fsu("sum", "-c", "--quiet", "-C", root, listed) == (0, b"", b"")
    listed.write_bytes(fsu("sum", "-r", "--tag", "-a", "md5", image).out)
    assert fsu("sum", "-c", "--status", listed) == (0, b"", b"")


def test_what_does_not_match(fsu: Fsu, root: Path, tmp_path: Path) -> None:
    image, listed = f"{root.parent}/image.img:/", tmp_path / "SUMS"
    lines = fsu("sum", "-r", "-C", image, "sub").out.decode().splitlines()
    lines[0] = "f" * 64 + lines[0][64:]
    listed.write_text("\n".join([*lines, "0" * 64 + "  none", "# a remark", "nonsense", ""]))
    result = fsu("sum", "-c", "-C", image, listed)
    assert result.status == 1
    assert result.out.decode().splitlines() == ["sub/b: FAILED", "sub/er/c: OK", "none: FAILED open or read"]
    assert result.err.decode().splitlines() == [
        f"fsu sum: {image}none: No such file or directory",
        "fsu sum: WARNING: 1 line is no checksum",
        "fsu sum: WARNING: 1 listed file could not be read",
        "fsu sum: WARNING: 1 computed checksum did NOT match",
    ]
    assert fsu("sum", "-c", "--status", "-C", image, listed) == (1, b"", b"")
    listed.write_text("\n".join([lines[1], "nonsense", "0" * 64 + "  none"]))
    assert fsu("sum", "-c", "--ignore-missing", "-C", image, listed).status == 0
    assert fsu("sum", "-c", "--ignore-missing", "--strict", "-C", image, listed).status == 1
    assert b"SUMS: 2: no line with a checksum" in fsu("sum", "-cw", "--ignore-missing", "-C", image, listed).err
    listed.write_text("nothing\n")
    assert fsu("sum", "-c", listed).status == 1
    listed.write_bytes(b"x" * (3 << 20))
    assert b"a line of more than 1 MiB" in fsu("sum", "-c", listed).err
