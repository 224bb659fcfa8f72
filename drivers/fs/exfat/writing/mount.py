# SPDX-License-Identifier: BSD-2-Clause
"""Mounting for writing: whether it can be, and putting the parts together."""

from __future__ import annotations

from rump.drivers.fs.exfat import special
from rump.drivers.fs.exfat.bitmap import Bitmap
from rump.drivers.fs.exfat.disk import FLAG_DIRTY, FLAG_MEDIA_FAILURE
from rump.drivers.fs.exfat.lookup import Cases
from rump.drivers.fs.exfat.writing.alloc import Allocator
from rump.drivers.fs.exfat.writing.data import FileData
from rump.drivers.fs.exfat.writing.directory import Directories
from rump.drivers.fs.exfat.writing.marks import Marks
from rump.drivers.fs.exfat.writing.state import State
from rump.drivers.fs.exfat.writing.volume import WritableVolume
from rump.drivers.fs.fat.places import Places
from rump.drivers.fs.fat.stages import StagedKeeper, Stages
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.buffer import BufferCache
from rump.kernel.vfs.transaction import Store
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.mount import Geometry
    from rump.drivers.fs.fat.options import Options
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments


def mount_for_writing(arguments: MountArguments, geometry: Geometry, options: Options) -> WritableVolume:
    """A volume to be written to.  Errors: EROFS - it cannot be written to, why is said; Corrupt."""
    device = arguments.device
    assert device is not None
    refuse(device, geometry)
    state = State()
    state.geometry, state.options, state.services = geometry, options, arguments.services
    shift = geometry.boot.sector_shift
    cache = BufferCache(device, arguments.cache_bytes // 4)
    keeper = StagedKeeper(device, shift)
    state.store = Store(device, shift, arguments.services, keeper, lambda block: cache.drop(block << shift))
    state.stages = Stages(state.store, keeper, cache)
    state.places = Places(state.store)
    state.directories = Directories(state, arguments.cache_bytes)
    volume = WritableVolume(state, cache)
    try:
        bitmap = Bitmap(volume.special, volume.maps, state.stages.read_range)
        cases = Cases(special.read_table(volume.special, volume.maps, volume.read_range))
    except Corrupt as error:
        raise fault(e.EROFS, f"{device.name}: {error.detail}") from None
    volume.use(cases)
    state.alloc = Allocator(state, bitmap)
    state.data = FileData(state)
    _assemble(state)
    if geometry.boot.flags & (FLAG_DIRTY | FLAG_MEDIA_FAILURE):
        what = "has failed" if geometry.boot.flags & FLAG_MEDIA_FAILURE else "was not unmounted"
        arguments.services.log(f"exfat: {device.name}: the volume {what}; it should be checked")
    return volume


def _assemble(state: State) -> None:
    """Have the parts take part in commits."""
    marks, store = Marks(state), state.store

    def committed() -> None:
        state.commits += 1

    def close() -> None:
        store.checkpoint()
        marks.clean()

    store.prepare.append(marks.prepare)
    store.weigh.append(marks.weight)
    store.committed.append(committed)
    state.volume.finish(close)


def refuse(device: BlockDevice, geometry: Geometry) -> None:
    """Say why a volume cannot be written to, if it cannot.  Errors: EROFS."""
    reason = ""
    if geometry.boot.fats == 2:
        reason = "TexFAT, with two FATs, is not supported for writing"
    elif geometry.backup:
        reason = f"{geometry.backup}; by the backup it can only be read"
    elif geometry.size > device.size:
        reason = f"the volume has {geometry.size} bytes, the device only {device.size}: it was cut short"
    elif device.read_only:
        reason = "the device is read-only"
    if reason:
        raise fault(e.EROFS, f"{device.name}: {reason}")
