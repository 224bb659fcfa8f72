# SPDX-License-Identifier: BSD-2-Clause
"""Images as a Python library: paths in them as pathlib has them for the host.

    with open_image("disk.img@2") as image:
        for path in image.root.glob("etc/*.conf"):
            print(path, path.read_text())

    with open_image("disk.img@2", writable=True) as image:
        (image / "etc" / "hostname").write_text("builder\\n")
        image.copy_in("./rootfs", "/srv")
"""

from __future__ import annotations

import os

from rump.fsutils.image_path import ImagePath
from rump.fsutils.operand import Operand
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.session import Options, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Statvfs
    from rump.rumpuser.interface.hypercalls import Hypercalls

__all__ = ["Image", "ImagePath", "mount", "open_image"]


class Image:
    """A mounted file system; use it as a context manager, or `close` it.

    lwp   the process in the kernel whose root it is: every system call is there (docs/system-calls.md)
    root  the path ``/``
    """

    def __init__(self, lwp: Lwp, session: Session | None = None) -> None:
        self.lwp = lwp
        self.root = ImagePath(self, b"/")
        self._session = session

    def __enter__(self) -> Image:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Unmount, if this object mounted it.  Errors: OSError - what was written did not all reach the image."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def __truediv__(self, name: str | bytes | os.PathLike[str]) -> ImagePath:
        """A path in the image: ``image / "etc" / "passwd"``."""
        return self.root / name

    def path(self, path: str | bytes) -> ImagePath:
        """A path in the image: ``image.path("/etc/passwd")``."""
        return self.root / path

    def copy_in(self, origin: str | os.PathLike[str], to: str | bytes) -> list[tuple[bytes, str]]:
        """Make the path `to` a copy of a file or tree of the host, with all it has; a directory that is there gets what
        is in `origin`.  What could not be copied, as (path, why).  Errors: OSError - there is no place for it."""
        from rump.fsutils.copy import archive, copy_tree
        from rump.fsutils.copy.host_source import HostSource
        from rump.fsutils.copy.kernel import KernelTarget

        target = KernelTarget(HostSource(), archive(), self.lwp)
        return copy_tree(os.fsencode(origin), target, self.path(to).raw)

    def copy_out(self, origin: str | bytes, to: str | os.PathLike[str]) -> list[tuple[bytes, str]]:
        """Make the host's path `to` a copy of what is in the image, likewise."""
        from rump.fsutils.copy import archive, copy_tree
        from rump.fsutils.copy.host import HostTarget
        from rump.fsutils.copy.kernel_source import KernelSource

        target = HostTarget(KernelSource(self.lwp), archive())
        return copy_tree(self.path(origin).raw, target, os.fsencode(to))

    def sync(self) -> None:
        """All that was written so far is on stable storage when this returns."""
        self.lwp.sync()

    def statvfs(self) -> Statvfs:
        """How full it is."""
        return self.lwp.statvfs(b"/")

    def describe(self) -> dict[str, str]:
        """What the file system says of itself: its label, UUID, features ..."""
        return {key.decode(): value.decode("utf-8", "backslashreplace") for key, value in self.lwp.rump_describe(b"/")}


def open_image(
    image: str | os.PathLike[str],
    *,
    partition: str | int | None = None,
    file_system: str | None = None,
    options: dict[str, str] | None = None,
    writable: bool = False,
    force: bool = False,
    sync: bool = True,
    host: Callable[[], Hypercalls] | None = None,
) -> Image:
    """Mount an image: ``IMAGE`` or ``IMAGE@PARTITION``.

    partition    in place of ``@PARTITION``, where the name of the image may hold anything
    file_system  the type, found out otherwise
    options      for the driver
    writable     for writing; what is done is in the image for sure when `close` has returned
    force        write although another program uses the image
    sync         wait for stable storage
    host         makes the host to boot on, in place of this platform's; the name may hold anything then, too

    Errors: OSError - the image cannot be read, nothing in it can be mounted, or which partition is meant is open.
    """
    name = os.fspath(image)
    operand = parse_operand(name, image_by_default=True)
    if partition is not None or host is not None:
        operand = Operand(name, name, None if partition is None else str(partition), b"/")
    session = Session(Options(file_system=file_system, mount=options, force=force, sync=sync, host=host))
    try:
        if writable:
            session.writes_to(operand)
        lwp, _ = session.resolve(operand)
    except BaseException:
        session.close()
        raise
    return Image(lwp, session)


def mount(lwp: Lwp) -> Image:
    """What a process of a kernel has for its root, as an image: any file system it has mounted, also for writing.

    >>> from rump.kernel import boot
    >>> from rump.rumpuser.host import default
    >>> with boot(default()) as kernel:
    ...     kernel.lwp.mount("tmpfs", b"/tmp")
    ...     note = mount(kernel.lwp) / "tmp" / "note"
    ...     note.write_text("remember the milk")
    ...     note.read_text()
    17
    'remember the milk'
    """
    return Image(lwp)
