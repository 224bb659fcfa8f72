# SPDX-License-Identifier: BSD-2-Clause
"""The HTTP server: what it answers, to whom, and how it shows what means ill."""

from __future__ import annotations

import base64
import io
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from web_peer import Web, write

from rump.kernel import boot
from rump.kernel.errors import Corrupt
from rump.rumpuser.host import default
from rump.servers.web import listing, page
from rump.servers.web.conditions import refusal

DAV = "{DAV:}"


@pytest.fixture
def serve() -> Iterator[Callable[..., Web]]:
    with boot(default()) as kernel:
        lwp = kernel.newproc(name="exported")
        lwp.mkdir(b"/export")
        write(lwp, b"/secret", b"outside")
        lwp.chroot(b"/export")
        lwp.chdir(b"/")
        before = len(kernel.processes)
        made: list[Web] = []

        def make(**options: object) -> Web:
            made.append(Web(lwp, **options))
            return made[-1]

        yield make
        for web in made:
            web.close()
        assert len(kernel.processes) == before
        kernel.exit(lwp)


@pytest.fixture
def web(serve: Callable[..., Web]) -> Web:
    return serve()


class Links(HTMLParser):
    """The links of a page, and its text."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


# ---- files ---------------------------------------------------------------------------------------------------------


def test_files(web):
    data = bytes(range(256)) * 3000
    write(web.lwp, b"/f.bin", data)
    answer = web.get("/f.bin")
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert answer.headers["Accept-Ranges"] == "bytes"
    head = web.ask("HEAD", "/f.bin")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(data)))
    assert web.get("/f.bin?download").headers["Content-Disposition"].startswith("attachment; filename=\"f.bin\"")
    assert web.get("/f.bin/").status == 404
    assert web.get("/missing").status == 404
    assert web.get("/f.bin/x").status == 404
    write(web.lwp, b"/empty")
    assert web.get("/empty").body == b""


@pytest.mark.parametrize(("asked", "status", "part"), [
    ("bytes=0-0", 206, slice(0, 1)), ("bytes=2-5", 206, slice(2, 6)), ("bytes=7-", 206, slice(7, 10)),
    ("bytes=-3", 206, slice(7, 10)), ("bytes=-99", 206, slice(0, 10)), ("bytes=8-99", 206, slice(8, 10)),
    ("bytes=10-", 416, None), ("bytes=-0", 416, None), ("bytes=5-2", 200, slice(0, 10)),
    ("bytes=0-1,4-5", 200, slice(0, 10)), ("lines=1-2", 200, slice(0, 10)), ("bytes=x", 200, slice(0, 10)),
    ("bytes=--1", 200, slice(0, 10)), ("bytes=" + "9" * 5000 + "-", 200, slice(0, 10)),
])  # fmt: skip
def test_ranges(web, asked, status, part):
    write(web.lwp, b"/f", b"0123456789")
    answer = web.get("/f", Range=asked)
    assert answer.status == status
    if status == 206:
        assert answer.body == b"0123456789"[part]
        assert answer.headers["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/10"
    elif status == 416:
        assert answer.headers["Content-Range"] == "bytes */10"
    else:
        assert answer.body == b"0123456789"


def test_conditions(web):
    write(web.lwp, b"/f", b"0123456789")
    web.lwp.utimens(b"/f", 0, 1_000_000_000_900_000_000)
    first = web.get("/f")
    etag, date = first.headers["ETag"], first.headers["Last-Modified"]
    assert date == "Sun, 09 Sep 2001 01:46:40 GMT"
    unchanged = web.get("/f", If_None_Match=f'"x", W/{etag}')
    assert (unchanged.status, unchanged.body, unchanged.headers["ETag"]) == (304, b"", etag)
    assert web.get("/f", If_None_Match="*").status == 304
    assert web.get("/f", If_None_Match='"x"', If_Modified_Since=date).status == 200
    assert web.get("/f", If_Modified_Since=date).status == 304
    assert web.get("/f", If_Modified_Since="Sun, 09 Sep 2001 01:46:39 GMT").status == 200
    assert web.get("/f", If_Modified_Since="once upon a time").status == 200
    assert web.get("/f", If_Match='"x"').status == 412
    assert web.get("/f", If_Match=etag).status == 200
    assert web.get("/f", If_Unmodified_Since="Sun, 09 Sep 2001 01:46:39 GMT").status == 412
    assert web.get("/f", Range="bytes=0-1", If_Range=etag).status == 206
    assert web.get("/f", Range="bytes=0-1", If_Range='"x"').status == 200
    write(web.lwp, b"/f", b"9876543210")
    web.lwp.utimens(b"/f", 0, 1_000_000_000_900_000_000)
    assert web.get("/f", If_None_Match=etag).status == 200, "the same size and time, but not the same file"
    assert refusal({}, web.lwp.stat(b"/f")) == 0


# ---- where paths lead ----------------------------------------------------------------------------------------------


def test_links_stay_inside(web):
    write(web.lwp, b"/f", b"inside")
    web.lwp.mkdir(b"/d")
    for name, target in ((b"rel", b"f"), (b"abs", b"/f"), (b"up", b"../../secret"), (b"out", b"/secret"),
                         (b"loop", b"loop"), (b"d/dir", b"..")):  # fmt: skip
        web.lwp.symlink(target, b"/" + name)
    assert web.get("/rel").body == web.get("/abs").body == web.get("/d/dir/f").body == b"inside"
    for name in ("up", "out", "loop"):
        assert web.get("/" + name).status == 404


@pytest.mark.parametrize("target", ["/../secret", "/d/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/a%00b", "/.",
                                    "/%2Fsecret", "/d/%2e/x"])  # fmt: skip
def test_paths_do_not_lead_upwards(web, target):
    assert web.get(target).status == 400


def test_only_files_and_folders_are_read(web):
    web.lwp.mkfifo(b"/fifo")
    assert web.get("/fifo").status == 403
    assert web.get("/fifo?download").status == 403


# ---- pages ---------------------------------------------------------------------------------------------------------


HOSTILE = [b"<script>alert(1)", b"a\n\x1b[31mb", b"bad\xff\xfe", b'q"u\'o`te', b"&amp;", b"%2e%2e", b"?x=1#y",
           "exe\u202etxt".encode(), b"javascript:alert(1)", b" space ", b"\\back",
           "\u00fcml\u00e4ut \U0001f600".encode(), b"-", b"C:"]  # fmt: skip


def test_hostile_names_are_shown_and_fetched(web):
    for index, name in enumerate(HOSTILE):
        write(web.lwp, b"/" + name, b"%d" % index)
    body = web.get("/").body
    text = body.decode()
    assert "<script" not in text
    assert not set(map(chr, range(32))) - {"\n"} & set(text)
    assert "\u202e" not in text
    links = [link for link in Links(body).links if not link.startswith("?") and not link.endswith("download")]
    contents = {web.get("/" + link.removeprefix("./")).body for link in links}
    assert contents == {b"%d" % index for index in range(len(HOSTILE))}
    for link in links:
        answer = web.get("/" + link.removeprefix("./") + "?download")
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].isprintable()


def test_hostile_folders_and_targets(web):
    name = b"<img src=x>\"\n"
    web.lwp.mkdir(b"/" + name)
    web.lwp.symlink(b"<i>\x07</i>", b"/" + name + b"/link")
    page_of_it = Links(web.get("/%3Cimg%20src=x%3E%22%0A/").body)
    assert not {"img", "i", "script"} & set(page_of_it.tags)
    assert "<i>\\a</i>" in page_of_it.text


def test_pages_hold_nothing_but_their_style(web):
    answer = web.get("/")
    assert answer.headers["Content-Security-Policy"] == page.POLICY
    assert "default-src 'none'" in page.POLICY
    assert "unsafe" not in page.POLICY
    tags = Links(answer.body).tags
    assert "script" not in tags
    assert b" style=" not in answer.body
    missing = web.get("/%3Cscript%3E")
    assert missing.headers["Content-Security-Policy"] == page.POLICY
    assert b"<script" not in missing.body


def test_folders(web):
    lwp = web.lwp
    lwp.mkdir(b"/dir")
    for index, name in enumerate((b"b", b"a", b"C")):
        write(lwp, b"/dir/" + name, b"x" * (3 - index) * 2000)
        lwp.utimens(b"/dir/" + name, 0, (index % 2 + 1) * 10**18 + index)
    lwp.mkdir(b"/dir/zdir")
    moved = web.get("/dir")
    assert (moved.status, moved.headers["Location"]) == (301, "/dir/")

    def order(query: str) -> str:
        body = web.get("/dir/" + query).body
        return "".join(link[2] for link in Links(body).links if link.startswith("./") and "?" not in link)

    assert order("") == order("?sort=name") == order("?sort=nonsense") == "zabC"
    assert order("?sort=name&order=desc") == "zCba"
    assert order("?sort=size") == "zCab"
    assert order("?sort=size&order=desc") == "zbaC"
    assert order("?sort=time") == "zbCa"
    assert order("?sort=time&order=desc") == "zaCb"
    body = Links(web.get("/dir/").body)
    assert "/" in body.links and "?tar" in body.links and "./zdir/?tar" in body.links
    assert "5.9 KiB" in body.text and "4 entries" in body.text
    assert "Nothing is in this folder" in Links(web.get("/dir/zdir/").body).text


def test_large_folders_come_in_pages(web, monkeypatch):
    monkeypatch.setattr(page, "ROWS_MAX", 10)
    monkeypatch.setattr(listing, "LISTED_MAX", 25)
    for number in range(30):
        write(web.lwp, b"/file%02d" % number)
    first, last = Links(web.get("/").body), Links(web.get("/?page=3").body)
    assert "25 entries and more" in first.text and "page 1 of 3" in first.text
    assert sum("?download" in link for link in first.links) == 10
    assert sum("?download" in link for link in last.links) == 5
    assert "?sort=name&page=2" in first.links and "?sort=name&page=2" in last.links
    for odd in ("0", "-1", "99", "x", "9" * 100):
        assert web.get(f"/?page={odd}").status == 200


def test_archives(web):
    lwp = web.lwp
    lwp.mkdir(b"/dir")
    lwp.mkdir(b"/dir/sub")
    write(lwp, b"/dir/sub/f", b"contents" * 100000)
    lwp.symlink(b"sub/f", b"/dir/link")
    lwp.symlink(b"dir", b"/other")
    answer = web.get("/dir/?tar")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="dir.tar"')
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        assert archive.getnames() == ["dir", "dir/link", "dir/sub", "dir/sub/f"]
        assert archive.extractfile("dir/sub/f").read() == b"contents" * 100000
        assert archive.getmember("dir/link").linkname == "sub/f"
    with tarfile.open(fileobj=io.BytesIO(web.get("/other?tar").body)) as archive:
        assert len(archive.getnames()) == 4
    with tarfile.open(fileobj=io.BytesIO(web.get("/?tar").body)) as archive:
        assert archive.getnames()[0] == "image"
    old = web.raw(b"GET /dir/?tar HTTP/1.0\r\nHost: localhost\r\n\r\n")
    head, _, body = old.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.getnames()[0] == "dir"


# ---- WebDAV --------------------------------------------------------------------------------------------------------


def propfind(web: Web, target: str, depth: str, body: bytes = b"") -> dict[str, ElementTree.Element]:
    answer = web.ask("PROPFIND", target, body, Depth=depth)
    assert answer.status == 207, answer
    return {one.findtext(f"{DAV}href"): one for one in ElementTree.fromstring(answer.body)}


def test_properties(web):
    web.lwp.mkdir(b"/d")
    write(web.lwp, b"/d/a \xff\x01<", b"12345")
    web.lwp.mkdir(b"/d/sub")
    web.lwp.symlink(b"nowhere", b"/d/broken")
    found = propfind(web, "/d/", "1")
    assert list(found) == ["/d/", "/d/sub/", "/d/a%20%FF%01%3C"]
    (ok,) = found["/d/a%20%FF%01%3C"].findall(f"{DAV}propstat/{DAV}prop")
    assert ok.findtext(f"{DAV}getcontentlength") == "5"
    assert ok.findtext(f"{DAV}getetag") == web.get("/d/a%20%FF%01%3C").headers["ETag"]
    assert found["/d/"].find(f".//{DAV}collection") is not None
    assert list(propfind(web, "/d", "0")) == ["/d/"]
    asked = propfind(web, "/d/", "0", b'<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
                                      b'<x:odd xmlns:x="urn:x"/></prop></propfind>')["/d/"]  # fmt: skip
    assert [status.text for status in asked.iter(f"{DAV}status")] == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]
    assert asked.find(".//{urn:x}odd") is not None
    names = propfind(web, "/d/", "0", b'<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>')["/d/"]
    assert names.find(f".//{DAV}getlastmodified").text is None


@pytest.mark.parametrize("depth", ["infinity", "2", ""])
def test_trees_are_not_listed_at_once(web, depth):
    answer = web.ask("PROPFIND", "/", b"", Depth=depth)
    assert answer.status == 403
    assert b"propfind-finite-depth" in answer.body


@pytest.mark.parametrize("body", [
    b"<", b"<a/>", b'<propfind xmlns="DAV:"/>',
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><propfind xmlns="DAV:"><prop>&b;</prop></propfind>',
    b'<propfind xmlns="DAV:"><prop>' + b"<a/>" * 300 + b"</prop></propfind>",
    b'<propfind xmlns="DAV:">' + b"<a>" * 1000,
], ids=range(6))  # fmt: skip
def test_bodies_that_ask_for_nothing(web, body):
    assert web.ask("PROPFIND", "/", body, Depth="0").status == 400


def test_options(web):
    answer = web.ask("OPTIONS", "/")
    assert (answer.status, answer.headers["DAV"], answer.headers["Allow"]) == (200, "1", "OPTIONS, GET, HEAD, PROPFIND")


@pytest.mark.parametrize("method", [
    "PUT", "POST", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "TRACE", "X",
])
def test_nothing_is_changed(web, method):
    write(web.lwp, b"/f", b"x")
    answer = web.ask(method, "/f", b"data")
    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, GET, HEAD, PROPFIND")
    assert web.get("/f").body == b"x"


# ---- who may ask ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "status"), [
    ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:1234", 200), ("127.9.9.9", 200), ("[::1]:80", 200),
    ("evil.example", 421), ("evil.example:8080", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421),
    ("", 421), ("10.0.0.1", 421), ("[::2]", 421),
])  # fmt: skip
def test_only_by_our_own_names(web, host, status):
    """A stranger's page whose name was turned to 127.0.0.1 gets nothing."""
    assert web.get("/", Host=host).status == status
    assert web.ask("PROPFIND", "/", Host=host, Depth="0").status == (207 if status == 200 else status)


