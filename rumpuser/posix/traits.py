# SPDX-License-Identifier: BSD-2-Clause
"""Traits of a host with optional compiled pieces."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Traits
from rump.rumpuser.posix.clock import resolution
from rump.rumpuser.posix.compiled import compiled_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CompiledTraits(Traits):
    """What depends on compiled pieces is found out when somebody asks: loading them takes 2 ms.

    `depends`: trait -> the piece with which the host has it.
    """

    def __init__(self, name: str, folder: str, depends: dict[str, str], **known: Any) -> None:
        super().__init__(name, threads=True, clock_resolution=resolution(), **known)
        self._folder = folder
        self._depends = depends
        del self.compiled
        for trait in depends:
            delattr(self, trait)

    def __getattr__(self, name: str) -> Any:
        if name not in ("compiled", *self._depends):
            raise AttributeError(name)
        self.compiled = compiled_names(self._folder)
        for trait, piece in self._depends.items():
            setattr(self, trait, piece in self.compiled)
        return getattr(self, name)
