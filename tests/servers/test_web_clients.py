# SPDX-License-Identifier: BSD-2-Clause
"""The HTTP server with other people's clients: curl, rclone, cadaver, and a browser."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from web_peer import Web, write

from rump.kernel import boot
from rump.rumpuser.host import default

OLD = 1_000_000_000_000_000_000
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-component-update", "--disable-background-networking", "--disable-sync",
         "--window-size=1000,700")  # fmt: skip


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"needs {name}")


def run(*command: str, folder: Path, words: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, input=words, timeout=60,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def web() -> Iterator[Web]:
    with boot(default()) as kernel:
        lwp = kernel.newproc(name="exported")
        lwp.mkdir(b"/export")
        lwp.chroot(b"/export")
        lwp.chdir(b"/")
        lwp.mkdir(b"/folder")
        lwp.mkdir(b"/folder/inner")
        for name, size in ((b"small", 10), (b"large", 3_000_000), (b"middle \xc3\xa4", 5000), (b"inner/deep", 7)):
            write(lwp, b"/folder/" + name, bytes(range(256)) * (size // 256) + b"x" * (size % 256))
            lwp.utimens(b"/folder/" + name, OLD, OLD + size * 10**9)
        write(lwp, b"/page.html", b"<title>before</title><script>document.title = 'it ran'</script><p>text")
        web = Web(lwp)
        yield web
        web.close()
        assert not web.lines
        kernel.exit(lwp)


def contents(web: Web, path: bytes) -> bytes:
    fd = web.lwp.open(path, 0)
    data = web.lwp.read(fd, 1 << 24)
    web.lwp.close(fd)
    return data


def test_curl(web, tmp_path):
    curl = tool("curl")
    data = contents(web, b"/folder/large")
    part = tmp_path / "large"
    part.write_bytes(data[:1_234_567])
    run(curl, "-sfS", "-C", "-", "-o", str(part), f"{web.url}/folder/large", folder=tmp_path)
    assert part.read_bytes() == data
    told = run(curl, "-sfS", "-o", "/dev/null", "-z", "20020101", "-w", "%{http_code}", f"{web.url}/folder/large",
               folder=tmp_path)  # fmt: skip
    assert told == "304"
    run(curl, "-sfSOJ", f"{web.url}/folder/?tar", folder=tmp_path)
    assert run("tar", "tf", "folder.tar", folder=tmp_path).split()[:3] == ["folder/", "folder/inner/",
                                                                          "folder/inner/deep"]  # fmt: skip


def test_rclone(web, tmp_path):
    rclone = tool("rclone")
    run(rclone, "--config", "/dev/null", "copy", f":webdav,url='{web.url}':folder", "copy", folder=tmp_path)
    copied = sorted(path for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert [path.name for path in copied] == ["deep", "large", "middle ä", "small"]
    for path in copied:
        assert path.read_bytes() == contents(web, b"/folder/" + os.fsencode(path.relative_to(tmp_path / "copy")))


def test_cadaver(web, tmp_path):
    told = run(tool("cadaver"), f"{web.url}/", folder=tmp_path, words="cd folder\nls\nget small\nput small x\nquit\n")
    assert re.search(r"Coll: +inner", told)
    assert re.search(r"large +3000000 ", told)
    assert (tmp_path / "small").read_bytes() == b"x" * 10
    assert "failed" in told, "it thinks that it has written"


class Browser:
    """Chromium, by the WebDriver protocol (W3C)."""

    def __init__(self, driver: str, folder: Path, *flags: str) -> None:
        self._log = folder / "log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen([driver, "--port=0"], stdout=log, stderr=log, env={
                **os.environ, "HOME": str(folder)})  # fmt: skip
        self.session = ""
        self._root = f"http://127.0.0.1:{self._port()}"
        options = {"args": [*FLAGS, f"--user-data-dir={folder}/profile", *flags]}
        capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self.session = str(self.call("POST", "/session", capabilities=capabilities)["sessionId"])
        self.call("POST", "/goog/cdp/execute", cmd="Browser.setDownloadBehavior",
                  params={"behavior": "allow", "downloadPath": str(folder)})

    def _port(self) -> str:
        end = time.monotonic() + 30
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"successfully on port (\d+)", self._log.read_text())
            if found:
                return found[1]
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def call(self, method: str, path: str, **words: object):
        data = json.dumps(words).encode() if method == "POST" else None
        prefix = f"/session/{self.session}" if self.session else ""
        request = urllib.request.Request(self._root + prefix + path, data, {"Content-Type": "application/json"},
                                         method=method)  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["value"]

    def open(self, url: str) -> None:
        self.call("POST", "/url", url=url)

    def click(self, text: str) -> None:
        found = self.call("POST", "/element", using="link text", value=text)
        self.call("POST", f"/element/{next(iter(found.values()))}/click")

    def run(self, script: str):
        return self.call("POST", "/execute/sync", script=script, args=[])

    def names(self) -> list[str]:
        return self.run("return [...document.querySelectorAll('td.name a')].map(a => a.textContent)")

    def close(self) -> None:
        try:
            if self.session:
                self.call("DELETE", "")
        finally:
            self._process.terminate()
            self._process.wait(30)


@pytest.mark.slow
def test_a_browser(web, tmp_path):
    tool("chromium")
    browser = Browser(tool("chromedriver"), tmp_path)
    try:
        browser.open(web.url)
        assert browser.names() == ["folder/", "page.html"]
        browser.click("folder/")
        assert browser.names() == ["inner/", "large", "middle ä", "small"]
        browser.click("Size")
        assert browser.names() == ["inner/", "large", "middle ä", "small"]
        browser.click("Size ↓")
        assert browser.names() == ["inner/", "small", "middle ä", "large"]
        browser.click("inner/")
        browser.click("folder")                 # where we are, up again
        browser.click("Modified")
        assert browser.names() == ["inner/", "large", "middle ä", "small"]
        assert browser.run("return getComputedStyle(document.body).maxWidth") != "none", "the style is not applied"
        browser.run("return document.querySelectorAll('td.get a')[1].click()")
        kept = tmp_path / "large"
        end = time.monotonic() + 30
        while not kept.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert kept.read_bytes() == contents(web, b"/folder/large")
        browser.open(f"{web.url}/page.html")
        assert browser.call("GET", "/title") == "before", "a script from the image ran"
    finally:
        browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_pages_look(web, tmp_path, scheme):
    tool("chromium")
    browser = Browser(tool("chromedriver"), tmp_path, f"--blink-settings=preferredColorScheme={int(scheme == 'light')}")
    try:
        browser.open(f"{web.url}/folder/")
        picture = base64.b64decode(browser.call("GET", "/screenshot"))
        assert picture.startswith(b"\x89PNG")
        paper, ink = (
            [int(part) for part in re.findall(r"\d+", browser.run(
                f"return getComputedStyle(document.body).{name}"))][:3] for name in ("backgroundColor", "color"))
        assert (sum(paper) > sum(ink)) == (scheme == "light")
        assert abs(sum(paper) - sum(ink)) > 450, "hard to read"
        wide = browser.run("return document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, "it does not fit"
    finally:
        browser.close()
