# SPDX-License-Identifier: BSD-2-Clause
"""Files that the program around the kernel opened: the interpreter's, which our own kernel keeps in memory."""

from __future__ import annotations

from rump.rumpuser.bare import Bare
from rump.rumpuser.interface.errno import EBADF, EIO, HostError
from rump.rumpuser.interface.hypercalls import FT_REG, OPEN_RDWR
from rump.rumpuser.pure.handles import number_for
from rump.rumpuser.pure.upcalls import blocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import Device

_END = 2        # whence of seek


class Descriptor:
    """A `Device`: a file of the interpreter's, whose position stays where the program left it.  (Its size does not
    change behind our back: the program waits while we work.)"""

    kind = FT_REG
    sector = 512
    read_only = False           # whether it was opened for writing shows when it is written to

    def __init__(self, descriptor: int) -> None:
        self._file = open(descriptor, "r+b", buffering=0, closefd=False)    # noqa: SIM115
        before = self._file.tell()
        self.size = self._file.seek(0, _END)
        self._file.seek(before)

    def read(self, buffer: memoryview, offset: int) -> None:
        done = 0
        before = self._file.tell()
        self._file.seek(offset)
        try:
            while done < len(buffer):
                count = self._file.readinto(buffer[done:])
                if not count:
                    raise HostError(EIO, "the file became shorter")
                done += count
        except OSError as error:
            raise HostError(EIO, error.strerror) from error
        finally:
            self._file.seek(before)

    def write(self, data: memoryview, offset: int) -> None:
        before = self._file.tell()
        self._file.seek(offset)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise HostError(EIO, error.strerror) from error
        finally:
            self._file.seek(before)

    def resize(self, size: int) -> None:
        self._file.truncate(size)
        self.size = size

    def sync(self) -> None:
        """Memory is as stable as it gets."""


class Adopts(Bare):
    """A host whose interpreter has files."""

    @blocking
    def adopt(self, descriptor: int) -> int:
        try:
            device: Device = Descriptor(descriptor)
        except (OSError, ValueError):
            raise HostError(EBADF) from None
        return number_for(self._open, (device, OPEN_RDWR))
