# SPDX-License-Identifier: BSD-2-Clause
"""`fsu getfattr`, `setfattr` and `getfacl` against attr(1) and acl(1)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rump.fsutils.xattr_text import decode, encode, quote, unquote

from .conftest import Fsu, call, check, tool

VALUES = {
    "user.text": b"plain", "user.quote": b'a"b\\c', "user.binary": bytes(range(40)), "user.empty": b"",
    "user.nul": b"blue\0ish", "user.sp ace": b"x", "user.eq=s": b"z", "user.lines": b"a\nb\rc\td",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree, and beside it an image of it, image.img; not to be changed."""
    root = tmp_path_factory.mktemp("xattrs") / "tree"
    (root / "sub").mkdir(parents=True)
    for name in ("file", "sub/below", "bare"):
        (root / name).touch(mode=0o640)
    (root / "link").symlink_to("file")
    try:
        for name, value in VALUES.items():
            os.setxattr(root / "file", name, value)
        os.setxattr(root / "sub/below", "user.below", b"1")
    except OSError:
        pytest.skip("needs extended attributes")
    try:
        subprocess.run([tool("setfacl"), "-m", "u:1234:rw-,g:55:r-x,m:rw", root / "file"], check=True)
        subprocess.run(["setfacl", "-d", "-m", "u:7:rwx", root / "sub"], check=True)
    except subprocess.CalledProcessError:
        pytest.skip("needs access control lists")
    (root / "sub").chmod(0o2755)
    call(tool("mke2fs"), "-q", "-t", "ext4", "-I", "512", "-d", root, root.parent / "image.img", "8M")
    return root


def host(root: Path, *words: str) -> bytes:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [tool(words[0]), *words[1:]], cwd=root, capture_output=True, env=environment, check=True
    ).stdout


@pytest.mark.parametrize(
    "options",
    ["file sub/below bare", "-d file", "-d -e hex file", "-d -e base64 file", "-n user.text -e text file", "-d link",
     "-h -d link", "-n user.binary --only-values file", "-m . -d -e hex file sub", "-m posix sub", "-m - -d bare",
     "-d -m e.t file"],
)  # fmt: skip
def test_getfattr(fsu: Fsu, root: Path, options: str) -> None:
    words = options.split()
    names = ("file", "sub/below", "bare", "sub", "link")
    ours = [f"{root.parent}/image.img:/{word}" if word in names else word for word in words]
    result = fsu("getfattr", *ours)
    assert (result.status, result.err) == (0, b"") and result.out == host(root, "getfattr", *words)


def test_getfattr_of_trees(fsu: Fsu, root: Path) -> None:
    image = f"{root.parent}/image.img"
    assert fsu("getfattr", "-Rd", image).out == host(root, "getfattr", "-d", "file") + host(
        root, "getfattr", "-d", "sub/below")  # fmt: skip
    assert fsu("getfattr", "-d", "--absolute-names", f"{image}:/sub/below").out.startswith(
        f"# file: {image}:/sub/below\n".encode())  # fmt: skip
    record = json.loads(fsu("getfattr", "--json", f"{image}:/sub/below").out)
    assert record == {"path": f"{image}:/sub/below", "name": "user.below", "value_b64": "MQ=="}
    result = fsu("getfattr", "-n", "user.none", f"{image}:/file")
    assert result.status == 1 and b"user.none: Attribute not found" in result.err
    assert fsu("getfattr", "-m", "(", image).status == 2


@pytest.mark.parametrize(
    "options", ["file", "bare file", "sub", "-c file", "-e file", "-E file", "-d sub", "-a sub", "-s bare"]
)
def test_getfacl(fsu: Fsu, root: Path, options: str) -> None:
    words = options.split()
    ours = [f"{root.parent}/image.img:/{word}" if word in ("file", "bare", "sub") else word for word in words]
    expected = host(root, "getfacl", "-n", *words)
    owner = f"{os.getuid()}\n# group: {(root / 'file').stat().st_gid}\n".encode()
    assert fsu("getfacl", *ours).out == expected.replace(b"owner: " + owner, b"owner: " + owner)


