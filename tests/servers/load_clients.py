# SPDX-License-Identifier: BSD-2-Clause
"""Clients of a server, as a program: URL CLIENTS SECONDS FOLDER COMMAND.  What they did goes to standard output.

mixed   each client makes, writes, reads, stats and removes a file of its own, over and over; at the end a line of
        numbers: how often each did
synced  each client appends records to a file of its own, and tells of each - "client number" - once fsync returned
"""

import sys
import threading
import time

import rump.servers
from rump.kernel import abi
from rump.kernel.errors import Fault

CREATE = abi.O_RDWR | abi.O_CREAT


def mixed(lwp, path, end):
    done = 0
    while time.monotonic() < end:
        fd = lwp.open(path, CREATE, 0o600)
        lwp.write(fd, b"%d" % done * 100)
        assert lwp.pread(fd, 10, 0)
        lwp.close(fd)
        lwp.stat(path)
        lwp.unlink(path)
        done += 1
    return done


def synced(lwp, path, end):
    done = 0
    fd = lwp.open(path, CREATE | abi.O_APPEND, 0o600)
    while time.monotonic() < end:
        lwp.write(fd, b"%07d\n" % done)
        lwp.fsync(fd)
        sys.stdout.write(f"{path.decode().rpartition('/')[2]} {done}\n")
        sys.stdout.flush()
        done += 1
    return done


def client(url, path, work, seconds, begin, counts):
    try:
        with rump.servers.connect(url, timeout=60) as lwp:
            begin.wait()
            counts.append(work(lwp, path, time.monotonic() + seconds))
    except (Fault, OSError) as error:
        print(error, file=sys.stderr)
        counts.append(-1)           # the server was killed, or would not have us


def main(url, clients, seconds, folder, command):
    counts, begin = [], threading.Barrier(int(clients))
    work = {"mixed": mixed, "synced": synced}[command]
    threads = [
        threading.Thread(
            target=client, args=(url, f"{folder}{number}".encode(), work, float(seconds), begin, counts)
        )
        for number in range(int(clients))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if command == "mixed":
        print(*counts)


if __name__ == "__main__":
    main(*sys.argv[1:])
