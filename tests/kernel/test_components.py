# SPDX-License-Identifier: BSD-2-Clause
"""Components and drivers: order, what is missing, those that others installed."""

import pytest

from rump.conformance.plainfs import driver as plainfs
from rump.kernel import abi
from rump.kernel.component import ALIASES, BUILT_IN, KERN, KERN_VFS, SYSCALL, VFS, Component, in_order
from rump.kernel.vfs.volume import FileSystem
from rump.rumpuser.bare import Bare
from rump.rumpuser.interface import errno as e


def _component(name, phase, *requires):
    return Component(name, phase, lambda kernel: None, requires)


def _names(*components):
    return [component.name for component in in_order(components)]


def test_order_is_by_phase_then_by_requirement_then_as_given():
    late, early = _component("late", SYSCALL), _component("early", KERN)
    needs, needed = _component("needs", VFS, "needed", "early"), _component("needed", VFS)
    assert _names(late, needs, needed, early, _component("last", SYSCALL)) == [
        "early", "needed", "needs", "late", "last",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("components", "errno"),
    [
        ([_component("a", VFS, "nowhere")], e.ENOENT),
        ([_component("a", VFS, "b"), _component("b", VFS, "a")], e.EDEADLK),
        ([_component("a", VFS), _component("a", KERN)], e.EEXIST),
        ([_component("a", VFS, "a")], e.EDEADLK),
    ],
)
def test_what_does_not_fit_is_refused_by_name(components, errno, refused):
    with refused(errno) as caught:
        in_order(components)
    assert "a" in caught.error.detail


def test_a_programs_components_start_with_the_kernel(lab):
    seen = []
    component = Component("mine", KERN_VFS, lambda kernel: seen.append(kernel.lwp.getcwd()), ("vfs",))
    kernel = lab.boot(components=[component])
    assert seen == [b"/"]
    assert kernel.started == {"vfs", "console", "mine"}


def test_aliases_are_those_of_the_drivers_tables(kernel):
    found = {}
    for name in BUILT_IN:
        driver = kernel.drivers.named(name)
        assert driver.name == name
        found |= dict.fromkeys(driver.aliases, name)
    assert found == ALIASES


class Installed(Bare):
    """A host on which others installed drivers."""

    def components(self):
        def broken():
            raise RuntimeError("does not load")

        return (("broken", broken), ("nonsense", lambda: 42), ("plainfs", lambda: plainfs))


def test_installed_drivers_are_found_and_broken_ones_passed_over(lab, refused):
    kernel = lab.boot(Installed(lab.platform))
    kernel.lwp.mkdir(b"/d", 0o755)
    kernel.lwp.mount("plainfs", b"/d")
    assert kernel.lwp.statvfs(b"/d").f_fstypename == b"plainfs"
    assert b"driver broken cannot be loaded: does not load" in lab.platform.console
    with refused(e.ENODEV):
        kernel.lwp.mount("otherfs", b"/tmp")


def test_installed_drivers_are_not_looked_for_when_a_built_in_one_fits(lab):
    class Watched(Installed):
        def components(self):
            raise AssertionError("looked for")

    kernel = lab.boot(Watched(lab.platform))
    kernel.lwp.mkdir(b"/d", 0o755)
    kernel.lwp.mount("tmpfs", b"/d")


def test_given_drivers_go_before_all_others(lab):
    mine = FileSystem("tmpfs", mount=plainfs.mount, capabilities=plainfs.capabilities, needs_device=False)
    other = FileSystem("mine", mount=plainfs.mount, capabilities=plainfs.capabilities, aliases=("rumpfs2",),
                       probe=lambda device: "mine!" if device.read(0, 4) == b"MINE" else None)  # fmt: skip
    kernel = lab.boot(drivers=(other, mine))
    assert kernel.drivers.named("tmpfs") is mine
    assert kernel.drivers.named("rumpfs2") is other
    kernel.etfs_register(b"/dev/d", lab.image(b"image", b"MINE" + bytes(4096)))
    assert kernel.probe(b"/dev/d") == (other, "mine!")


def test_nothing_knows_an_empty_device(lab, kernel, refused):
    kernel.etfs_register(b"/dev/d", lab.image(b"image", bytes(65536)))
    assert kernel.probe(b"/dev/d") is None
    with refused(e.EFTYPE):
        kernel.lwp.mount("", b"/tmp", abi.MNT_RDONLY, b"/dev/d")


def test_a_driver_may_require_components(lab, refused):
    needy = FileSystem("needy", mount=plainfs.mount, capabilities=plainfs.capabilities, needs_device=False,
                       requires=("vfs", "crypto"))  # fmt: skip
    kernel = lab.boot(drivers=(needy,))
    with refused(e.ENODEV):
        kernel.lwp.mount("needy", b"/tmp")
    kernel.started.add("crypto")
    kernel.lwp.mount("needy", b"/tmp")
