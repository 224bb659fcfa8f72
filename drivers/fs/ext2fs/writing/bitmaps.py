# SPDX-License-Identifier: BSD-2-Clause
"""Bitmaps of blocks and inodes while they change: one bit each, the lowest first, 1 where something is in use.

Runs are found with the arithmetic of long numbers, which goes over a bitmap of 4 KiB in less than a microsecond.
"""

from __future__ import annotations

from rump.kernel.errors import Corrupt, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.writing.groups import WritableGroups
    from rump.kernel.vfs.transaction import Store

CACHE = 2 << 20         # bytes of unchanged bitmaps kept, each twice
LINES_MAX = 16          # of damaged groups on the console
LONG = 1 << 30          # more bits than a bitmap has


def free_run(busy: bytearray, bit: int, count: int) -> int:
    """How many bits from `bit` on are 0; at most `count`."""
    count = min(count, len(busy) * 8 - bit)
    window = int.from_bytes(busy[bit >> 3 : bit + count + 7 >> 3], "little") >> (bit & 7)
    return min(count, (window & -window).bit_length() - 1) if window else count


def find_run(busy: bytearray, first: int, stop: int, count: int) -> tuple[int, int]:
    """(bit, length) of the first `count` zeros from `first` on; where there is no such run, of the first that is longer
    than half the longest.  The length is 0 if all bits are 1.  `stop` is a multiple of 8; a run may go beyond it.
    """
    low = first >> 3
    window = busy[low : stop >> 3]
    free = int.from_bytes(window, "little") ^ (1 << len(window) * 8) - 1
    free >>= first & 7
    if not free:
        return first, 0
    have = 1            # each bit of `free` stands for a run of so many from there on
    while have < count:
        step = min(have, count - have)
        longer = free & free >> step
        if not longer:
            break
        free = longer
        have += step
    bit = first + (free & -free).bit_length() - 1
    return bit, have if have >= count else free_run(busy, bit, count)


def first_free(busy: bytearray, low: int) -> int:
    """The first bit that is 0, from byte `low` on; behind the end if there is none."""
    for stop in (low + 16, len(busy)):
        value = int.from_bytes(busy[low:stop], "little")
        bit = (~value & value + 1).bit_length() - 1
        if bit < (min(stop, len(busy)) - low) * 8:
            return low * 8 + bit
    return len(busy) * 8


def fill(store: Store, array: bytearray, bit: int, count: int) -> None:
    """Set bits, through the store."""
    first, last = bit >> 3, bit + count + 7 >> 3
    value = int.from_bytes(array[first:last], "little") | (1 << count) - 1 << (bit & 7)
    store.patch(array, first, value.to_bytes(last - first, "little"))


def clear(store: Store, array: bytearray, bit: int, count: int) -> None:
    """Clear bits that are set, through the store."""
    first, last = bit >> 3, bit + count + 7 >> 3
    value = int.from_bytes(array[first:last], "little") ^ (1 << count) - 1 << (bit & 7)
    store.patch(array, first, value.to_bytes(last - first, "little"))


def ones(array: bytearray, bit: int, count: int) -> int:
    """How many of `count` bits are set."""
    first, last = bit >> 3, bit + count + 7 >> 3
    return (int.from_bytes(array[first:last], "little") >> (bit & 7) & (1 << count) - 1).bit_count()


class Bitmap:
    """A group's bitmap.

    used   what goes to the device
    busy   what is not to be given out: what is used, reserved, or was freed since the last commit
    most   no run of zeros in `busy` is longer; a hint, which may be out of date
    """

    __slots__ = ("busy", "most", "used")

    def __init__(self, used: bytearray, busy: bytearray) -> None:
        self.used = used
        self.busy = busy
        self.most = LONG


