# SPDX-License-Identifier: BSD-2-Clause
"""The hypercalls: everything the kernel may ask of a host.  The groups follow rumpuser(3).

Rules that hold for every call:

- Arguments and results are ints, bytes, str, tuples of them, and buffers (anything of the writable buffer protocol
  for reading, any bytes-like object for writing) that the caller owns and the host does not keep.
- A failure is one `HostError` whose errno is of the one space (``interface.errno``).  Nothing else is raised.
- Where several errors apply, the first of: no such handle, a wrong argument, a handle opened in the wrong mode.
- Constants are those of this file, never the host's.  Times are integer nanoseconds, offsets and lengths bytes.
- A call that may block gives up the virtual CPU through the upcalls and takes it back before it returns.  Those are
  `clock_sleep`, `Thread.join` and the calls of the groups "files", "watches", "network cards", "streams" and "confined
  processes"; no other call of a host blocks.  `Condition.wait` needs no upcall: the kernel binds its conditions to the
  mutex that is the virtual CPU, and a waiter gives up just that mutex.
- Handles, watches, cards, confined processes and streams (with listeners) are small integers of the host's own, each
  kind numbered apart: the lowest free one from 3.
- A call that a host does not have raises ENOSYS: that is what the methods here do until a host overrides them.
  The list of a host's missing calls is a value, `Traits.absent`, and a test holds the two equal.

Docstrings: one sentence; Errors, Requires, Ensures - the sentences are tested (tests/conformance/contract).
"""

from __future__ import annotations

from rump.rumpuser.interface.errno import ENOSYS, HostError
from rump.rumpuser.interface.traits import Traits as Traits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from typing_extensions import Buffer

VERSION = 1
"""The interface's version.  A host of another version is refused at boot."""

# Clocks of clock_gettime and clock_sleep (rumpuser.h has the same two).
CLOCK_RELWALL = 0       # wall clock, nanoseconds since 1970-01-01 00:00 UTC; may be set back.  Sleep: relative
CLOCK_ABSMONO = 1       # never goes back, unspecified start.  Sleep: until that absolute time

# Flags of open.
OPEN_RDONLY = 0
OPEN_WRONLY = 1
OPEN_RDWR = 2
OPEN_ACCMODE = 3
OPEN_CREATE = 4         # create a missing regular file, mode 0644
OPEN_EXCL = 8           # with OPEN_CREATE: EEXIST if it is there
OPEN_BIO = 0x10         # for block I/O: the host may choose direct or unbuffered access

# Types of getfileinfo.
FT_OTHER = 0
FT_DIR = 1
FT_REG = 2
FT_BLK = 3
FT_CHR = 4

# Operations of submit.
BIO_READ = 1
BIO_WRITE = 2

# Flags of sync.
SYNC_DATA = 1           # the bytes of the range reach stable storage; metadata only as far as needed to read them
SYNC_ALL = 2            # and everything else of the file; the range is ignored
SYNC_BARRIER = 4        # nothing written later reaches stable storage before what was written earlier

# Kinds of extents.
EXTENT_DATA = 0
EXTENT_HOLE = 1

# Modes of lock.
LOCK_SHARED = 0
LOCK_EXCLUSIVE = 1
LOCK_RELEASE = 2
LOCK_TEST = 3           # take nothing; fails as LOCK_EXCLUSIVE would

# Flags of getrandom.
RANDOM_HARD = 1         # fit for keys
RANDOM_NOWAIT = 2       # EAGAIN rather than wait for entropy

# Parameters every host knows (getparam).
PARAM_NCPU = "_RUMPUSER_NCPU"
PARAM_HOSTNAME = "_RUMPUSER_HOSTNAME"

EXIT_PANIC = -1


class Upcalls:
    """What the kernel offers a host, handed over by `Hypercalls.init`.  A host reaches the kernel in no other way.

    schedule    take a virtual CPU; blocks until there is one
    unschedule  give it up, before anything that may block
    """

    __slots__ = ("schedule", "unschedule")

    def __init__(self, schedule: Callable[[], object], unschedule: Callable[[], object]) -> None:
        self.schedule = schedule
        self.unschedule = unschedule


