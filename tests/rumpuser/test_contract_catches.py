# SPDX-License-Identifier: BSD-2-Clause
"""The contract suite can fail: hosts broken on purpose, and the bodies that must notice each of them."""

import pytest

from rump.conformance.contract import collect, scenario
from rump.conformance.contract.runner import run_body
from rump.conformance.hosts import HOSTS
from rump.rumpuser.interface import HostError, Upcalls
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface import hypercalls as h
from rump.rumpuser.middleware.thin import Thin

BODIES = collect()
BROKEN = {}


def broken(*bodies, host="linux-pure"):
    """Registers a host, and the bodies that must fail on it."""

    def register(wrap):
        BROKEN[wrap.__name__] = (wrap, host, bodies)
        return wrap

    return register


# ---- clocks, entropy, parameters -------------------------------------------------------------------------------------


@broken("clocks_monotonic_clock_never_goes_back")
class ClockGoesBack(Thin):
    backwards = 0

    def clock_gettime(self, clock):
        self.backwards += 2 * 10**9 if clock == h.CLOCK_ABSMONO else 0
        return self.host.clock_gettime(clock) - self.backwards


@broken("clocks_wall_clock_is_nanoseconds_since_1970", "clocks_sleeping_takes_its_time")
class ClockInMicroseconds(Thin):
    def clock_gettime(self, clock):
        return self.host.clock_gettime(clock) // 1000


@broken("clocks_readings_are_integers")
class ClockOfFloats(Thin):
    def clock_gettime(self, clock):
        return float(self.host.clock_gettime(clock))


@broken("clocks_sleeping_takes_its_time", "clocks_sleeping_until", "clocks_many_short_sleeps")
class SleepsTooLittle(Thin):
    def clock_sleep(self, clock, nanoseconds):
        self.host.clock_sleep(h.CLOCK_RELWALL, 0)


@broken("clocks_no_such_clock")
class AnyClock(Thin):
    def clock_sleep(self, clock, nanoseconds):
        self.host.clock_sleep(h.CLOCK_RELWALL, 0)


@broken("entropy_all_bytes_asked_for")
class ShortDraws(Thin):
    def getrandom(self, length, flags=0):
        return self.host.getrandom(min(length, 256), flags)


@broken("entropy_draws_differ", "entropy_every_byte_occurs")
class NoEntropy(Thin):
    def getrandom(self, length, flags=0):
        return bytes(len(self.host.getrandom(length, flags)))


@broken("parameters_not_set")
class EmptyParameters(Thin):
    def getparam(self, name):
        try:
            return self.host.getparam(name)
        except HostError:
            return ""


# ---- the handshake and the virtual CPU -------------------------------------------------------------------------------


@broken("handshake_another_version_is_refused")
class AnyVersion(Thin):
    def init(self, version, upcalls):
        self.host.init(h.VERSION, upcalls)


@broken("blocking_calls_that_may_block", "blocking_extents_may_ask_the_host_more_than_once")
class KeepsTheCPU(Thin):
    def init(self, version, upcalls):
        self.host.init(version, Upcalls(lambda: None, lambda: None))


@broken("blocking_calls_that_may_block", "blocking_failing_calls_take_it_back")
class DoesNotTakeItBack(Thin):
    def init(self, version, upcalls):
        self.host.init(version, Upcalls(lambda: None, upcalls.unschedule))


@broken("blocking_all_others_keep_it")
class GivesItUpNeedlessly(Thin):
    def init(self, version, upcalls):
        self.upcalls = upcalls
        self.host.init(version, upcalls)

    def console_write(self, data):
        self.upcalls.unschedule()
        self.upcalls.schedule()


@broken("absences_the_absent_raise_enosys_and_no_others")
class LacksMoreThanItSays(Thin):
    def busy(self, handle):
        raise HostError(e.ENOSYS)