class Bitmaps:
    """The bitmaps of one kind.  Those that changed, or that hold something back, stay in memory; of others some do.

    changed   group -> True: `used` must be written
    held      group -> how many are busy and not used.  An entry keeps the bitmap in memory, 0 until the next commit
    damaged   group -> True: nothing is taken from it
    full      index of a block of descriptors -> True: all its groups are full
    """

    kind = ""           # for messages
    column = 0          # of a group's row: how many are free
    uninit = 0          # flag of a group whose bitmap was never written

    def __init__(self, groups: WritableGroups, store: Store, bits: int) -> None:
        """A group has `bits` of them."""
        self._groups = groups
        self._store = store
        self._loaded: dict[int, Bitmap] = {}
        self._size = size = groups.geometry.block_size
        self._limit = max(8, CACHE // size)
        self._lines = 0
        self._behind = (1 << size * 8) - (1 << bits)        # bits that stand for nothing
        self.bits = bits
        self.changed: dict[int, bool] = {}
        self.held: dict[int, int] = {}
        self.damaged: dict[int, bool] = {}
        self.full: dict[int, bool] = {}

    # ---- what a kind is ----------------------------------------------------------------------------------------------

    def place(self, group: int) -> int:
        """The block that the bitmap is in.  Errors: Corrupt."""
        raise NotImplementedError

    def initial(self, group: int) -> int:
        """What a bitmap that was never written says, as a number."""
        return 0

    def must(self, group: int) -> int:
        """What is always in use, as a number."""
        return 0

    def padding(self, group: int) -> int:
        """Bits that stand for nothing, as a number; they are set."""
        return self._behind

    def never(self, group: int) -> int:
        """What is not to be given out whatever the bitmap says, as a number."""
        return 0

    def check(self, group: int, used: int) -> None:
        """More checks of a kind.  Errors: Corrupt."""

    # ---- reading -----------------------------------------------------------------------------------------------------

    def get(self, group: int) -> Bitmap | None:
        """A group's bitmap; None if it is damaged, of which the console has heard then."""
        found = self._loaded.get(group)
        return found if found is not None else self._load(group)

    def available(self, group: int) -> int:
        """How many a group has to give out."""
        if group in self.damaged:
            return 0
        return self._groups.row(group)[self.column] - self.held.get(group, 0)

    def _load(self, group: int) -> Bitmap | None:
        if group in self.damaged:
            return None
        groups = self._groups
        try:
            used = self._read(group)
            free = self._size * 8 - used.bit_count()
            right = free == groups.row(group)[self.column]
            if not right:
                groups.miscounted(group, self.column, free)
        except Fault as error:
            self.damaged[group] = True
            self._say(f"group {group}: {error.detail or error}; no {self.kind}s are taken from it")
            return None
        if len(self._loaded) >= self._limit:
            self._evict()
        busy = used | self.never(group)
        bitmap = Bitmap(bytearray(used.to_bytes(self._size, "little")), bytearray(busy.to_bytes(self._size, "little")))
        if right:
            self._loaded[group] = bitmap
        else:
            self._store.set(self._loaded, group, bitmap)    # the count is wrong again if this is undone
            self._store.set(self.changed, group, True)
        return bitmap

    def _say(self, text: str) -> None:
        self._lines += 1
        if self._lines <= LINES_MAX:
            self._groups.log(text if self._lines < LINES_MAX else f"{text}; more such groups are not reported")

    def _read(self, group: int) -> int:
        """The bitmap as a number, checked.  Errors: Corrupt, EIO."""
        groups, place = self._groups, self.place(group)
        if groups.sums and groups.row(group)[3] & self.uninit:
            used = self.initial(group)
        else:
            data = self._store.read(place)
            if not groups.sound(group, self.kind, data, self.bits):
                raise Corrupt(f"{self.kind} bitmap: checksum is wrong")
            used = int.from_bytes(data, "little")
            must = self.must(group)
            if used & must != must:
                raise Corrupt(f"{self.kind} bitmap: metadata is marked free")
        used |= self.padding(group)
        self.check(group, used)
        return used

    def _evict(self) -> None:
        """Forget the oldest bitmap that can be read again.  (No order of use: moving an entry could lose it.)"""
        changed, held = self.changed, self.held
        for group in self._loaded:
            if group not in changed and group not in held:
                del self._loaded[group]
                return

    def with_room(self, first: int) -> Iterator[int]:
        """The groups that have something to give out, from `first` on and then round."""
        groups = self._groups
        per, total = groups.per_block, groups.geometry.groups
        for low, high in ((first, total), (0, first)):
            group = low
            while group < high:
                index = group // per
                stop = min(high, (index + 1) * per)
                if index not in self.full:
                    empty = True
                    for number in range(group, stop):
                        if self.available(number) > 0:
                            empty = False
                            yield number
                    if empty and group == index * per and stop == min(total, group + per):
                        self._store.set(self.full, index, True)
                group = stop

    # ---- changing ----------------------------------------------------------------------------------------------------

    def use(self, group: int, bitmap: Bitmap, bit: int, count: int) -> None:
        """Bits are in use from now on."""
        store = self._store
        fill(store, bitmap.used, bit, count)
        fill(store, bitmap.busy, bit, count)
        if group not in self.changed:
            store.set(self.changed, group, True)

    def hold(self, group: int, count: int) -> None:
        """So many more (or, if negative, fewer) bits are busy without being used."""
        self._store.set(self.held, group, self.held.get(group, 0) + count)

    def give_up(self, group: int, bitmap: Bitmap, bit: int, count: int) -> None:
        """Bits are not used any more; they are busy until the commit.  Errors: Corrupt - one was not."""
        if ones(bitmap.used, bit, count) != count:
            raise Corrupt(f"group {group}: {self.kind} bitmap: {count} from bit {bit} are freed, not all are in use")
        store = self._store
        clear(store, bitmap.used, bit, count)
        self.hold(group, count)
        if group not in self.changed:
            store.set(self.changed, group, True)

    def reopen(self, group: int) -> None:
        """Something of a group can be given out again."""
        index = group // self._groups.per_block
        if index in self.full:
            self._store.set(self.full, index, None)
        self._loaded[group].most = LONG

    # ---- commit ------------------------------------------------------------------------------------------------------

    def released(self, group: int, bit: int, count: int) -> None:
        """What was given up can be given out again: the commit is over, nothing is to be undone."""
        bitmap = self._loaded[group]
        first, last = bit >> 3, bit + count + 7 >> 3
        value = int.from_bytes(bitmap.busy[first:last], "little") & ~((1 << count) - 1 << (bit & 7))
        bitmap.busy[first:last] = value.to_bytes(last - first, "little")
        bitmap.most = LONG
        self.held[group] -= count
        self.full.pop(group // self._groups.per_block, None)

    def committed(self) -> None:
        """Everything that changed has been written."""
        self.changed.clear()
        for group in [group for group, count in self.held.items() if not count]:
            del self.held[group]
        while len(self._loaded) > self._limit:
            before = len(self._loaded)
            self._evict()
            if len(self._loaded) == before:
                break
