# SPDX-License-Identifier: BSD-2-Clause
"""A kernel with a server, and what tests ask of them."""

from __future__ import annotations

import hmac
import os
import time

from rump.kernel.init import boot
from rump.kernel.sysproxy.server import Server
from rump.rumpuser.host import default


class Served:
    """A kernel on this host, and its server."""

    def __init__(self, address, **options):
        self.log = []
        self.rebooted = []
        self.kernel = boot(default(), log=self.log.append)
        options = {"uid": os.getuid(), "digest": digest, **options}
        self.server = Server(self.kernel, address, reboot=lambda: self.rebooted.append(1), **options)
        self.server.start()
        self.address = self.server.address

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.stop()
        self.kernel.halt()

    def processes(self):
        return sorted(process.pid for process in self.kernel.processes.values())

    def until(self, ready, what="what was to come"):
        end = time.monotonic() + 20
        while not ready():
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.002)


def digest(key, message):
    return hmac.digest(key, message, "sha256")
