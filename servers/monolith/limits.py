# SPDX-License-Identifier: BSD-2-Clause
"""Limits of the whole process, by psutil: what is set once, and the memory that is watched."""

from __future__ import annotations

from rump.servers.monolith.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.servers.monolith.config import Limits

PERIOD = 5.0
"""Seconds between two looks at the memory."""


def apply(limits: Limits, source: str) -> None:
    """Set what the host can set for a process.

    Errors: ConfigError - psutil is not installed, or the host has no such limit or does not allow it.
    """
    wanted = [name for name in ("descriptors", "nice", "cpus") if getattr(limits, name) is not None]
    if limits == type(limits)():
        return
    try:
        import psutil
    except ImportError:
        raise ConfigError(f"{source}: [limits] needs psutil: pip install 'rumpkernel[server]'") from None
    this = psutil.Process()
    for name in wanted:
        value = getattr(limits, name)
        try:
            if name == "descriptors":
                _limit_descriptors(value)
            elif name == "nice":
                this.nice(value)
            else:
                this.cpu_affinity(list(value))
        except (psutil.Error, OSError, ValueError, AttributeError) as error:
            raise ConfigError(f"{source}: [limits] {name}: this host does not take {value}: {error}") from error


def _limit_descriptors(count: int) -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = hard if hard == resource.RLIM_INFINITY else max(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, wanted))


class MemoryWatch:
    """Whether the process has more memory than it may.

    limit    bytes resident
    log      told when that begins and when it ends
    resident how much there is now; psutil's answer unless told (by tests)
    """

    def __init__(self, limit: int, log: Callable[[str], object], resident: Callable[[], int] | None = None) -> None:
        self._limit = limit
        self._log = log
        self._resident = resident or _resident()
        self.exceeded = False

    def look(self) -> bool:
        """Look again; whether it has too much."""
        now = self._resident()
        # It ends well below, so that it does not begin and end all the time.
        exceeded = now > self._limit if not self.exceeded else now > self._limit * 9 // 10
        if exceeded != self.exceeded:
            self.exceeded = exceeded
            self._log(
                f"memory: {now >> 20} MiB resident, more than the {self._limit >> 20} allowed: no new clients"
                if exceeded else f"memory: {now >> 20} MiB resident: clients are welcome again"
            )  # fmt: skip
        return exceeded


def _resident() -> Callable[[], int]:
    import psutil

    this = psutil.Process()
    return lambda: int(this.memory_info().rss)
