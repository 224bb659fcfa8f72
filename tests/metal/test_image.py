# SPDX-License-Identifier: BSD-2-Clause
"""The builder: the same bytes each time, from the cache when nothing changed, clear words when something is missing."""

import hashlib
import io
import os
import shutil
import subprocess

import pytest

from rump.rumpuser.bare.image import KEPT, ImageError, __main__, archive, binaries, build, library, requirements


def _bytes(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def few_packages(image, monkeypatch):
    """Of `rump` only the builder: the rest may be edited while this runs."""
    plan = [entry for entry in library.packages() if "/bare/image/" in entry[0]]
    monkeypatch.setattr(library, "packages", lambda: iter(plan))


@pytest.mark.slow
def test_it_is_the_same_every_time(few_packages, tmp_path):
    """Built again from nothing, and nothing of the builder's machine gets into it."""
    for first, again in zip(build(), build(str(tmp_path / "cache")), strict=True):
        data = _bytes(again)
        assert hashlib.sha256(_bytes(first)).digest() == hashlib.sha256(data).digest()
        assert os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")).encode() not in data
    shutil.rmtree(tmp_path / "cache")


def test_the_second_time_it_comes_from_the_cache(few_packages, tmp_path, monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("compiled again")

    first = build()
    monkeypatch.setattr(binaries, "_compiler", refuse)
    monkeypatch.setattr(library.Library, "_compile", lambda self, missing: refuse() if missing else None)
    assert build() == first
    assert __main__.main([str(tmp_path / "out")]) == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["initrd.cpio", "kernel.elf"]


def test_missing_packages_are_named(tmp_path, monkeypatch, capsys):
    files = (("/nowhere/libpython3.11.a", "libpython3.11-dev"), ("/nowhere/libz.a", "zlib1g-dev"), (__file__, "this"))
    monkeypatch.setattr(requirements, "_FILES", files)
    monkeypatch.setattr(requirements, "COMPILER", "no-such-compiler")
    with pytest.raises(ImageError) as error:
        build(str(tmp_path))
    assert str(error.value).endswith("apt-get install --no-install-recommends gcc libpython3.11-dev zlib1g-dev")
    assert __main__.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("image: the image is built from")


def test_what_does_not_compile_is_told(image, tmp_path, monkeypatch):
    sources = tmp_path / "sources"
    shutil.copytree(binaries.SOURCES, sources)
    with open(sources / "halt.c", "a") as file:
        file.write("no C\n")
    monkeypatch.setattr(binaries, "SOURCES", str(sources))
    with pytest.raises(ImageError, match=r"halt\.c:\d+:.*error"):
        build(str(tmp_path / "cache"))
    assert os.listdir(tmp_path / "cache") == []
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f(:\n")
    with pytest.raises(ImageError, match="SyntaxError"):
        library.Library(requirements.INTERPRETER, str(tmp_path / "code")).files(iter([("lib/wrong.py", str(wrong))]))


def test_old_images_are_forgotten(tmp_path):
    from rump.rumpuser.bare import image as builder

    folders = [builder._kept(str(tmp_path), "image", f"{i:016}", lambda folder: None) for i in range(KEPT + 2)]
    for age, folder in enumerate(reversed(folders)):
        if os.path.isdir(folder):
            os.utime(folder, (10**9 - age, 10**9 - age))
    builder._kept(str(tmp_path), "image", "f" * 16, lambda folder: None)
    assert len(os.listdir(tmp_path)) == KEPT
    assert not os.path.isdir(folders[0])


def test_archives_are_what_cpio_reads(tmp_path):
    output = io.BytesIO()
    archive.write(output, [("a/b", b"12345"), ("c", b"")])
    assert len(output.getvalue()) % 4 == 0
    if not shutil.which("cpio"):
        pytest.skip("no cpio here")
    done = subprocess.run(["cpio", "-t"], input=output.getvalue(), capture_output=True, check=True)
    assert done.stdout == b"a/b\nc\n"


def test_the_sources_in_c_keep_the_rules_of_the_house():
    """The licence in the first line, then what the file is for, no more lines than one reads."""
    paths = binaries.sources(binaries.SOURCES, ".c", ".h", ".S", ".ld")
    paths += binaries.sources(binaries.PROGRAM_SOURCES, ".c")
    assert len(paths) > 30
    for path in paths:
        lines = _bytes(path).decode("ascii").splitlines()
        assert lines[0] == "/* SPDX-License-Identifier: BSD-2-Clause */", path
        assert lines[1].startswith("/*"), path
        assert len(lines) <= 600 and max(map(len, lines)) <= 120, path
        assert not any(line != line.rstrip() or "\t" in line for line in lines), path
