# SPDX-License-Identifier: BSD-2-Clause
"""The pages: plain HTML without script.  All that comes from an image is escaped, and shown so that it cannot play
tricks: control characters, marks that turn the writing direction and bytes that are no UTF-8 become visible."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from time import gmtime, strftime

from rump.fsutils.names import shown
from rump.kernel import abi
from rump.servers.web.listing import NAME, ORDERS, SIZES, TIME, Row
from rump.servers.web.urls import quoted, url_of

ROWS_MAX = 1000
"""Rows on one page."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_TITLES = {NAME: "Name", SIZES: "Size", TIME: "Modified"}
_KINDS = {abi.S_IFCHR: "character device", abi.S_IFBLK: "block device", abi.S_IFIFO: "fifo", abi.S_IFSOCK: "socket",
          abi.S_IFLNK: "link to nothing"}  # fmt: skip

STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --faint: #59636e; --line: #d8dee4; --hover: #f3f6f9;
  --link: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e2e8ee; --paper: #14181d; --faint: #98a4b0; --line: #2b333c; --hover: #1c232a; --link: #7cb7f2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; justify-content: space-between;
  margin-bottom: 1rem; }
h1 { font-size: 1.15rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h1 .sep { color: var(--faint); font-weight: 400; padding: 0 .3em; }
.tools { font-size: .9rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
th { font-size: .85rem; font-weight: 600; color: var(--faint); position: sticky; top: 0; background: var(--paper); }
th a { color: inherit; }
tbody tr:hover { background: var(--hover); }
td.name { width: 100%; overflow-wrap: anywhere; min-width: 10rem; }
td.size, th.size { text-align: right; }
td.size, td.time, td.get { white-space: nowrap; color: var(--faint); font-size: .9rem; }
tr.directory td.name { font-weight: 600; }
.target, .kind, footer, .empty { color: var(--faint); font-weight: 400; font-size: .9rem; }
footer { margin-top: 1rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; }
@media (max-width: 40rem) { .time { display: none; } }
"""

POLICY = (f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")  # fmt: skip
"""The Content Security Policy of pages: nothing but their own style."""


def text(name: bytes) -> str:
    """A name as a page may hold it.

    >>> text(b"<b>\\n\\xff"), text("a\\u202etxt".encode())
    ('&lt;b&gt;\\\\n\\\\377', 'a\\\\342\\\\200\\\\256txt')
    """
    return escape(shown(name))


def amount(size: int) -> str:
    """A size for people.

    >>> amount(0), amount(1023), amount(1536), amount(10 << 20)
    ('0 B', '1023 B', '1.5 KiB', '10 MiB')
    """
    value, unit = float(size), 0
    while value >= 1023.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    digits = 1 if unit and value < 9.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"


def _time(time: int) -> str:
    """A time, in UTC, with what machines read."""
    try:
        moment = gmtime(time // 1_000_000_000)
    except (ValueError, OverflowError, OSError):
        return "?"
    full = strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    return f'<time datetime="{full}" title="{full}">{strftime("%Y-%m-%d %H:%M", moment)}</time>'


def document(title: str, heading: str, tools: str, body: str) -> bytes:
    """A whole page; all is HTML already."""
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f'<header><h1>{heading}</h1><nav class="tools">{tools}</nav></header>\n'
            f"{body}\n</body>\n</html>\n").encode()  # fmt: skip


def message(title: str, line: str) -> bytes:
    """A page that says one thing; both are plain text."""
    return document(escape(title), escape(title), '<a href="/">To the beginning</a>', f"<p>{escape(line)}</p>")


def directory(
    site: str, names: tuple[bytes, ...], rows: list[Row], total: int, complete: bool, order: str, descending: bool,
    page: int,
) -> bytes:  # fmt: skip
    """The page of a directory: the rows of this page, of so many in all."""
    title = f"{escape(shown(site))} {'/'.join(map(text, names))}"
    if rows:
        body = (f"<table>\n<thead><tr>{''.join(_head(one, order, descending) for one in ORDERS)}"
                f"<th></th></tr></thead>\n<tbody>\n{''.join(map(_row, rows))}</tbody>\n</table>")  # fmt: skip
    else:
        body = '<p class="empty">Nothing is in this folder.</p>'
    body += _foot(total, complete, order, descending, page)
    return document(title, _trail(site, names), '<a href="?tar" download>Download as tar</a>', body)


def _trail(site: str, names: tuple[bytes, ...]) -> str:
    """Where we are, each part a link but the last."""
    parts = [(escape(shown(site)), "/")]
    parts += [(text(name), url_of(names[: index + 1], True)) for index, name in enumerate(names)]
    links = [f'<a href="{url}">{label}</a>' for label, url in parts[:-1]] + [f"<span>{parts[-1][0]}</span>"]
    return '<span class="sep">/</span>'.join(links)


def _head(one: str, order: str, descending: bool) -> str:
    """The head of a column, which sorts by it; the other way round where it does."""
    is_sorted = one == order
    down = not descending if is_sorted else one != NAME
    query = f"?sort={one}" + ("&amp;order=desc" if down else "")
    mark, state = ("", "")
    if is_sorted:
        mark = " ↓" if descending else " ↑"
        state = f' aria-sort="{"descending" if descending else "ascending"}"'
    return f'<th class="{one}" scope="col"{state}><a href="{query}">{_TITLES[one]}{mark}</a></th>'


def _row(row: Row) -> str:
    label, link = text(row.name), quoted(row.name)
    target = f' <span class="target">→ {text(row.target)}</span>' if row.is_link else ""
    kind = row.mode & abi.S_IFMT
    if row.is_directory:
        name, size, get = f'<a href="./{link}/">{label}/</a>', "", f'<a href="./{link}/?tar" download>tar</a>'
    elif kind == abi.S_IFREG:
        name, size = f'<a href="./{link}">{label}</a>', amount(row.size)
        get = f'<a href="./{link}?download" download>download</a>'
    else:
        said = _KINDS.get(kind, "cannot be read")
        name, size, get = f'{label} <span class="kind">{said}</span>', "", ""
    return (f'<tr class="{"directory" if row.is_directory else "file"}"><td class="name">{name}{target}</td>'
            f'<td class="size">{size}</td><td class="time">{_time(row.time) if row.mode else ""}</td>'
            f'<td class="get">{get}</td></tr>\n')  # fmt: skip


def _foot(total: int, complete: bool, order: str, descending: bool, page: int) -> str:
    """How many there are, and where the others are."""
    said = f"{total} {'entry' if total == 1 else 'entries'}{'' if complete else ' and more, which are not shown'}"
    query = f"?sort={order}" + ("&amp;order=desc" if descending else "") + "&amp;page="
    pages = -(-total // ROWS_MAX)
    links = [f'<a rel="prev" href="{query}{page - 1}">Previous</a>'] if page > 1 else []
    if pages > 1:
        links.append(f"page {page} of {pages}")
    links += [f'<a rel="next" href="{query}{page + 1}">Next</a>'] if page < pages else []
    return f"<footer><span>{said}; times are UTC</span><span>{' '.join(links)}</span></footer>"
