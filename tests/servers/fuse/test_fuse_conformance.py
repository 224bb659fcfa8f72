# SPDX-License-Identifier: BSD-2-Clause
"""Bodies of the conformance suite through a mount: the transcripts, with the digest of all that can be seen in the
end, are the golden ones, but for what Linux itself does otherwise than NetBSD (docs/mounting.md)."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest
from fuse_mounts import no_fuse
from mounted_scenario import MountedScenario

from rump.conformance.bodies import collect, interleaves, reads, suited
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import first_difference, golden, perform
from rump.kernel.init import boot

if TYPE_CHECKING:
    from rump.conformance.scenario import Body

SUBJECT = "ext4-written"
TOPICS = (
    "rename", "moves", "nodes", "links", "directories", "permissions", "guards", "times", "data", "holes", "xattrs",
    "special",
)
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
    "xattrs_limits": "ERANGE for an empty name",
    "special_mknod_rules": "EPERM for EINVAL",
    "special_use_devices": "device nodes lead to the host's devices",
    "special_socket": "ENXIO for EOPNOTSUPP when a socket is opened",
    "special_special_permissions": "device nodes lead to the host's devices",
    "special_null_read": "device nodes lead to the host's devices",
}
"""What Linux does otherwise, whatever is mounted, or what the calls made here cannot say."""
BODIES = {
    name: body for name, body in suited(SUBJECTS[SUBJECT], collect()).items()
    if name.partition("_")[0] in TOPICS and name not in LINUX and not interleaves(body)
}  # fmt: skip
EXACT = "x86_64"
"""The machine whose system-call numbers are used."""


def passes(name: str, body: Body) -> str | None:
    """Run a body through a mount, and hold it to the golden transcript; the call for want of which it could not run."""
    subject = SUBJECTS[SUBJECT]
    with HOSTS["linux"]() as machine, boot(machine.hypercalls(), drivers=subject.drivers) as kernel:
        scenario = MountedScenario(kernel, machine, subject, reads(body))
        try:
            missing = perform(scenario, body)
        finally:
            scenario.leave()
        lines, wanted = scenario.writer.lines, golden(subject)[name]
    if missing is not None and (missing.startswith("host's ") or f"without {missing}" not in wanted):
        return missing
    assert first_difference(comparable(lines), comparable(wanted)) is None
    return None


def comparable(lines: list[str]) -> list[str]:
    """A transcript without the digest of the image - who is asked when, and for what, is Linux' affair - and without
    what the modes of symbolic links, NetBSD's after the umask, bring with them."""
    lines = [line for line in lines if not line.startswith("image ")]
    if not any("symlink" in line or "{lnk" in line for line in lines):
        return lines
    return [line.replace("{lnk 0755", "{lnk 0777") for line in lines if not line.startswith("tree ")]


@pytest.fixture(scope="module", autouse=True)
def possible() -> None:
    if reason := no_fuse():
        pytest.skip(reason)
    if platform.machine() != EXACT:
        pytest.skip(f"needs {EXACT}")
    if os.sysconf("SC_PAGE_SIZE") != 4096:
        pytest.skip("needs pages of 4096 bytes")


@pytest.mark.parametrize("name", BODIES)
def test_through_a_mount(name: str) -> None:
    missing = passes(name, BODIES[name])
    if missing is not None:
        pytest.skip(f"without {missing}")
