# SPDX-License-Identifier: BSD-2-Clause
"""What a host lacks is a value: its traits name the calls that raise ENOSYS, and no others do."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, ContractScenario
from rump.rumpuser.interface.errno import ENOSYS, HostError
from rump.rumpuser.interface.hypercalls import CALLS, Upcalls

_ARGUMENTS: dict[str, tuple[object, ...]] = {
    "init": (-1, Upcalls(lambda: None, lambda: None)),
    "clock_gettime": (-1,),
    "clock_sleep": (-1, 0),
    "getrandom": (-1,),
    "getparam": ("_",),
    "console_write": (b"",),
    "memory_create": (-1, 0),
    "thread_create": (lambda: None, "idle"),
    "mutex_create": (),
    "components": (),
    "open": (b"\0", 0),
    "adopt": (-1,),
    "read": (NO_HANDLE, bytearray(), 0),
    "write": (NO_HANDLE, b"", 0),
    "submit": (NO_HANDLE, ()),
    "truncate": (NO_HANDLE, 0),
    "sync": (NO_HANDLE, 0),
    "discard": (NO_HANDLE, 0, 0),
    "extents": (NO_HANDLE, 0, 0),
    "copy_range": (NO_HANDLE, 0, NO_HANDLE, 0, 0),
    "lock": (NO_HANDLE, 0, 0, 0),
    "watch_wait": (NO_HANDLE, 0),
    "nic_open": (b"\0",),
    "nic_send": (NO_HANDLE, b""),
    "nic_receive": (NO_HANDLE, 0),
    "stream_listen": (b"",),
    "stream_accept": (NO_HANDLE, 0),
    "stream_connect": (b"", 0),
    "stream_adopt": (-1,),      # the program's own number: any other may be in use
    "stream_send": (NO_HANDLE, b""),
    "stream_receive": (NO_HANDLE, 1, 0),
    "spawn_confined": ("", (), (), 0, 0),
    "crc32c": (0, b""),
    "crc32c_many": ((), b"", 0, 0, 0, 0),
    "inflate": (b"", 0),
}
"""Arguments that do no harm; the others take a handle."""


def the_absent_raise_enosys_and_no_others(t: ContractScenario) -> None:
    mutex = t.host.mutex_create()
    for call in CALLS:
        if call == "exit":      # which cannot be tried
            continue
        arguments = (mutex,) if call == "condition_create" else _ARGUMENTS.get(call, (NO_HANDLE,))
        try:
            getattr(t.host, call)(*arguments)
            lacking = False
        except HostError as error:
            lacking = error.errno == ENOSYS
        t.equal(lacking, call in t.traits.absent, f"{call} raises ENOSYS")


def exit_is_there(t: ContractScenario) -> None:
    t.true("exit" not in t.traits.absent, "a host that cannot end")
