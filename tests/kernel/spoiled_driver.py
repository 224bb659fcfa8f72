# SPDX-License-Identifier: BSD-2-Clause
"""Entries of confined processes whose drivers go wrong at `statvfs`, each in a way of its own."""

import os

from rump.kernel.vfs.isolated import child
from rump.kernel.vfs.isolated.child import Server


def raise_it(self):
    raise RuntimeError("the driver is wrong")


def eat(self):
    held = []
    while True:
        held.append(bytearray(1 << 24))


def leave(self):
    os._exit(7)


def lie(self):
    return (1, 2, 3)


def spoil(statvfs):
    """An entry whose volume has this `statvfs`."""

    class Spoiled(Server):
        def do_mount(self, *arguments):
            made = super().do_mount(*arguments)
            self.do_statvfs = lambda: statvfs(self)
            return made

    def entry(host, stream, handles):
        child.Server = Spoiled
        child.serve(host, stream, handles)

    return entry


raising, hungry, silent, lying = map(spoil, (raise_it, eat, leave, lie))
