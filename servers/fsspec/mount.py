# SPDX-License-Identifier: BSD-2-Clause
"""The mount behind a file system of fsspec: made when it is needed, for writing when something is written."""

from __future__ import annotations

import os
from threading import RLock
from weakref import WeakSet

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from rump.fsutils.errors import ImageError
from rump.fsutils.image import Image, open_image
from rump.kernel.errors import fault
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.middleware.objects import Objects
from rump.rumpuser.middleware.unlocked import Unlocked
from rump.servers.fsspec.medium import RemoteImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fsspec.spec import AbstractFileSystem

    from rump.kernel.lwps import Lwp
    from rump.rumpuser.interface.hypercalls import Hypercalls
    from rump.servers.fsspec.file import ImageFile


class Options:
    """Where an image is and how it is mounted; the fields are the storage options of `ImageFileSystem`."""

    __slots__ = (
        "block_size", "cache_size", "file_system", "fo", "force", "options", "partition", "sync", "target_options",
        "target_protocol", "writable",
    )  # fmt: skip

    fo: str
    target_protocol: str | None
    target_options: dict[str, Any]
    partition: str | int | None
    file_system: str | None
    options: dict[str, str] | None
    writable: bool | None
    force: bool
    sync: bool
    block_size: int
    cache_size: int

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values[name])


class Mount:
    """An image, mounted or not; all threads take turns.

        with mount.use(writing=True) as lwp: ...

    Read-only until something is written; then it is mounted for writing, and unmounted when nobody writes any more, so
    that what was written is in the image.  Reading locks nothing, lest an image that was once looked at could not be
    written to by others any more: that it has changed is noticed by its size and times.  `Options.writable`:
    True keeps it mounted for writing until `close`, False
    never does.  A mount does not survive a fork: the child makes its own.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = RLock()
        self._image: Image | None = None
        self.remote: RemoteImage | None = None
        self._version: tuple[int, ...] = ()
        self._writable = False
        self._uses = 0                  # calls under way, and what holds the mount for them
        self._files: WeakSet[ImageFile] = WeakSet()
        self._fs, self.path = self._target()
        self.local = isinstance(self._fs, LocalFileSystem)
        _mounts.add(self)

    def _target(self) -> tuple[AbstractFileSystem, str]:
        options = dict(self.options.target_options)
        if self.options.target_protocol:
            options["protocol"] = self.options.target_protocol
        fs, path = url_to_fs(self.options.fo, **options)
        return fs, path

    @property
    def name(self) -> str:
        """What the image is called."""
        return self.path if self.local else str(self._fs.unstrip_protocol(self.path))

    # ---- using it ------------------------------------------------------------------------------------------------

    def use(self, writing: bool = False) -> Use:
        """The image for as long as the result is entered; entering it gives the process of the kernel to call.

        Errors of entering: OSError - EROFS, why it cannot be written; EBUSY - for writing while files are open that
        were opened without; ESTALE - it changed while files are open; and those of mounting.
        """
        return Use(self, writing)

    def enter(self, writing: bool) -> Image:
        """One more uses it; see `use`.  The lock is held by the caller."""
        self._uses += 1
        try:
            if self._image is not None and self._is_stale():
                if self._in_use():
                    raise self._stale()
                self.unmount()
            if writing and not self._writable:
                self._refuse_to_write()
                self.unmount()
            if self._image is None:
                self._open(writing or self.options.writable is True)
            assert self._image is not None
            return self._image
        except BaseException:
            self._uses -= 1
            raise

    def leave(self) -> None:
        """One less uses it.  The lock is held by the caller.  Errors: OSError - what was written is not all there."""
        self._uses -= 1
        if self._writable and not self._uses and not self._files and self.options.writable is None:
            self.unmount()

    def _in_use(self) -> bool:
        """Whether anybody but the caller of `enter` uses it."""
        return self._uses > 1 or len(self._files) > 0

    def _stale(self) -> OSError:
        return fault(e.ESTALE, f"{self.name}: the image has changed since it was opened")

    def check(self) -> None:
        """Errors: OSError ESTALE - the image has changed."""
        if self._is_stale():
            raise self._stale()

    def _refuse_to_write(self) -> None:
        if self.options.writable is False:
            raise fault(e.EROFS, f"{self.name}: opened with writable=False")
        if self._in_use():
            raise fault(e.EBUSY, f"{self.name}: files are open for reading only; writable=True lets both be done")

    def opened(self, file: ImageFile) -> None:
        """A file was opened, and keeps the mount as it is.  The lock is held by the caller."""
        self._files.add(file)

    def closed(self, file: ImageFile) -> None:
        """It was closed.  The lock is held by the caller.  Errors: as `leave`."""
        self._files.discard(file)
        self._uses += 1
        self.leave()

    # ---- mounting ------------------------------------------------------------------------------------------------

    def _open(self, writable: bool) -> None:
        options = self.options
        self._version = () if writable else self._local_version()
        remote = None if self.local else self._open_remote(writable)
        try:
            image = open_image(
                self.name, partition=options.partition, file_system=options.file_system,
                options=options.options, writable=writable, force=options.force, sync=options.sync,
                host=None if writable and remote is None else lambda: _host(self.name, remote),
            )  # fmt: skip
        except ImageError as error:
            _close(remote)
            raise fault(error.errno or e.EIO, f"{self.name}: {error.message}") from error
        except BaseException:
            _close(remote)
            raise
        self._image, self.remote, self._writable = image, remote, writable

    def _open_remote(self, writable: bool) -> RemoteImage:
        remote = RemoteImage(self._fs, self.path, self.options.block_size, self.options.cache_size)
        if writable:
            try:
                remote.open_for_writing()
            except HostError as error:
                raise fault(error.errno or e.EIO, error.detail) from error
        return remote

    def _local_version(self) -> tuple[int, ...]:
        if not self.local:
            return ()
        stat = os.stat(self.path)
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def _is_stale(self) -> bool:
        if self._writable:
            return False
        if self.remote is not None:
            return self.remote.changed
        try:
            return self._local_version() != self._version
        except OSError:
            return True

    def refresh(self) -> None:
        """Mount anew with the next use, unless somebody uses it."""
        with self.lock:
            if not (self._uses or self._files or self._writable):
                self.unmount()

    def unmount(self) -> None:
        """Errors: OSError - what was written did not all reach the image."""
        image, self._image = self._image, None
        remote, self.remote = self.remote, None
        self._writable = False
        try:
            if image is not None:
                image.close()
        finally:
            _close(remote)

    def close(self) -> None:
        """Close all files and unmount; it may be used again.  Errors: as `unmount`."""
        with self.lock:
            try:
                for file in sorted(self._files, key=lambda file: file.path):
                    file.close()
            finally:
                self._files.clear()
                self.unmount()

    def forget(self) -> None:
        """In the child of a fork: the mount is the parent's.  What hangs on it is kept and never touched."""
        self._forgotten = self._image, self.remote, set(self._files)
        for file in list(self._files):
            file.forget()
        self.lock = RLock()
        self._image = self.remote = None
        self._writable = False
        self._uses = 0
        self._files = WeakSet()


