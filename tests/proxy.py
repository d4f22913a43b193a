"""A TCP proxy that misbehaves on cue: late, silent, gone, or rewriting what passes. For tests and benchmarks.

Delay is as on a long line: each chunk arrives late, chunks do not wait for each other, and the first bytes are held for
one round trip more, which is what TCP's own handshake costs where there is a distance to cross.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

Upstream = str | tuple[str, int]  # a Unix socket's path, or host and port
_CHUNK = 65536
_END = b""


class Proxy:
    """Listens on 127.0.0.1 at `port` and passes everything on to `upstream`. `delay` is in seconds, each way.

    `rewrite` is applied to each chunk on its way to the server, `rewrite_back` to each on its way back; they must keep
    the length. With `hang_up` set, a connection is closed as soon as it is accepted.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        delay: float = 0.0,
        rewrite: Callable[[bytes], bytes] = bytes,
        rewrite_back: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._upstream = upstream
        self._delay = delay
        self._rewrite = rewrite
        self._rewrite_back = rewrite_back
        self.hang_up = False
        self._open = threading.Event()
        self._open.set()
        self._called = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._start(self._accept)

    def fall_silent(self) -> None:
        """Take what comes, pass nothing on, and keep every connection open."""
        self._open.clear()

    def wait_for_a_client(self) -> None:
        """Until somebody has connected."""
        self._called.wait(timeout=30)

    def cut(self) -> None:
        """Close every connection there is."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close everything and stop listening."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._open.set()
        self.cut()
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._sockets):
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                self._called.set()
                self._sockets.append(client)
                # Else small chunks wait for the acknowledgement of those before them, 40 ms at a time.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.hang_up:
                    client.shutdown(socket.SHUT_RDWR)
                    continue
                server = self._dialled()
                self._pass(client, server, held=2 * self._delay, change=self._rewrite)
                self._pass(server, client, held=0.0, change=self._rewrite_back)

    def _dialled(self) -> socket.socket:
        family = socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(server)
        server.connect(self._upstream)
        if family == socket.AF_INET:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    def _pass(
        self, source: socket.socket, sink: socket.socket, *, held: float, change: Callable[[bytes], bytes]
    ) -> None:
        chunks: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._start(self._receive, source, chunks, held)
        self._start(self._forward, sink, chunks, change)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _receive(self, source: socket.socket, chunks: queue.SimpleQueue[tuple[float, bytes]], held: float) -> None:
        # Bytes right behind the first ones wait for the same handshake.
        no_sooner = time.monotonic() + held
        data = b"."
        while data:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = _END
            chunks.put((max(time.monotonic(), no_sooner) + self._delay, data))

    def _forward(
        self, sink: socket.socket, chunks: queue.SimpleQueue[tuple[float, bytes]], change: Callable[[bytes], bytes]
    ) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, data = chunks.get()
                time.sleep(max(0.0, due - time.monotonic()))
                self._open.wait()
                if data == _END:
                    sink.shutdown(socket.SHUT_RDWR)
                    return
                sink.sendall(change(data))