def test_damaged_lists(fsu: Fsu, image: Path) -> None:
    fsu("touch", f"{image}:/x")
    for value in ("0x0200000001000700ffffffff02", "0x0300000001000700ffffffff", "0x02000000ff000700ffffffff"):
        if fsu("setfattr", "-n", "system.posix_acl_access", "-v", value, f"{image}:/x").status == 0:
            result = fsu("getfacl", f"{image}:/x")
            assert result.status == 1 and b"access control list" in result.err


def test_setfattr(fsu: Fsu, image: Path, root: Path) -> None:
    fsu("touch", f"{image}:/a", f"{image}:/b")
    fsu("ln", "-s", "a", f"{image}:/link")
    for text, value in (("plain", b"plain"), ('"q\\"x\\\\y\\012z"', b'q"x\\y\nz'), ("0x414243", b"ABC"),
                        ("0sQUJD", b"ABC"), ("a\\012b", b"a\nb"), ('"open', b'"open'), ("-1", b"-1"),
                        ("", b"")):  # fmt: skip
        assert fsu("setfattr", "-n", "user.v", "-v", text, f"{image}:/[ab]").status == 0
        assert fsu("getfattr", "--only-values", "-n", "user.v", f"{image}:/b").out == value
        os.setxattr(root / "bare", "user.v", b"")
        subprocess.run([tool("setfattr"), "-n", "user.v", "-v", text, root / "bare"], check=True)
        assert os.getxattr(root / "bare", "user.v") == value
    os.removexattr(root / "bare", "user.v")
    assert fsu("setfattr", "--raw", "-n", "user.r", "-v", "0x41", f"{image}:/link").status == 0
    assert fsu("getfattr", "-n", "user.r", "--only-values", f"{image}:/a").out == b"0x41"
    assert fsu("setfattr", "-x", "user.v", f"{image}:/a", f"{image}:/b").status == 0
    result = fsu("setfattr", "-x", "user.v", f"{image}:/a")
    assert result.status == 1 and b"Attribute not found" in result.err
    for words in (["-n", "user.v", "-v", "0xzz"], ["-n", "user.v", "-v", "0s!!"], ["-n", "a", "-x", "b"], []):
        assert fsu("setfattr", *words, f"{image}:/a").status == 2
    check(image)


def test_dumps_go_round(fsu: Fsu, root: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"{root.parent}/image.img"
    dump = fsu("getfattr", "-R", "-d", source).out
    fsu("mkdir", f"{image}:/copy")
    fsu("cp", "-r", "--no-preserve=xattr", f"{source}:/.", f"{image}:/copy")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(dump)))
    assert fsu("setfattr", "--restore=-", f"{image}:/copy") == (0, b"", b"")
    assert fsu("getfattr", "-R", "-d", f"{image}:/copy").out == dump.replace(b"# file: ", b"# file: copy/")
    (tmp_path / "dump").write_bytes(fsu("getfattr", "-R", "-d", "--absolute-names", f"{image}:/copy").out)
    fsu("setfattr", "-x", "user.text", f"{image}:/copy/file")
    assert fsu("setfattr", "--restore", tmp_path / "dump").status == 0
    assert fsu("getfattr", "-n", "user.text", "--only-values", f"{image}:/copy/file").out == b"plain"
    (tmp_path / "dump").write_text('# file: copy/file\nuser.x="1"\nuser.y=0xq\n')
    result = fsu("setfattr", "--restore", tmp_path / "dump", image)
    assert result.status == 1 and b"line 3: no hexadecimal value" in result.err
    assert fsu("setfattr", "--restore", tmp_path / "dump2", image).status == 1
    (tmp_path / "dump").write_text('# file: copy/file\nuser.x="1"\n')
    assert fsu("setfattr", "--restore", tmp_path / "dump").status == 2
    check(image)


def test_every_value_can_be_read_back() -> None:
    for value in (
        *VALUES.values(),
        bytes(range(256)),
        b"0x41",
        b"\\",
        b'"',
        b"\\101",
        b"text\0",
        "Grüße".encode(),
        b"\xff",
    ):
        for form in (None, "text", "hex", "base64"):
            assert decode(encode(value, form)) == value
        assert unquote(quote(value, b"=")) == value
