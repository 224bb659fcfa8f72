# SPDX-License-Identifier: BSD-2-Clause
"""open, close, getfileinfo: what a handle stands for, and for how long."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, ContractScenario, Failed
from rump.rumpuser.interface.errno import EBADF, EEXIST, EINVAL, EISDIR, ENOENT
from rump.rumpuser.interface.hypercalls import (
    FT_DIR,
    FT_REG,
    OPEN_ACCMODE,
    OPEN_BIO,
    OPEN_CREATE,
    OPEN_EXCL,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
    SYNC_ALL,
)


def missing(t: ContractScenario) -> None:
    for flags in (OPEN_RDONLY, OPEN_WRONLY, OPEN_RDWR, OPEN_RDWR | OPEN_BIO):
        with t.refused(ENOENT):
            t.open("missing", flags)


def an_error_names_the_path(t: ContractScenario) -> None:
    with t.refused(ENOENT) as refusal:
        t.open("missing", OPEN_RDONLY)
    t.true("missing" in str(refusal.error), f"{refusal.error} does not say what is missing")


def creating(t: ContractScenario) -> None:
    handle = t.open("new", OPEN_RDWR | OPEN_CREATE)
    t.equal(t.host.getfileinfo(handle), (0, FT_REG, 512), "a new file")


def contents_are_left_alone(t: ContractScenario) -> None:
    t.new(b"contents")
    for flags in (OPEN_RDWR | OPEN_CREATE, OPEN_RDONLY, OPEN_RDWR | OPEN_BIO):
        t.equal(t.contents(t.open("file0", flags)), b"contents")


def creating_what_exists(t: ContractScenario) -> None:
    t.new()
    with t.refused(EEXIST):
        t.open("file0", OPEN_RDWR | OPEN_CREATE | OPEN_EXCL)


def unknown_flags(t: ContractScenario) -> None:
    t.new()
    for flags in (OPEN_ACCMODE, 0x20, 0x1000, -1, OPEN_RDWR | OPEN_EXCL, OPEN_RDONLY | OPEN_EXCL):
        with t.refused(EINVAL):
            t.open("file0", flags)


def nul_in_the_path(t: ContractScenario) -> None:
    with t.refused(EINVAL):
        t.open_path(t.path("a") + b"\0b", OPEN_RDWR | OPEN_CREATE)


def paths_are_bytes(t: ContractScenario) -> None:
    name = t.path("a") + b"\xff\xfe"
    try:
        t.open_path(name, OPEN_RDWR | OPEN_CREATE)
    except Failed:
        raise
    except OSError:
        t.without("names_of_any_bytes")     # some hosts' file systems have names of characters
    t.equal(t.host.getfileinfo(t.open_path(name, OPEN_RDONLY))[1], FT_REG, "type")


def handles_are_the_lowest_free(t: ContractScenario) -> None:
    first, second, third = t.new(), t.new(), t.new()
    t.equal((first, second, third), (3, 4, 5))
    t.host.close(second)
    t.equal(t.new(), second)


def a_folder(t: ContractScenario) -> None:
    folder = t.folder()
    t.equal(t.host.getfileinfo(t.open_path(folder, OPEN_RDONLY))[1], FT_DIR, "type")
    with t.refused(EISDIR):
        t.open_path(folder, OPEN_RDWR)


def information(t: ContractScenario) -> None:
    size, kind, sector = t.host.getfileinfo(t.new(b"12345"))
    t.equal((size, kind), (5, FT_REG))
    t.true(sector >= 512 and not sector & (sector - 1), f"sectors of {sector} bytes")


def closing(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    t.host.close(handle)
    for use in (t.host.close, t.host.getfileinfo):
        with t.refused(EBADF):
            use(handle)
    t.equal(t.contents(t.open("file0", OPEN_RDONLY)), b"abc", "what was written")


def not_a_handle(t: ContractScenario) -> None:
    for handle in (NO_HANDLE, 0, -1, 1 << 40):
        for call, *arguments in (
            (t.host.close,),
            (t.host.getfileinfo,),
            (t.host.read, bytearray(1), 0),
            (t.host.write, b"x", 0),
            (t.host.submit, []),
            (t.host.truncate, 0),
            (t.host.sync, SYNC_ALL),
            (t.host.extents, 0, 1),
            (t.host.copy_range, 0, handle, 10, 1),
        ):
            with t.refused(EBADF):
                call(handle, *arguments)


def no_handle_comes_before_wrong_arguments(t: ContractScenario) -> None:
    """Of several errors: no such handle, a wrong argument, a handle opened in the wrong mode."""
    for call, *arguments in (
        (t.host.read, bytearray(1), -1),
        (t.host.write, b"x", -1),
        (t.host.submit, [(7, b"", 0)]),
        (t.host.truncate, -1),
        (t.host.sync, 0),
        (t.host.extents, -1, 1),
    ):
        with t.refused(EBADF):
            call(NO_HANDLE, *arguments)


def wrong_arguments_come_before_wrong_modes(t: ContractScenario) -> None:
    t.new(b"abc")
    reader, writer = t.open("file0", OPEN_RDONLY), t.open("file0", OPEN_WRONLY)
    for call, handle, *arguments in (
        (t.host.read, writer, bytearray(1), -1),
        (t.host.write, reader, b"x", -1),
        (t.host.truncate, reader, -1),
    ):
        with t.refused(EINVAL):
            call(handle, *arguments)


def adopting_nothing(t: ContractScenario) -> None:
    t.needs("adopt", 5)
    for descriptor in (-1, 1_000_000):
        with t.refused(EBADF):
            t.host.adopt(descriptor)


def nobody_uses_a_new_file(t: ContractScenario) -> None:
    t.needs("busy", 3)
    t.equal(t.host.busy(t.new(b"abc")), "")
    with t.refused(EBADF):
        t.host.busy(NO_HANDLE)
