# SPDX-License-Identifier: BSD-2-Clause
"""What a monolith's configuration says: TOML, checked to the last key before anything is opened."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KINDS = ("9p", "fuse", "http", "sysproxy")
"""The ways in that [[serve]] knows."""


class ConfigError(ValueError):
    """The configuration makes no sense; the text names the file, the table and the key."""


@dataclass(frozen=True)
class KernelSettings:
    """[kernel]: bytes of each volume's buffer cache; how many unused vnodes are kept."""

    cache: int = 16 << 20
    vnodes: int = 4096


@dataclass(frozen=True)
class Limits:
    """[limits]: bytes resident, descriptors, niceness, the host's CPUs; None: as they are."""

    memory: int | None = None
    descriptors: int | None = None
    nice: int | None = None
    cpus: tuple[int, ...] | None = None


@dataclass(frozen=True)
class MountEntry:
    """[[mount]]: an image as fsu names it (``IMAGE[@PARTITION]``), and the absolute path where it appears.

    isolate    its driver runs in a confined process of its own; None: if the host can
    """

    image: str
    at: str
    type: str | None = None
    read_only: bool = False
    isolate: bool | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServeEntry:
    """[[serve]]: a way in, for the files at `path` and below."""

    kind: str
    address: str
    path: str = "/"
    read_only: bool = False
    allow_remote: bool = False
    others: bool = False
    secret_file: str | None = None


@dataclass(frozen=True)
class Config:
    """A whole configuration; `status` is the address of the status page."""

    source: str
    kernel: KernelSettings
    limits: Limits
    mounts: tuple[MountEntry, ...]
    servers: tuple[ServeEntry, ...]
    status: str | None


def read(path: str) -> Config:
    """The configuration in a file; relative paths in it start where the file is.  Errors: ConfigError, OSError."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        said = tomllib.loads(data.decode())
    except ValueError as error:         # tomllib's, and that of UTF-8
        raise ConfigError(f"{path}: {error}") from error
    return parse(said, path)


def parse(said: dict[str, Any], source: str) -> Config:
    """A configuration as tomllib reads it.  Errors: ConfigError."""
    top = _Table(said, source, "")
    kernel = top.table("kernel")
    limits = top.table("limits")
    status = top.table("status")
    config = Config(
        source,
        KernelSettings(kernel.size("cache", 16 << 20), kernel.number("vnodes", 4096, 16, 1 << 24)),
        Limits(
            limits.size("memory", None), limits.number("descriptors", None, 16, 1 << 20),
            limits.number("nice", None, -20, 19), limits.numbers("cpus"),
        ),
        tuple(_mount(table) for table in top.tables("mount")),
        tuple(_serve(table) for table in top.tables("serve")),
        status.text("address", None),
    )  # fmt: skip
    for table in (kernel, limits, status, top):
        table.end()
    _check(config)
    return config


def _mount(table: _Table) -> MountEntry:
    entry = MountEntry(
        table.operand("image"), table.absolute("at", "/"), table.text("type", None), table.flag("read-only"),
        table.choice("isolate"), table.texts("options"),
    )  # fmt: skip
    table.end()
    return entry


def _serve(table: _Table) -> ServeEntry:
    kind = table.needed("kind")
    if kind not in KINDS:
        raise table.wrong("kind", f"one of {', '.join(KINDS)} is wanted")
    entry = ServeEntry(
        kind, table.needed("address"), table.absolute("path", "/"), table.flag("read-only"), table.flag("allow-remote"),
        table.flag("others"), table.file("secret-file"),
    )  # fmt: skip
    table.end()
    return entry


def _check(config: Config) -> None:
    places = [entry.at for entry in config.mounts]
    for place in places:
        if places.count(place) > 1:
            raise ConfigError(f"{config.source}: two mounts at {place}")
    if not config.servers and config.status is None:
        raise ConfigError(f"{config.source}: no way in: [[serve]] or [status] is wanted")


class _Table:
    """A table of the file, whose keys are taken out one by one; one that is left is unknown."""

    def __init__(self, said: Any, source: str, name: str) -> None:
        self._source = source
        self._name = name
        if not isinstance(said, dict):
            raise ConfigError(f"{source}: [{name}] is not a table")
        self._said = dict(said)

    def wrong(self, key: str, problem: str) -> ConfigError:
        """The error of a key."""
        where = f"[{self._name}] " if self._name else ""
        return ConfigError(f"{self._source}: {where}{key}: {problem}")

    def end(self) -> None:
        """Nothing may be left.  Errors: ConfigError."""
        for key in self._said:
            raise self.wrong(key, "there is no such key")

    def table(self, name: str) -> _Table:
        return _Table(self._said.pop(name, {}), self._source, name)

    def tables(self, name: str) -> list[_Table]:
        rows = self._said.pop(name, [])
        if not isinstance(rows, list):
            raise self.wrong(name, f"[[{name}]] is wanted, which may be said several times")
        return [_Table(row, self._source, f"{name} {number}") for number, row in enumerate(rows, 1)]

    def _take(self, key: str, kind: type, default: Any) -> Any:
        value = self._said.pop(key, default)
        if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.wrong(key, f"{value!r} is not {_KINDS[kind]}")
        return value

    def text(self, key: str, default: str | None) -> str | None:
        value: str | None = self._take(key, str, default)
        return value

    def needed(self, key: str) -> str:
        value = self.text(key, None)
        if not value:
            raise self.wrong(key, "is wanted")
        return value

    def flag(self, key: str) -> bool:
        return bool(self._take(key, bool, False))

    def choice(self, key: str) -> bool | None:
        value: bool | None = self._take(key, bool, None)
        return value

    def number(self, key: str, default: Any, low: int, high: int) -> Any:
        value = self._take(key, int, default)
        if value is not None and not low <= value <= high:
            raise self.wrong(key, f"{value} is not among {low}..{high}")
        return value

    def numbers(self, key: str) -> tuple[int, ...] | None:
        value = self._take(key, list, None)
        if value is not None and not all(type(item) is int and item >= 0 for item in value):
            raise self.wrong(key, "a list of numbers is wanted")
        return None if value is None else tuple(value)

    def size(self, key: str, default: Any) -> Any:
        """Bytes: a number, or one with K, M, G or T."""
        value = self._said.pop(key, default)
        if value is default or (type(value) is int and value > 0):
            return value
        digits, unit = (value[:-1], value[-1:]) if isinstance(value, str) else ("", "")
        if unit not in _UNITS or not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
            raise self.wrong(key, f"{value!r} is not a size, as 64M is one")
        return int(digits) << _UNITS[unit]

    def texts(self, key: str) -> dict[str, str]:
        value = self._take(key, dict, {})
        if not all(isinstance(item, str) for item in value.values()):
            raise self.wrong(key, 'every option is NAME = "VALUE"')
        return dict(value)

    def absolute(self, key: str, default: str) -> str:
        value = self.text(key, default) or default
        if not value.startswith("/") or ".." in value.split("/") or "\0" in value:
            raise self.wrong(key, f"{value!r} is not an absolute path")
        return "/" + "/".join(part for part in value.split("/") if part not in ("", "."))

    def file(self, key: str) -> str | None:
        value = self.text(key, None)
        return None if value is None else os.path.join(os.path.dirname(self._source), value)

    def operand(self, key: str) -> str:
        return os.path.join(os.path.dirname(self._source), self.needed(key))


_KINDS = {str: "a string", bool: "true or false", int: "a number", list: "a list", dict: "a table"}
_UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}
