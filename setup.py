# SPDX-License-Identifier: BSD-2-Clause
"""What pyproject.toml cannot say: which packages there are, the compiled pieces where they can be built, and the
manual pages and completion scripts, which the commands print themselves.

The pieces are optional.  Without cffi or a C compiler the wheel is the pure one and everything works, slower.
"""

import glob
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

from distutils.command.install_data import install_data  # isort: skip  # setuptools' own, once it has been imported

PARTS = ["rumpuser*", "kernel*", "drivers*", "fsutils*", "servers*"]


BUILDER = "rumpuser/build_ffi.py"
HOSTS = {"darwin": "macos", "gnu": "hurd", "sunos": "solaris"}
"""The folder of a platform whose backend has another name."""


def compiled_pieces() -> list[str]:
    """The cffi builder of this host, or none: no pieces for it, no cffi, no compiler, or RUMP_NATIVE=0."""
    platform = sys.platform.rstrip("0123456789.")
    host = HOSTS.get(platform, platform)
    if os.environ.get("RUMP_NATIVE") == "0" or not os.path.exists(f"rumpuser/{host}/_c/__init__.py"):
        return []
    try:
        import cffi  # noqa: F401
    except ImportError:
        return []
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if shutil.which(compiler.split()[0]) is None or os.path.basename(compiler) == "false":
        return []
    return [f"{BUILDER}:{host}"]


def preloaded_library() -> list[Extension]:
    """What makes unmodified programs clients (servers/hijack): a plain library, of no use to Python itself.

    For Linux with glibc, 64 bits; no cffi, for a library that other programs load must not want Python's symbols.
    """
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    wanted = sys.platform == "linux" and sys.maxsize > 2**32 and os.environ.get("RUMP_NATIVE") != "0"
    if not wanted or not os.confstr("CS_GNU_LIBC_VERSION"):
        return []
    if shutil.which(compiler) is None or os.path.basename(compiler) == "false":
        return []
    return [
        Extension(
            "rump.servers.hijack._preload", sorted(glob.glob("servers/hijack/_c/*.c")), libraries=["dl"],
            depends=sorted(glob.glob("servers/hijack/_c/*.h")), py_limited_api=True,
            extra_compile_args=["-std=gnu11", "-fvisibility=hidden"],
        )
    ]  # fmt: skip


class BuildPieces(build_ext):
    """A piece that does not compile (no Python headers, say) is left out; it never stops the installation."""

    def build_extensions(self) -> None:
        for extension in self.extensions:
            extension.optional = True
        super().build_extensions()


COMPLETIONS = {
    "bash": "share/bash-completion/completions/fsu",
    "zsh": "share/zsh/site-functions/_fsu",
    "fish": "share/fish/vendor_completions.d/fsu.fish",
}


class InstallPages(install_data):
    """Manual pages and completion scripts, made by the commands of this checkout; they need nothing else of it."""

    def run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.dirname(os.path.abspath(__file__)), os.path.join(folder, "rump"))
            pages = os.path.join(folder, "pages")
            self._fsu(folder, "manual", "-o", pages, "--release", self.distribution.get_version())
            self.data_files = [("share/man/man1", [os.path.join(pages, name) for name in sorted(os.listdir(pages))])]
            for shell, target in COMPLETIONS.items():
                place = os.path.join(folder, shell, os.path.basename(target))
                os.mkdir(os.path.dirname(place))
                with open(place, "wb") as file:
                    file.write(self._fsu(folder, "completion", shell))
                self.data_files.append((os.path.dirname(target), [place]))
            super().run()

    def _fsu(self, folder: str, *words: str) -> bytes:
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1", "RUMP_NATIVE": "0"}
        command = [sys.executable, "-m", "rump.fsutils", *words]
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout


pieces, library = compiled_pieces(), preloaded_library()
setup(
    packages=[
        *(f"rump.{name}" for name in find_packages(include=PARTS)),
        *("rump." + name for name in find_packages("tests", include=["conformance*"])),
    ],
    package_dir={"rump": ".", "rump.conformance": "tests/conformance"},
    cffi_modules=pieces,
    ext_modules=library,
    cmdclass={"build_ext": BuildPieces, "install_data": InstallPages},
    data_files=[("share/man/man1", [])],        # what is in it is made when it is installed
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if pieces or library else {},
)
