# SPDX-License-Identifier: BSD-2-Clause
"""Several threads in one kernel: pipes, FIFOs and poll that really wait."""

import threading

import pytest

from rump.kernel import abi

linux = pytest.importorskip("rump.rumpuser.linux")
PATIENCE = 30


@pytest.fixture
def kernel(lab):
    return lab.boot(linux.Linux())


class Helper(threading.Thread):
    """A call in a thread of its own; `result` joins it."""

    def __init__(self, call, *arguments):
        super().__init__(daemon=True)
        self.call, self.arguments = call, arguments
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.call(*self.arguments)
        except BaseException as error:
            self.error = error

    def result(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "still waiting"
        if self.error is not None:
            raise self.error
        return self.value


def test_a_pipe_carries_more_than_it_holds(kernel):
    """The writer waits for room, the reader for data; all arrives, in order."""
    lwp, other = kernel.lwp, kernel.newlwp(kernel.lwp)
    reader, writer = lwp.pipe2()
    data = bytes(range(256)) * 2048

    def write():
        assert other.write(writer, data) == len(data)
        other.close(writer)

    helper = Helper(write)
    found = bytearray()
    while piece := lwp.read(reader, 10_000):
        found += piece
    helper.result()
    assert found == data
    lwp.close(reader)


def test_opening_a_fifo_waits_for_the_other_end(kernel):
    lwp, other = kernel.lwp, kernel.newlwp(kernel.lwp)
    lwp.mkfifo(b"/tmp/p", 0o600)
    helper = Helper(other.open, b"/tmp/p", abi.O_WRONLY)
    reader = lwp.open(b"/tmp/p", abi.O_RDONLY)
    writer = helper.result()
    other.write(writer, b"met")
    assert lwp.read(reader, 10) == b"met"
    lwp.close(reader)
    lwp.close(writer)


def test_a_fifo_whose_writer_came_and_went(kernel):
    """A reader that waits in open is let in by a writer, even one that is gone again before the reader looks."""
    lwp, other = kernel.lwp, kernel.newlwp(kernel.lwp)
    lwp.mkfifo(b"/tmp/p", 0o600)
    for _ in range(20):
        helper = Helper(other.open, b"/tmp/p", abi.O_RDONLY)
        writer = lwp.open(b"/tmp/p", abi.O_WRONLY)
        lwp.write(writer, b"x")
        lwp.close(writer)
        reader = helper.result()
        assert (lwp.read(reader, 5), lwp.read(reader, 5)) == (b"x", b"")
        lwp.close(reader)


def test_poll_is_woken_by_another_lwp(kernel):
    lwp, other = kernel.lwp, kernel.newlwp(kernel.lwp)
    reader, writer = lwp.pipe2()
    helper = Helper(other.poll, ((reader, abi.POLLIN),), None)
    lwp.write(writer, b"x")
    assert helper.result() == ((reader, abi.POLLIN),)
    lwp.close(reader)
    lwp.close(writer)


def test_two_processes_work_in_one_directory(kernel):
    """Making, listing and removing names at once; nothing is left, nothing leaks."""

    def work(number):
        lwp = kernel.newproc()
        for turn in range(60):
            name = b"/tmp/%d-%d" % (number, turn)
            fd = lwp.open(name, abi.O_RDWR | abi.O_CREAT)
            lwp.write(fd, b"x" * 1000)
            lwp.rename(name, name + b"-moved")
            assert lwp.pread(fd, 2000, 0) == b"x" * 1000
            lwp.unlink(name + b"-moved")
            lwp.close(fd)
        kernel.exit(lwp)

    for helper in [Helper(work, number) for number in range(4)]:
        helper.result()
    directory = kernel.lwp.open(b"/tmp", abi.O_RDONLY)
    assert len(kernel.lwp.getdents(directory)) == 2
    kernel.lwp.close(directory)


def test_one_host_thread_reads_while_another_writes(kernel, tmp_path):
    """Reads of a device give the CPU up; others go on meanwhile, and what is read is right."""
    image = tmp_path / "image"
    image.write_bytes(bytes(range(256)) * 4096)
    kernel.etfs_register(b"/dev/d", bytes(image))

    def read():
        lwp = kernel.newproc()
        fd = lwp.open(b"/dev/d", abi.O_RDONLY)
        for offset in range(0, 1 << 20, 5000):
            assert lwp.pread(fd, 3, offset) == bytes((offset + n) % 256 for n in range(3))
        kernel.exit(lwp)

    for helper in [Helper(read) for _ in range(3)]:
        helper.result()
