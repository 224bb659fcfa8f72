# SPDX-License-Identifier: BSD-2-Clause
"""What pyproject.toml cannot say: which packages there are, and the compiled pieces where they can be built.

The pieces are optional.  Without cffi or a C compiler the wheel is the pure one and everything works, slower.
"""

import os
import shutil
import sys
import sysconfig

from setuptools import find_packages, setup
from setuptools.command.build_ext import build_ext

PARTS = ["rumpuser*", "kernel*", "drivers*", "fsutils*", "servers*"]


def compiled_pieces() -> list[str]:
    """The cffi build scripts of this host, or none: no cffi, no compiler, or RUMP_NATIVE=0."""
    host = sys.platform.rstrip("0123456789.")
    script = f"rumpuser/{host}/build_ffi.py"
    if os.environ.get("RUMP_NATIVE") == "0" or not os.path.exists(script):
        return []
    try:
        import cffi  # noqa: F401
    except ImportError:
        return []
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if shutil.which(compiler.split()[0]) is None or os.path.basename(compiler) == "false":
        return []
    return [f"{script}:ffibuilder"]


class BuildPieces(build_ext):
    """A piece that does not compile (no Python headers, say) is left out; it never stops the installation."""

    def build_extensions(self) -> None:
        for extension in self.extensions:
            extension.optional = True
        super().build_extensions()


pieces = compiled_pieces()
setup(
    packages=[
        *(f"rump.{name}" for name in find_packages(include=PARTS)),
        *("rump." + name for name in find_packages("tests", include=["conformance*"])),
    ],
    package_dir={"rump": ".", "rump.conformance": "tests/conformance"},
    cffi_modules=pieces,
    cmdclass={"build_ext": BuildPieces},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if pieces else {},
)
