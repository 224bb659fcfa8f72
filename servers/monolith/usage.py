# SPDX-License-Identifier: BSD-2-Clause
"""What a kernel is doing, in numbers: what the status page and `rump top` show."""

from __future__ import annotations

import time

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Statvfs


def snapshot(lwp: Lwp) -> dict[str, Any]:
    """Mounts and processes of a kernel, as JSON has them; sizes in bytes.  The lwp may be a remote one.

    Errors: `OSError` - the kernel does not answer.
    """
    return {
        "mounts": [_mount(said) for said in lwp.getvfsstat()],
        "processes": [
            {"pid": pid, "parent": parent, "uid": uid, "descriptors": descriptors, "name": _text(name)}
            for pid, parent, uid, descriptors, name in lwp.rump_processes()
        ],
    }


def _mount(said: Statvfs) -> dict[str, Any]:
    return {
        "at": _text(said.f_mntonname), "type": _text(said.f_fstypename), "device": _text(said.f_mntfromname),
        "size": said.f_blocks * said.f_frsize, "free": said.f_bfree * said.f_frsize,
        "files": max(said.f_files - said.f_ffree, 0), "read_only": bool(said.f_flag & abi.MNT_RDONLY),
    }  # fmt: skip


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def own_process() -> dict[str, Any]:
    """This process as the host sees it: CPU seconds, bytes resident ...; without psutil what Python itself knows."""
    try:
        import psutil
    except ImportError:
        return {"cpu": round(time.process_time(), 3)}
    this = psutil.Process()
    with this.oneshot():
        times = this.cpu_times()
        return {
            "pid": this.pid, "cpu": round(times.user + times.system, 3), "memory": this.memory_info().rss,
            "threads": this.num_threads(), "descriptors": this.num_fds() if hasattr(this, "num_fds") else None,
        }  # fmt: skip


def bytes_text(count: int) -> str:
    """A size for people: 1.5M.

    >>> bytes_text(1000), bytes_text(1536), bytes_text(200 << 20)
    ('1000', '1.5K', '200M')
    """
    size, unit = float(count), ""
    for unit in ("", "K", "M", "G", "T"):
        if size < 1024 or unit == "T":
            break
        size /= 1024
    return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"
