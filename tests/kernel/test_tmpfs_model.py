# SPDX-License-Identifier: BSD-2-Clause
"""tmpfs against a small model of dictionaries: the same operations, results and errors, in any order."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rump.conformance.scenario import leaks
from rump.kernel import abi, boot
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e

NAMES = st.sampled_from([b"a", b"b"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
OFFSETS = st.sampled_from([0, 1, 5, 16_380, 16_384, 40_000])


class File:
    """A file of the model."""

    def __init__(self):
        self.data = bytearray()


class Refusal(Exception):
    """The model says an errno."""


class Model:
    """Directories are dicts, files are `File`."""

    def __init__(self):
        self.top = {}

    def walk(self, path):
        node = self.top
        for name in path:
            if isinstance(node, File):
                raise Refusal(e.ENOTDIR)
            if name not in node:
                raise Refusal(e.ENOENT)
            node = node[name]
        return node

    def parent(self, path):
        node = self.walk(path[:-1])
        if isinstance(node, File):
            raise Refusal(e.ENOTDIR)
        return node

    def file(self, path):
        node = self.walk(path)
        if isinstance(node, dict):
            raise Refusal(e.EISDIR)
        return node

    def make(self, path, node):
        parent = self.parent(path)
        if path[-1] in parent:
            raise Refusal(e.EEXIST)
        parent[path[-1]] = node

    def link(self, old, new):
        node = self.walk(old)
        if isinstance(node, dict):
            raise Refusal(e.EPERM)
        self.make(new, node)

    def remove(self, path, directory):
        node, parent = self.walk(path), self.parent(path)
        if isinstance(node, dict) != directory:
            raise Refusal(e.ENOTDIR if directory else e.EPERM)
        if directory and node:
            raise Refusal(e.ENOTEMPTY)
        del parent[path[-1]]

    def rename(self, old, new):
        node = self.walk(old)
        target_parent = self.parent(new)
        target = target_parent.get(new[-1])
        if target is node:
            return
        if target is not None and isinstance(target, dict) and not isinstance(node, dict):
            raise Refusal(e.EISDIR)
        if target is not None and isinstance(node, dict) and not isinstance(target, dict):
            raise Refusal(e.ENOTDIR)
        if isinstance(node, dict) and new[: len(old)] == old:
            raise Refusal(e.EINVAL)
        if isinstance(target, dict) and target:
            raise Refusal(e.ENOTEMPTY)
        del self.parent(old)[old[-1]]
        target_parent[new[-1]] = node

    def write(self, path, offset, data):
        found = self.file(path).data
        found.extend(bytes(max(0, offset + len(data) - len(found))))
        found[offset : offset + len(data)] = data

    def truncate(self, path, size):
        found = self.file(path).data
        del found[size:]
        found.extend(bytes(size - len(found)))


def _path(path):
    return b"/m/" + b"/".join(path)


class Tmpfs(RuleBasedStateMachine):
    """Every rule does the same to both."""

    marshal = False

    @initialize()
    def start(self):
        self.kernel = boot(Bare(Memory(now=1)), marshal=self.marshal, vnodes=3)
        self.lwp = self.kernel.lwp
        self.lwp.mkdir(b"/m", 0o755)
        self.lwp.mount("tmpfs", b"/m")
        self.model = Model()
        self.create((b"a",))
        self.mkdir((b"b",))
        self.create((b"b", b"a"))

    def both(self, real, model):
        """Run both; their errors must agree."""
        try:
            model()
            wanted = 0
        except Refusal as refusal:
            wanted = refusal.args[0]
        try:
            real()
            found = 0
        except OSError as error:
            found = error.errno
        assert found == wanted, f"{e.NAMES.get(found, found)}, and the model says {e.NAMES.get(wanted, wanted)}"

    def _create(self, path):
        self.lwp.close(self.lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL))

    def _write(self, path, offset, data):
        fd = self.lwp.open(path, abi.O_WRONLY)
        self.lwp.pwrite(fd, data, offset)
        self.lwp.close(fd)

    @rule(path=PATHS)
    def mkdir(self, path):
        self.both(lambda: self.lwp.mkdir(_path(path), 0o755), lambda: self.model.make(path, {}))

    @rule(path=PATHS)
    def create(self, path):
        self.both(lambda: self._create(_path(path)), lambda: self.model.make(path, File()))

    @rule(path=PATHS)
    def unlink(self, path):
        self.both(lambda: self.lwp.unlink(_path(path)), lambda: self.model.remove(path, False))

    @rule(path=PATHS)
    def rmdir(self, path):
        self.both(lambda: self.lwp.rmdir(_path(path)), lambda: self.model.remove(path, True))

    @rule(old=PATHS, new=PATHS)
    def rename(self, old, new):
        self.both(lambda: self.lwp.rename(_path(old), _path(new)), lambda: self.model.rename(old, new))

    @rule(old=PATHS, new=PATHS)
    def link(self, old, new):
        self.both(lambda: self.lwp.link(_path(old), _path(new)), lambda: self.model.link(old, new))

    @rule(path=PATHS, offset=OFFSETS, data=st.binary(min_size=1, max_size=20))
    def write(self, path, offset, data):
        self.both(lambda: self._write(_path(path), offset, data), lambda: self.model.write(path, offset, data))

    @rule(path=PATHS, size=OFFSETS)
    def truncate(self, path, size):
        self.both(lambda: self.lwp.truncate(_path(path), size), lambda: self.model.truncate(path, size))

    @rule(which=st.integers(0, 9), offset=OFFSETS, cut=st.integers(1, 30))
    def write_cut_and_grow(self, which, offset, cut):
        """To a file that is there: what is cut off reads as zeros when it has grown again."""
        files = [path for path, node in self._tree(self.model.top, ()) if isinstance(node, File)]
        if files:
            path = files[which % len(files)]
            self.write(path, offset, b"x" * 40)
            self.truncate(path, offset + 40 - cut)
            self.truncate(path, offset + 60)

    @invariant()
    def same(self):
        """Names, contents, link counts."""
        if not hasattr(self, "model"):
            return
        counts = {}
        for path, node in self._tree(self.model.top, ()):
            if isinstance(node, File):
                counts.setdefault(id(node), []).append((path, node))
            else:
                st_nlink = 2 + sum(isinstance(child, dict) for child in node.values())
                assert self.lwp.stat(_path(path)).st_nlink == st_nlink
                fd = self.lwp.open(_path(path), abi.O_RDONLY)
                assert sorted(row[0] for row in self.lwp.getdents(fd)[2:]) == sorted(node)
                self.lwp.close(fd)
        for group in counts.values():
            assert len({self.lwp.stat(_path(path)).st_ino for path, _ in group}) == 1
            for path, node in group:
                assert self.lwp.stat(_path(path)).st_nlink == len(group)
                fd = self.lwp.open(_path(path), abi.O_RDONLY)
                assert self.lwp.read(fd, 1 << 20) == node.data
                self.lwp.close(fd)

    def _tree(self, node, path):
        yield path, node
        if isinstance(node, dict):
            for name, child in node.items():
                yield from self._tree(child, (*path, name))

    def teardown(self):
        if hasattr(self, "kernel"):
            assert leaks(self.kernel) == []
            self.lwp.unmount(b"/m")
            self.kernel.halt()


class MarshalledTmpfs(Tmpfs):
    """The same, through bytes."""

    marshal = True


CAREFUL = settings(
    max_examples=60, stateful_step_count=50, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestTmpfs = Tmpfs.TestCase
TestTmpfs.settings = CAREFUL
TestMarshalledTmpfs = MarshalledTmpfs.TestCase
TestMarshalledTmpfs.settings = CAREFUL
