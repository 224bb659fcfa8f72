# SPDX-License-Identifier: BSD-2-Clause
"""The C compiler of the `ziglang` package, with other systems' headers, and stubs of their C libraries to link with."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
DECLARED = HERE / "declared"
_MACRO = re.compile(r"^#define (\w+) (.+)$", re.MULTILINE)
_EXPORTED = re.compile(r"PyAPI_(?:FUNC|DATA)\([^)]*\)+\s*\**(\w+)")
_AS_PYTHON = ("-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64")     # as every CPython is built
_STRICT = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")    # cffi's own functions do not use all of theirs


class Zig:
    """The compiler, for one target.  `folder` is for the files that it makes; what it caches is kept with it."""

    def __init__(self, target: str, folder: Path, cache: Path) -> None:
        self.target = target
        self.folder = folder
        self._environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)}

    def run(self, *arguments: str) -> str:
        """What the compiler said: "" if all went well."""
        done = self._run(*arguments)
        if done.returncode == 0:
            return ""
        return done.stderr or f"the compiler ended with {done.returncode}"

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", self.target, *arguments]
        return subprocess.run(command, env=self._environment, cwd=self.folder, capture_output=True, text=True)

    def compile(self, source: Path, result: Path) -> str:
        """For `abi_probe`: a C file to an object.  A header that the package lacks is taken from our declarations."""
        system = self.target.split("-")[1]
        declared = ("-idirafter", str(DECLARED / system)) if (DECLARED / system).is_dir() else ()
        return self.run("-c", "-ferror-limit=0", *_AS_PYTHON, *declared, str(source), "-o", str(result))

    def macros(self, header: str) -> dict[str, str]:
        """The macros that a header defines, and what each stands for."""
        file = self.folder / "macros.c"
        file.write_text(f"#include <{header}>\n")
        return dict(_MACRO.findall(self._run("-E", "-dM", str(file)).stdout))

    def build(self, source: Path, result: Path, headers: Path) -> str:
        """A cffi module to an object, without a warning."""
        return self.run("-c", "-O2", "-fPIC", *_STRICT, f"-I{headers}", str(source), "-o", str(result))

    def link(self, module: Path, exports: Path) -> str:
        """A module's object to a shared object, with nothing undefined: the C library has all that the module calls.

        `exports` stands for the interpreter, which defines the rest when the module is loaded.
        """
        interpreter = self.folder / "interpreter.o"
        said = self.run("-c", "-fPIC", "-Wno-everything", str(exports), "-o", str(interpreter))
        strict = () if "macos" in self.target else ("-Wl,-z,defs",)     # there it is the rule
        result = str(module.with_suffix(".so"))
        return said or self.run("-shared", *strict, str(module), str(interpreter), "-o", result)


def zig_library() -> Path:
    """The folder of what comes with the compiler: headers of its own, and Zig's standard library."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("ziglang")
    return Path(found.origin).parent / "lib"


def python_headers(folder: Path) -> Path:
    """The interpreter's headers, with a pyconfig.h for any target instead of its own."""
    made = folder / "python"
    made.mkdir()
    for entry in Path(sysconfig.get_path("include")).iterdir():
        if entry.name != "pyconfig.h":
            (made / entry.name).symlink_to(entry)
    shutil.copy(HERE / "include" / "pyconfig.h", made)
    return made


def python_exports(headers: Path, folder: Path) -> Path:
    """A C file that defines every symbol that Python's headers say the interpreter exports."""
    names: set[str] = set()
    for header in sorted(headers.rglob("*.h")):
        names.update(set(_EXPORTED.findall(header.read_text())) - {"const", "extern"})
    made = folder / "interpreter.c"
    made.write_text("".join(f"char {name}[8];\n" for name in sorted(names)))
    return made
