# SPDX-License-Identifier: BSD-2-Clause
"""A kernel's system calls from another process: `connect` gives what looks like an lwp of that kernel.

    with rump.servers.connect("unix:///tmp/rump") as lwp:
        fd = lwp.open(b"/etc/motd", abi.O_RDONLY)

    link        the connection: handshakes, and who reconnects when
    lwp         the lwp
    plain       system calls in the batched form of our own servers
    genuine     system calls as the original's protocol has them
"""

from __future__ import annotations

from rump.servers.client.link import Link
from rump.servers.client.lwp import RemoteLwp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.client.link import Retry


def connect(
    url: str,
    *,
    name: str = "python",
    secret: bytes | None = None,
    retry: Retry = "none",
    timeout: float | None = None,
    genuine: bool = False,
    cookie: bytes | None = None,
) -> RemoteLwp:
    """Become a process of the kernel behind `url` ("unix:///a/path", "tcp://host:port/").

    name        of the program, as `rump ps` shows it
    secret      what the server wants to be known, or None
    retry       what to do when the connection is lost: "none" - calls fail with ENOTCONN; "once" - connect again, at
                once; "inftime" - until it works, or that many seconds; "die" - end the program.  Who connects again is
                a new process of the kernel, without the descriptors that the old one had
    timeout     seconds to wait for the connection, and for each answer of the handshake
    genuine     speak the original's protocol even to one of our servers
    cookie      of `prefork`: be the process that was prepared by it, instead of a new one

    Errors: Fault - as `stream_connect`; EPERM - the server refuses.
    """
    link = Link(url.encode("utf-8", "surrogateescape"), name, secret, retry, timeout, genuine)
    link.connect(cookie)
    return RemoteLwp(link)
