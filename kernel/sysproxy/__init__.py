# SPDX-License-Identifier: BSD-2-Clause
"""System calls for programs elsewhere, over streams of the host: the protocol of rump_sp(7), both sides of it.

    frames      headers, types, errors, the banner
    connection  one stream: frames in and out
    memory      the caller's memory: copyin, copyout
    structures  NetBSD's structures as amd64 programs have them
    sysent      the table of system calls by number
    calls       those of them that are more than a call of an lwp's method
    native      the batched form of our own clients
    auth        the shared secret
    client      one client of a server
    server      a kernel's server
"""
