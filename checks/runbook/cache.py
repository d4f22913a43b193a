"""Pages read before, kept pickled, so that `invoke check` starts without pydantic, the Markdown parser or the YAML one.

The parameters of each check are a pickle of their own inside, so that a kind that is not asked is not imported either.

A pickle runs code when it is loaded, so only our own are: the folder and the file must belong to this user and be
writable by nobody else. Why it is worth that: docs/decisions/0001-runbook-cache.md.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import stat
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from checks.cachefolder import chosen
from checks.check import Check
from checks.errors import Mistake
from checks.runbook.model import Runbook
from checks.runbook.page_file import read_bytes

_KEPT = 200  # pages; a page is a few kB, and every edit of one makes another
_SEAL = sha256().digest_size


def read_cached(
    path: Path, kinds: Mapping[str, Check], codes: Collection[str], judge: Callable[[Runbook], list[Mistake]]
) -> tuple[Runbook, list[Mistake]]:
    """As `reader.read`, from the cache where the same bytes were read before by the same code without a mistake.

    With the page comes what `judge` says is wrong with it besides, which is asked only where the page is really read:
    a page is kept where that is nothing. Raises RunbookError with every mistake of the reader's. A cache that cannot be
    used is done without.
    """
    content = read_bytes(path)
    name = f"{_key(content, kinds, codes)}.pickle"
    folder = _folder()
    known = _load(folder / name) if folder else None
    if known is not None:
        return replace(known, path=path), []
    # Imported here and not above: it brings the parsers, which a page in the cache does without.
    from checks.runbook.reader import interpret

    runbook = interpret(path, content, kinds, codes)
    mistakes = judge(runbook)
    if folder and not mistakes:
        _store(folder, name, runbook)
    return runbook, mistakes


def _key(content: bytes, kinds: Mapping[str, Check], codes: Collection[str]) -> str:
    """Everything the outcome of reading depends on: the bytes, what a page may refer to, our code and the Python.

    Our own catalog is part of our code, and is not loaded to be named; only what is handed over as plain values is.
    """
    known = repr([*_plain_kinds(kinds), *(sorted(codes) if isinstance(codes, dict | set | frozenset | list) else ())])
    about = repr((sys.version, sys.platform, known, list(_code())))
    return sha256(about.encode() + b"\0" + content).hexdigest()


def _plain_kinds(kinds: Mapping[str, Check]) -> list[tuple[str, str, str]]:
    if not isinstance(kinds, dict):
        return []
    return [(kind, check.params.__module__, check.params.__qualname__) for kind, check in sorted(kinds.items())]


def _code() -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every module of ours: an edit of any makes all pages unread."""
    folders = [str(Path(__file__).parents[1])]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    about = entry.stat()
                    yield entry.path, about.st_size, about.st_mtime_ns
                elif entry.is_dir() and entry.name != "__pycache__":
                    folders.append(entry.path)


def _folder() -> Path | None:
    """Where pages are kept: made if need be, and None unless it is this user's alone."""
    try:
        folder = chosen() / "runbooks"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if stat.S_ISDIR(folder.lstat().st_mode) and _is_ours(folder.lstat()) else None
    except (OSError, RuntimeError):  # a closed or read-only home, or none at all
        return None


def _is_ours(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _load(file: Path) -> Runbook | None:
    """The page kept there, or None for no file, one that is not ours, or one that is broken."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode) or not _is_ours(about):
                return None
            seal, content = opened.read(_SEAL), opened.read()
        if seal != _seal(content):
            return None
        found = pickle.loads(content)  # noqa: S301 - only what this user wrote is opened
    except OSError:
        return None
    except Exception:  # noqa: BLE001 - an outdated pickle fails in any way at all; it is written anew
        return None
    return found if isinstance(found, Runbook) else None


def _seal(content: bytes) -> bytes:
    """What a file begins with. Without, damage inside a check's parameters would show only when they are asked for."""
    return sha256(content).digest()


def _store(folder: Path, name: str, runbook: Runbook) -> None:
    """Whole or not at all, also with several processes at it. A full disk only means that it is read again."""
    import tempfile

    try:
        content = pickle.dumps(runbook, protocol=pickle.HIGHEST_PROTOCOL)
        descriptor, written = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_seal(content) + content)
            Path(written).replace(folder / name)
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
        _forget_old(folder)
    except (OSError, pickle.PicklingError, AttributeError, TypeError, RecursionError):
        # A parameters class made in a function cannot be pickled; such a page is read every time.
        return


def _forget_old(folder: Path) -> None:
    pages = sorted(folder.glob("*.pickle"), key=lambda page: page.stat().st_mtime, reverse=True)
    for page in pages[_KEPT:]:
        with contextlib.suppress(FileNotFoundError):
            page.unlink()
