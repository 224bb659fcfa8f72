# SPDX-License-Identifier: BSD-2-Clause
"""The trace, line by line."""

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface.hypercalls import Hypercalls, Traits
from rump.rumpuser.middleware.trace import Trace

GOLDEN = r"""
init(1) = 0
clock_gettime(CLOCK_RELWALL) = 1.500000000
clock_sleep(CLOCK_RELWALL, 0.000000007) = 0
clock_gettime(CLOCK_ABSMONO) = 0.000000007
clock_sleep(CLOCK_ABSMONO, -1.000000000) = 0
getrandom(4, 0) = "\x06X\xfb\x1c"
getrandom(0, RANDOM_HARD|RANDOM_NOWAIT) = ""
getparam("_RUMPUSER_NCPU") = "1"
getparam("HOME") = -1 ENOENT (No such file or directory)
console_write("a \"quo"..., 17) = 0
components() = []
open("disk.img", OPEN_RDWR|OPEN_CREATE|OPEN_EXCL) = 3
open("a\xff", OPEN_RDONLY|OPEN_BIO) = -1 ENOENT (No such file or directory)
open("x", OPEN_ACCMODE|0x20) = -1 EINVAL (Invalid argument)
write(3, "\x7fELF\x00\x01"..., 4096, 0x1000) = 4096
read(3, "\x7fELF\x00\x01"..., 4096, 0x1000) = 4096
read(3, "abc", 100, 0x1ffd) = 3
read(3, "", 100, 0x2000) = 0
read(3, ?, 10, -0x1) = -1 EINVAL (Invalid argument)
getfileinfo(3) = {size=8192, type=FT_REG, sector=512}
submit(3, [{BIO_READ, "abc", 3, 0x1ffd}, {BIO_WRITE, "xy", 2, 0x0}, {BIO_READ, ?, 1, -0x1}]) = [3, 2, -EINVAL]
submit(9, [{BIO_READ, ?, 3, 0x0}]) = -1 EBADF (Bad file descriptor)
truncate(3, 10) = 0
sync(3, SYNC_DATA|SYNC_BARRIER, 0x0, 10) = 0
sync(3, SYNC_ALL, 0x0, 0) = 0
sync(3, 0x8, 0x0, 0) = -1 EINVAL (Invalid argument)
extents(3, 0x5, 4096) = [{EXTENT_DATA, 0x5, 5}]
copy_range(3, 0x0, 3, 0x8, 2) = 2
discard(3, 0x0, 512) = -1 ENOSYS (Function not implemented)
lock(3, 0x0, 0, LOCK_EXCLUSIVE) = -1 ENOSYS (Function not implemented)
lock(3, 0x0, 1, LOCK_TEST) = -1 ENOSYS (Function not implemented)
busy(3) = -1 ENOSYS (Function not implemented)
watch_create(3) = -1 ENOSYS (Function not implemented)
watch_wait(3, 1.500000000) = -1 ENOSYS (Function not implemented)
watch_wait(3, for ever) = -1 ENOSYS (Function not implemented)
watch_close(3) = -1 ENOSYS (Function not implemented)
nic_open("tap0") = -1 ENOSYS (Function not implemented)
nic_address(3) = -1 ENOSYS (Function not implemented)
nic_send(3, "\xff\xff\xff\xff\xff\xff"..., 60) = -1 ENOSYS (Function not implemented)
nic_receive(3, 0.000000000) = -1 ENOSYS (Function not implemented)
nic_receive(3, for ever) = -1 ENOSYS (Function not implemented)
nic_close(3) = -1 ENOSYS (Function not implemented)
adopt(5) = -1 ENOSYS (Function not implemented)
close(3) = 0
close(3) = -1 EBADF (Bad file descriptor)
exit(1) = ?
"""


def test_golden(everything, platform):
    lines = []
    everything(Trace(Bare(platform()), lines.append, shown=6))
    assert b"".join(lines).decode() == GOLDEN.lstrip()


def test_a_line_at_a_time(everything, platform):
    lines = []
    everything(Trace(Bare(platform()), lines.append))
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)


def test_longer_strings(platform):
    lines = []
    Trace(Bare(platform()), lines.append, shown=100).console_write(b'a "quoted"\tline\\\n')
    assert lines == [rb'console_write("a \"quoted\"\tline\\\n", 17) = 0' + b"\n"]


def test_a_trace_in_a_trace_says_the_same(everything, platform):
    inner, outer = [], []
    everything(Trace(Trace(Bare(platform()), inner.append), outer.append))
    assert inner == outer


def test_timing():
    class Slow(Memory):
        def console_write(self, data):
            self.time += 12_900

    lines = []
    Trace(Bare(Slow()), lines.append, timing=True).console_write(b"x")
    assert lines == [b'console_write("x", 1) = 0 <12us>\n']


def test_watches_and_cards():
    class Machine(Hypercalls):
        traits = Traits("a machine")

        def watch_wait(self, watch, timeout):
            return timeout is None

        def nic_address(self, nic):
            return b"\xb2\n\0\x01\x02\xff"

        def nic_receive(self, nic, timeout):
            return bytes(60)

        def nic_send(self, nic, frame):
            pass

    lines = []
    host = Trace(Machine(), lines.append, shown=2)
    host.watch_wait(3, None)
    host.watch_wait(3, -1)
    host.nic_address(3)
    host.nic_receive(3, 10**9)
    host.nic_send(3, bytearray(b"\x01\x02\x03"))
    assert b"".join(lines).decode() == r"""
watch_wait(3, for ever) = True
watch_wait(3, -0.000000001) = False
nic_address(3) = b2:0a:00:01:02:ff
nic_receive(3, 1.000000000) = "\x00\x00"..., 60
nic_send(3, "\x01\x02"..., 3) = 0
""".lstrip()


def test_what_does_not_leave_the_program_is_not_shown():
    lines = []
    host = Trace(Bare(Memory()), lines.append)
    host.mutex_create()
    host.memory_create(10, 1)
    host.crc32c(0, b"")
    assert lines == []
