# SPDX-License-Identifier: BSD-2-Clause
"""The extension calls rump_*: bulk forms for programs that move much.  Listed in docs/system-calls.md."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access, data
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.namei import namei
from rump.kernel.vfs.small import Listed, read_small
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.small import Small
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Attributes, Capabilities, EntryPlus, Handle

SMALL_MAX = 1 << 16
"""Bytes of a file that `rump_read_small` takes for small, unless told."""
TOTAL_MAX = 1 << 22
"""Bytes that one such call returns at most."""
COPY_BUFFER = 1 << 20
"""Bytes read at once where the host cannot copy by itself."""
COPY_INSIDE_HOST = 1 << 18
"""Runs of at least this length are left to the host's own copy; below it a read and a write are quicker."""


class BulkCalls(LwpBase):
    """Extension calls."""

    @syscall
    def rump_listdir(self, fd: int, cookie: int = 0, count: int = 8192) -> tuple[tuple[EntryPlus, ...], int]:
        """Entries with attributes from `cookie` on, and the cookie behind them (END: no more).  Errors: EBADF, ENOTDIR.

        A directory that is mounted on is shown with what covers it.
        """
        vnode = self.directory_of(fd)
        vnode.lock.shared()
        try:
            rows, cookie = vnode.mount.volume.list_attributes(vnode.handle, cookie, count)
        finally:
            vnode.lock.unlock()
        self.kernel.check_names(vnode, [row[0] for row in rows])
        if vnode.mount.read_only:
            # Who lists goes on to open: what cannot change need not be looked up again.
            vnode.listed = Listed(rows)
        covered = self._covered_in(vnode)
        if covered:
            rows = tuple((name, after, covered.get(name, attributes)) for name, after, attributes in rows)
        return rows, cookie

    def _covered_in(self, directory: Vnode) -> dict[bytes, Attributes]:
        """The attributes of what is mounted on children of a directory."""
        return {
            mount.covered.name: mount.root.attributes
            for mount in self.kernel.mounts
            if mount.covered is not None and mount.covered.parent is directory and mount.root is not None
        }

    @syscall
    def rump_read_small(
        self, fd: int, names: tuple[bytes, ...], limit: int = SMALL_MAX
    ) -> tuple[Small | None, ...]:
        """Small regular files of a directory, whole: (contents, ((name, value) of extended attributes, ...)) of each.

        The directory has been listed through this descriptor (`rump_listdir`), and the names are of the last page.
        None for what must be opened instead: a name that was not there, a file of another type, of more than `limit`
        bytes, damaged, not kept in blocks, with holes, or that may not be read; and for every file of a mount that can
        be written to.  At most TOTAL_MAX bytes come back, the rest is None.  Errors: EBADF, ENOTDIR, EACCES.
        """
        directory = self.directory_of(fd)
        credentials = self.process.credentials
        access.check(credentials, directory, access.EXECUTE)
        if not directory.mount.read_only:
            return (None,) * len(names)
        files: list[tuple[Handle, int]] = []
        places: list[int] = []
        room = TOTAL_MAX
        for place, name in enumerate(names):
            attributes = directory.listed.get(name)
            if attributes is None or attributes[v.MODE] & abi.S_IFMT != abi.S_IFREG:
                continue
            size = attributes[v.SIZE]
            if size <= limit and size <= room and access.permitted(credentials, attributes, access.READ):
                room -= size
                files.append(((attributes[v.FILEID], attributes[v.GENERATION]), size))
                places.append(place)
        result: list[Small | None] = [None] * len(names)
        for place, found in zip(places, read_small(directory.mount, files), strict=True):
            if found is not None and found[1] and credentials.euid != 0:
                found = found[0], tuple(pair for pair in found[1] if not pair[0].startswith(b"trusted."))
            result[place] = found
        return tuple(result)

    @syscall
    def rump_adopt(self, descriptor: int) -> int:
        """A handle for a host file that the program opened.  Errors: EBADF."""
        return self.kernel.host.adopt(descriptor)

    @syscall
    def rump_disown(self, handle: int) -> None:
        """Give an adopted handle back.  Errors: EBADF."""
        self.kernel.host.close(handle)

    @syscall
    def rump_copy_out(
        self, fd: int, offset: int, length: int, handle: int, target: int, sparse: bool = True
    ) -> int:
        """Copy bytes of a regular file to an adopted host file; how many were covered, short only at the file's end.

        With `sparse` holes are left out: the target must read as zeros there.  Errors: EBADF, EINVAL, EISDIR; EIO;
        those of writing on the host.
        """
        file = self.process.file(fd)
        vnode: Vnode | None = getattr(file, "vnode", None)
        if not file.readable:
            raise fault(e.EBADF, f"descriptor {fd} is not open for reading")
        if vnode is None or vnode.kind != abi.S_IFREG:
            raise fault(e.EISDIR if vnode is not None and vnode.kind == abi.S_IFDIR else e.EINVAL)
        if offset < 0 or length < 0 or target < 0:
            raise fault(e.EINVAL, f"range {offset}+{length} to {target}")
        count = max(0, min(length, vnode.attributes[v.SIZE] - offset))
        vnode.lock.shared()
        try:
            for kind, start, size, where in data.runs(vnode, offset, count):
                if sparse and kind in (v.HOLE, v.UNWRITTEN):
                    continue
                self._copy_run(vnode, (kind, start, size, where), handle, target + start - offset)
        finally:
            vnode.lock.unlock()
        return count

    def _copy_run(self, vnode: Vnode, run: tuple[int, int, int, int], handle: int, target: int) -> None:
        """One run, inside the host if it is worth it, else in pieces through a buffer."""
        kind, start, size, where = run
        device = vnode.mount.device
        host = self.kernel.host
        done = 0
        if kind == v.DATA and device is not None and size >= COPY_INSIDE_HOST and host.traits.copies_ranges:
            try:
                done = device.copy_to(where, handle, target, size)
            except OSError as error:
                if error.errno not in (e.ENOTSUP, e.EOPNOTSUPP, e.ENOSYS, e.EXDEV):
                    raise
        buffer = memoryview(bytearray(min(COPY_BUFFER, size - done)))
        while done < size:
            piece = buffer[: min(len(buffer), size - done)]
            if kind == v.DATA and device is not None:
                device.readinto(where + done, piece)
            elif kind in (v.HOLE, v.UNWRITTEN):
                data.zero(piece)
            else:
                data.read_encoded(vnode, start + done, piece)
            if host.write(handle, piece, target + done) != len(piece):
                raise Corrupt("the host wrote less than all of it")
            done += len(piece)

    @syscall
    def rump_extents(self, fd: int, offset: int, length: int) -> tuple[tuple[int, int, int], ...]:
        """The runs of a regular file as (kind, offset, length).  Errors: EBADF, EINVAL."""
        vnode: Vnode | None = getattr(self.process.file(fd), "vnode", None)
        if vnode is None or vnode.kind != abi.S_IFREG or offset < 0 or length < 0:
            raise fault(e.EINVAL)
        vnode.lock.shared()
        try:
            return tuple((kind, start, count) for kind, start, count, _ in data.runs(vnode, offset, length))
        finally:
            vnode.lock.unlock()

    @syscall
    def rump_describe(self, path: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """What the volume at `path` says of itself.  Errors: as namei."""
        return namei(self, path).mount.volume.describe()

    @syscall
    def rump_capabilities(self, path: bytes) -> Capabilities:
        """What the volume at `path` can hold.  Errors: as namei."""
        return namei(self, path).mount.capabilities
