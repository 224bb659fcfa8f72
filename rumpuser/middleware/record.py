# SPDX-License-Identifier: BSD-2-Clause
"""Record: everything that came into the kernel by either edge, in one total order, for `replay`."""

from __future__ import annotations

import json

from rump.rumpuser.interface.errno import NAMES, HostError
from rump.rumpuser.interface.hypercalls import VERSION, Hypercalls
from rump.rumpuser.middleware.base import PRIVATE, Middleware
from rump.rumpuser.middleware.recording import FORM, KEY, pack, pack_arguments, pack_result, pack_traits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Record(Middleware):
    """Hypercalls by themselves; the kernel tells of system calls through `syscall_enter` and `syscall_exit`.

    `sink` takes each line as bytes (a list's append will do).  The form is described in ``middleware/recording.py``.
    """

    def __init__(self, host: Hypercalls, sink: Callable[[bytes], object]) -> None:
        super().__init__(host)
        self._sink = sink
        self._write({KEY: FORM, "interface": VERSION, "traits": pack_traits(host.traits)})

    def syscall_enter(self, lwp_id: int, name: str, arguments: tuple[object, ...]) -> None:
        """A system call of that lwp begins.  Buffers that it will fill are kept as their size."""
        self._write(["enter", lwp_id, name, pack(arguments)])

    def syscall_exit(self, lwp_id: int, name: str, errno: int, result: object) -> None:
        """And has ended: with `result`, or with an errno other than 0."""
        self._write(["exit", lwp_id, name, NAMES.get(errno), pack(result)])

    def _call(self, name: str, *arguments: Any) -> Any:
        if name in PRIVATE:
            return super()._call(name, *arguments)
        if name == "exit":
            self._write(["call", name, list(arguments), None])
        # Now, not afterwards: the caller's data may change while the host has it.
        packed = pack_arguments(name, arguments)
        try:
            result = super()._call(name, *arguments)
        except HostError as error:
            self._write(["fail", name, packed, NAMES[error.errno or 0]])
            raise
        self._write(["call", name, packed, pack_result(name, arguments, result)])
        return result

    def _write(self, event: object) -> None:
        self._sink(json.dumps(event, separators=(",", ":")).encode() + b"\n")
