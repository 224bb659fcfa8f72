# SPDX-License-Identifier: BSD-2-Clause
"""Mounting for writing: whether it can be, and putting the parts together."""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER
from rump.drivers.fs.fat.places import Places
from rump.drivers.fs.fat.space import FreeMap
from rump.drivers.fs.fat.stages import StagedKeeper, Stages
from rump.drivers.fs.fat.table import WritableChains
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.bmap import mask_of
from rump.drivers.fs.msdosfs.writing.alloc import Clusters
from rump.drivers.fs.msdosfs.writing.directory import Directories
from rump.drivers.fs.msdosfs.writing.entries import Entries
from rump.drivers.fs.msdosfs.writing.marks import Marks
from rump.drivers.fs.msdosfs.writing.state import State
from rump.drivers.fs.msdosfs.writing.volume import WritableVolume
from rump.kernel.errors import fault
from rump.kernel.vfs.buffer import BufferCache
from rump.kernel.vfs.transaction import Store
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.mount import Geometry, Options
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments


def mount_for_writing(arguments: MountArguments, geometry: Geometry, options: Options) -> WritableVolume:
    """A volume to be written to; `geometry` is what its boot sector says.

    Errors: EROFS - it cannot be written to, why is said; EIO.
    """
    device = arguments.device
    assert device is not None
    _refuse(device, geometry)
    state = State()
    state.geometry, state.options, state.services = geometry, options, arguments.services
    _assemble(state, device, arguments.cache_bytes)
    marks = Marks(state)
    if marks.found:
        state.log("the volume was not unmounted; it should be checked")
    elif geometry.state_offset and geometry.tail.state & disk.STATE_ERRORS:
        state.log("somebody found errors on the volume; it should be checked")
    state.store.prepare.append(marks.prepare)
    state.store.prepare.append(lambda: state.table.mirror(geometry.mirrors))
    volume = WritableVolume(state, marks, arguments.cache_bytes)
    _trust_counters(state, marks, volume.info())
    return volume


def _refuse(device: BlockDevice, geometry: Geometry) -> None:
    """Say why a volume cannot be written to, if it cannot.  Errors: EROFS."""
    reason = ""
    if geometry.size > device.size:
        reason = f"the volume has {geometry.size} bytes, the device only {device.size}: it was cut short"
    elif geometry.from_backup:
        reason = "by the copy of its boot sector it can only be read"
    elif device.read_only:
        reason = "the device is read-only"
    if reason:
        raise fault(e.EROFS, f"{device.name}: {reason}")


def _assemble(state: State, device: BlockDevice, cache_bytes: int) -> None:
    geometry = state.geometry
    shift = geometry.sector_size.bit_length() - 1
    state.cache = cache = BufferCache(device, cache_bytes // 2)
    keeper = StagedKeeper(device, shift)
    state.store = store = Store(device, shift, state.services, keeper, lambda block: cache.drop(block << shift))
    state.stages = stages = Stages(store, keeper, cache)
    bits = geometry.bits
    state.table = WritableChains(stages, cache, geometry.fat_offset, bits, geometry.end_cluster, mask_of(bits))
    state.space = FreeMap(store, geometry.end_cluster, state.table.load)
    store.waiting = state.space.waiting
    state.clusters = Clusters(state)
    state.places = Places(store)
    state.entries = Entries(state)
    state.directories = Directories(state)


def _trust_counters(state: State, marks: Marks, info: tuple[int, int]) -> None:
    """What a clean FAT32 says of its free clusters need not be counted."""
    free, following = info
    if not marks.found and 0 <= free <= state.geometry.clusters:
        state.space.known(free)
    if FIRST_CLUSTER <= following < state.geometry.end_cluster:
        state.space.next = following
