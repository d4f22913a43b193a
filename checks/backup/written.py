"""A program's output, written into a file as it comes, with its hash; and what goes on beside it meanwhile."""

from __future__ import annotations

import hashlib
import os
import select
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO

PIECE = 2**20
SILENCE = 0.5  # seconds


def written(source: BinaryIO, path: Path, beside: Future[Any] | None = None) -> tuple[int, str]:
    """Write the stream into a file of that path; its size and SHA-256. Raises OSError, and what `beside` raised.

    Every piece is in the file before the next is read, so that somebody else may follow it there.
    """
    digest, size = hashlib.sha256(), 0
    path.touch(0o600)  # a backup is as secret as its database
    with path.open("wb", buffering=0) as file:
        for piece in pieces(source, beside):
            digest.update(piece)
            size += len(piece)
            left = memoryview(piece)
            while left:
                left = left[file.write(left) or 0 :]
    return size, digest.hexdigest()


def pieces(source: BinaryIO, beside: Future[Any] | None = None) -> Iterator[bytes]:
    """The stream as it comes. A source that stays silent does not keep a failure beside it from being told."""
    handle, poll = source.fileno(), select.poll()
    poll.register(handle, select.POLLIN)
    while True:
        if beside is not None:
            raise_failure(beside)
        if poll.poll(SILENCE * 1000):
            piece = os.read(handle, PIECE)
            if not piece:
                return
            yield piece


def raise_failure(beside: Future[Any]) -> None:
    """Raise what it ended with, if it has ended badly."""
    if beside.done() and (failure := beside.exception()) is not None:
        raise failure
