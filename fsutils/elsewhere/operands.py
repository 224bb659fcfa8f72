# SPDX-License-Identifier: BSD-2-Clause
"""Which words of a command line are images, and which are files of this host: what a machine has to be given."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISLNK, S_ISREG

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import HOST, IMAGE, STDIO, image_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

HERE_ONLY = ("batch", "completion", "edit", "example", "exec", "get", "help", "manual", "mkfs", "mkimage")
"""Verbs that run programs of the host, or write files of it."""
HOST_FIRST = ("cp", "diff", "mv", "put", "sum")
"""Verbs whose operands without a path are files of the host; of the others they are images."""
LARGEST = 1 << 30
"""Bytes of files that a machine is given."""


def check(verb: str, parsed: argparse.Namespace) -> None:
    """Errors: UsageError - what the machine has not got: files of the host to write to, other programs, a terminal."""
    where = f"--host {parsed.host}"
    if verb in HERE_ONLY:
        raise UsageError(f"{where}: {verb} needs this host's files or programs; there are none on that machine")
    for option in ("trace", "record"):
        if getattr(parsed, option, None) is not None:
            raise UsageError(f"--{option} does not go with {where}")
    if verb == "tar" and parsed.create and parsed.file != STDIO:
        raise UsageError(f"{where}: an archive goes to standard output; files of this host cannot be written there")
    if verb == "tar" and parsed.extract and ":/" not in (parsed.directory or ""):
        raise UsageError(f"{where}: an archive is extracted into an image; files of this host cannot be written there")
    if verb in ("cp", "mv"):
        _check_target(verb, where, parsed)


def _check_target(verb: str, where: str, parsed: argparse.Namespace) -> None:
    words = list(parsed.operands)
    target = parsed.target_directory if parsed.target_directory is not None else (words or [""])[-1]
    if target != STDIO and not _in_image(target):
        raise UsageError(f"{where}: {target}: files of this host cannot be written there; cat and tar write to a pipe")
    if verb == "mv" and not all(map(_in_image, words)):
        raise UsageError(f"{where}: files of this host stay where they are; use cp")


def _in_image(text: str) -> bool:
    return not text.startswith(HOST) and (text.startswith(IMAGE) or ":/" in text)


class Operands:
    """What the words of a command need.

    words       for the machine: the same without --host
    images      paths of images, in the order named
    written     those of them that the command may write to
    files       files of the host: (path in the machine's memory, contents)
    entries     these and directories and links, as `messages.ENTRY` has them
    size        bytes of them
    """

    def __init__(self, verb: str, words: list[str], parsed: argparse.Namespace) -> None:
        self._verb = verb
        operands: list[str] | None = getattr(parsed, "operands", None)
        extracts = verb == "tar" and parsed.extract
        self._images_first = set() if verb in HOST_FIRST or extracts else None if operands is None else set(operands)
        self.words = _without_host(words)
        self.images: list[str] = []
        self.files: list[tuple[str, bytes]] = []
        self.entries: list[bytes] = []
        self.size = 0
        self._seen: set[str] = set()
        for word in self.words:
            self._sort(word.partition("=")[2] if word.startswith("--") else word)
        self._zone()
        self.written = set(self._to_be_written(parsed))

    def _sort(self, text: str) -> None:
        """Take what a word stands for, if it stands for anything that is there."""
        inside, outside = text.startswith(IMAGE), text.startswith(HOST)
        text = text.removeprefix(IMAGE) if inside else text.removeprefix(HOST)
        end = None if outside else image_end(text)
        if end is not None and (end < len(text) or inside or self._is_image(text)):
            if text[:end] not in self.images:
                self.images.append(text[:end])
        elif text and text != STDIO and os.path.lexists(text):
            self._hand_over(text)

    def _is_image(self, text: str) -> bool:
        """Whether the bare name of a file is that of an image; what only options name is a file of the host."""
        return self._images_first is None or text in self._images_first

    def _to_be_written(self, parsed: argparse.Namespace) -> Iterator[str]:
        if not hasattr(parsed, "force_image"):
            return
        if self._verb in ("cp", "put"):
            target = getattr(parsed, "target_directory", None)
            texts = [target if target is not None else parsed.operands[-1]]
        elif self._verb == "find":
            texts = parsed.operands if "-delete" in self.words else []
        elif self._verb == "tar":
            texts = [parsed.directory] if parsed.extract else []
        else:
            yield from self.images
            return
        for text in texts:
            end = image_end(text.removeprefix(IMAGE))
            if end is not None:
                yield text.removeprefix(IMAGE)[:end]

    # ---- files of the host -----------------------------------------------------------------------------------------

    def _hand_over(self, path: str) -> None:
        """A file, or a directory and, for a verb that copies, what is below it."""
        self._entry(path)
        if os.path.isdir(path) and not os.path.islink(path) and self._verb in HOST_FIRST:
            with os.scandir(path) as names:
                for name in sorted(entry.name for entry in names):
                    self._hand_over(os.path.join(path, name))

    def _entry(self, path: str) -> None:
        st, there = os.lstat(path), os.path.abspath(path)
        if there in self._seen:
            return
        self._seen.add(there)
        target = os.readlink(path) if S_ISLNK(st.st_mode) else ""
        if S_ISREG(st.st_mode):
            self.size += st.st_size
            if self.size > LARGEST:
                raise UsageError(f"{path}: more than {LARGEST >> 20} MiB of files do not go into that machine's memory")
            with open(path, "rb") as file:
                self.files.append((there.lstrip("/"), file.read()))
        elif not S_ISDIR(st.st_mode) and not target:
            raise UsageError(f"{path}: a device or pipe of this host is not there on that machine")
        fields = [f"{st.st_mode:o}", str(st.st_uid), str(st.st_gid), str(st.st_mtime_ns), there, target]
        self.entries.append(b"\0".join(map(os.fsencode, fields)))
        if S_ISLNK(st.st_mode) and os.path.exists(path) and not os.path.isdir(path):
            self._entry(os.path.realpath(path))     # a copy may follow it

    def _zone(self) -> None:
        """The host's time zone, in which times are shown."""
        name = os.environ.get("TZ", "").removeprefix(":")
        path = os.path.join("/usr/share/zoneinfo", name) if name else "/etc/localtime"
        if os.path.isfile(path):
            with open(path, "rb") as file:
                self.files.append((path.lstrip("/"), file.read()))


def _without_host(words: list[str]) -> list[str]:
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*found, word, *rest]
        if word == "--host":
            next(rest, None)
        elif not word.startswith("--host="):
            found.append(word)
    return found
