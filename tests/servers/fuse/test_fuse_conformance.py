# SPDX-License-Identifier: BSD-2-Clause
"""Bodies of the conformance suite through a mount: the transcripts, with the digest of all that can be seen in the
end, are the golden ones, but for what Linux itself does otherwise than NetBSD (docs/mounting.md).

A slice; RUMP_MOUNTED=all in the environment runs all bodies on all file systems that are written.
"""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING

import pytest
from fuse_mounts import no_fuse
from mounted_scenario import MountedScenario

from rump.conformance.bodies import collect, interleaves, reads, suited
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import first_difference, golden, perform
from rump.kernel import abi
from rump.kernel.init import boot

if TYPE_CHECKING:
    from rump.conformance.drivers import Subject
    from rump.conformance.scenario import Body

FLAGS = re.compile(r" flags=(0x[0-9a-f]+)")

TOPICS = (
    "rename", "moves", "nodes", "links", "directories", "permissions", "guards", "times", "data", "holes", "xattrs",
    "special", "names", "writing", "listings", "sizes", "descriptors", "changes", "unusual", "errors", "filling",
    "attributes", "space", "processes",
)
"""What is not there: mounts, readonly, unwritable - the mount is made before the body; poll, pipes - of what is not on
a file system; interleaved - of two lwps, by the kernel's own steps."""
WHOLE = ("tmpfs", "ext2-written", "ext4-written", "fat12-written", "fat16-written", "fat32-written", "exfat-written")
SLICE = {"ext4-written": TOPICS[:12], "fat32-written": ("rename", "names", "times", "descriptors")}
LINUX = {
    "rename_dots": "EBUSY for EINVAL",
    "rename_slash_at_the_end": "ENOTDIR for ENOENT",
    "nodes_type_mode_and_umask": "symbolic links have mode 0777 whatever the umask",
    "nodes_special_bits": "mkdir(2) leaves set-id bits out",
    "nodes_removed_and_made_again": "EISDIR for EPERM when a directory is unlinked",
    "nodes_opened_by_kind": "ENXIO for EOPNOTSUPP when a socket is opened",
    "links_link_permissions": "fs.protected_hardlinks",
    "links_unlink_errors": "EISDIR for EPERM when a directory is unlinked",
    "links_chain_of_links": "40 symbolic links, not 32",
    "directories_group_of_the_directory": "a new file has its maker's group",
    "directories_listing_under_insert": "listings are read ahead",
    "directories_getdents_errors": "getdents of the C library",
    "permissions_search_permission": "the C library reads types of what it lists",
    "permissions_new_file_is_open_whatever_its_mode": "a new file has its maker's group",
    "permissions_chmod_owner": "chmod(2) ignores bits above 07777",
    "permissions_chmod_special_bits": "no EFTYPE for the sticky bit",
    "permissions_chmod_forms": "there is no lchmod(2)",
    "permissions_chown_rules": "owners have 32 bits",
    "permissions_flags_by_user": "chflags(2) is not there",
    "permissions_access_errors": "flags the host's C library does not have",
    "permissions_set_group_id": "a new file has its maker's group",
    "guards_set_id_bits_and_chown": "set-id bits go when root gives a file away, too",
    "guards_numbers_that_are_none": "chmod(2) ignores bits above 07777",
    "names_dot_dot": "above the root of a mount is the host",
    "names_at_errors": "a descriptor that is not looked at may be any number",
    "unusual_deeper_than_a_path": "the server makes calls with whole paths, of 4095 bytes at most",
    "errors_nul_byte": "the C library ends a name at a NUL",
    "errors_bad_directory": "a descriptor that is not looked at may be any number",
    "changes_by_failing": "EISDIR for EPERM when a directory is unlinked",
    "descriptors_too_many": "how many files a process may open is the host's to say",
    "descriptors_exclusive": "O_CREAT of a directory is EISDIR",
    "descriptors_unknown_flags": "open(2) ignores flags it does not know",
    "descriptors_independent": "a process of its own is needed, not a thread",
    "processes_inherited": "a process of its own is needed, not a thread",
    "processes_removed_working_directory": "ENOENT for an open of a directory that was removed",
    "xattrs_limits": "ERANGE for an empty name",
    "special_mknod_rules": "EPERM for EINVAL",
    "special_use_devices": "device nodes lead to the host's devices",
    "special_socket": "ENXIO for EOPNOTSUPP when a socket is opened",
    "special_special_permissions": "device nodes lead to the host's devices",
    "special_null_read": "device nodes lead to the host's devices",
}
"""What Linux does otherwise, whatever is mounted, or what the calls made here cannot say."""
UNLIKE_UNIX = {
    "rename_spelling": "a name in another case is the same file, whose rename to itself never reaches the server",
    "permissions_immutable": "ENOTTY where there are no flags",
    "permissions_append_only": "ENOTTY where there are no flags",
    "guards_flags_of_every_kind": "ENOTTY where there are no flags",
}
"""The same, where the file system has no flags, and names of which case is no part."""
PIECES = "Linux writes page by page: of what does not fit a part is written, where the kernel alone refuses the whole"
MAPS = "Linux writes page by page, and blocks of maps lie elsewhere among those of data"
USER_FLAGS = "of flags Linux knows those of the super-user"
APART = {
    "tmpfs": {
        "moves_flags": USER_FLAGS, "permissions_immutable": USER_FLAGS, "guards_unchangeable_files": USER_FLAGS,
        "guards_unchangeable_directories": USER_FLAGS, "guards_flags_of_every_kind": USER_FLAGS,
        "data_truncate_errors": "sizes have 63 bits", "data_too_big": "sizes have 63 bits",
        "data_no_space": PIECES, "writing_full": PIECES, "space_each_call": PIECES,
        "space_rename_on_a_full_one": PIECES, "space_writing_on_a_full_one": PIECES,
        "space_everything_comes_back": PIECES, "space_open_files_keep_their_room": PIECES,
        "space_attributes_of_a_full_one": PIECES, "special_make_devices": "numbers of devices have 32 bits",
    },
    "ext2-written": {
        "data_too_big": PIECES, "data_no_space": MAPS, "holes_big_offsets": MAPS, "writing_odd_places": MAPS,
        "writing_full": MAPS,
    },
    "exfat-written": {
        "data_too_big": PIECES, "writing_full": PIECES, "space_each_call": PIECES,
        "space_rename_on_a_full_one": PIECES, "space_writing_on_a_full_one": PIECES,
    },
}  # fmt: skip
"""The same, of single file systems."""
KEPT = abi.SF_IMMUTABLE | abi.SF_APPEND | abi.UF_NODUMP
"""The flags that Linux asks for."""


