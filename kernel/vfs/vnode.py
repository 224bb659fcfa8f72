# SPDX-License-Identifier: BSD-2-Clause
"""Vnodes: the files the kernel knows at the moment.

A vnode lives while it is referenced, and afterwards in a list of the least recently used, bounded in number; garbage
collection plays no part.  Listing a directory creates none.  The name cache is part of it: a directory's `names` are
the children looked up so far, each of which remembers under which names it is cached.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.cpu import SleepLock
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.cpu import VirtualCPU
    from rump.kernel.pipe import Pipe
    from rump.kernel.vfs.advlock import AdvisoryLocks
    from rump.kernel.vfs.mount import Mount
    from rump.kernel.vfs.volume import Attributes, Handle

NEGATIVE_NAMES = 256
"""How many names a directory remembers that were looked for and not there."""


class Vnode:
    """A file.

    mount, handle      where it lives, and its address there
    attributes         as the volume last said (a plain tuple, see `kernel.vfs.volume`)
    kind               S_IFMT of its mode; never changes
    references         explicit count: descriptors, cwds, children, the lwps at work on it
    parent, name       of a directory: where it hangs (None for the root of a mount)
    names              of a directory: name -> vnode, or None for a name that is not there
    absent             those of its names that are not there
    aliases            (directory, name) under which it is cached
    listed             of a directory on a read-only mount: name -> attributes, as last listed; while it is open
    covered_by         the mount on top of this directory
    lock               shared to read and map, exclusive to change
    pipe               of a FIFO that is open
    link               of a symbolic link: its target, once read
    advlocks           who has locked what of it (fcntl, flock)
    """

    __slots__ = (
        "absent", "advlocks", "aliases", "attributes", "covered_by", "handle", "kind", "link", "listed", "lock",
        "mount", "name", "names", "parent", "pipe", "references",
    )  # fmt: skip

    def __init__(self, mount: Mount, attributes: Attributes, lock: SleepLock) -> None:
        self.mount = mount
        self.attributes = attributes
        self.handle: Handle = (attributes[v.FILEID], attributes[v.GENERATION])
        self.kind = attributes[v.MODE] & abi.S_IFMT
        self.references = 0
        self.parent: Vnode | None = None
        self.name = b""
        self.names: dict[bytes, Vnode | None] = {}
        self.absent: dict[bytes, None] = {}
        self.listed: dict[bytes, Attributes | None] = {}
        self.aliases: list[tuple[Vnode, bytes]] = []
        self.covered_by: Mount | None = None
        self.lock = lock
        self.pipe: Pipe | None = None
        self.link: bytes | None = None
        self.advlocks: AdvisoryLocks | None = None

    # ---- the name cache ------------------------------------------------------------------------------------------

    def remember(self, name: bytes, child: Vnode | None) -> None:
        """`name` in this directory is `child`, or is not there."""
        if child is None:
            if len(self.absent) >= NEGATIVE_NAMES:
                self.forget_negatives()
            self.absent[name] = None
        else:
            child.aliases.append((self, name))
        self.names[name] = child

    def forget_negatives(self) -> None:
        """Forget which names are not there: one of them may be now."""
        for name in self.absent:
            if self.names.get(name) is None:
                self.names.pop(name, None)
        self.absent.clear()

    def forget_name(self, name: bytes) -> None:
        """Forget what `name` means here, however it is spelled."""
        for other in self._spellings(name):
            child = self.names.pop(other)
            self.absent.pop(other, None)
            if child is not None:
                child.aliases.remove((self, other))

    def _spellings(self, name: bytes) -> list[bytes]:
        """The names remembered that mean the same file."""
        if self.mount.capabilities.case_sensitive:
            return [name] if name in self.names else []
        child = self.names.get(name)
        if child is not None:       # it knows them, and a directory may have very many others
            return [other for directory, other in child.aliases if directory is self]
        name_key = self.mount.volume.name_key
        key = name_key(name)
        return [other for other in self.names if other == name or name_key(other) == key]

    def forget_aliases(self) -> None:
        """Take it out of the name cache, and with it what is cached below."""
        for directory, name in self.aliases:
            directory.names.pop(name, None)
        self.aliases.clear()
        for name, child in self.names.items():
            if child is not None:
                child.aliases.remove((self, name))
        self.names = {}
        self.absent = {}


class VnodeTable:
    """All vnodes of a kernel that nobody uses, least recently used first; bounded."""

    def __init__(self, cpu: VirtualCPU, limit: int, log: Callable[[str], object]) -> None:
        """`limit` is their number; `log` takes what nobody is there to be told of."""
        self._cpu = cpu
        self._limit = limit
        self._log = log
        self._idle: dict[Vnode, None] = {}

    def get(self, mount: Mount, attributes: Attributes) -> Vnode:
        """The vnode of a file whose attributes a volume just returned; referenced."""
        vnode = mount.vnodes.get(attributes[0])
        if vnode is None or vnode.handle[1] != attributes[1]:
            vnode = Vnode(mount, attributes, SleepLock(self._cpu))
            mount.vnodes[attributes[0]] = vnode
        else:
            vnode.attributes = attributes
        self.reference(vnode)
        return vnode

    def reference(self, vnode: Vnode) -> None:
        """One more user."""
        if vnode.references == 0:
            self._idle.pop(vnode, None)
        vnode.references += 1

    def release(self, vnode: Vnode) -> None:
        """One user less; the last one leaves it to the list, or to oblivion if it has no names left.

        What is forgotten gives up its parent in turn: step by step, for trees may be deep.
        """
        left: Vnode | None = vnode
        while left is not None:
            left.references -= 1
            if left.references:
                return
            if left.attributes[v.NLINK] == 0 and left.mount.root is not left:
                left = self._drop(left)
                continue
            self._idle[left] = None
            left = self._drop(next(iter(self._idle))) if len(self._idle) > self._limit else None

    def _drop(self, vnode: Vnode) -> Vnode | None:
        """Forget a vnode nobody uses, and tell the volume; its parent, which the caller releases."""
        self._idle.pop(vnode, None)
        vnode.forget_aliases()
        mount = vnode.mount
        if mount.vnodes.get(vnode.handle[0]) is vnode:
            del mount.vnodes[vnode.handle[0]]
        parent, vnode.parent = vnode.parent, None
        try:
            if vnode.attributes[v.NLINK] == 0:
                mount.volume.inactive(vnode.handle)
            mount.volume.forget(vnode.handle)
        except OSError as error:
            # Who let it go has done what he was asked for; its space may be lost until the volume is checked.
            self._log(f"{mount.type_name}: giving up file {vnode.handle[0]}: {error}")
        return parent

    def shrink(self) -> int:
        """Forget every vnode that nobody uses; how many.  Their parents go when nothing below them is left."""
        count = 0
        while self._idle:
            parent = self._drop(next(iter(self._idle)))
            count += 1
            if parent is not None:
                self.release(parent)
        return count

    def end_nameless(self, mount: Mount) -> OSError | None:
        """Tell the volume that its files without names are not used, whoever may still have them open; what went wrong
        with the first that failed."""
        problem: OSError | None = None
        for vnode in [*mount.vnodes.values()]:
            if vnode.attributes[v.NLINK] == 0:
                try:
                    mount.volume.inactive(vnode.handle)
                except OSError as error:
                    problem = problem or error
        return problem

    def drop_mount(self, mount: Mount) -> None:
        """Forget every unused vnode of a mount; children go before their parents."""
        while True:
            idle = [vnode for vnode in self._idle if vnode.mount is mount]
            if not idle:
                return
            for vnode in idle:
                parent = self._drop(vnode) if vnode in self._idle else None
                if parent is not None:
                    self.release(parent)
