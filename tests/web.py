"""A web service of the test's own on 127.0.0.1, in a thread; well-behaved, or as broken as the test says."""

from __future__ import annotations

import http.server
import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self


class WebService:
    """Answers GET by `pages`: path to status and what to send, which is JSON unless it is bytes or a function.

    A function is given the request's handler, and does what it likes with it. `asked` is the paths and headers so far.
    """

    def __init__(
        self, pages: Mapping[str, tuple[int, Any]], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self._server = socketserver.ThreadingTCPServer((host, 0), _handler(pages, self.asked))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, without TLS."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(
    pages: Mapping[str, tuple[int, Any]], asked: list[tuple[str, Mapping[str, str]]]
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers)))
            status, content = pages.get(self.path, (404, {"error": "not found"}))
            if callable(content):
                content(self)
                return
            answer(self, status, content if isinstance(content, bytes) else json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    return Handler


def answer(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    """One answer in good order."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def redirect(location: str, status: int = 302) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Send whoever asks to `location`."""

    def send(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return send
