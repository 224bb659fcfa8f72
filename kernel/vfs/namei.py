# SPDX-License-Identifier: BSD-2-Clause
"""namei: from paths to vnodes.

Paths are bytes.  What a lookup returns is referenced and held by the lwp until its system call ends
(`Lwp.hold`).  `..` never reaches a driver: the kernel knows the parent of every directory it knows.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.access import may_search
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwp import LwpBase
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Attributes

S_IFDIR = abi.S_IFDIR
S_IFLNK = abi.S_IFLNK


def namei(lwp: LwpBase, path: bytes, start: int = abi.AT_FDCWD, follow: bool = True) -> Vnode:
    """The file a path names; the last component's symbolic link is followed if told.

    Errors: ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES; EINVAL - a NUL byte; EBADF - `start`.
    """
    vnode = _walk(lwp, path, start, follow, False)[1]
    assert vnode is not None
    return vnode


def namei_parent(
    lwp: LwpBase, path: bytes, start: int = abi.AT_FDCWD, follow: bool = False, directory: bool = False
) -> tuple[Vnode, bytes, Vnode | None]:
    """(directory, last component, the file or None): for making, removing and renaming names.

    The last component may be missing; everything before it may not.  With a trailing slash the name must be of a
    directory, or become one (`directory`).  The last component of the root, or a path that ends in `.` or `..`,
    comes as b"", b"." or b"..": the caller knows which error fits.
    """
    parent, vnode, name = _walk(lwp, path, start, follow, True)
    assert parent is not None
    if vnode is None and path.endswith(b"/") and not directory:
        raise fault(e.ENOENT)
    return parent, name, vnode


def start_of(lwp: LwpBase, path: bytes, start: int) -> Vnode:
    """Where a path begins."""
    process = lwp.process
    if path[:1] == b"/":
        found = lwp.kernel.etfs.get(path) if lwp.kernel.etfs and process.root is lwp.kernel.rootvnode else None
        if found is not None:
            return found
        base = process.root
    elif start == abi.AT_FDCWD:
        base = process.cwd
    else:
        base = lwp.directory_of(start)
    if base is None:
        raise fault(e.ENOENT, "no root file system")
    return base


def _walk(
    lwp: LwpBase, path: bytes, start: int, follow: bool, want_parent: bool
) -> tuple[Vnode | None, Vnode | None, bytes]:
    """The engine: (parent, file or None, last name)."""
    if not path:
        raise fault(e.ENOENT)
    if len(path) >= abi.PATH_MAX:
        raise fault(e.ENAMETOOLONG)
    if b"\0" in path:
        raise fault(e.EINVAL, "NUL byte in path")
    vnode = start_of(lwp, path, start)
    if vnode.kind != S_IFDIR:
        return _special(lwp, vnode, path, want_parent)
    components = path.split(b"/")
    must_be_directory = components[-1] == b"" and len(components) > 1
    components = [name for name in components if name]
    components.reverse()
    parent: Vnode | None = None
    last = b""
    links = 0
    while components:
        name = components.pop()
        parent = vnode
        if vnode.kind != S_IFDIR:
            raise fault(e.ENOTDIR)
        child = lookup(lwp, vnode, name, missing_ok=want_parent and not components)
        last = name
        if child is None:
            lwp.hold(parent)
            return parent, None, name
        if child.kind == S_IFLNK and (components or follow or must_be_directory):
            links += 1
            if links > abi.MAXSYMLINKS:
                raise fault(e.ELOOP)
            target = link_target(child)
            rest = [part for part in target.split(b"/") if part]
            must_be_directory = must_be_directory or (not components and target.endswith(b"/"))
            rest.reverse()
            components += rest
            if target[:1] == b"/":
                vnode = start_of(lwp, target, abi.AT_FDCWD)
                if vnode.kind != S_IFDIR:
                    components = []
            continue
        vnode = child
    if must_be_directory and vnode.kind != S_IFDIR:
        raise fault(e.ENOTDIR)
    if parent is None or want_parent:
        parent = parent or vnode
        lwp.hold(parent)
    lwp.hold(vnode)
    return parent, vnode, last


def _special(
    lwp: LwpBase, vnode: Vnode, path: bytes, want_parent: bool
) -> tuple[Vnode | None, Vnode | None, bytes]:
    """A path that is an etfs key: the node itself; nothing can be made or removed there."""
    if want_parent:
        raise fault(e.EBUSY, "a host file is mapped in here")
    lwp.hold(vnode)
    return None, vnode, path.rpartition(b"/")[2]


def link_target(vnode: Vnode) -> bytes:
    """A symbolic link's target, read once."""
    if vnode.link is None:
        vnode.link = vnode.mount.volume.readlink(vnode.handle)
    if not vnode.link:
        raise fault(e.ENOENT, "empty symbolic link")
    return vnode.link


