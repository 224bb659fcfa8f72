# SPDX-License-Identifier: BSD-2-Clause
"""A real block device: a loop device over a file."""

import os
import shutil
import subprocess

import pytest

from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import EXTENT_DATA, FT_BLK, OPEN_RDONLY, OPEN_RDWR, SYNC_DATA

SIZE = 1 << 20


@pytest.fixture(params=[512, 4096])
def device(request, backend, tmp_path):
    """(path of a block device, its sector size)"""
    if not backend.startswith("linux") or not shutil.which("losetup") or os.geteuid() != 0:
        pytest.skip("no loop devices")
    image = tmp_path / "image"
    image.write_bytes(b"boot" + bytes(SIZE - 4))
    command = ["losetup", "--show", "-f", "-b", str(request.param), str(image)]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no loop devices")
    name = made.stdout.strip()
    yield name, request.param
    subprocess.run([b"losetup", b"-d", name], check=True)


@pytest.mark.root
def test_medium(host, device):
    path, sector = device
    handle = host.open(path, OPEN_RDONLY)
    assert host.getfileinfo(handle) == (SIZE, FT_BLK, sector)
    assert host.extents(handle, 0, 2 * SIZE) == ((EXTENT_DATA, 0, SIZE),)
    host.close(handle)


@pytest.mark.root
def test_read_and_write(host, device, refused):
    handle = host.open(device[0], OPEN_RDWR)
    buffer = bytearray(100)
    assert host.read(handle, buffer, SIZE - 50) == 50
    host.write(handle, b"BOOT", 0)
    host.sync(handle, SYNC_DATA)
    host.read(handle, buffer, 0)
    assert buffer[:5] == b"BOOT\0"
    with refused(EINVAL):
        host.truncate(handle, 0)
    if host.traits.punches_holes:
        host.discard(handle, 0, 4096)
        host.read(handle, buffer, 0)
        assert buffer == bytes(100)
    host.close(handle)
