# SPDX-License-Identifier: BSD-2-Clause
"""Names in colour, by type and suffix; LS_COLORS in the environment says which, as for other programs."""

from __future__ import annotations

import os

DEFAULT = {
    "di": "01;34", "ln": "01;36", "pi": "33", "so": "01;35", "bd": "01;33", "cd": "01;33", "ex": "01;32",
    "su": "37;41", "sg": "30;43", "tw": "30;42", "ow": "34;42", "st": "37;44",
}  # fmt: skip
_TYPES = {0o010000: "pi", 0o020000: "cd", 0o060000: "bd", 0o120000: "ln", 0o140000: "so"}


class Colors:
    """A table of colours."""

    def __init__(self, setting: str | None = None) -> None:
        self._kinds = dict(DEFAULT)
        self._suffixes: dict[bytes, str] = {}
        lengths: set[int] = set()
        for item in (os.environ.get("LS_COLORS", "") if setting is None else setting).split(":"):
            key, _, value = item.partition("=")
            if not all(c in "0123456789;" for c in value):
                continue
            if key.startswith("*"):
                self._suffixes[os.fsencode(key[1:])] = value
                lengths.add(len(os.fsencode(key)) - 1)
            elif key:
                self._kinds[key] = value
        self._longest_first = sorted(lengths - {0}, reverse=True)

    def show(self, name: bytes, mode: int, shown: bytes) -> bytes:
        """A name as it is `shown`, between its colour and the end of it."""
        code = self.code(name, mode)
        return b"\033[%bm%b\033[0m" % (code.encode(), shown) if code.strip("0;") else shown

    def code(self, name: bytes, mode: int) -> str:
        """The colour of a file."""
        kind = mode & 0o170000
        if kind == 0o040000:
            return self._kinds.get(_directory(mode)) or self._kinds.get("di", "")
        if kind != 0o100000:
            return self._kinds.get(_TYPES.get(kind, ""), "")
        for bit, key in ((0o4000, "su"), (0o2000, "sg"), (0o111, "ex")):
            if mode & bit and self._kinds.get(key):
                return self._kinds[key]
        for length in self._longest_first:
            if name[-length:] in self._suffixes:
                return self._suffixes[name[-length:]]
        return self._kinds.get("fi", "")


def _directory(mode: int) -> str:
    sticky, others_write = mode & 0o1000, mode & 0o002
    if sticky and others_write:
        return "tw"
    return "ow" if others_write else "st" if sticky else "di"