class Use:
    """See `Mount.use`."""

    __slots__ = ("_mount", "_writing")

    def __init__(self, mount: Mount, writing: bool) -> None:
        self._mount = mount
        self._writing = writing

    def __enter__(self) -> Lwp:
        self._mount.lock.acquire()
        try:
            return self._mount.enter(self._writing).lwp
        except BaseException:
            self._mount.lock.release()
            raise

    def __exit__(self, *exception: object) -> None:
        try:
            self._mount.check()
        finally:
            try:
                self._mount.leave()
            finally:
                self._mount.lock.release()


class Hold(Use):
    """Keeps an image mounted for writing while many calls are made, between which other threads may have theirs."""

    __slots__ = ()

    def __init__(self, mount: Mount) -> None:
        super().__init__(mount, True)

    def __enter__(self) -> Lwp:
        with self._mount.lock:
            return self._mount.enter(True).lwp

    def __exit__(self, *exception: object) -> None:
        with self._mount.lock:
            self._mount.leave()


_mounts: WeakSet[Mount] = WeakSet()


def _host(name: str, remote: RemoteImage | None) -> Hypercalls:
    """Where an image is opened by its name: a remote one as what it is, a local one for reading without locks."""
    if remote is None:
        return Unlocked(default())
    return Objects(default(), {os.path.abspath(os.fsencode(name)): remote})


def _close(remote: RemoteImage | None) -> None:
    if remote is not None:
        remote.close()


def _after_fork() -> None:
    for mount in list(_mounts):
        mount.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
