"""What lies beside a backup and vouches for it: its manifest, or a checksum file as `sha256sum` writes them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checks.backup import manifest
from checks.backup.faults import BackupFault
from checks.backup.listing import Item, Listing

CHECKSUM_SUFFIXES = (".sha256", ".sha256sum")
CHECKSUM_NAMES = ("SHA256SUMS", "sha256sums.txt", "SHA256SUMS.txt", "checksums.sha256")
_LINE = re.compile(r"\\?(?P<hash>[0-9a-fA-F]{64})(?:\s+\*?(?P<name>.+))?")
_TAGGED = re.compile(r"SHA256 \((?P<name>.+)\) = (?P<hash>[0-9a-fA-F]{64})")
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a side file says: SHA-256 by path relative to the artifact, and by a manifest also its time and size.

    `by` is the side file's name. An artifact of one file has one hash, under its own name.
    """

    by: str
    files: Mapping[str, str]
    taken: datetime | None = None
    bytes: int | None = None
    runbook: str = ""


def manifest_of(listing: Listing, name: str, beside: Sequence[str]) -> Vouched | None:
    """What the manifest of the artifact `name` says; None where there is none. Raises BackupFault for a damaged one."""
    side = name + manifest.SUFFIX
    if side not in beside:
        return None
    try:
        # Read by hand: a check need not import pydantic to compare a time and a hash.
        written = json.loads(listing.text(side))
        _insist_on_kind(written["kind"], written["version"])
        taken = datetime.fromisoformat(written["taken"])
        files = {str(file): str(value).lower() for file, value in written["files"].items()}
        return Vouched(side, files, _utc(taken), int(written["bytes"]), str(written["runbook"]))
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        raise BackupFault(
            f"{side} is no manifest that this pgrunbook reads ({type(reason).__name__}: {reason}).",
            code="backup.manifest",
            hint="Read it with the pgrunbook that wrote it, or take another backup with `invoke backup`.",
            observed="unreadable manifest",
        ) from None


def checksums_of(listing: Listing, name: str, beside: Sequence[str]) -> Vouched | None:
    """The hashes that a checksum file has for the artifact `name`; None where none is there.

    Raises BackupFault for one that has no hash for it.
    """
    own = [f"{name}{suffix}" for suffix in CHECKSUM_SUFFIXES]
    side = next((one for one in own if one in beside), None)
    if side is not None:
        files = _hashes(listing.text(side).decode("utf-8", "replace"), name, alone=True)
        if not files:
            raise _without_hash(side, name)
        return Vouched(side, files)
    for shared in (one for one in CHECKSUM_NAMES if one in beside):
        if files := _hashes(listing.text(shared).decode("utf-8", "replace"), name, alone=False):
            return Vouched(shared, files)
    return None


def beside(name: str) -> list[str]:
    """The names under which something may vouch for the artifact `name`, in the folder in which it is."""
    folder = name.rpartition("/")[0]
    shared = [f"{folder}/{one}" if folder else one for one in CHECKSUM_NAMES]
    return [f"{name}{suffix}" for suffix in (manifest.SUFFIX, *CHECKSUM_SUFFIXES)] + shared


def wrong_files(path: Path, vouched: Vouched) -> list[str]:
    """The files of an artifact that are missing, or do not have the SHA-256 that is vouched for; all are read whole."""
    if not path.is_dir():
        expected = vouched.files.get(path.name, next(iter(vouched.files.values()), ""))
        return [] if sha256(path) == expected else [path.name]
    return sorted(name for name, expected in vouched.files.items() if not _has(path / name, expected))


def sha256(path: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """The file's SHA-256, a piece at a time. `progress` is told the bytes of each."""
    digest, buffer = hashlib.sha256(), bytearray(_PIECE)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
            progress(count)
    return digest.hexdigest()


def is_side_file(item: Item) -> bool:
    """Whether it lies beside backups and is none itself."""
    name = item.name.rpartition("/")[2]
    others = (*CHECKSUM_SUFFIXES, ".sha512", ".sha1", ".md5", ".sig", ".minisig", ".log")
    return name.endswith((manifest.SUFFIX, *others)) or name in CHECKSUM_NAMES


def _has(path: Path, expected: str) -> bool:
    return path.is_file() and sha256(path) == expected


def _hashes(text: str, name: str, *, alone: bool) -> dict[str, str]:
    """Hashes for the artifact `name`. A file for it `alone` may call it by another path, or not at all."""
    bare = name.rpartition("/")[2]
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip()) or _TAGGED.fullmatch(line.strip())
        if match is None:
            continue
        called = (match["name"] or bare).removeprefix("./")
        folder, _, inside = called.rpartition(f"{bare}/")
        if inside != called and (not folder or folder.endswith("/")):
            found[inside] = match["hash"].lower()
        elif called.rpartition("/")[2] == bare or alone:
            found[bare] = match["hash"].lower()
    return found


def _insist_on_kind(kind: object, version: object) -> None:
    if (kind, version) != (manifest.KIND, manifest.VERSION):
        raise ValueError(f"{kind} of version {version}")


def _without_hash(side: str, name: str) -> BackupFault:
    return BackupFault(
        f"{side} has no SHA-256 for {name}.",
        code="backup.checksum",
        hint=f"Write it with `sha256sum {name} > {side}`, on the machine that took the backup.",
        observed="no hash",
    )


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
