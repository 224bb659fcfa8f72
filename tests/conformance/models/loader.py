# SPDX-License-Identifier: BSD-2-Clause
"""Loads a backend's own, unmodified modules a second time, with a model of its system under them.

Of what the modules import, those of the backend and of rumpuser/posix are loaded again, privately; modules that reach
a system (`os`, `errno`, `fcntl`, `select`) are the model's; all else is the real thing.  The running program, its real
modules among them, stays as it is.
"""

from __future__ import annotations

import builtins
from types import CodeType, ModuleType

import rump.rumpuser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_SHARED = "rump.rumpuser.posix"
_codes: dict[str, CodeType] = {}


class World:
    """The modules of one backend on one model.

    given       modules by name, for what the private ones import
    open_text   what `open` is there
    """

    def __init__(self, host: str, given: Mapping[str, Any], open_text: Callable[..., Any]) -> None:
        self._own = f"rump.rumpuser.{host}"
        self._modules: dict[str, Any] = dict(given)
        self._builtins = {**vars(builtins), "__import__": self._import, "open": open_text}

    def load(self, name: str) -> Any:
        """A private module, by its name."""
        if name in self._modules:
            return self._modules[name]
        code, path, is_package = _source(name)
        module = ModuleType(name)
        module.__dict__.update(__file__=path, __builtins__=self._builtins)
        module.__package__ = name if is_package else name.rpartition(".")[0]
        self._modules[name] = module
        exec(code, vars(module))
        return module

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: tuple[str, ...] = (), level: int = 0
    ) -> Any:
        """What an import statement of a private module means."""
        if name in self._modules:
            return self._with(name, fromlist)
        if self._is_private(name):
            self.load(name)
            return self._with(name, fromlist)
        return __import__(name, globals, locals, fromlist or (), level)

    def _is_private(self, name: str) -> bool:
        return any(name == prefix or name.startswith(prefix + ".") for prefix in (_SHARED, self._own))

    def _with(self, name: str, wanted: tuple[str, ...] | None) -> Any:
        """A module, and of what is wanted from it the modules loaded."""
        module = self._modules[name]
        if self._is_private(name):
            for attribute in wanted or ():
                if not hasattr(module, attribute):
                    setattr(module, attribute, self.load(f"{name}.{attribute}"))
        return module


def _source(name: str) -> tuple[CodeType, str, bool]:
    """A module's compiled source, its path, and whether it is a package."""
    stem = "/".join([rump.rumpuser.__path__[0], *name.split(".")[2:]])
    for path in (f"{stem}/__init__.py", f"{stem}.py"):
        if path not in _codes:
            try:
                with open(path, "rb") as file:
                    _codes[path] = compile(file.read(), path, "exec", dont_inherit=True)
            except FileNotFoundError:
                continue
        return _codes[path], path, path.endswith("/__init__.py")
    raise ImportError(f"no module {name}", name=name)
