# SPDX-License-Identifier: BSD-2-Clause
"""A monolith: the kernel with all its mounts and ways in, put together in order and taken apart in reverse."""

from __future__ import annotations

import os
import threading
import time

from rump.fsutils.errors import ImageError, UsageError, reason
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.session import Options, Session
from rump.kernel import abi
from rump.kernel.vfs.mounts import ALWAYS, POSSIBLY
from rump.servers.monolith import limits, usage
from rump.servers.monolith.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.init import Kernel
    from rump.servers.monolith.config import Config, MountEntry, ServeEntry
    from rump.servers.monolith.status import StatusPage
    from rump.servers.monolith.ways import Way

ISOLATION = {True: {"isolate": ALWAYS}, False: {}, None: {"isolate": POSSIBLY}}


class Monolith:
    """What a configuration describes, from `start` to `stop`.

    log      takes a line of text
    kernel   the one kernel, once it is started
    ways     the servers that run, each with its `address`
    """

    def __init__(self, config: Config, log: Callable[[str], object]) -> None:
        self.config = config
        self.log = log
        self.ways: list[tuple[ServeEntry, Way]] = []
        self.status: StatusPage | None = None
        self.ended = threading.Event()
        self._began = 0.0
        self._session: Session | None = None
        self._watch: limits.MemoryWatch | None = None

    @property
    def kernel(self) -> Kernel:
        assert self._session is not None, "not started"
        return self._session.kernel

    def start(self) -> None:
        """Boot, mount, begin to serve; what was begun is taken back if something fails.

        Errors: ConfigError - which table, and why it cannot be had; OSError.
        """
        limits.apply(self.config.limits, self.config.source)
        if self.config.limits.memory is not None:
            self._watch = limits.MemoryWatch(self.config.limits.memory, self.log)
        settings = self.config.kernel
        self._session = Session(Options(cache_bytes=settings.cache, vnodes=settings.vnodes))
        self._session.log = self._say
        self._began = time.monotonic()
        try:
            for entry in self.config.mounts:
                if not entry.read_only:     # before the kernel boots: it is another host's for those who write
                    self._session.writes_to(parse_operand(entry.image, image_by_default=True))
            for entry in sorted(self.config.mounts, key=lambda entry: entry.at.count("/") if entry.at != "/" else 0):
                self._mount(entry)
            for way in self.config.servers:
                self._serve(way)
            self._show()
        except BaseException:
            self.stop()
            raise

    def _say(self, line: str) -> None:
        self.log(line)

    def _mount(self, entry: MountEntry) -> None:
        assert self._session is not None
        session, lwp = self._session, self.kernel.lwp
        try:
            operand = parse_operand(entry.image, image_by_default=True)
            device = session.volume(operand)
            if entry.at != "/":
                _make_folders(self.kernel, entry.at)
            flags = abi.MNT_RDONLY if entry.read_only else 0
            options = entry.options | ISOLATION[entry.isolate]
            lwp.mount(entry.type or session.kind(device), os.fsencode(entry.at), flags, device, options)
        except (ImageError, UsageError) as error:
            raise ConfigError(f"{self.config.source}: {entry.image}: {error}") from error
        except OSError as error:
            raise ConfigError(f"{self.config.source}: {entry.image}: {reason(error)}") from error

    def _serve(self, entry: ServeEntry) -> None:
        from rump.servers.monolith.ways import open_way

        try:
            self.ways.append((entry, open_way(self.kernel, entry, self.log, self.ended.set, self.welcome)))
        except ConfigError as error:
            raise ConfigError(f"{self.config.source}: {entry.kind} {entry.address}: {error}") from error
        except OSError as error:
            raise ConfigError(f"{self.config.source}: {entry.kind} {entry.address}: {reason(error)}") from error

    def welcome(self) -> bool:
        """Whether new work is taken on: not while there is more memory in use than may be."""
        return self._watch is None or not self._watch.exceeded

    def _show(self) -> None:
        if self.config.status is not None:
            from rump.servers.monolith.status import StatusPage

            self.status = StatusPage(self.config.status, self.snapshot)

    def snapshot(self) -> dict[str, Any]:
        """All numbers there are: what the status page shows."""
        return {
            "uptime": round(time.monotonic() - self._began, 3), "process": usage.own_process(),
            **usage.snapshot(self.kernel.lwp),
            "servers": [
                {"kind": entry.kind, "address": way.address, "path": entry.path} for entry, way in self.ways
            ],
            "memory_exceeded": self._watch is not None and self._watch.exceeded,
        }  # fmt: skip

    def wait(self) -> None:
        """Until a client asks for the end, or `ended` is set; the kernel's clock goes on meanwhile."""
        while not self.ended.wait(limits.PERIOD):
            self.kernel.tick()
            if self._watch is not None and self._watch.look():
                self.kernel.shrink()

    def stop(self) -> None:
        """Take everything apart, the last first.  All that was written is in the images."""
        if self.status is not None:
            self.status.close()
            self.status = None
        while self.ways:
            entry, way = self.ways.pop()
            try:
                way.stop()
            except OSError as error:
                self.log(f"{entry.kind} {entry.address}: {reason(error)}")
        if self._session is not None:
            for image, problem in self._session.end():
                self.log(f"{image}: {reason(problem)}")


def _make_folders(kernel: Kernel, place: str) -> None:
    """The folders of a place to mount at, those that are missing, in whatever is mounted there by now."""
    path = b""
    for part in os.fsencode(place).strip(b"/").split(b"/"):
        path += b"/" + part
        try:
            kernel.lwp.mkdir(path, 0o755)
        except FileExistsError:
            continue