class Mutex:
    """A lock of the host.  `threading.Lock` is one; so is a flag where there are no threads."""

    def acquire(self) -> object:
        """Take it; waits for its holder.  Does not touch the virtual CPU (it may well be the virtual CPU)."""
        raise HostError(ENOSYS, "Mutex.acquire")

    def release(self) -> None:
        """Give it up.  Requires: this thread holds it."""
        raise HostError(ENOSYS, "Mutex.release")


class Condition:
    """A condition variable of the host, bound to the mutex it was made with."""

    def wait(self, timeout: int | None) -> bool:
        """Give up the mutex, wait to be woken or for `timeout` nanoseconds (None: for ever), take the mutex again.

        Errors: EDEADLK - for ever, on a host without threads: nobody could wake us.
        Requires: the mutex is held.
        Ensures: the mutex is held; False only if the time was up (without threads the clock then has moved on by it).
        """
        raise HostError(ENOSYS, "Condition.wait")

    def signal(self) -> None:
        """Wake one waiter, the first that came.  Requires: the mutex is held."""
        raise HostError(ENOSYS, "Condition.signal")

    def broadcast(self) -> None:
        """Wake all waiters.  Requires: the mutex is held."""
        raise HostError(ENOSYS, "Condition.broadcast")


class Thread:
    """A thread that the host started for the kernel."""

    def join(self) -> None:
        """Wait until the thread has ended.

        Errors: EDEADLK - it is ourselves.
        Ensures: it has ended.  Anybody may ask, and again.
        """
        raise HostError(ENOSYS, "Thread.join")


