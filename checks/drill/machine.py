"""What a drill takes of this machine: a disposable server, its programs, room for the copy, a folder for artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.backup.restore import QUICK
from checks.drill.request import Acquired, Request
from checks.runbook.model import Runbook
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.tuning import Setting

GROWTH = 1.5  # of the source's size: what a copy takes, with room for sorting
PACKED = 12  # of an artifact's size, where its source's is not known


@contextmanager
def started(binaries: Binaries, page: Runbook, room: int) -> Iterator[EmbeddedServer]:
    """A server with the page's settings, over those that make loading quick, and stopped at the end."""
    settings: dict[str, Setting] = {**QUICK, **page.front.server}
    server = EmbeddedServer.start(binaries, settings=settings, room=room)
    try:
        yield server
    finally:
        server.stop()


def room_for(acquired: Acquired) -> int:
    """Bytes a copy may take, from what the manifest says of its source, or from the artifact's own size."""
    source = acquired.source
    if source is not None and source.sizes.get("database"):
        return int(source.sizes["database"] * GROWTH)
    return acquired.bytes * PACKED if acquired.header.compression else acquired.bytes * 3


def explicit(request: Request) -> Path | None:
    """The folder of programs that a person named."""
    return Path(request.postgres_bin) if request.postgres_bin else None


def scratch() -> Path:
    """Where artifacts lie while they are drilled."""
    from tempfile import gettempdir

    return Path(gettempdir())
