# SPDX-License-Identifier: BSD-2-Clause
"""POSIX hosts: their files are in a temporary folder.  Imported only when such a machine is made."""

from __future__ import annotations

import os
import shutil
import tempfile

from rump.conformance.machines.base import EXECUTED, Fixed, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Hypercalls

PIECE = 65_536
"""Pieces of this size that are zero become holes."""
ZEROS = bytes(PIECE)


class PosixMachine(Machine):
    """A POSIX backend, made by `make`; host files are real ones, in a temporary folder.

    A backend of `rump.rumpuser.posix.files`, which knows its descriptors.
    """

    def __init__(self, make: Callable[[], Any], how: str = EXECUTED) -> None:
        self.how = how
        self._folder = tempfile.mkdtemp(prefix="rump-conformance-")
        self._make = make
        self._host = make()

    def hypercalls(self) -> Hypercalls:
        return Fixed(self._host)

    def contract_host(self) -> Hypercalls:
        host: Hypercalls = self._host
        return host

    def another_host(self) -> Hypercalls:
        host: Hypercalls = self._make()
        return host

    def folder(self) -> bytes:
        return self._folder.encode()

    def path(self, name: str) -> bytes:
        return f"{self._folder}/{name}".encode()

    def put(self, name: str, data: bytes) -> bytes:
        with open(self.path(name), "wb") as file:
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                if piece != ZEROS[: len(piece)]:
                    file.seek(start)
                    file.write(piece)
            file.truncate(len(data))
        return self.path(name)

    def get(self, name: str) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def open_handles(self) -> int:
        return len(self._host._descriptors)

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self._folder)


class Native(PosixMachine):
    """Linux, as it is installed."""

    def __init__(self) -> None:
        super().__init__(linux)


class Isolated(Native):
    """Linux, with the drivers isolated."""

    isolate = True


class Remote(Native):
    """Linux, with the system calls by way of a server."""

    remote = True


class Pure(PosixMachine):
    """Linux without the compiled pieces."""

    def __init__(self) -> None:
        self._before = os.environ.get("RUMP_NATIVE")
        os.environ["RUMP_NATIVE"] = "0"
        super().__init__(linux)

    def __exit__(self, *exception: object) -> None:
        super().__exit__()
        if self._before is None:
            os.environ.pop("RUMP_NATIVE", None)
        else:
            os.environ["RUMP_NATIVE"] = self._before


class Default(PosixMachine):
    """The POSIX system that this is, by the backend that programs get."""

    def __init__(self) -> None:
        from rump.rumpuser.host import default

        super().__init__(default)


def linux() -> Any:
    """The Linux backend."""
    from rump.rumpuser.linux import Linux

    return Linux()
