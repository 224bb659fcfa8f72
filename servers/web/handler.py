# SPDX-License-Identifier: BSD-2-Clause
"""A connection: requests, one after the other, each with its answer."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from urllib.parse import quote_from_bytes

from rump.fsutils.names import shown
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e
from rump.servers.web import dav, listing, page
from rump.servers.web.conditions import Unsatisfiable, etag_of, http_date, refusal, span
from rump.servers.web.types import type_of
from rump.servers.web.urls import BadTarget, parse, path_of, url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat
    from rump.servers.web.site import Site

PIECE = 1 << 18             # bytes of a file sent at once
BODY_MAX = 1 << 16          # bytes of a request
METHODS = "OPTIONS, GET, HEAD, PROPFIND"
_HTML = "text/html; charset=utf-8"
_XML = 'application/xml; charset="utf-8"'
_STATUS = {
    e.ENOENT: (404, "There is nothing of that name."),
    e.ENOTDIR: (404, "There is nothing of that name."),
    e.ENAMETOOLONG: (404, "There is nothing of that name."),
    e.ELOOP: (404, "The symbolic links there lead nowhere."),
    e.EACCES: (403, "Permission is denied."),
}
_COMMON = (
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-cache"),
)  # fmt: skip
_FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'"
"""For what an image holds: it is shown, but nothing in it runs."""


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, and returns from its constructor when there are no more."""

    protocol_version = "HTTP/1.1"
    server_version = "rump"
    sys_version = ""
    timeout = 60            # seconds without a byte; read by the base class
    wbufsize = 1 << 16

    def __init__(self, stream: socket.socket, peer: str, site: Site, lwp: Lwp) -> None:
        self.site = site
        self.lwp = lwp
        self._chunked = False
        self._answered = False
        super().__init__(stream, (peer, 0), None)  # type: ignore[arg-type]

    # ---- methods ---------------------------------------------------------------------------------------------------

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_OPTIONS(self) -> None:
        self._answer()

    def do_PROPFIND(self) -> None:
        self._answer()

    def __getattr__(self, name: str) -> object:
        """Every other method, as the base class looks them up, is refused."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _refuse_method(self) -> None:
        if self._begin() is not None:
            self._say(405, "Nothing can be changed here.", ("Allow", METHODS))

    def _answer(self) -> None:
        """Check who asks and for what, then do it; errors of the image become pages."""
        body = self._begin()
        if body is None:
            return
        try:
            names, slash, query = parse(self.path)
            if self.command == "OPTIONS":
                self._send(200, b"", None, ("Allow", METHODS), ("DAV", "1"), ("MS-Author-Via", "DAV"))
                return
            stat = self.lwp.stat(path_of(names))
            if self.command == "PROPFIND":
                self._propfind(names, stat, body)
            else:
                self._get(names, slash, query, stat)
        except BadTarget as error:
            self._say(400, str(error))
        except Fault as error:
            status, said = _STATUS.get(error.errno or 0, (500, f"The image cannot be read: {error.strerror}."))
            if status == 500:
                self.site.log(f"http: {shown(self.path)}: {error}")
            self._say(status, said)

    def _begin(self) -> bytes | None:
        """The request's body, if it may go on.  Whatever is left of a request that may not ends the connection."""
        self._answered = False
        self._chunked = False
        length = self.headers.get("Content-Length", "0").strip()
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._say(411, "The length of a request must be told.")
            return None
        if len(length) > 9 or int(length) > BODY_MAX:
            self.close_connection = True
            self._say(413, "The request is too long.")
            return None
        body = self.rfile.read(int(length))
        if not self.site.admits_host(self.headers.get("Host")):
            self._say(421, "This server does not have the name it was asked for by.")
        elif not self.site.admits_user(self.headers.get("Authorization")):
            self._say(401, "A password is needed.", ("WWW-Authenticate", 'Basic realm="image", charset="UTF-8"'))
        else:
            return body
        return None

    # ---- what is there ---------------------------------------------------------------------------------------------

    def _get(self, names: tuple[bytes, ...], slash: bool, query: dict[str, str], stat: Stat) -> None:
        kind = stat.st_mode & abi.S_IFMT
        if kind == abi.S_IFDIR:
            if "tar" in query:
                self._send_tar(names)
            elif not slash:
                self._send(301, b"", None, ("Location", url_of(names, True)))
            else:
                self._send_directory(names, query)
        elif kind != abi.S_IFREG:
            self._say(403, "This is neither a file nor a folder.")
        elif slash:
            self._say(404, "There is nothing of that name.")
        else:
            self._send_file(names, stat, "download" in query)

    def _send_directory(self, names: tuple[bytes, ...], query: dict[str, str]) -> None:
        order = query.get("sort", listing.NAME)
        order = order if order in listing.ORDERS else listing.NAME
        descending = query.get("order") == "desc"
        number = query.get("page", "1")
        path = path_of(names)
        rows, complete = listing.rows(self.lwp, path, order, descending)
        last = max(1, -(-len(rows) // page.ROWS_MAX))
        which = min(max(int(number), 1), last) if number.isascii() and number.isdigit() and len(number) < 9 else 1
        shown_rows = [listing.resolved(self.lwp, path, row)
                      for row in rows[(which - 1) * page.ROWS_MAX : which * page.ROWS_MAX]]  # fmt: skip
        text = page.directory(self.site.title, names, shown_rows, len(rows), complete, order, descending, which)
        self._send(200, text, _HTML, ("Content-Security-Policy", page.POLICY))

    def _send_file(self, names: tuple[bytes, ...], stat: Stat, download: bool) -> None:
        headers = [("ETag", etag_of(stat)), ("Last-Modified", http_date(stat.st_mtime_ns))]
        status = refusal(self.headers, stat)
        if status == 304:
            self._send(304, None, None, *headers)
            return
        if status:
            self._say(status, "The file is not what it was expected to be.")
            return
        fd = self.lwp.open(path_of(names), abi.O_RDONLY | abi.O_NONBLOCK)
        try:
            stat = self.lwp.fstat(fd)
            headers[0] = ("ETag", etag_of(stat))
            self._send_open(fd, names[-1], stat, headers, download)
        finally:
            self.lwp.close(fd)

    def _send_open(self, fd: int, name: bytes, stat: Stat, headers: list[tuple[str, str]], download: bool) -> None:
        try:
            part = span(self.headers, stat) if self.command == "GET" else None
        except Unsatisfiable:
            self._say(416, "The file has no such part.", ("Content-Range", f"bytes */{stat.st_size}"))
            return
        headers += [("Accept-Ranges", "bytes"), ("Content-Security-Policy", _FILE_POLICY),
                    ("Content-Disposition", disposition(name, download))]  # fmt: skip
        start, end = part or (0, stat.st_size)
        if part is not None:
            headers.append(("Content-Range", f"bytes {start}-{end - 1}/{stat.st_size}"))
        self._head(206 if part is not None else 200, type_of(name), end - start, *headers)
        while start < end and self.command == "GET":
            try:
                data = self.lwp.pread(fd, min(PIECE, end - start), start)
            except Fault as error:
                self.site.log(f"http: {shown(name)}: {error}")
                data = b""
            if not data:            # it cannot be read, or is shorter now: less than announced tells the client
                self.close_connection = True
                return
            self.wfile.write(data)
            start += len(data)

    def _send_tar(self, names: tuple[bytes, ...]) -> None:
        name = names[-1] if names else b"image"
        self._head(200, "application/x-tar", None, ("Content-Disposition", disposition(name + b".tar", True)),
                   ("Content-Security-Policy", "sandbox"))  # fmt: skip
        if self.command == "HEAD":
            return
        from rump.fsutils.archive.output import OutputError
        from rump.servers.web import tarball

        try:
            complete = tarball.write(self.lwp, path_of(names), name, self._chunk, self.site.log)
        except OutputError as error:
            raise error.error from None
        if complete:
            self._end_chunks()
        else:
            self.close_connection = True        # without an end: what came is not all

    def _propfind(self, names: tuple[bytes, ...], stat: Stat, body: bytes) -> None:
        depth = self.headers.get("Depth", "infinity").strip().lower()
        try:
            wanted = dav.requested(body)
        except dav.BadRequest as error:
            self._say(400, str(error))
            return
        if depth not in ("0", "1"):
            self._send(403, dav.INFINITE.encode(), _XML)
            return
        is_directory = stat.st_mode & abi.S_IFMT == abi.S_IFDIR
        rows = [] if depth == "0" or not is_directory else listing.rows(
            self.lwp, path_of(names), listing.NAME, False)[0]  # fmt: skip
        self._head(207, _XML, None)
        self._chunk((dav.HEAD + dav.response(names, stat, is_directory, wanted)).encode())
        for row in rows:
            inside = (*names, row.name)
            try:
                found = self.lwp.stat(path_of(inside))
            except OSError:         # a link that leads nowhere
                continue
            if found.st_mode & abi.S_IFMT in (abi.S_IFREG, abi.S_IFDIR):
                told = dav.response(inside, found, found.st_mode & abi.S_IFMT == abi.S_IFDIR, wanted)
                self._chunk(told.encode())
        self._chunk(dav.TAIL.encode())
        self._end_chunks()

    # ---- answers ---------------------------------------------------------------------------------------------------

    def _head(self, status: int, kind: str | None, length: int | None, *headers: tuple[str, str]) -> None:
        """A status and headers.  Without a length the body comes in chunks, or ends with the connection."""
        self._answered = True
        self.send_response(status)
        for name, value in (*_COMMON, *headers):
            self.send_header(name, value)
        if kind is not None:
            self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        elif status != 304:
            self._chunked = self.request_version != "HTTP/1.0"
            if self._chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, status: int, body: bytes | None, kind: str | None, *headers: tuple[str, str]) -> None:
        """A whole answer; None: a status that has no body."""
        self._head(status, kind, None if body is None else len(body), *headers)
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def _say(self, status: int, line: str, *headers: tuple[str, str]) -> None:
        """A page that says why there is nothing else; too late for what has begun already."""
        if self._answered:
            self.close_connection = True
            return
        title = f"{status} {self.responses[status][0]}" if status in self.responses else str(status)
        self._send(status, page.message(title, line), _HTML, ("Content-Security-Policy", page.POLICY), *headers)

    def _chunk(self, data: bytes) -> None:
        if not data:
            return
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _end_chunks(self) -> None:
        if self._chunked:
            self.wfile.write(b"0\r\n\r\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class has to say of a request that is none."""
        self._answered = False
        self.close_connection = True
        self._say(int(code), "This is no request that can be answered.")

    def log_message(self, format: str, *args: object) -> None:
        """Requests are nobody's business."""


def disposition(name: bytes, download: bool) -> str:
    """How a file is called where it is kept (RFC 6266), without what does not print; for old clients in plain letters.

    >>> disposition(b'a "b".txt', True)
    'attachment; filename="a _b_.txt"; filename*=UTF-8\\'\\'a%20%22b%22.txt'
    """
    whole = "".join(c if c.isprintable() else "_" for c in name.decode("utf-8", "replace"))
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in whole)
    kind = "attachment" if download else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote_from_bytes(whole.encode(), safe=b'')}"
