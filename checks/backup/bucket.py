"""Backups in an object store: S3 and what speaks like it, or Google Cloud Storage, by obstore.

Addresses come from the command line or a variable, credentials from the usual variables (see `bucket_client`). An
object is there whole or not at all; the manifest is put last, so that a backup without one was never finished.
https://developmentseed.org/obstore/latest/
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from checks.backup import manifest
from checks.backup.bucket_client import failure, opened
from checks.backup.faults import BackupFault
from checks.backup.listing import Item
from checks.backup.manifest import Manifest
from checks.backup.sidefiles import Vouched, beside, wrong_files
from checks.backup.staging import Staging, staging, taken_already
from checks.errors import CouldNotTell, UsageError

Result = TypeVar("Result")

PIECE = 8 * 2**20  # bytes of one request: what a slow line carries in its time
ASKING, MOVING = 60.0, 6 * 3600.0  # seconds for a question, and for putting or fetching a whole backup
_FORM = re.compile(r"(?P<scheme>s3|gs)://(?P<bucket>[a-z0-9][a-z0-9._-]{1,220})(?:/(?P<prefix>[^?#]*))?")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, or what lies under a prefix of it. See `checks.backup.store.Store`."""

    where: str
    _store: Any = field(repr=False)

    @classmethod
    def of(cls, location: str) -> Bucket:
        """The bucket of an `s3://` or `gs://` address. Raises UsageError, or CouldNotTell without obstore."""
        form = _FORM.fullmatch(location)
        if form is None:
            raise UsageError(
                "The location of the backups is no address of a bucket.",
                hint="Write s3://bucket/prefix or gs://bucket/prefix; credentials stay in their variables.",
            )
        return cls(location, opened(form["scheme"], form["bucket"], (form["prefix"] or "").strip("/")))

    def items(self, pattern: str) -> Iterator[Item]:
        """See `Listing`: the files of the prefix, and folders in it that the pattern matches."""
        import obstore

        listed = self._asked(lambda: [one for batch in obstore.list(self._store) for one in batch])
        folders: dict[str, Item] = {}
        for one in listed:
            path = PurePosixPath(one["path"])
            above = next((str(up) for up in reversed(path.parents) if _matches(str(up), pattern)), None)
            if above is None:
                yield Item(str(path), one["size"], one["last_modified"])
            else:
                folders[above] = _larger(folders.get(above), above, one["size"], one["last_modified"])
        yield from folders.values()

    def text(self, name: str) -> bytes:
        """See `Listing`."""
        import obstore

        return self._asked(lambda: bytes(obstore.get(self._store, name).bytes()))

    def path(self, name: str) -> Path | None:  # noqa: ARG002 - whatever it is called
        """Nothing in a bucket is on this machine."""
        return None

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Staging]:
        """See `Store`: a temporary folder. The bucket is listed first, for what is wrong with it to be known."""
        import obstore

        self._asked(lambda: next(iter(obstore.list(self._store, chunk_size=1)), None))
        with staging(Path(tempfile.gettempdir())) as made:
            yield made

    def publish(self, workshop: Staging, name: str, made: Manifest) -> None:
        """See `Store`."""
        source = workshop.path / name
        if self._under(name) or self._under(name + manifest.SUFFIX):
            raise taken_already(name, self.where)
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            self._put(path, path.relative_to(workshop.path).as_posix())
        side = workshop.path / f"{name}{manifest.SUFFIX}"
        manifest.write(made, side)
        self._put(side, side.name)

    def fetch(self, name: str, into: Path) -> Path:
        """See `Store`. What came is compared with the manifest's SHA-256; raises BackupFault where it differs."""
        found = self._under(name, *beside(name))
        if not any(_belongs(one, name) for one in found):
            raise CouldNotTell(f"There is no backup {name} in {self.where}.", code="store.missing")
        for one in found:
            self._get(one, into / one)
        side = into / f"{name}{manifest.SUFFIX}"
        made = manifest.read(side) if side.exists() else None
        wrong = wrong_files(into / name, Vouched(made.artifact, made.files)) if made else []
        if wrong:
            raise BackupFault(
                f"{wrong[0]} in {self.where} does not have the SHA-256 that the manifest of {name} says.",
                code="backup.checksum",
                hint="Take another backup: this one was changed after it was written.",
                observed="another SHA-256",
            )
        return into / name

    def delete(self, name: str) -> None:
        """See `Store`. The manifest goes first: what is left without one was never finished.

        One after the other, as the objects of one request go in any order; and only what is there, as Google refuses
        to delete what is not.
        """
        import obstore

        for one in (f"{name}{manifest.SUFFIX}", name):
            if names := self._under(one):
                self._asked(partial(obstore.delete, self._store, names))

    def _under(self, *names: str) -> list[str]:
        """The objects of those names, and those in the folders of those names."""
        import obstore

        listed = self._asked(lambda: [one["path"] for batch in obstore.list(self._store) for one in batch])
        return [one for one in listed if any(_belongs(one, name) for name in names)]

    def _put(self, path: Path, name: str) -> None:
        import obstore

        self._asked(lambda: obstore.put(self._store, name, path, chunk_size=PIECE, max_concurrency=2), limit=MOVING)

    def _get(self, name: str, path: Path) -> None:
        import obstore

        path.parent.mkdir(parents=True, exist_ok=True)
        size = self._asked(lambda: obstore.head(self._store, name)["size"])
        with path.open("wb") as file:
            for start in range(0, size, PIECE):
                end = min(start + PIECE, size)
                file.write(self._asked(partial(obstore.get_range, self._store, name, start=start, end=end)))

    def _asked(self, question: Callable[[], Result], *, limit: float = ASKING) -> Result:
        """Its answer, waited for where Ctrl-C still works, `limit` seconds at most. Raises CouldNotTell."""
        answers: list[Result] = []
        failures: list[Exception] = []
        worker = threading.Thread(target=_try, args=(question, answers, failures), name="bucket", daemon=True)
        worker.start()
        worker.join(limit)
        if answers:
            return answers[0]
        raise failure(self.where, failures[0] if failures else None) from None


def _try(question: Callable[[], Result], answers: list[Result], failures: list[Exception]) -> None:
    try:
        answers.append(question())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told by the thread that waits
        failures.append(error)


def _belongs(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def _matches(name: str, pattern: str) -> bool:
    if name in {"", "."}:
        return False
    return PurePosixPath(name).match(pattern) if "/" in pattern else fnmatchcase(name, pattern)


def _larger(known: Item | None, name: str, size: int, modified: datetime) -> Item:
    if known is None:
        return Item(name, size, modified, is_folder=True)
    return Item(name, known.bytes + size, max(known.modified, modified), is_folder=True)
