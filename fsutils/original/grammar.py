# SPDX-License-Identifier: BSD-2-Clause
"""The command line of the original's programs up to where each has its own:

    fsu_X [-o mntopts] [-s specopts] [-t fstype] [-v] [-p puffsexec] {fsdevice | -f fsdevice} [--] ...

FSU_DEVICE in the environment stands for fsdevice, FSU_TYPE for -t, FSU_MNTOPTS for -o.  A device is an image, one of
its partitions as in ``disk.img@2`` or ``disk.img%DISKLABEL:a%``, or an alias unless -f names it.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import IMAGE, Operand
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.original.aliases import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

USAGE = "[-o mntopts] [-s specopts] [-t fstype] [-v] {fsdevice | -f fsdevice}"

_WITH_VALUE = "ofpst"
_LABEL = "%DISKLABEL:"


class Request:
    """What to mount, and what is left to do.

    device   the root of the file system, as an operand
    type     of the file system; None finds out
    options  the lists of -o, in order
    special  the words of -s, as for the command that mounts this type
    verbose  how often -v was given
    rest     the program's own words
    """

    __slots__ = ("device", "options", "rest", "special", "type", "verbose")

    def __init__(self) -> None:
        self.device = Operand("", "", None, b"/")
        self.type: str | None = None
        self.options: list[str] = []
        self.special: list[str] = []
        self.verbose = 0
        self.rest: list[str] = []


def parse(words: list[str], environment: Mapping[str, str]) -> Request:
    """Read a command line.  Errors: UsageError."""
    request = Request()
    given: dict[str, list[str]] = {letter: [] for letter in _WITH_VALUE}
    at = _options(words, given, request)
    if given["p"]:
        raise UsageError("-p: puffs servers are not supported")
    device = given["f"][0] if given["f"] else environment.get("FSU_DEVICE")
    if device is None:
        if at == len(words) or words[at] == "--":
            raise UsageError("which image?")
        device = words[at]
        at += 1
    request.rest = words[at + 1:] if words[at:at + 1] == ["--"] else words[at:]
    request.type = given["t"][0] if given["t"] else environment.get("FSU_TYPE") or None
    request.options = given["o"] or [environment.get("FSU_MNTOPTS", "")]
    request.special = " ".join(given["s"]).split()
    _name(request, device, not given["f"])
    return request


def _options(words: list[str], given: dict[str, list[str]], request: Request) -> int:
    """Read the options up to the first word that is none; where that is."""
    at = 0
    while at < len(words):
        word = words[at]
        if len(word) < 2 or word[0] != "-" or word[1] not in _WITH_VALUE + "v":
            break
        at += 1
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "v":
                request.verbose += 1
                continue
            if letter not in given:
                raise UsageError(f"-{letter}: no option of mounting; those of the command itself follow the image")
            if not letters:
                if at == len(words):
                    raise UsageError(f"option -{letter} needs a value")
                letters = words[at]
                at += 1
            given[letter].append(letters)
            break
    return at


def _name(request: Request, device: str, may_be_alias: bool) -> None:
    """Find out what the device is, by its name."""
    alias = find(device) if may_be_alias else None
    if alias is not None:
        device = alias.path
        request.type = request.type or alias.type or None
        request.options.insert(0, alias.options)
    request.device = named(device)


def named(device: str) -> Operand:
    """The operand that is the root of a device.  Errors: UsageError.

    >>> named("/no/disk.img%DISKLABEL:e%").image, named("/no/disk.img%DISKLABEL:e%").partition
    ('/no/disk.img', 'e')
    """
    if os.path.lexists(device):
        return Operand(device, device, None, b"/")
    if device.endswith("%") and "%" in device[:-1]:
        image, _, suffix = device[:-1].rpartition("%")
        partition = suffix.removeprefix(_LABEL[1:])
        if not image or partition == suffix or len(partition) != 1:
            raise UsageError(f"{device}: write image%DISKLABEL:a%, or image@2")
        return Operand(device, image, partition, b"/")
    found = parse_operand(IMAGE + device, image_by_default=True)
    if found.path != b"/":
        raise UsageError(f"{device}: the image comes first, then the path in it: {found.volume} {found.path.decode()}")
    return Operand(device, found.image, found.partition, b"/")
