# SPDX-License-Identifier: BSD-2-Clause
"""etfs and the devices of /dev."""

import pytest

from rump.kernel import abi
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import OPEN_CREATE, OPEN_RDWR

IMAGE = bytes(range(256)) * 64


@pytest.fixture
def image(lab, kernel):
    return lab.image(b"image", IMAGE)


class Inside:
    """with Inside(kernel): ... - on the virtual CPU, as kernel code is."""

    def __init__(self, kernel):
        self.cpu = kernel.cpu

    def __enter__(self):
        self.cpu.acquire()

    def __exit__(self, *exception):
        self.cpu.release()


def _open(kernel, key, flags=abi.O_RDONLY):
    return kernel.lwp.open(key, flags)


def test_a_host_file_is_a_block_device(kernel, image):
    kernel.etfs_register(b"/dev/d", image)
    st = kernel.lwp.stat(b"/dev/d")
    assert (st.st_mode & abi.S_IFMT, st.st_size) == (abi.S_IFBLK, len(IMAGE))
    fd = _open(kernel, b"//dev/d")
    assert kernel.lwp.pread(fd, 5, 300) == IMAGE[300:305]
    assert kernel.lwp.lseek(fd, -3, abi.SEEK_END) == len(IMAGE) - 3
    assert (kernel.lwp.read(fd, 10), kernel.lwp.read(fd, 10)) == (IMAGE[-3:], b"")
    kernel.lwp.close(fd)
    device = kernel.device(b"/dev/d")
    with Inside(kernel):
        assert device.read(0, 4) == IMAGE[:4]


@pytest.mark.parametrize(("offset", "size"), [(0, None), (512, None), (100, 1000), (len(IMAGE), None), (5, 0)])
def test_windows(kernel, image, offset, size, refused):
    """A part of a file: its own bytes, and not one more on either side."""
    kernel.etfs_register(b"/dev/d", image, offset=offset, size=size)
    wanted = IMAGE[offset:] if size is None else IMAGE[offset : offset + size]
    device = kernel.device(b"/dev/d")
    assert device.size == len(wanted)
    with Inside(kernel):
        assert device.read(0, len(wanted)) == wanted
        for start, length in ((0, len(wanted) + 1), (-1, 1), (len(wanted), 1)):
            with refused(e.EIO):
                device.read(start, length)
            with refused(e.EIO):
                device.readinto_many([(start, bytearray(length))])


def test_a_window_is_written_inside_only(lab, kernel, image, refused):
    kernel.etfs_register(b"/dev/d", image, offset=1000, size=100, read_only=False)
    fd = _open(kernel, b"/dev/d", abi.O_RDWR)
    assert kernel.lwp.pwrite(fd, b"x" * 200, 50) == 50
    with refused(e.ENOSPC):
        kernel.lwp.pwrite(fd, b"x", 100)
    device = kernel.device(b"/dev/d")
    for offset in (-1, 100, 1 << 70):
        with refused(e.EIO):
            device.write(offset, b"x")
    kernel.lwp.fsync(fd)
    kernel.lwp.close(fd)
    assert bytes(lab.platform.files[b"image"].data) == IMAGE[:1050] + b"x" * 50 + IMAGE[1100:]


def test_etfs_errors(kernel, image, refused):
    kernel.etfs_register(b"/dev/d", image)
    for number, call in (
        (e.EINVAL, lambda: kernel.etfs_register(b"relative", image)),
        (e.EEXIST, lambda: kernel.etfs_register(b"/dev/d", image)),
        (e.ENOENT, lambda: kernel.etfs_register(b"/dev/e", b"missing")),
        (e.EINVAL, lambda: kernel.etfs_register(b"/dev/e", image, offset=len(IMAGE) + 1)),
        (e.EINVAL, lambda: kernel.etfs_register(b"/dev/e", image, offset=-1)),
        (e.EINVAL, lambda: kernel.etfs_register(b"/dev/e", image, offset=10, size=len(IMAGE))),
        (e.ENOENT, lambda: kernel.etfs_remove(b"/dev/e")),
        (e.ENOENT, lambda: kernel.lwp.stat(b"/dev/e")),
        (e.EROFS, lambda: _open(kernel, b"/dev/d", abi.O_RDWR)),
        (e.EBUSY, lambda: kernel.lwp.unlink(b"/dev/d")),
        (e.EBUSY, lambda: kernel.lwp.mkdir(b"/dev/d", 0o755)),
    ):
        with refused(number):
            call()
    assert len(kernel.host._open) == 1


