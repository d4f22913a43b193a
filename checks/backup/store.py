"""Places that backups are put into, fetched from and removed from: a folder here, or a bucket elsewhere.

Either has a folder on this machine in which a backup is made, and takes it from there whole.
"""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from checks.backup import manifest
from checks.backup.listing import Folder, Listing
from checks.backup.manifest import Manifest
from checks.backup.staging import Staging, staging
from checks.errors import CouldNotTell, UsageError
from checks.units import show_bytes

REMOTE = ("s3://", "gs://")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Store(Listing, Protocol):
    """What is done with a place besides looking into it. All of it raises CouldNotTell in one sentence."""

    def workshop(self) -> AbstractContextManager[Staging]:
        """A folder on this machine to make a backup in. That the place can be written to is proven first."""
        ...

    def publish(self, workshop: Staging, name: str, made: Manifest) -> None:
        """Take the artifact `name` out of the workshop, so that it is there with its manifest, or not at all."""
        ...

    def fetch(self, name: str, into: Path) -> Path:
        """The artifact on this machine, its manifest beside it where it has one: itself, or a copy made in `into`."""
        ...

    def delete(self, name: str) -> None:
        """Remove an artifact and its manifest."""
        ...


@dataclass(frozen=True, slots=True)
class FolderStore(Folder):
    """A folder of this machine, made where it is missing."""

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Staging]:
        """See `Store`."""
        with self._told("written to"):
            self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            with self._told("written to"):
                made = stack.enter_context(staging(self.folder))
            yield made

    def publish(self, workshop: Staging, name: str, made: Manifest) -> None:
        """See `Store`."""
        with self._told("written to"):
            workshop.publish(name, made, self.folder)

    def fetch(self, name: str, into: Path) -> Path:  # noqa: ARG002 - it is here already
        """See `Store`."""
        return self.folder / name

    def delete(self, name: str) -> None:
        """See `Store`. The artifact goes first: a manifest that was left alone is taken for nothing."""
        with self._told("tidied"):
            path = self.folder / name
            if path.is_dir():
                with staging(self.folder) as bin_:
                    path.rename(bin_.path / name)
            else:
                path.unlink(missing_ok=True)
            path.with_name(name + manifest.SUFFIX).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise unwritable(self.folder, reason, doing) from None


def unwritable(folder: Path, reason: OSError, doing: str = "written to") -> CouldNotTell:
    """What an error of the file system amounts to."""
    if reason.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        free = show_bytes(shutil.disk_usage(folder).free) if folder.is_dir() else "0 B"
        why = (reason.strerror or str(reason)).lower()
        return CouldNotTell(
            f"There was no room for the whole backup in {folder} ({why}, {free} free), so what was begun was removed.",
            code="dump.no_space",
            hint="Free some space there, keep fewer backups by `keep`, or name another place by --to.",
        )
    return CouldNotTell(
        f"The folder of the backups, {folder}, cannot be {doing}: {reason.strerror or reason}.",
        code="dump.unwritable",
        hint="Create or mount it, give this user its rights, or name another place by --to.",
    )


def place(location: str, folder: Path) -> Store:
    """The place a location names, its variables filled in: `s3://bucket/prefix`, `gs://…`, or a folder.

    A relative one is within `folder`. Raises UsageError for what is none, CouldNotTell where a library is missing.
    """
    if location.startswith(REMOTE):
        from checks.backup.bucket import Bucket

        return Bucket.of(location)
    if address := _ADDRESS.match(location):  # which may hold a password
        raise UsageError(
            f"{address[0]}…: backups are not kept at such an address.",
            hint="Name a folder, s3://bucket/prefix or gs://bucket/prefix.",
        )
    return FolderStore(folder / Path(location).expanduser())
