# SPDX-License-Identifier: BSD-2-Clause
"""WebDAV's PROPFIND (RFC 4918, section 9.1): what clients that mount ask for, of a file or of a directory's entries."""

from __future__ import annotations

from html import escape
from time import gmtime, strftime
from xml.parsers import expat

from rump.fsutils.names import shown
from rump.servers.web.conditions import etag_of, http_date
from rump.servers.web.types import type_of
from rump.servers.web.urls import url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.kernel.stat import Stat

    Wanted: TypeAlias = list[tuple[str, str]]      # properties: (namespace, name)

DAV = "DAV:"
ALL, NAMES = "allprop", "propname"
_FORMS = {f"{DAV} {ALL}": ALL, f"{DAV} {NAMES}": NAMES, f"{DAV} prop": ""}
_PROPERTIES_MAX = 200
_DEPTH_MAX = 20
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
TAIL = "</D:multistatus>\n"
INFINITE = ('<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n')


class BadRequest(ValueError):
    """A body that is no request for properties."""


def requested(body: bytes) -> str | Wanted:
    """What a request asks for: `ALL`, `NAMES`, or properties.  No body asks for all.

    Errors: BadRequest - it is no XML, has a document type, asks for too many.
    """
    if not body.strip():
        return ALL
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BadRequest(str(error)) from None
    if not reader.found:
        raise BadRequest("nothing is asked for")
    return reader.kind or reader.wanted


class _Reader:
    """Reads a ``propfind`` element: (namespace, name) of what is inside ``prop``, or which other form it has."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.kind = ""
        self.wanted: Wanted = []
        self.found = False
        self._path: list[str] = []

    def _refuse(self, *declaration: object) -> None:
        raise BadRequest("a document type is declared")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > _DEPTH_MAX:
            raise BadRequest("elements are nested too deep")
        if self._path[0] != f"{DAV} propfind":
            raise BadRequest("not a propfind element")
        if len(self._path) == 2 and name in _FORMS:
            self.found = True
            self.kind = self.kind or _FORMS[name]
        elif len(self._path) == 3 and self._path[1] == f"{DAV} prop":
            space, _, local = name.rpartition(" ")
            self.wanted.append((space, local))
            if len(self.wanted) > _PROPERTIES_MAX:
                raise BadRequest("too many properties")

    def _end(self, name: str) -> None:
        self._path.pop()


def properties(names: tuple[bytes, ...], stat: Stat, is_directory: bool) -> dict[str, str]:
    """All we have of a file, name -> XML (RFC 4918, section 15)."""
    name = names[-1] if names else b"/"
    found = {
        "displayname": escape(shown(name)),
        "resourcetype": "<D:collection/>" if is_directory else "",
        "getlastmodified": http_date(stat.st_mtime_ns),
        "getetag": escape(etag_of(stat)),
        "supportedlock": "",
    }
    if stat.st_birthtime_ns > 0:
        found["creationdate"] = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(stat.st_birthtime_ns // 1_000_000_000))
    if not is_directory:
        found["getcontentlength"] = str(stat.st_size)
        found["getcontenttype"] = type_of(name)
    return found


def response(names: tuple[bytes, ...], stat: Stat, is_directory: bool, wanted: str | Wanted) -> str:
    """What a multistatus says of one file."""
    have = properties(names, stat, is_directory)
    if wanted == NAMES:
        have = dict.fromkeys(have, "")
    missing: list[tuple[str, str]] = []
    if not isinstance(wanted, str):
        missing = [(space, name) for space, name in wanted if space != DAV or name not in have]
        have = {name: have[name] for space, name in wanted if space == DAV and name in have}
    text = f"<D:response><D:href>{escape(url_of(names, is_directory))}</D:href>\n"
    if have or not missing:
        text += _status("".join(f"<D:{name}>{value}</D:{name}>" for name, value in have.items()), "200 OK")
    if missing:
        text += _status("".join(f'<x:{name} xmlns:x="{escape(space)}"/>' if space else f'<{name} xmlns=""/>'
                                for space, name in missing), "404 Not Found")  # fmt: skip
    return text + "</D:response>\n"


def _status(inside: str, status: str) -> str:
    return f"<D:propstat><D:prop>{inside}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>\n"