def test_a_device_in_use_stays(kernel, image, refused):
    kernel.etfs_register(b"/dev/d", image)
    fd = _open(kernel, b"/dev/d")
    with refused(e.EBUSY):
        kernel.etfs_remove(b"/dev/d")
    kernel.lwp.close(fd)
    kernel.etfs_remove(b"/dev/d")
    with refused(e.ENOENT):
        kernel.lwp.stat(b"/dev/d")
    assert kernel.host._open == {}
    kernel.etfs_register(b"/dev/d", image)


def test_keys_are_not_seen_under_another_root(kernel, image, refused):
    kernel.etfs_register(b"/dev/d", image)
    jailed = kernel.newproc()
    jailed.chroot(b"/tmp")
    with refused(e.ENOENT):
        jailed.stat(b"/dev/d")
    kernel.exit(jailed)


def test_character_devices(lab, kernel, refused):
    lwp = kernel.lwp
    names = (b"null", b"zero", b"full", b"console")
    null, zero, full, console = (lwp.open(b"/dev/" + name, abi.O_RDWR) for name in names)
    assert (lwp.read(null, 10), lwp.write(null, b"gone")) == (b"", 4)
    assert (lwp.read(zero, 3), lwp.read(full, 2), lwp.write(zero, b"x")) == (bytes(3), bytes(2), 1)
    with refused(e.ENOSPC):
        lwp.write(full, b"x")
    assert (lwp.write(console, b"hello\n"), lwp.read(console, 10)) == (6, b"")
    assert lwp.write(1, b"out\n") == 4
    assert bytes(lab.platform.console) == b"hello\nout\n"
    for fd in (null, zero, full, console):
        assert lwp.poll(((fd, abi.POLLIN | abi.POLLOUT),), 0) == ((fd, abi.POLLIN | abi.POLLOUT),)
        lwp.close(fd)


@pytest.mark.parametrize("name", [b"random", b"urandom"])
def test_random_devices_give_the_hosts_entropy(kernel, name):
    fd = kernel.lwp.open(b"/dev/" + name, abi.O_RDONLY)
    first, second = kernel.lwp.read(fd, 70_000), kernel.lwp.read(fd, 70_000)
    assert (len(first), len(second)) == (70_000, 70_000)
    assert first != second
    kernel.lwp.close(fd)


def test_copy_out_runs_of_every_kind(kernel):
    """Pages of tmpfs are INLINE, between them are holes: left out, or written as zeros."""
    lwp, host = kernel.lwp, kernel.host
    fd = lwp.open(b"/tmp/f", abi.O_RDWR | abi.O_CREAT)
    lwp.pwrite(fd, b"start", 0)
    lwp.pwrite(fd, b"end", 3_000_000)
    contents = b"start" + bytes(2_999_995) + b"end"
    for sparse, before in ((True, bytes(3_000_010)), (False, b"\xff" * 3_000_010)):
        kernel.cpu.acquire()
        handle = host.open(b"target%d" % sparse, OPEN_RDWR | OPEN_CREATE)
        host.write(handle, before, 0)
        kernel.cpu.release()
        assert lwp.rump_copy_out(fd, 0, 1 << 40, handle, 7, sparse) == len(contents)
        found = bytes(host.platform.files[b"target%d" % sparse].data)
        assert found == before[:7] + contents
        lwp.rump_disown(handle)
    lwp.close(fd)


def test_adopted_files_on_a_host_that_has_them(lab, tmp_path, refused):
    linux = pytest.importorskip("rump.rumpuser.linux")
    kernel = lab.boot(linux.Linux())
    with open(tmp_path / "out", "w+b") as file:
        handle = kernel.lwp.rump_adopt(file.fileno())
        kernel.lwp.close(kernel.lwp.open(b"/tmp/f", abi.O_WRONLY | abi.O_CREAT))
        kernel.lwp.truncate(b"/tmp/f", 100)
        fd = kernel.lwp.open(b"/tmp/f", abi.O_RDWR)
        kernel.lwp.write(fd, b"adopted")
        assert kernel.lwp.rump_copy_out(fd, 0, 100, handle, 0, False) == 100
        kernel.lwp.rump_disown(handle)
        with refused(e.EBADF):
            kernel.lwp.rump_disown(handle)
        assert file.read() == b"adopted" + bytes(93)
        kernel.lwp.close(fd)
