# SPDX-License-Identifier: BSD-2-Clause
"""The sizes of a machine's C types, and tables of numbers loaded as that machine would load them.

A backend's ``abi.py`` computes layouts by ``struct.calcsize`` of native codes.  Here it is executed with a ``struct``
that answers for the target, so that one file is compared on machines of 32 and of 64 bits.
"""

from __future__ import annotations

import builtins
import re
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_CODES = re.compile(r"(\d*)([a-zA-Z?])")


class DataModel:
    """Sizes of C types: of a pointer (and of long and size_t, as on all Unix systems), and how 8 bytes are aligned."""

    def __init__(self, pointer: int, *, aligns_8: int = 8, order: str = "little") -> None:
        self.order = order
        self.pointer = pointer
        self._aligns_8 = aligns_8
        self._sizes = {"h": 2, "i": 4, "q": 8, "l": pointer, "n": pointer, "P": pointer, "f": 4, "d": 8}

    def size(self, code: str) -> int:
        """Bytes of one value of a code of Python's struct module."""
        return self._sizes.get(code) or self._sizes.get(code.lower(), 1)

    def calcsize(self, form: str) -> int:
        """As struct.calcsize: native layout, without padding at the end unless a zero count asks for it."""
        if form[:1] in "<>=!":
            raise ValueError(f"{form}: the native layout is asked for")
        end = 0
        for count, code in _CODES.findall(form.lstrip("@")):
            size = self.size(code)
            alignment = min(size, self._aligns_8) if size == 8 else size
            end = -(-end // alignment) * alignment + (int(count) if count else 1) * size
        return end


LP64 = DataModel(8)
LP64_BIG = DataModel(8, order="big")
ILP32 = DataModel(4)
ILP32_BIG = DataModel(4, order="big")
ILP32_PACKED = DataModel(4, aligns_8=4)     # the System V ABI of i386


def load(path: Path, model: DataModel, machine: str = "") -> types.ModuleType:
    """The module in a file, and those of `rump` that it imports, executed with the sizes of a target.

    They may ask for native sizes, and for the machine's name; nothing else of a host is there.
    """
    fake = types.ModuleType("struct")
    fake.__dict__.update(calcsize=model.calcsize)
    system = types.ModuleType("os")
    system.__dict__.update(uname=lambda: types.SimpleNamespace(machine=machine))
    loaded = {"struct": fake, "os": system}

    def execute(name: str, file: Path) -> types.ModuleType:
        module = types.ModuleType(name)
        module.__dict__.update(__builtins__={**vars(builtins), "__import__": imported}, __file__=str(file))
        loaded[name] = module
        exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
        return module

    def imported(name: str, *arguments: object) -> types.ModuleType:
        if name in loaded:
            return loaded[name]
        if name == "__future__":
            return __import__(name)
        if not name.startswith("rump."):
            raise ImportError(f"{path}: a table imports {name}")
        return execute(name, _file_of(name))

    return execute(path.stem, path)


def _file_of(name: str) -> Path:
    parts = name.split(".")[1:]
    if parts[0] == "conformance":
        parts.insert(0, "tests")
    return ROOT.joinpath(*parts).with_suffix(".py")