@broken("absences_the_absent_raise_enosys_and_no_others", "threads_a_thread_runs_and_ends", host="bare-memory")
class LacksLessThanItSays(Thin):
    def thread_create(self, function, name):
        return h.Thread()


# ---- files -----------------------------------------------------------------------------------------------------------


@broken("transfer_reads_what_is_there", "transfer_big_transfers", "copying_much")
class ShortReads(Thin):
    def read(self, handle, buffer, offset):
        view = memoryview(buffer).cast("B")
        return self.host.read(handle, view[: (len(view) + 1) // 2], offset)


@broken("transfer_reads_past_the_end", "transfer_reads_at_and_behind_the_end")
class ClearsTheBuffer(Thin):
    def read(self, handle, buffer, offset):
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        return self.host.read(handle, buffer, offset)


@broken("transfer_reads_into_an_array")
class CountsItems(Thin):
    def read(self, handle, buffer, offset):
        return self.host.read(handle, buffer, offset) // memoryview(buffer).itemsize


@broken("transfer_keeps_no_buffer")
class KeepsBuffers(Thin):
    def write(self, handle, data, offset):
        self.kept = memoryview(data)
        return self.host.write(handle, data, offset)


@broken("transfer_submits_in_any_order_and_tells_in_order")
class ResultsInAnyOrder(Thin):
    def submit(self, handle, requests):
        return tuple(reversed(self.host.submit(handle, requests)))


@broken("transfer_an_unknown_operation_stops_all")
class SubmitsUntilItFails(Thin):
    def submit(self, handle, requests):
        return tuple([self.host.submit(handle, [request])[0] for request in requests])


@broken("files_missing", "blocking_failing_calls_take_it_back")
class AnotherErrno(Thin):
    def open(self, path, flags):
        try:
            return self.host.open(path, flags)
        except HostError:
            raise HostError(e.EACCES) from None


@broken("files_missing", "files_creating_what_exists")
class ErrorsOfThePlatform(Thin):
    def open(self, path, flags):
        try:
            return self.host.open(path, flags)
        except HostError as error:
            raise OSError(error.errno, "no HostError") from None


@broken("files_wrong_arguments_come_before_wrong_modes")
class ModesFirst(Thin):
    def read(self, handle, buffer, offset):
        self.host.read(handle, bytearray(), 0)
        return self.host.read(handle, buffer, offset)


@broken("files_no_handle_comes_before_wrong_arguments")
class ArgumentsFirst(Thin):
    def truncate(self, handle, size):
        if size < 0:
            raise HostError(e.EINVAL)
        self.host.truncate(handle, size)


@broken("files_handles_are_the_lowest_free")
class RunningNumbers(Thin):
    def __init__(self, host):
        super().__init__(host)
        host.open(b".", h.OPEN_RDONLY)


@broken("files_unknown_flags")
class AnyFlags(Thin):
    def open(self, path, flags):
        return self.host.open(path, flags & 15 if flags >= 0 else 0)


@broken("files_contents_are_left_alone")
class CutsAtOpen(Thin):
    def open(self, path, flags):
        handle = self.host.open(path, flags)
        if flags & h.OPEN_CREATE:
            self.host.truncate(handle, 0)
        return handle


@broken("space_cutting_and_growing")
class GrowsWithWhatWasThere(Thin):
    def truncate(self, handle, size):
        old, _, _ = self.host.getfileinfo(handle)
        self.host.truncate(handle, size)
        if 0 < old < size:
            self.host.write(handle, b"?", old)


@broken("space_unknown_ways_to_sync")
class SyncsAnyhow(Thin):
    def sync(self, handle, flags, start=0, length=0):
        self.host.sync(handle, h.SYNC_ALL)


@broken("extents_with_holes", "extents_of_data")
class AllIsHole(Thin):
    def extents(self, handle, start, length):
        return tuple([(h.EXTENT_HOLE, at, size) for _, at, size in self.host.extents(handle, start, length)])


@broken("extents_of_data")
class ExtentsBeyondTheEnd(Thin):
    def extents(self, handle, start, length):
        self.host.extents(handle, start, length)
        return ((h.EXTENT_DATA, start, length),)


@broken("copying_within_a_file")
class CopiesOverItself(Thin):
    def copy_range(self, source, source_offset, target, target_offset, length):
        data = bytearray(length)
        data = data[: self.host.read(source, data, source_offset)]
        return self.host.write(target, data, target_offset)


@broken("locks_closing_another_handle_does_not")
class LocksOfTheProcess(Thin):
    """As POSIX has them: they go when any descriptor of the file is closed."""

    def __init__(self, host):
        super().__init__(host)
        self.locked = set()

    def lock(self, handle, start, length, mode):
        self.host.lock(handle, start, length, mode)
        self.locked.add(handle)

    def close(self, handle):
        for other in self.locked:
            self.host.lock(other, 0, 0, h.LOCK_RELEASE)
        self.host.close(handle)


@broken("locks_exclusive", "locks_shared", "locks_between_two_hosts")
class LocksOfNobody(Thin):
    def lock(self, handle, start, length, mode):
        self.host.getfileinfo(handle)


# ---- watches, memory, accelerators -----------------------------------------------------------------------------------


@broken("watches_a_write_is_a_change", "watches_a_cut_is_a_change")
class SeesNothing(Thin):
    def watch_wait(self, watch, timeout):
        self.host.watch_wait(watch, 0)
        return False


@broken("watches_nothing_has_changed", "watches_a_write_is_a_change", "watches_the_time_is_up")
class CriesWolf(Thin):
    def watch_wait(self, watch, timeout):
        self.host.watch_wait(watch, 0)
        return True


@broken("blocking_calls_that_not_all_hosts_have")
class WatchesWithTheCPU(Thin):
    def init(self, version, upcalls):
        self.upcalls = upcalls
        self.host.init(version, upcalls)

    def watch_wait(self, watch, timeout):
        self.host.init(h.VERSION, Upcalls(lambda: None, lambda: None))
        try:
            return self.host.watch_wait(watch, timeout)
        finally:
            self.host.init(h.VERSION, self.upcalls)


@broken("memory_it_is_aligned")
class Crooked(Thin):
    def memory_create(self, length, alignment):
        return self.host.memory_create(length + 1, alignment)[1:]


@broken("memory_it_is_zeros_to_write_to", "memory_nobody_shares_it", "memory_a_part_of_it_keeps_it")
class OnePool(Thin):
    def memory_create(self, length, alignment):
        if not hasattr(self, "pool"):
            self.pool = self.host.memory_create(1 << 20, 1 << 20)
        self.host.memory_create(min(length, 1 << 62), alignment)
        return self.pool[:length]


@broken("checksums_vectors", "checksums_going_on")
class Inverts(Thin):
    def crc32c(self, seed, data):
        return self.host.crc32c(seed, data) ^ 0xFFFFFFFF


@broken("inflating_the_limit", "inflating_more_than_it_looks")
class NoLimit(Thin):
    def inflate(self, data, limit):
        return self.host.inflate(data, 1 << 20)


# ---- threads ---------------------------------------------------------------------------------------------------------


class Conditions(Thin):
    """A host with conditions of another kind."""

    def condition_create(self, mutex):
        return self.Kind(self.host.condition_create(mutex))

    class Kind(h.Condition):
        def __init__(self, real):
            self.real = real

        def wait(self, timeout):
            return self.real.wait(timeout)

        def signal(self):
            self.real.signal()

        def broadcast(self):
            self.real.broadcast()


@broken("conditions_a_signal_wakes_the_first", "conditions_a_signal_before_the_time_is_up")
class LosesWakeUps(Conditions):
    class Kind(Conditions.Kind):
        def signal(self):
            pass


@broken("conditions_a_broadcast_wakes_all")
class WakesOne(Conditions):
    class Kind(Conditions.Kind):
        def broadcast(self):
            self.real.signal()


@broken("conditions_a_signal_wakes_the_first", "conditions_two_signals_wake_two")
class WakesTheLast(Conditions):
    class Kind(Conditions.Kind):
        def signal(self):
            self.real._waiters.reverse()
            self.real.signal()
            self.real._waiters.reverse()


@broken("conditions_signals_without_waiters_are_lost")
class KeepsSignals(Conditions):
    class Kind(Conditions.Kind):
        kept = False

        def signal(self):
            self.kept = True

        def wait(self, timeout):
            return self.kept or self.real.wait(timeout)


@broken("conditions_the_time_is_up")
class WakesEarly(Conditions):
    class Kind(Conditions.Kind):
        def wait(self, timeout):
            return self.real.wait(0 if timeout is not None else None)


class Joins(Thin):
    """A host with threads of another kind."""

    def thread_create(self, function, name):
        return self.Kind(self.host.thread_create(function, name))

    class Kind(h.Thread):
        def __init__(self, real):
            self.real = real


@broken("threads_joining_waits", "threads_others_may_join")
class JoinsAtOnce(Joins):
    class Kind(Joins.Kind):
        def join(self):
            pass


@broken("threads_a_thread_runs_and_ends", "threads_others_may_join")
class JoinsOnce(Joins):
    class Kind(Joins.Kind):
        joined = False

        def join(self):
            if self.joined:
                raise HostError(e.EINVAL)
            self.joined = True
            self.real.join()


@broken("threads_a_thread_runs_and_ends")
class ThreadsThatDoNothing(Thin):
    def thread_create(self, function, name):
        return self.host.thread_create(lambda: None, name)


@broken("threads_a_mutex_is_taken_by_one", "threads_a_mutex_is_handed_over")
class MutexesForAll(Thin):
    """The first that the body makes; the next is the virtual CPU itself."""

    made = 0

    def mutex_create(self):
        self.made += 1
        return OpenDoor() if self.made == 1 else self.host.mutex_create()


class OpenDoor(h.Mutex):
    def acquire(self):
        pass

    def release(self):
        pass


# ---- network cards ---------------------------------------------------------------------------------------------------


@broken("cards_echoes_come_back", host="linux-tap")
class CutsFrames(Thin):
    def nic_receive(self, nic, timeout):
        return self.host.nic_receive(nic, timeout)[:1000]


@broken("cards_an_address_of_its_own", host="linux-tap")
class AddressOfAGroup(Thin):
    def nic_address(self, nic):
        return b"\xff" * 6


@broken("cards_frames_no_card_takes", host="linux-tap")
class TakesAnyFrame(Thin):
    def nic_send(self, nic, frame):
        self.host.nic_send(nic, frame if len(frame) > 60 else bytes(60))


@broken("cards_the_time_is_up", host="linux-tap")
class NeverWaits(Thin):
    def nic_receive(self, nic, timeout):
        return self.host.nic_receive(nic, 0)


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_noticed(name, monkeypatch):
    wrap, host, bodies = BROKEN[name]
    monkeypatch.setattr(scenario, "PATIENCE", 3 * 10**8)
    for body in bodies:
        try:
            machine = HOSTS[host]()
        except OSError:
            pytest.skip("no network namespaces, or no tap devices")
        with machine, pytest.raises((AssertionError, HostError, OSError)):
            run_body(machine, BODIES[body], wrap)


@pytest.mark.parametrize("body", sorted({body for _, _, bodies in BROKEN.values() for body in bodies}))
def test_it_would_pass_otherwise(body):
    """What fails above does not fail of itself."""
    try:
        machine = HOSTS["linux-tap" if body.startswith("cards") else "linux-pure"]()
    except OSError:
        pytest.skip("no network namespaces, or no tap devices")
    with machine:
        run_body(machine, BODIES[body], Thin)
