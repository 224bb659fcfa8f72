# SPDX-License-Identifier: BSD-2-Clause
"""The status page: what a monolith is doing, for browsers and, as status.json, for programs."""

from __future__ import annotations

import html
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from rump.servers.listening import AddressError, is_loopback, joined, split_address
from rump.servers.monolith.config import ConfigError
from rump.servers.monolith.usage import bytes_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.warning { color: #b00020; font-weight: 600; }
"""
_HEADERS = (
    ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)  # fmt: skip


class StatusPage:
    """Serves the page from a thread until it is closed; only this machine reaches it.

    Errors: ConfigError - an address that is none, or that others reach; OSError.
    """

    def __init__(self, address: str, snapshot: Callable[[], dict[str, Any]]) -> None:
        try:
            host, port = split_address(address)
        except AddressError as error:
            raise ConfigError(str(error)) from error
        if not is_loopback(host) or ":" in host:
            raise ConfigError(f"{address}: the status page is for this machine: 127.0.0.1:PORT")
        self._server = ThreadingHTTPServer((host, port), _handler(snapshot))
        self._server.daemon_threads = True
        self.address = joined(host, self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, name="status page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(snapshot: Callable[[], dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host != "localhost" and not is_loopback(host):
                self.send_error(403, "This is another machine's page")       # DNS rebinding
            elif self.path == "/":
                self._answer("text/html; charset=utf-8", page(snapshot()))
            elif self.path == "/status.json":
                self._answer("application/json", json.dumps(snapshot()))
            else:
                self.send_error(404)

        def _answer(self, kind: str, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            for name, value in _HEADERS:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nobody wants to know who looked."""

    return Handler


def page(said: dict[str, Any]) -> str:
    """The page as HTML, which asks for itself again every five seconds."""
    process = said["process"]
    facts = [f"up {_duration(said['uptime'])}", f"{process['cpu']:.1f} s of CPU"]
    if "memory" in process:
        facts += [f"{bytes_text(process['memory'])} resident", f"{process['threads']} threads"]
    warning = '<p class="warning">More memory is in use than allowed.</p>' if said.get("memory_exceeded") else ""
    mounts = [
        (row["at"], row["type"], row["device"], bytes_text(row["size"]), bytes_text(row["free"]), row["files"],
         "read-only" if row["read_only"] else "")
        for row in said["mounts"]
    ]  # fmt: skip
    servers = [(row["kind"], row["address"], row["path"]) for row in said.get("servers", ())]
    processes = [
        (row["pid"], row["parent"], row["uid"], row["descriptors"], row["name"]) for row in said["processes"]
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        '<meta name="viewport" content="width=device-width"><title>rump kernel</title>'
        f"<style>{_STYLE}</style></head><body><h1>rump kernel</h1><p>{html.escape(', '.join(facts))}</p>{warning}"
        + _table("Mounts", ("at", "type", "device", "#size", "#free", "#files", ""), mounts)
        + _table("Ways in", ("kind", "address", "serves"), servers)
        + _table("Processes", ("#pid", "#parent", "#user", "#descriptors", "name"), processes)
        + "</body></html>\n"
    )


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table; columns whose head has a # hold numbers."""
    number = [' class="n"' if head.startswith("#") else "" for head in heads]
    top = "".join(f"<th{kind}>{head.lstrip('#')}</th>" for head, kind in zip(heads, number, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{html.escape(str(cell))}</td>" for cell, kind in zip(row, number, strict=True))
        + "</tr>" for row in rows
    )  # fmt: skip
    return f"<h2>{title}</h2><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _duration(seconds: float) -> str:
    """1 d 02:03:04."""
    whole = int(seconds)
    clock = f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 86400} d {clock}" if whole >= 86400 else clock
