# SPDX-License-Identifier: BSD-2-Clause
"""Paths as URLs have them: names are bytes, and every byte that is not plain is percent-encoded (RFC 3986)."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes


class BadTarget(ValueError):
    """A request for what can be no path; the text says why."""


def quoted(name: bytes) -> str:
    """A name in a URL.

    >>> quoted(b"a b/?"), quoted(b"\\xff.txt")
    ('a%20b%2F%3F', '%FF.txt')
    """
    return quote_from_bytes(name, safe=b"")


def url_of(names: tuple[bytes, ...], is_directory: bool) -> str:
    """The path of a file's URL; that of a directory ends in a slash.

    >>> url_of((b"etc", b"a b"), False), url_of((b"etc",), True), url_of((), True)
    ('/etc/a%20b', '/etc/', '/')
    """
    path = "/" + "/".join(map(quoted, names))
    return path + "/" if is_directory and names else path


def path_of(names: tuple[bytes, ...]) -> bytes:
    """The path in the image."""
    return b"/" + b"/".join(names)


def parse(target: str) -> tuple[tuple[bytes, ...], bool, dict[str, str]]:
    """What a request is for: names, whether a slash is behind them, the query.

    >>> parse("/etc/a%20b?sort=size&download"), parse("/")
    (((b'etc', b'a b'), False, {'sort': 'size', 'download': ''}), ((), True, {}))

    Errors: BadTarget - a name that no file can have, or one that leads upwards.
    """
    if target.startswith(("http://", "https://")):      # absolute form, as for proxies
        target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
    if not target.startswith("/"):
        raise BadTarget("a path begins with a slash")
    path, _, query = target.partition("?")
    names = tuple(unquote_to_bytes(name) for name in path.split("/") if name)
    for name in names:
        if name in (b".", b"..") or b"/" in name or b"\0" in name:
            raise BadTarget("no file can have that name")
    words = (word.partition("=") for word in query.split("&") if word)
    return names, path.endswith("/"), {key: value for key, _, value in words}