def test_no_name_at_all(web):
    assert web.raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 421 ")


def test_a_password(serve):
    web = serve(password="pässword:x", hosts=None)
    write(web.lwp, b"/f", b"x")

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert web.get("/f").status == 401
    assert web.get("/f").headers["WWW-Authenticate"].startswith("Basic ")
    for wrong in (basic("a:b"), basic("pässword:x"), "Basic !", "Bearer x",
                  basic("a:pässword:x").replace("Basic", "X")):  # fmt: skip
        answer = web.get("/f", Authorization=wrong)
        assert answer.status == 401
        assert answer.body != b"x"
    assert web.ask("PUT", "/f", b"y").status == 401
    assert web.get("/f", Authorization=basic("any:pässword:x"), Host="some.name").body == b"x"


# ---- what is no request --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    b"\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n",
    b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"PROPFIND / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    b"PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n<",
    b"GET x HTTP/1.1\r\nHost: localhost\r\n\r\n",
], ids=range(12))  # fmt: skip
def test_what_is_no_request_ends_its_connection(web, data):
    answered = web.raw(data)
    assert not answered.startswith(b"HTTP/1.1 2")
    assert web.get("/").status == 200


def test_several_requests_on_a_connection(web):
    write(web.lwp, b"/f", b"data")
    ask = b"GET /f HTTP/1.1\r\nHost: localhost\r\n\r\n"
    put = b"PUT /f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /"
    answered = web.raw(ask + put + ask)
    assert answered.count(b"HTTP/1.1 200") == 2
    assert answered.count(b"HTTP/1.1 405") == 1
    assert answered.endswith(b"data")


def test_what_cannot_be_read_is_said(web, monkeypatch):
    write(web.lwp, b"/f", b"x" * 1000)
    def broken(*arguments: object) -> bytes:
        raise Corrupt("block 5")

    monkeypatch.setattr("rump.kernel.lwps.Lwp.stat", broken)
    answer = web.get("/f")
    assert answer.status == 500
    assert any("block 5" in line for line in web.lines)
