# SPDX-License-Identifier: BSD-2-Clause
"""The program ``rump``: one verb, a client of the server that -u or RUMP_SERVER names."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser("rump", description="Work with the kernel of a rump_server.")
    verbs = made.add_subparsers(metavar="VERB", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-u", "--url", default=os.environ.get("RUMP_SERVER"), help="the server (or RUMP_SERVER)")
    common.add_argument("--secret-file", metavar="FILE", help="what a server by tcp wants to be known")

    def verb(name: str, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".", parents=[common])
        added.set_defaults(verb=name)
        return added

    verb("cat", "print files").add_argument("paths", metavar="PATH", nargs="+")
    verb("df", "show how full file systems are").add_argument("paths", metavar="PATH", nargs="*")
    running = verb("exec", "run a program of the host that sees the kernel's files below /rump")
    running.add_argument("-p", "--prefix", default="/rump", help="where it sees them")
    running.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER)
    verb("halt", "halt the kernel; its file systems are unmounted")
    listing = verb("ls", "list directories")
    listing.add_argument("-a", "--all", action="store_true", help="names that begin with a dot, too")
    listing.add_argument("-l", "--long", action="store_true", help="with attributes")
    listing.add_argument("paths", metavar="PATH", nargs="*", default=["/"])
    one = verbs.add_parser("monolith", help="run one kernel with every mount and way in of a configuration")
    one.add_argument("-n", "--check", action="store_true", help="only read the configuration")
    one.add_argument("config", metavar="CONFIG", help="a TOML file")
    one.set_defaults(verb="monolith", url=".")
    mounting = verb("mount", "mount a file system, or show what is mounted")
    mounting.add_argument("-t", "--type", default="", help="its type; else found out")
    mounting.add_argument("-o", "--options", default="", help="ro, or options of the type, with commas between")
    mounting.add_argument("device", metavar="DEVICE", nargs="?", help="of the kernel: /dev/NAME")
    mounting.add_argument("directory", metavar="DIRECTORY", nargs="?")
    verb("ps", "show processes")
    verb("sync", "bring everything to stable storage")
    top = verbs.add_parser("top", parents=[common], help="show what a kernel is doing, again and again")
    top.add_argument("-n", dest="rounds", type=int, metavar="N", help="how often; else until ^C")
    top.add_argument("-d", dest="delay", type=float, metavar="SECONDS", default=2.0, help="between (2)")
    top.add_argument("--json", action="store_true", help="for programs: a line of JSON each time")
    top.add_argument("status", metavar="URL", nargs="?", help="of a status page, or as -u")
    top.set_defaults(verb="top")
    unmounting = verb("umount", "unmount a file system")
    unmounting.add_argument("-f", "--force", action="store_true", help="although it is in use")
    unmounting.add_argument("directory", metavar="DIRECTORY")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    made = parser()
    options = made.parse_args(arguments)
    if options.verb == "top":
        options.url = options.status or options.url
    if not options.url:
        made.error("which server?  Give -u URL, or set RUMP_SERVER")
    from rump.servers.rump import verbs

    try:
        return verbs.run(options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        sys.stderr.write(f"rump {options.verb}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
