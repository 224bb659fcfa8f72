# SPDX-License-Identifier: BSD-2-Clause
"""The hosts that can be run on an ordinary Debian 12 machine."""

from __future__ import annotations

from debian import Debian
from here import Emulated, Local, Simulated
from musl import Musl
from running import Host
from user_mode_linux import UserModeLinux
from wasi import Wasi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = ("netbsd", "dragonfly", "solaris", "cygwin", "hurd", "freebsd", "openbsd", "macos")

HOSTS: dict[str, Callable[[], Host]] = {
    "linux": lambda: Local("linux", "Linux x86-64, glibc", "linux", "this machine"),
    "linux-pure": lambda: Local("linux-pure", "Linux x86-64, no compiled pieces", "linux", "this machine"),
    "bare-memory": lambda: Local("bare-memory", "no operating system: memory only", "bare/memory", "this machine"),
    "metal": lambda: Emulated("metal", "no operating system: x86-64, our own kernel", "bare/metal",
                              "QEMU microvm (TCG), virtio disk and network card"),
    "xen": lambda: Emulated("xen", "Xen 4.17: x86-64, our own kernel as the first domain", "bare/xen",
                            "QEMU PC (TCG) with an IOMMU, virtio disk and network card"),
    "i386": lambda: Debian("i386", "Linux i386, glibc"),
    "arm64": lambda: Debian("arm64", "Linux arm64, glibc"),
    "armhf": lambda: Debian("armhf", "Linux armhf, glibc"),
    "s390x": lambda: Debian("s390x", "Linux s390x (big endian), glibc"),
    "musl": Musl,
    "uml": UserModeLinux,
    "wasi": Wasi,
    **{f"simulated-{name}": lambda name=name: Simulated(name) for name in MODELS},  # type: ignore[misc]
}
