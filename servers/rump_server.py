# SPDX-License-Identifier: BSD-2-Clause
"""``rump_server``: a kernel in a process of its own, for clients that connect to it."""

from __future__ import annotations

import argparse
import contextlib
import hmac
import os
import signal
import sys

from rump.kernel.errors import Fault
from rump.kernel.init import CACHE_BYTES, boot
from rump.kernel.sysproxy.server import Limits, Server
from rump.rumpuser.host import default
from rump.rumpuser.interface.errno import HostError
from rump.servers.drives import Drive, DriveError, amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rump.kernel.init import Kernel

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Bell:
    """Rung by a signal or by a client that halts the kernel; the program waits for it."""

    def __init__(self) -> None:
        self._hearing, self._ringing = os.pipe()
        os.set_blocking(self._ringing, False)
        self._before = {number: signal.signal(number, self._signalled) for number in STOPPING}

    def _signalled(self, number: int, frame: object) -> None:
        self.ring()

    def ring(self) -> None:
        """Wake the program.  From any thread; more than once does no harm."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._ringing, b"\0")

    def wait(self) -> None:
        """Until it rings."""
        os.read(self._hearing, 1)

    def close(self) -> None:
        """Signals mean again what they meant before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._hearing)
        os.close(self._ringing)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser("rump_server", description="Run a rump kernel that clients connect to.")
    add = made.add_argument
    add("-s", dest="stay", action="store_true", help="stay in the foreground")
    add("--isolate", action="store_true", default=None, help="refuse to mount where drivers cannot be confined")
    add("--no-isolate", dest="isolate", action="store_false",
        help="run the drivers of images in this process; else each has a confined one, where the host can")
    add("-v", dest="verbose", action="store_true", help="tell what is done")
    add("-c", dest="cpus", metavar="NCPU", default="1", help="virtual CPUs; there is one")
    add("-d", dest="drives", metavar="DRIVESPEC", action="append", default=[],
        help="key=/dev/NAME,hostpath=PATH,size=BYTES|host[,offset=BYTES] or ,disklabel=LETTER; ,ro")  # fmt: skip
    add("-l", dest="drivers", metavar="COMPONENT", action="append", default=[], help="a driver that must be there")
    add("-m", dest="modules", metavar="MODULE", action="append", default=[], help="the same")
    add("-r", dest="ram", metavar="BYTES", help="memory for the cache of each volume (suffix k, m, g)")
    add("--secret-file", metavar="FILE", help="what clients by tcp must know: the file's first line")
    add("--others", action="store_true", help="let other users connect, as themselves (unix)")
    add("--clients", type=int, metavar="N", default=256, help="connections at a time")
    add("url", metavar="URL", help="unix://PATH or tcp://HOST:PORT/")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    made = parser()
    options = made.parse_args(arguments)
    try:
        drives = [Drive(text) for text in options.drives]
        ram = amount(options.ram) if options.ram else CACHE_BYTES
        if options.cpus != "1":
            raise DriveError(f"-c {options.cpus}: this kernel has one virtual CPU; clients take turns on it")
        secret = None if options.secret_file is None else read_secret(options.secret_file)
    except (DriveError, OSError) as error:
        made.error(str(error))
    if options.stay:
        return _run(options, drives, ram, secret, None)
    from rump.servers.daemon import daemonize

    return daemonize(lambda daemon: _run(options, drives, ram, secret, daemon.ready))


def read_secret(path: str) -> bytes:
    """A secret out of a file.  Errors: OSError; DriveError - others may read it, or it is empty."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise DriveError(f"{path}: others than its owner may read or change it (chmod 600)")
        secret = file.readline().rstrip(b"\r\n")
    if not secret:
        raise DriveError(f"{path}: no secret in it")
    return secret


def _run(
    options: argparse.Namespace,
    drives: list[Drive],
    ram: int,
    secret: bytes | None,
    ready: Callable[[], None] | None,
) -> int:
    """Boot, serve until the bell rings, halt."""
    bell = Bell()
    try:
        with boot(default(), isolate=options.isolate, cache_bytes=ram, log=_log) as kernel:
            server = _serve(options, kernel, drives, secret, bell.ring)
            if options.verbose:
                _log(f"listening at {os.fsdecode(server.address)}")
            if ready is not None:
                ready()
            bell.wait()
            server.stop()
    except (OSError, DriveError) as error:
        sys.stderr.write(f"rump_server: {_reason(error)}\n")
        return 1
    finally:
        bell.close()
    return 0


def _serve(
    options: argparse.Namespace,
    kernel: Kernel,
    drives: list[Drive],
    secret: bytes | None,
    reboot: Callable[[], object],
) -> Server:
    """Everything a client shall find is there before anybody can connect."""
    for name in (*options.drivers, *options.modules):
        driver = kernel.drivers.filesystem(driver_name(name), None)
        if options.verbose:
            _log(f"driver {driver.name}")
    for drive in drives:
        drive.attach(kernel)
        if options.verbose:
            _log(f"{os.fsdecode(drive.key)}: {os.fsdecode(drive.host_path)}")
    server = Server(
        kernel, _absolute(options.url), limits=Limits(clients=options.clients), uid=os.geteuid(),
        others=options.others, secret=secret, digest=_digest, reboot=reboot,
    )  # fmt: skip
    server.start()
    return server


def driver_name(name: str) -> str:
    """The driver that a library or a module of the original is: librumpfs_ext2fs.so -> ext2fs."""
    name = os.path.basename(name).partition(".")[0]
    for prefix in ("lib", "rumpfs_"):
        name = name.removeprefix(prefix)
    return name


def _absolute(url: str) -> bytes:
    """The same address wherever the program goes."""
    address = os.fsencode(url)
    if address.startswith(b"unix://"):
        return b"unix://" + os.path.abspath(address.removeprefix(b"unix://"))
    return address


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _log(line: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"rump_server: {line}\n")
        sys.stderr.flush()


def _reason(error: Exception) -> str:
    if isinstance(error, Fault | HostError):
        return f"{error.detail}: {error.strerror}" if getattr(error, "detail", None) else str(error)
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
