# SPDX-License-Identifier: BSD-2-Clause
"""How the command lines of the original's programs become words of the verbs of ``fsu``.

A word that begins with two dashes is an option of the verb, as it stands.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import Operand, Word
from rump.fsutils.original.flags import Given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.original.flags import Flag

    Translate: TypeAlias = Callable[["Program", Given, "Device"], list[str]]


_ASKING = ("cp", "ln", "mv", "rm")      # with -f and -i the last one counts
STYLES = "fFlrsx"      # options of stat that say what it shows
READLINK_STYLES = STYLES + "Lt"     # with these readlink is another name of stat


class Device:
    """The image that a command line names; makes words of its other words."""

    __slots__ = ("root",)

    def __init__(self, root: Operand) -> None:
        self.root = root

    def inside(self, path: str) -> Word:
        """A path in the image, from its root, called as it was typed."""
        raw = os.fsencode(path)
        return Word(Operand(path, self.root.image, self.root.partition, raw, raw))

    @staticmethod
    def outside(path: str) -> Word:
        """A path on the host."""
        return Word(Operand(path, None, None, os.fsencode(path)))


class Program:
    """One of them.

    verb       of fsu, which does the work
    operands   what follows the options, for people
    text       what it does
    flags      its options
    translate  makes the words of the verb
    styles     options with which the work is that of stat
    writes     it changes the image
    stop       letters of words that look like options and are none
    """

    __slots__ = ("flags", "operands", "stop", "styles", "text", "translate", "verb", "writes")

    def __init__(
        self, verb: str, operands: str, text: str, flags: tuple[Flag, ...], translate: Translate, *,
        writes: bool = True, stop: str = "", styles: str = "",
    ) -> None:  # fmt: skip
        self.verb = verb
        self.operands = operands
        self.text = text
        self.flags = flags
        self.translate = translate
        self.writes = writes
        self.stop = stop
        self.styles = styles

    def verb_for(self, given: Given) -> str:
        """The verb that does what a command line says, once it is translated."""
        return "stat" if given.last(self.styles) else self.verb

    def options(self, given: Given, without: str = "") -> list[str]:
        """The words of the verb for the options given, but those in `without`."""
        table = {letter: words for letter, _, words, _ in self.flags}
        words: list[str] = []
        if self.verb in _ASKING:
            without += "i" if given.last("fi") == "f" else "f" if given.last("fi") else ""
        for letter, value in given.flags:
            if letter not in without:
                words += table[letter]
                if value:
                    words.append(value)
        return words + given.long


def _unit(given: Given, letters: str) -> list[str]:
    """What space is counted in: as said, else in units of BLOCKSIZE, else of 512 bytes."""
    last = given.last(letters)
    sizes = {"k": "1K", "m": "1M", "g": "1G"}
    return ["-h"] if last == "h" else [f"--block-size={sizes.get(last) or os.environ.get('BLOCKSIZE') or '512'}"]


def files(program: Program, given: Given, device: Device) -> list[str]:
    """All operands are files in the image."""
    return [*program.options(given), "--", *map(device.inside, given.operands)]


def first_aside(program: Program, given: Given, device: Device) -> list[str]:
    """All but the first operand are: that is a mode, an owner, flags."""
    return [*program.options(given), *given.operands[:1], "--", *map(device.inside, given.operands[1:])]


def ls(program: Program, given: Given, device: Device) -> list[str]:
    """Of long lines, columns and their like the last one counts; only -t and -S sort by anything but names."""
    long = given.last("1Cglmnx") in ("g", "l", "n")
    words = program.options(given, "1Cmxhk" if long else "glnhk")
    if not long and (layout := given.last("1Cmx")):
        words = [word for word in words if word not in ("-1", "-C", "-m", "-x") or word == "-" + layout]
    if not given.last("Sft"):
        words.append("--sort=name")
    return [*words, *_unit(given, "hk"), "--", *map(device.inside, given.operands or ["."])]


def du(program: Program, given: Given, device: Device) -> list[str]:
    """The root directory unless told otherwise."""
    words = program.options(given, "hkmg")
    return [*words, *_unit(given, "hkmg"), "--", *map(device.inside, given.operands or ["."])]


def df(program: Program, given: Given, device: Device) -> list[str]:
    """The file system; there is one, whatever files are named."""
    words = program.options(given, "hkmg")
    return [*words, *_unit(given, "hkmg"), "--", *map(device.inside, given.operands or ["/"])]


def chown(program: Program, given: Given, device: Device) -> list[str]:
    """Names are looked up in the image: its users are meant."""
    return ["--names=image", *_recursion(given), *first_aside(program, given, device)]


def chmod(program: Program, given: Given, device: Device) -> list[str]:
    """A mode or flags, then files."""
    return [*_recursion(given), *first_aside(program, given, device)]


def _recursion(given: Given) -> list[str]:
    """With -R no link is followed unless told; the verbs follow those among the operands."""
    return ["-P"] if given.has("R") and not given.last("HLP") else []


def stat(program: Program, given: Given, device: Device) -> list[str]:
    """Without a style all numbers on a line, with the name behind."""
    style = [] if given.last(STYLES) else ["-f", '%d %i %Sp %l %Su %Sg %r %z "%Sa" "%Sm" "%Sc" "%SB" %k %b %#Xf %N']
    return [*_times(given), *style, *files(program, given, device)]


def _times(given: Given) -> list[str]:
    return [] if given.has("t") else ["--time-format=%b %e %H:%M:%S %Y"]


def readlink(program: Program, given: Given, device: Device) -> list[str]:
    """-f takes a format, as stat's; before what is none it means what it means elsewhere.  Quiet, as NetBSD's."""
    formats = [value for letter, value in given.flags if letter == "f"]
    words = [] if given.has("v") else ["-q"]
    if formats and "%" not in formats[-1]:
        given.flags = [flag for flag in given.flags if flag[0] not in READLINK_STYLES]
        given.operands[:0] = formats
        words.append("-f")
    if given.last(READLINK_STYLES):
        words += [*_times(given), *([] if given.last(STYLES) else ["-f", "%Y"])]
    return [*words, *files(program, given, device)]


def find(program: Program, given: Given, device: Device) -> list[str]:
    """The paths, and the expression as it stands but for the files it names."""
    rest = given.operands
    count = next((i for i, word in enumerate(rest) if word[:1] == "-" or word in ("(", ")", "!", ",")), len(rest))
    paths = [value for letter, value in given.flags if letter == "f"] + rest[:count]
    expression = rest[count:]
    for index in range(1, len(expression)):
        before = expression[index - 1]
        if (before.startswith("-newer") and before[-1] != "t") or before in ("-anewer", "-cnewer", "-mnewer"):
            expression[index] = device.inside(expression[index])
    follow = "-L" if given.last("hHLP") == "h" else "-" + (given.last("hHLP") or "P")
    switches = [word for letter, word in (("d", "-depth"), ("x", "-xdev")) if given.has(letter)]
    return [
        *given.long, *(["--xargs"] if given.has("X") else []), follow,
        *map(device.inside, paths or ["."]),
        "-regextype", "posix-extended" if given.has("E") else "posix-basic", *switches, *expression,
    ]  # fmt: skip


def ln(program: Program, given: Given, device: Device) -> list[str]:
    """With one operand the link is in the root directory, which is where we are."""
    operands = given.operands if len(given.operands) != 1 else [*given.operands, "."]
    return [*program.options(given), "--", *map(device.inside, operands)]


def path_first(program: Program, given: Given, device: Device) -> list[str]:
    """Only the first operand is a file in the image."""
    return [*program.options(given), "--", *map(device.inside, given.operands[:1]), *given.operands[1:]]


def touch(program: Program, given: Given, device: Device) -> list[str]:
    """The file of -r is in the image, too."""
    given.flags = [(letter, device.inside(value) if letter == "r" else value) for letter, value in given.flags]
    return files(program, given, device)


def command_first(program: Program, given: Given, device: Device) -> list[str]:
    """The command and its arguments, and a file in the image at the end of them."""
    if len(given.operands) < 2:
        raise UsageError("a command and a file are needed")
    *command, path = given.operands
    return [*program.options(given), "--", device.inside(path), *command]


def copy(direction: str) -> Translate:
    """fsu_ecp and its kin; without -g or -p they go in `direction`."""

    def translate(program: Program, given: Given, device: Device) -> list[str]:
        way = given.last("gp") or direction
        if not way:
            raise UsageError("out of the image (-g) or into it (-p)?")
        source, target = (device.inside, device.outside) if way == "g" else (device.outside, device.inside)
        if len(given.operands) < 2:
            raise UsageError("what is to be copied, and where to?")
        *origins, to = given.operands
        return [*program.options(given, "gp"), "--", *map(source, origins), target(to)]

    return translate


def ecp(direction: str) -> Translate:
    """All that can be kept is."""
    plain = copy(direction)
    return lambda program, given, device: ["-P", "--preserve=all", *plain(program, given, device)]
