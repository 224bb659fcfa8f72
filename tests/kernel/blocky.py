# SPDX-License-Identifier: BSD-2-Clause
"""A file system for tests of the kernel's write path: names and attributes are a tmpfs's, data lies on a device."""

from rump.drivers.fs.tmpfs.ops import TmpfsVolume
from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import FileSystem
from rump.rumpuser.interface import errno as e

BLOCK = 1024
DEVICE_SIZE = 1 << 20
DIRTY = b"\xaa" * DEVICE_SIZE


class Blocky(TmpfsVolume):
    """A tmpfs whose regular files lie in blocks of a device, taken in order; what it says can be replaced."""

    def __init__(self, services, device):
        super().__init__(services, 1 << 30, 1000, 0, 0, 0o755)
        self.device = device
        self.reset()

    def reset(self):
        self.maps = {}              # fileid -> {block of the file: block of the device}
        self.held = {}              # fileid -> what is reserved
        self.placed = None
        self.following = 16
        self.limit = DEVICE_SIZE // BLOCK
        self.lie = None             # what reserve answers instead
        self.error = {}             # operation -> errno
        self.log = []
        self.offers = True

    def _fail(self, name):
        self.log.append(name)
        if name in self.error:
            raise v.fault(self.error[name])

    def _free(self, count):
        room = self.limit - self.following
        if room <= 0:
            raise v.fault(e.ENOSPC)
        start, count = self.following, min(count, room)
        self.following += count
        return start, count

    def map(self, file, offset, length):
        blocks, end = self.maps.get(file[0], {}), min(offset + length, self._node(file).size)
        runs = []
        while offset < end:
            number, skip = divmod(offset, BLOCK)
            count = min(BLOCK - skip, end - offset)
            block = blocks.get(number)
            runs.append((v.HOLE, offset, count, 0) if block is None else (v.DATA, offset, count, block * BLOCK + skip))
            offset += count
        return tuple(runs)

    def reserve(self, file, offset, length):
        self._fail("reserve")
        assert file[0] not in self.held
        if self.lie is not None:
            return self.lie
        blocks, size = self.maps.setdefault(file[0], {}), self._node(file).size
        held = self.held[file[0]] = {}
        runs = []
        for number in range(offset // BLOCK, (offset + length - 1) // BLOCK + 1):
            if number in blocks:
                start, stop = max(offset, number * BLOCK), min(offset + length, (number + 1) * BLOCK)
                start = min(start, max(size, number * BLOCK))       # the end of what was the last block
                runs.append((v.DATA, start, stop - start, blocks[number] * BLOCK + start % BLOCK))
                continue
            try:
                held[number] = self._free(1)[0]
            except OSError:
                if not runs:
                    del self.held[file[0]]
                    raise
                break
            runs.append((v.DATA, number * BLOCK, BLOCK, held[number] * BLOCK))
        return tuple(runs)

    def commit_write(self, file, offset, length):
        self._fail("commit_write")
        node = self._node(file)
        last = (offset + length - 1) // BLOCK
        self.maps[file[0]].update({at: block for at, block in self.held.pop(file[0]).items() if at <= last})
        node.size = max(node.size, offset + length)
        return node.attributes()

    def abandon(self, file):
        self.log.append("abandon")
        held = self.held.pop(file[0], None) or {
            where // BLOCK: where // BLOCK for runs in self.placed or () for _, _, _, where in runs
        }
        self.following = min([self.following, *held.values()])
        self.placed = None

    def write(self, file, offset, data):
        self._fail("write")
        return super().write(file, offset, data)

    def sync(self):
        self._fail("sync")

    def unmount(self):
        self._fail("unmount")

    def inactive(self, file):
        self._fail("inactive")
        super().inactive(file)

    def place(self, directory, sizes):
        self._fail("place")
        if not self.offers:
            return None
        assert self.placed is None
        counts = [-(-size // BLOCK) for size in sizes]
        if self.following + sum(counts) > self.limit:
            raise v.fault(e.ENOSPC)
        starts = [self._free(count)[0] if count else 0 for count in counts]
        self.placed = [
            ((v.DATA, 0, count * BLOCK, start * BLOCK),) if count else ()
            for start, count in zip(starts, counts, strict=True)
        ]
        return tuple(self.placed)

    def populate(self, directory, rows):
        self._fail("populate")
        placed = iter(self.placed)
        self.placed = None
        return tuple([self._row(directory, row, placed) for row in rows]), self.attributes(directory)

    def _row(self, directory, row, placed):
        regular = row[v.ROW_MODE] & abi.S_IFMT == abi.S_IFREG
        runs = next(placed) if regular else ()
        try:
            made, _ = self.create(directory, row[v.ROW_NAME], *row[1 : v.ROW_FLAGS])
        except OSError as error:
            return error.errno
        node = self._nodes[made[v.FILEID]]
        if regular:
            node.size = row[v.ROW_CONTENTS] if runs else 0
            assert isinstance(row[v.ROW_CONTENTS], int) == bool(runs)
            for _, _, count, where in runs:
                self.maps[node.number] = {at: where // BLOCK + at for at in range(count // BLOCK)}
        node.mtime = row[v.ROW_MTIME]
        return 0


class World:
    """A kernel with a Blocky on /d."""

    def __init__(self, lab, marshal, flags=0):
        def mount(arguments):
            self.volume = Blocky(arguments.services, arguments.device)
            return self.volume

        driver = FileSystem("blocky", mount=mount, capabilities=Blocky.capabilities)
        self.lab = lab
        self.kernel = lab.boot(drivers=(driver,), marshal=marshal)
        self.lwp = self.kernel.lwp
        self.image = lab.image(b"image", DIRTY)
        self.kernel.etfs_register(b"/dev/d", self.image, read_only=False)
        self.lwp.mkdir(b"/d", 0o755)
        self.lwp.mount("blocky", b"/d", flags, b"/dev/d")

    @property
    def bytes(self):
        return self.lab.platform.files[self.image].data

    def file(self, name=b"f", data=b""):
        fd = self.lwp.open(b"/d/" + name, abi.O_RDWR | abi.O_CREAT)
        if data:
            assert self.lwp.pwrite(fd, data, 0) == len(data)
        return fd


def row(name, contents=b"", mode=abi.S_IFREG | 0o644, uid=0, gid=0, rdev=0, target=b"", flags=0, mtime=5, xattrs=()):
    """A row for rump_populate."""
    return (name, mode, uid, gid, rdev, target, flags, 3, mtime, 0, contents, xattrs)
