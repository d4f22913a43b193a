"""The backups in a place, newest first: what others' scripts leave there by pattern, and pgrunbook's own by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from checks.backup.artifact import Artifact
from checks.backup.dates import date_in
from checks.backup.faults import BackupFault
from checks.backup.listing import Item, Listing
from checks.backup.sidefiles import Vouched, is_side_file, manifest_of

PARTIAL = (".partial", ".part", ".tmp", ".temp", ".incomplete", ".filepart", ".crdownload", "~")
BY_MANIFEST, BY_NAME, BY_TIME = "manifest", "name", "time of the file"


def found(
    listing: Listing,
    *,
    pattern: str | None,
    runbook: str,
    environments: Sequence[str] = (),
    dated: Literal["name", "time"] = "name",
) -> list[Artifact]:
    """The artifacts of a place, newest first: those that match `pattern`, and those `invoke backup` made for `runbook`.

    Where `environments` are named, of pgrunbook's own only theirs. What is hidden, still being written or a side file
    is left out. A date comes from the manifest, else from the name where `dated` says so and it has one, else from the
    file's time. Raises CouldNotTell where the place cannot be read.
    """
    seen: dict[Path, Artifact] = {}
    for glob in filter(None, (pattern, f"{runbook}-*" if runbook else "")):
        items = list(listing.items(glob))
        names = [item.name for item in items]
        others = glob == pattern
        prefixes = ("",) if others else tuple(f"{runbook}-{name}-" for name in environments) or ("",)
        for item in items:
            if _is_artifact(item, glob) and item.name.startswith(prefixes):
                one, whose = _artifact(listing, item, names, dated)
                # Beside those of a pattern, a name alone makes no backup ours: its manifest has to say so.
                if others or whose == runbook or (whose is None and pattern is None):
                    seen[one.path] = one
    return sorted(seen.values(), key=lambda one: (one.taken, one.name), reverse=True)


def _is_artifact(item: Item, pattern: str) -> bool:
    last = item.name.rpartition("/")[2]
    if last.startswith(".") or last.lower().endswith(PARTIAL) or is_side_file(item):
        return False
    return Path(item.name).match(pattern) if "/" in pattern else fnmatchcase(item.name, pattern)


def _artifact(listing: Listing, item: Item, names: Sequence[str], dated: str) -> tuple[Artifact, str | None]:
    """The artifact, and the runbook that its manifest names; None where none does."""
    vouched, has_manifest = _manifest(listing, item, names)
    taken, by = _when(item, vouched, dated)
    path = listing.path(item.name) or Path(item.name)
    return Artifact(path, item.bytes, taken, by, has_manifest), vouched.runbook if vouched else None


def _manifest(listing: Listing, item: Item, names: Sequence[str]) -> tuple[Vouched | None, bool]:
    try:
        vouched = manifest_of(listing, item.name, names)
    except BackupFault:  # told where the artifact is looked into; here it only does not say when it was taken
        return None, True
    return vouched, vouched is not None


def _when(item: Item, vouched: Vouched | None, dated: str) -> tuple[datetime, str]:
    if vouched is not None and vouched.taken is not None:
        return vouched.taken, BY_MANIFEST
    named = date_in(item.name, item.modified) if dated == "name" else None
    return (named, BY_NAME) if named is not None else (item.modified, BY_TIME)


def name_in(listing: Listing, artifact: Artifact) -> str:
    """What the place calls an artifact: its path there, folders included."""
    root = listing.path("")
    return artifact.path.as_posix() if root is None else artifact.path.relative_to(root).as_posix()