class Hypercalls:
    """A host.  Backends derive from this and override what they have."""

    traits: Traits

    # ---- initialisation ------------------------------------------------------------------------------------------

    def init(self, version: int, upcalls: Upcalls) -> None:
        """Shake hands: the kernel's interface version, and its upcalls.  Called once, before any other call but
        `mutex_create` (the virtual CPU behind the upcalls is such a mutex).

        Errors: EINVAL - another version than the host's.
        """
        raise HostError(ENOSYS, "init")

    # ---- clocks --------------------------------------------------------------------------------------------------

    def clock_gettime(self, clock: int) -> int:
        """The time of CLOCK_RELWALL or CLOCK_ABSMONO, in nanoseconds.

        Errors: EINVAL - no such clock.
        Ensures: CLOCK_ABSMONO is never less than a reading before it.
        """
        raise HostError(ENOSYS, "clock_gettime")

    def clock_sleep(self, clock: int, nanoseconds: int) -> None:
        """Sleep: CLOCK_RELWALL for that long, CLOCK_ABSMONO until that time.  A time gone by returns at once.

        Errors: EINVAL - no such clock.
        Ensures: at least that much time has passed on CLOCK_ABSMONO.
        """
        raise HostError(ENOSYS, "clock_sleep")

    # ---- entropy and parameters ----------------------------------------------------------------------------------

    def getrandom(self, length: int, flags: int = 0) -> bytes:
        """`length` random bytes, all of them.

        Errors: EINVAL - negative length; EAGAIN - RANDOM_NOWAIT and there is no entropy yet.
        """
        raise HostError(ENOSYS, "getrandom")

    def getparam(self, name: str) -> str:
        """A parameter: PARAM_NCPU, PARAM_HOSTNAME, or a name of the host's environment without a leading '_'.

        Errors: EINVAL - another name with a leading '_'; ENOENT - not set.
        Ensures: the two parameters named above always have a value; PARAM_NCPU is a positive decimal number.
        """
        raise HostError(ENOSYS, "getparam")

    # ---- console and termination ---------------------------------------------------------------------------------

    def console_write(self, data: bytes) -> None:
        """Show `data` on the console, all of it.  A console that cannot be written to loses it silently."""
        raise HostError(ENOSYS, "console_write")

    def exit(self, status: int) -> NoReturn:
        """End the kernel's program with `status` (0-255); EXIT_PANIC ends it as abnormally as the host can."""
        raise HostError(ENOSYS, "exit")

    # ---- memory --------------------------------------------------------------------------------------------------

    def memory_create(self, length: int, alignment: int) -> memoryview:
        """Memory for the kernel whose address is a multiple of `alignment`: for direct I/O and DMA.

        Errors: EINVAL - negative length, or an alignment that is no power of two from 1 to 2**30; ENOMEM.
        Ensures: writable bytes (format "B"), zeros, shared with nobody; they go with the last view of them.
        """
        raise HostError(ENOSYS, "memory_create")

    # ---- threads and locks ---------------------------------------------------------------------------------------

    def thread_create(self, function: Callable[[], object], name: str) -> Thread:
        """Start a thread that calls `function` and ends with it; `name` is for people who look at the host.

        Errors: EAGAIN - the host has no more threads.
        Requires: function raises nothing.
        Ensures: it begins without the virtual CPU, as a program's own thread does, and keeps no program from ending.
        """
        raise HostError(ENOSYS, "thread_create")

    def mutex_create(self) -> Mutex:
        """A new mutex, free."""
        raise HostError(ENOSYS, "mutex_create")

    def condition_create(self, mutex: Mutex) -> Condition:
        """A new condition variable of that mutex."""
        raise HostError(ENOSYS, "condition_create")

    # ---- components ----------------------------------------------------------------------------------------------

    def components(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        """Drivers that others installed on this host: (name, a call that loads the driver's table), sorted by name."""
        raise HostError(ENOSYS, "components")

    # ---- files ---------------------------------------------------------------------------------------------------

    def open(self, path: bytes, flags: int) -> int:
        """Open a host file (or device); the handle is a small integer of this host's own.

        Errors: ENOENT, EACCES, EEXIST (OPEN_EXCL), EISDIR (opened for writing), ENXIO, EROFS, EMFILE ...;
        EINVAL - a NUL byte in the path, unknown flags, or OPEN_EXCL without OPEN_CREATE.
        Ensures: a handle not in use; the file's contents are untouched.
        """
        raise HostError(ENOSYS, "open")

    def adopt(self, descriptor: int) -> int:
        """A handle for a file that the program around the kernel opened itself; the program goes on owning it.

        Errors: EBADF - not an open descriptor.
        Ensures: closing the handle leaves the program's descriptor open.
        """
        raise HostError(ENOSYS, "adopt")

    def close(self, handle: int) -> None:
        """Give up a handle.  Errors: EBADF - not a handle."""
        raise HostError(ENOSYS, "close")

    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        """(size in bytes, FT_* type, sector size in bytes) of what a handle stands for.

        Errors: EBADF.
        Ensures: the size of a block device is that of the medium; the sector size is a power of two, 512 where
        the host cannot tell.
        """
        raise HostError(ENOSYS, "getfileinfo")

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        """Read into `buffer` from `offset`; how many bytes were read.

        Errors: EBADF - not a handle, or not open for reading; EINVAL - negative offset; EISDIR; EIO.
        Ensures: a read past the end returns the bytes there are, 0 at or behind the end; bytes of the buffer
        behind those read are unchanged.  Short only at the end of the file.
        """
        raise HostError(ENOSYS, "read")

    def write(self, handle: int, data: Buffer, offset: int) -> int:
        """Write all of `data` at `offset`; how many bytes were written (all of them).

        Errors: EBADF - not a handle, or not open for writing; EINVAL - negative offset; ENOSPC, EFBIG, EIO.
        Ensures: a regular file grows as needed, a gap reads as zeros.  After an error any part may be written.
        """
        raise HostError(ENOSYS, "write")

    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        """Carry out (BIO_* operation, buffer, offset) requests, in any order; each one's count, or -errno.

        Errors: EBADF - not a handle; EINVAL - unknown operation.  What befalls one request is in its result.
        Ensures: as many results as requests, in their order; all have ended.
        """
        raise HostError(ENOSYS, "submit")

    def truncate(self, handle: int, size: int) -> None:
        """Set a regular file's size.

        Errors: EBADF - not a handle, or not open for writing; EINVAL - negative, or no regular file; EFBIG; ENOSPC.

        Ensures: what is cut off is gone, what is added reads as zeros.
        """
        raise HostError(ENOSYS, "truncate")

    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        """Bring what was written to stable storage: SYNC_DATA of [start, start+length) (length 0: to the end),
        SYNC_ALL; with SYNC_BARRIER later writes stay behind it.

        Errors: EBADF, EINVAL - unknown flags or none; EIO, ENOSPC - something written earlier is lost.
        """
        raise HostError(ENOSYS, "sync")

    def discard(self, handle: int, start: int, length: int) -> None:
        """Give the space of a range back (length 0: of nothing).

        Errors: EBADF, EINVAL, EOPNOTSUPP - this file or host cannot.
        Ensures: the size stays; if `Traits.punches_holes`, a regular file reads as zeros there.
        """
        raise HostError(ENOSYS, "discard")

    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        """The range as (EXTENT_DATA | EXTENT_HOLE, start, length), in order, cut at the end of the file.

        Errors: EBADF, EINVAL.
        Ensures: adjoining, none empty, no two neighbours alike; a hole reads as zeros.
        """
        raise HostError(ENOSYS, "extents")

    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        """Copy bytes from one handle to another inside the host; how many were copied.

        Errors: EBADF, EINVAL - negative, or overlapping ranges of one file; ENOSPC, EFBIG, EIO.
        Ensures: short only at the source's end.
        """
        raise HostError(ENOSYS, "copy_range")

    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        """LOCK_SHARED, LOCK_EXCLUSIVE or LOCK_RELEASE a byte range (length 0: to the end), without waiting, or
        LOCK_TEST whether any byte of it is locked through another handle.

        Errors: EAGAIN - another handle holds it; EBADF - not a handle, or not opened for what is locked: reading for
        a shared lock, writing for an exclusive one; EINVAL; EOPNOTSUPP - locks do not work on this file.
        Ensures: the lock belongs to the handle, goes with its close, and locks out other processes too; it may lie
        behind the end of the file; a handle that locks what it holds already changes the mode.  A test takes nothing,
        gives nothing up, and does not mind how the file was opened.
        """
        raise HostError(ENOSYS, "lock")

    def busy(self, handle: int) -> str:
        """Who uses the file or device in a way that no lock shows, for people: "loop device /dev/loop3", "swap",
        "mounted on /mnt", "device dm-0"; "" if nobody is known to.

        Errors: EBADF.
        Ensures: one line, about this moment only; finding out changes nothing.  A file that two names lead to is one.
        """
        raise HostError(ENOSYS, "busy")

    # ---- watches -------------------------------------------------------------------------------------------------

    def watch_create(self, handle: int) -> int:
        """Begin to watch the file that a handle stands for; a watch.

        Errors: EBADF - not a handle; EOPNOTSUPP - such a file cannot be watched; EMFILE ...
        Ensures: the handle may be closed, the watch goes on.
        """
        raise HostError(ENOSYS, "watch_create")

    def watch_wait(self, watch: int, timeout: int | None) -> bool:
        """Wait until the file has changed since `watch_create`, or since a wait last said so, at most for `timeout`
        nanoseconds (None: for ever; a time gone by: only look).

        Errors: EBADF - not a watch.
        Ensures: False only if the time was up.  Whoever changes contents or size, this kernel too, is noticed; several
        changes may be told as one, and other changes may be told.  Where `Traits.notifies` is False a change may be
        missed that keeps the size and comes within a tick of the host's clock of files after another.
        """
        raise HostError(ENOSYS, "watch_wait")

    def watch_close(self, watch: int) -> None:
        """Give up a watch.  Errors: EBADF - not a watch.  Requires: nobody waits on it."""
        raise HostError(ENOSYS, "watch_close")

    # ---- network cards -------------------------------------------------------------------------------------------

    def nic_open(self, name: bytes) -> int:
        """Open a virtual network card: the kernel's end of a wire, at whose other end is the host's interface `name`
        (b"": one that the host chooses).

        Errors: ENXIO - no such card here; EBUSY - somebody has it; EACCES, EPERM; EINVAL - a NUL byte, or a name that
        no card can have.
        """
        raise HostError(ENOSYS, "nic_open")

    def nic_address(self, nic: int) -> bytes:
        """The Ethernet address of the kernel's end, 6 bytes.

        Errors: EBADF - not a card.
        Ensures: no group address, not zeros, not the other end's; the same at each call, and in each run for a card of
        the same name on the same host.
        """
        raise HostError(ENOSYS, "nic_address")

    def nic_send(self, nic: int, frame: Buffer) -> None:
        """Send an Ethernet frame: from the destination's address to the end of the data, no check sequence.

        Errors: EBADF - not a card; EINVAL - shorter than the header's 14 bytes; EMSGSIZE - longer than the card takes;
        ENETDOWN - the other end is down; ENOBUFS - no room at the moment.
        Ensures: all of the frame, after an error nothing of it.  What was sent may be lost on its way.
        """
        raise HostError(ENOSYS, "nic_send")

    def nic_receive(self, nic: int, timeout: int | None) -> bytes:
        """The next frame, in the order of arrival; b"" if none came for `timeout` nanoseconds (None: for ever; a time
        gone by: only look).

        Errors: EBADF - not a card; ENETDOWN - the card is gone.
        Ensures: a whole frame as it was sent, but for padding that a wire adds to a short one.
        """
        raise HostError(ENOSYS, "nic_receive")

    def nic_close(self, nic: int) -> None:
        """Give up a card.  Errors: EBADF - not a card.  Requires: nobody receives on it."""
        raise HostError(ENOSYS, "nic_close")

    # ---- streams -------------------------------------------------------------------------------------------------
    # Addresses: b"unix:///a/path", b"unix://a/path" (relative to the program's folder), b"tcp://host:port/".

    def stream_listen(self, address: bytes, mode: int = 0o600) -> int:
        """Wait for others to connect to `address`; a listener.  Of tcp, host 0 or * is every address of the host, and
        port 0 one that the host chooses.  `mode`: who may connect to a unix address, as file permissions.

        Errors: EINVAL - not an address; EADDRINUSE - somebody listens there; EADDRNOTAVAIL, EACCES, ENOENT,
        ENAMETOOLONG, EAFNOSUPPORT - the host has no such family ...
        Ensures: the name of a unix address that nobody listens at any more is taken over.
        """
        raise HostError(ENOSYS, "stream_listen")

    def stream_address(self, listener: int) -> bytes:
        """The address a listener has: of tcp, numbers, and the port that was chosen.

        Errors: EBADF - not a listener.
        Ensures: `stream_connect` takes it (for every address of the host, its loopback is given).
        """
        raise HostError(ENOSYS, "stream_address")

    def stream_accept(self, listener: int, timeout: int | None) -> int:
        """The next one who connected, as a stream; -1 if nobody did for `timeout` nanoseconds (None: for ever; a time
        gone by: only look).

        Errors: EBADF - not a listener, or closed meanwhile; EMFILE ...
        """
        raise HostError(ENOSYS, "stream_accept")

    def stream_connect(self, address: bytes, timeout: int | None) -> int:
        """Connect to who listens at `address`; a stream.

        Errors: EINVAL - not an address; ECONNREFUSED, ENOENT - nobody listens there; ETIMEDOUT - not within `timeout`
        nanoseconds; EACCES, ENAMETOOLONG, EHOSTUNREACH, EAFNOSUPPORT ...
        """
        raise HostError(ENOSYS, "stream_connect")

    def stream_adopt(self, descriptor: int) -> int:
        """A stream over a connected stream socket that the program around the kernel opened; the program goes on owning
        its descriptor.

        Errors: EBADF - not an open descriptor; ENOTSOCK.
        Ensures: closing the stream leaves the program's descriptor open.
        """
        raise HostError(ENOSYS, "stream_adopt")

    def stream_send(self, stream: int, data: Buffer) -> None:
        """Send all of `data`; waits for room.

        Errors: EBADF - not a stream, or closed meanwhile; EPIPE, ECONNRESET - the other end is gone.
        Ensures: in one piece: what other threads send comes before or behind it.
        """
        raise HostError(ENOSYS, "stream_send")

    def stream_receive(self, stream: int, length: int, timeout: int | None) -> bytes:
        """The next bytes, 1 to `length` of them; b"" when the other end has sent its last.

        Errors: EBADF - not a stream, or closed meanwhile; EINVAL - `length` is not positive; ETIMEDOUT - nothing came
        for `timeout` nanoseconds (None: for ever; a time gone by: only look); ECONNRESET.
        Ensures: every byte once, in the order sent.
        """
        raise HostError(ENOSYS, "stream_receive")

    def stream_peer(self, stream: int) -> tuple[int, int, int]:
        """(process, user, group) of the program at the other end of a unix stream when it connected.

        Errors: EBADF - not a stream; EOPNOTSUPP - not a unix one, or the host cannot tell.
        """
        raise HostError(ENOSYS, "stream_peer")

    def stream_close(self, stream: int) -> None:
        """Give up a stream or a listener; a unix listener's name goes, too.  Errors: EBADF - neither.

        Ensures: other threads' calls on it end, with EBADF; the other end receives what was sent and then b"".
        """
        raise HostError(ENOSYS, "stream_close")

    # ---- confined processes --------------------------------------------------------------------------------------

    def spawn_confined(
        self, entry: str, modules: tuple[str, ...], handles: tuple[int, ...], memory: int, seconds: int
    ) -> tuple[int, int]:
        """Start a process that imports `modules`, gives up all that it can, and then calls `entry`, "module:function",
        as function(host, stream, handles); the process, and our end of its stream.

        Of `modules`, "package.*" stands for a package and all that is in it and below, but for what a name with a "-"
        before it leaves out; what is not there is passed over.  The host that the function is given has accelerators,
        locks, `read` and `submit` of files - of those that `handles` stand for here, and the handles it is given stand
        for there - and `stream_send` and `stream_receive` of the stream; its traits say what binds it.  It may use
        `memory` bytes, and `seconds` of a processor (0: any number).

        Errors: EBADF - not a handle; EINVAL - one that is open for writing, or no such entry by its looks, or memory
        that is not positive; EOPNOTSUPP - there is no interpreter to start; EAGAIN, ENOMEM, EMFILE ...
        Ensures: the process has nothing of ours but the stream and the files, no thread and no memory; what fails in
        it ends it, and the stream with it.
        """
        raise HostError(ENOSYS, "spawn_confined")

    def confined_end(self, process: int) -> int:
        """End a process that `spawn_confined` started, if it has not ended; its exit status, or -signal.

        Errors: EBADF - no such process.
        Ensures: it is gone.  Its stream is still to be closed.
        """
        raise HostError(ENOSYS, "confined_end")

    # ---- accelerators: pure functions, each with a fallback in Python that gives the same ---------------------------

    def crc32c(self, seed: int, data: Buffer) -> int:
        """CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) of `data`, continuing from `seed`.

        No inversion is made before or after: the common checksum of b"123456789" is
        ``crc32c(0xFFFFFFFF, b"123456789") ^ 0xFFFFFFFF == 0xE3069283``.
        """
        raise HostError(ENOSYS, "crc32c")

    def crc32c_many(
        self, seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int
    ) -> list[int]:
        """CRC-32C, as in `crc32c`, of `count` pieces of `length` bytes at offset, offset + stride ...

        Requires: count seeds, or one that serves all; every piece lies inside `data`, else EINVAL.
        """
        raise HostError(ENOSYS, "crc32c_many")

    def inflate(self, data: Buffer, limit: int) -> bytes:
        """What a zlib stream (RFC 1950) holds; bytes behind its end are passed over.

        Errors: EINVAL - no such stream, a damaged or a truncated one, or it holds more than `limit` bytes.
        Ensures: memory in proportion to `limit` and to `data`, whatever the stream says.
        """
        raise HostError(ENOSYS, "inflate")


CALLS: tuple[str, ...] = tuple(name for name, value in vars(Hypercalls).items() if callable(value))
"""The names of all hypercalls, in the order declared."""
