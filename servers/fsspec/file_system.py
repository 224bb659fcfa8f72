# SPDX-License-Identifier: BSD-2-Clause
"""The file system that fsspec knows as ``rump``: what is in a disk image, wherever that lies.

    fsspec.open("rump://etc/fstab::file:///srv/disk.img")
    fsspec.open("rump://@2/etc/fstab::https://example.org/disk.img")
    fsspec.filesystem("rump", fo="/srv/disk.img", partition=2)
"""

from __future__ import annotations

import os
import stat
import weakref
from datetime import UTC, datetime

from fsspec.spec import AbstractFileSystem
from fsspec.utils import stringify_path, tokenize

from rump.rumpuser.interface import errno as e
from rump.servers.fsspec import entries, medium
from rump.servers.fsspec.changes import Changes
from rump.servers.fsspec.file import ImageFile
from rump.servers.fsspec.mount import Mount, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.servers.fsspec.entries import Info

_MISSING = (e.ENOENT, e.ENOTDIR, e.ELOOP)


class ImageFileSystem(Changes, AbstractFileSystem):  # type: ignore[misc]
    """The files in an image, with absolute paths: ``rump://etc/fstab`` and ``rump:///etc/fstab`` are ``/etc/fstab``.

    Behind ``rump://`` may stand ``@PARTITION``; everywhere else ``@`` is an ordinary letter.
    """

    protocol = "rump"
    root_marker = "/"
    cachable = True

    def __init__(
        self,
        fo: str = "",
        target_protocol: str | None = None,
        target_options: dict[str, Any] | None = None,
        partition: str | int | None = None,
        file_system: str | None = None,
        options: dict[str, str] | None = None,
        writable: bool | None = None,
        force: bool = False,
        sync: bool = True,
        auto_mkdir: bool = False,
        block_size: int = medium.BLOCK_SIZE,
        cache_size: int = medium.CACHE_SIZE,
        **kwargs: Any,
    ) -> None:
        """`fo` is the image: a path of the host, or a URL that fsspec knows.

        target_protocol, target_options  how to open `fo`
        partition    by number, name, label, UUID or type, as in ``fsu ls IMAGE@PARTITION:/``
        file_system  the type, found out otherwise
        options      for the driver
        writable     None: mounted for writing while something is written; True: from the first use to `close`;
                     False: never
        force        write although another program uses the image
        sync         wait for stable storage
        auto_mkdir   make the directories above a file that is written
        block_size   bytes of a remote image fetched at once; a power of two
        cache_size   bytes of a remote image that are kept

        Errors: ValueError - no image; nothing is read yet.
        """
        if getattr(self, "_initialised", False):
            return
        super().__init__(**kwargs)
        image = stringify_path(fo)
        if not image or not isinstance(image, str):
            raise ValueError("which image?  As in rump://etc/fstab::file:///srv/disk.img, or with fo=")
        self.auto_mkdir = auto_mkdir
        self.mount = Mount(Options(
            fo=image, target_protocol=target_protocol, target_options=target_options or {}, partition=partition,
            file_system=file_system, options=options, writable=writable, force=force, sync=sync,
            block_size=block_size, cache_size=cache_size,
        ))  # fmt: skip
        self._end = weakref.finalize(self, _close, self.mount, os.getpid())
        self._initialised = True

    # ---- paths ---------------------------------------------------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """The path in the image: absolute, without a slash at its end, without ``rump://@PARTITION``."""
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        text = stringify_path(path)
        if text.startswith("rump://"):
            text = text[len("rump://"):]
            if text.startswith("@"):
                text = text.partition("/")[2]
        elif text.startswith("rump:"):
            text = text[len("rump:"):]
        return "/" + text.strip("/")

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        if not path.startswith("rump://@"):
            return {}
        return {"partition": path[len("rump://@"):].partition("/")[0]}

    def unstrip_protocol(self, name: str) -> str:
        """The URL of a path, in this image."""
        partition = self.mount.options.partition
        path = self._strip_protocol(name)
        return f"rump://{path}" if partition is None else f"rump://@{partition}{path}"

    @property
    def fsid(self) -> str:
        """What tells images apart."""
        options = self.mount.options
        return "rump_" + str(tokenize(self.mount.name, options.partition, options.target_options))

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.storage_args, dict(self.storage_options), _process())

    def close(self) -> None:
        """Close all files and unmount; the next use mounts again.  Errors: OSError - not all is in the image."""
        self.mount.close()

    def __enter__(self) -> ImageFileSystem:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- what is there -------------------------------------------------------------------------------------------

    def info(self, path: str, **kwargs: Any) -> Info:
        """What there is at a path.  Errors: FileNotFoundError, OSError."""
        with self.mount.use() as lwp:
            return entries.info(lwp, self._strip_protocol(path))

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """What is in a directory, sorted; of a file, itself.  Errors: FileNotFoundError, OSError."""
        path = self._strip_protocol(path)
        with self.mount.use() as lwp:
            found = entries.info(lwp, path)
            infos = entries.listing(lwp, path) if found["type"] == "directory" else [found]
        return infos if detail else [each["name"] for each in infos]

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether it leads to something.  Errors: OSError - the image cannot be read."""
        found = self._found(path)
        return found is not None and not (found["islink"] and stat.S_ISLNK(found["mode"]))

    def lexists(self, path: str, **kwargs: Any) -> bool:
        """Whether there is something of that name, a link that leads nowhere too.  Errors: as `exists`."""
        return self._found(path) is not None

    def isfile(self, path: str) -> bool:
        """Whether it leads to a regular file.  Errors: as `exists`."""
        found = self._found(path)
        return found is not None and found["type"] == "file"

    def isdir(self, path: str) -> bool:
        """Whether it leads to a directory.  Errors: as `exists`."""
        found = self._found(path)
        return found is not None and found["type"] == "directory"

    def _found(self, path: str) -> Info | None:
        """What `info` says, None if there is nothing."""
        with self.mount.use() as lwp:               # an image that is missing is no missing file
            try:
                return entries.info(lwp, self._strip_protocol(path))
            except OSError as error:
                if error.errno in _MISSING:
                    return None
                raise

    def walk(self, path: str, *arguments: Any, **kwargs: Any) -> Any:
        """As fsspec has it, sorted.  Errors: OSError - the image or the directory itself cannot be read; what is below
        it and cannot be read is left out, unless `on_error` says otherwise."""
        if self.isdir(path):
            self.ls(path, detail=False)
        return super().walk(path, *arguments, **kwargs)

    def islink(self, path: str) -> bool:
        """Whether it is a symbolic link."""
        found = self._found(path)
        return found is not None and bool(found["islink"])

    def created(self, path: str) -> datetime:
        """When the file was made, if the format keeps it; else when its attributes changed last."""
        return datetime.fromtimestamp(self.info(path)["created"], tz=UTC)

    def modified(self, path: str) -> datetime:
        """When its contents changed last."""
        return datetime.fromtimestamp(self.info(path)["mtime"], tz=UTC)

    def ukey(self, path: str) -> str:
        """What changes when the file does."""
        found = self.info(path)
        return str(tokenize(self.fsid, *(found.get(key) for key in ("ino", "size", "mtime_ns", "ctime"))))

    def invalidate_cache(self, path: str | None = None) -> None:
        """Look at the image anew with the next use, unless files are open."""
        self.mount.refresh()

    # ---- contents ------------------------------------------------------------------------------------------------

    def _open(
        self, path: str, mode: str = "rb", block_size: int | None = None, autocommit: bool = True,
        cache_options: dict[str, Any] | None = None, **kwargs: Any,
    ) -> ImageFile:  # fmt: skip
        path = self._strip_protocol(path)
        if self.auto_mkdir and mode[:1] in "wxa":
            self.makedirs(self._parent(path), exist_ok=True)
        return ImageFile(self, path, mode, autocommit)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """The bytes from `start` to `end`; negative ones count from the end of the file."""
        with ImageFile(self, self._strip_protocol(path), "rb") as file:
            size = file.size
            first = max(0, size + start) if start is not None and start < 0 else start or 0
            last = size if end is None else max(0, size + end) if end < 0 else end
            file.seek(first)
            return file.read(max(0, min(last, size) - first))

    def sign(self, path: str, expiration: int = 100, **kwargs: Any) -> str:
        """Errors: NotImplementedError - a path in an image has no URL that others could open."""
        raise NotImplementedError("a path in an image has no URL that others could open")

    def statvfs(self) -> Any:
        """How full the image is: `rump.kernel.stat.Statvfs`."""
        with self.mount.use() as lwp:
            return lwp.statvfs(b"/")


def _process() -> tuple[str, int]:
    """This process, among all."""
    return _MARK, os.getpid()


def _again(
    kind: type[ImageFileSystem], arguments: tuple[Any, ...], options: dict[str, Any], origin: tuple[str, int]
) -> ImageFileSystem:
    """The same file system; in another process one that is not mounted for writing until it is written to."""
    if origin != _process() and options.get("writable") is True:
        options["writable"] = None
    return kind(*arguments, **options)


def _close(mount: Mount, process: int) -> None:
    if os.getpid() == process:
        mount.close()


_MARK = os.urandom(8).hex()