def selection() -> list[tuple[str, str]]:
    """What is run: file systems and names of bodies."""
    whole = os.environ.get("RUMP_MOUNTED") == "all"
    found = []
    for name, topics in dict.fromkeys(WHOLE, TOPICS).items() if whole else SLICE.items():
        subject = SUBJECTS[name]
        otherwise = LINUX | APART.get(name, {})
        if "numbers_are_places" in subject.extras:
            otherwise |= UNLIKE_UNIX
        found += [
            (name, body) for body, function in suited(subject, collect()).items()
            if body.partition("_")[0] in topics and body not in otherwise and not interleaves(function)
        ]  # fmt: skip
    return found


ELSEWHERE = ("host's ", "mounting again", "lwps of one process")
"""What a body that stops for want of something stops for when it is not the file system that lacks it."""
EXACT = "x86_64"
"""The machine whose system-call numbers are used."""


def passes(subject: Subject, name: str, body: Body) -> str | None:
    """Run a body through a mount, and hold it to the golden transcript; the call for want of which it could not run."""
    with HOSTS["linux"]() as machine, boot(machine.hypercalls(), drivers=subject.drivers) as kernel:
        scenario = MountedScenario(kernel, machine, subject, reads(body))
        try:
            missing = perform(scenario, body)
        finally:
            scenario.leave()
        lines, wanted = scenario.writer.lines, golden(subject)[name]
    if missing is not None and (missing.startswith(ELSEWHERE) or f"without {missing}" not in wanted):
        return missing
    assert first_difference(comparable(lines), comparable(wanted)) is None
    return None


def comparable(lines: list[str]) -> list[str]:
    """A transcript without the digest of the image - who is asked when, and for what, is Linux' affair -, without flags
    that Linux does not ask for, and without what the modes of symbolic links, NetBSD's after the umask, bring."""
    lines = [FLAGS.sub(kept, line) for line in lines if not line.startswith("image ")]
    if not any("symlink" in line or "{lnk" in line for line in lines):
        return lines
    return [line.replace("{lnk 0755", "{lnk 0777") for line in lines if not line.startswith("tree ")]


def kept(found: re.Match[str]) -> str:
    flags = int(found[1], 16) & KEPT
    return f" flags={flags:#x}" if flags else ""


@pytest.fixture(scope="module", autouse=True)
def possible() -> None:
    if reason := no_fuse():
        pytest.skip(reason)
    if platform.machine() != EXACT:
        pytest.skip(f"needs {EXACT}")
    if os.sysconf("SC_PAGE_SIZE") != 4096:
        pytest.skip("needs pages of 4096 bytes")


@pytest.mark.parametrize(("subject", "name"), selection())
def test_through_a_mount(subject: str, name: str) -> None:
    missing = passes(SUBJECTS[subject], name, collect()[name])
    if missing is not None:
        pytest.skip(f"without {missing}")


def test_what_is_left_out_is_there() -> None:
    for bodies in (LINUX, UNLIKE_UNIX, *APART.values()):
        assert bodies.keys() <= collect().keys()
