# SPDX-License-Identifier: BSD-2-Clause
"""A program of NetBSD's own librumpclient is a client of our server.

The library is built of a tree of NetBSD's sources, of which two folders are needed: lib/librumpclient and
lib/librumpuser.  RUMP_NETBSD_SRC names the tree; without it the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from served import Served

SOURCE = os.environ.get("RUMP_NETBSD_SRC")
OURS = Path(__file__).parent

pytestmark = [
    pytest.mark.skipif(not SOURCE, reason="RUMP_NETBSD_SRC names no NetBSD sources"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the headers made up are for Linux"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program, with the library."""
    build = tmp_path_factory.mktemp("librumpclient")
    (build / "rump").mkdir()
    shutil.copy(f"{SOURCE}/lib/librumpclient/rumpclient.c", build)
    shutil.copy(f"{SOURCE}/lib/librumpclient/rumpclient.h", build / "rump")
    shutil.copy(f"{SOURCE}/lib/librumpuser/sp_common.c", build)
    for name in ("netbsd_compat.h", "netbsd_client.c"):
        shutil.copy(OURS / name, build)
    for name in ("rumpuser_port.h", "rump/rumpuser_port.h"):
        (build / name).write_text('#include "netbsd_compat.h"\n')
    # No server of ours sends signals, so none needs another number.
    (build / "rumpuser_sigtrans.c").write_text("static int rumpuser__sig_rump2host(int number) { return number; }\n")
    subprocess.run(
        ["cc", "-w", "-O1", "-I.", "-include", "netbsd_compat.h", "-o", "client", "netbsd_client.c", "rumpclient.c",
         "-lpthread", "-ldl"],
        cwd=build, check=True,
    )  # fmt: skip
    return build / "client"


@pytest.mark.parametrize("scheme", ["unix", "tcp"])
def test_a_genuine_client(program, tmp_path, scheme):
    address = b"tcp://127.0.0.1:0/" if scheme == "tcp" else b"unix://%s" % bytes(tmp_path / "s")
    with Served(address) as served:
        done = subprocess.run(
            [program], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "RUMP_SERVER": served.address.decode()},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith("ok exec closes close-on-exec\n")
        served.until(lambda: served.server.clients() == 0)
        assert served.processes() == [1]
        assert served.log == []