def lookup(lwp: LwpBase, directory: Vnode, name: bytes, missing_ok: bool = False) -> Vnode | None:
    """One component in a directory, mounts crossed; None if it is not there and may be missing."""
    credentials = lwp.process.credentials
    if credentials.euid and not may_search(credentials, directory.attributes):
        raise fault(e.EACCES)
    try:
        child = directory.names[name]
    except KeyError:
        child = _lookup_uncached(lwp, directory, name)
    if child is None:
        if missing_ok:
            return None
        raise fault(e.ENOENT)
    while child.covered_by is not None:
        root = child.covered_by.root
        assert root is not None
        child = root
    return child


def _lookup_uncached(lwp: LwpBase, directory: Vnode, name: bytes) -> Vnode | None:
    """Through the volume, or `.` and `..`; remembers what it finds."""
    if name == b".":
        return directory
    if name == b"..":
        return parent_of(lwp, directory)
    mount = directory.mount
    if len(name) > mount.name_max:
        raise fault(e.ENAMETOOLONG)
    listed = directory.listed.get(name)
    if listed is not None:
        return lwp.kernel.adopt_child(lwp, directory, name, listed)
    vnodes = lwp.kernel.vnodes
    vnodes.reference(directory)
    try:
        attributes = _ask(directory, name)
        if attributes is None:
            return None
    finally:
        vnodes.release(directory)
    return lwp.kernel.adopt_child(lwp, directory, name, attributes)


def _ask(directory: Vnode, name: bytes) -> Attributes | None:
    """What the volume says; that a name is not there is remembered."""
    directory.lock.shared()
    try:
        if directory.attributes[v.NLINK] == 0:
            return None
        return directory.mount.volume.lookup(directory.handle, name)
    except OSError as error:
        if error.errno != e.ENOENT:
            raise
        directory.remember(name, None)
        return None
    finally:
        directory.lock.unlock()


def parent_of(lwp: LwpBase, directory: Vnode) -> Vnode:
    """`..`: across mounts, but not above the process's root."""
    if directory is lwp.process.root:
        return directory
    while directory.parent is None:
        covered = directory.mount.covered
        if directory is not directory.mount.root or covered is None:
            return directory
        if covered is lwp.process.root:
            return covered
        directory = covered
    return directory.parent


def path_of(lwp: LwpBase, directory: Vnode) -> bytes:
    """The path of a directory from the process's root (getcwd).  Errors: ENOENT - it was removed."""
    names: list[bytes] = []
    while directory is not lwp.process.root:
        if directory.parent is None:
            covered = directory.mount.covered
            if covered is None or directory is not directory.mount.root:
                raise fault(e.ENOENT)           # removed, or outside the process's root
            directory = covered
            continue
        if directory.attributes[v.NLINK] == 0:
            raise fault(e.ENOENT)
        names.append(directory.name)
        directory = directory.parent
    names.reverse()
    return b"/" + b"/".join(names)
