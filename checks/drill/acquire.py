"""Acquire: the artifact a drill is of, found or fetched, and looked at before anything is restored from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from checks.backup import manifest
from checks.backup.artifact import Artifact, Format, Header
from checks.backup.contents import Contents, Table
from checks.backup.digest import VARIANT
from checks.backup.faults import BackupFault
from checks.backup.formats import identify
from checks.backup.found import BY_TIME, found
from checks.backup.listing import Folder
from checks.backup.location import resolved
from checks.backup.manifest import Manifest
from checks.backup.sidefiles import Vouched, checksums_of, sha256, wrong_files
from checks.backup.store import REMOTE, Store, place
from checks.backup.suspicious import suspicious
from checks.backup.whole import complete
from checks.check import Finding, Severity
from checks.drill.aside import aside
from checks.drill.doubt import doubt
from checks.drill.origin import refuse_what_is_no_backup
from checks.drill.request import LATEST, Acquired, Request
from checks.errors import CouldNotTell, UsageError

NOT_VOUCHED = "Neither a manifest nor a checksum lies beside {}: damage to it shows only where a restore meets it."


def acquire(request: Request, into: Path) -> Acquired:
    """The artifact on this machine, fetched into the folder `into` where it is elsewhere, and looked into.

    What is wrong with it is a finding. Raises UsageError for an origin that names nothing, CouldNotTell where a place
    cannot be reached, and BackupFault for what cannot even be told to be a backup.
    """
    artifact, origin = _fetched(request, into)
    path = artifact.path
    acquired = Acquired(path, origin, identify(path), artifact.bytes, artifact.taken, artifact.dated)
    if acquired.header.format is Format.PHYSICAL:
        raise UsageError(f"{path.name} is a base backup.", hint="Drill it to a point in time: `--pitr`.")
    looks = [aside(complete, path, acquired.header), aside(_suspicious, path, acquired.header, request)]
    hashed = aside(hash_of, path)
    acquired.findings += _vouched(acquired)
    for look in looks:
        acquired.findings += look.result()
    acquired.hashes["artifact"] = hashed.result()
    acquired.hashes["runbook"] = sha256(Path(request.runbook.path))
    return acquired


def hash_of(path: Path) -> str:
    """The SHA-256 of a file; of a folder that of the list `sha256sum` would print of its files."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(one for one in path.rglob("*") if one.is_file())
    listed = "".join(f"{sha256(one)}  {one.relative_to(path).as_posix()}\n" for one in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def _fetched(request: Request, into: Path) -> tuple[Artifact, str]:
    if request.origin == LATEST:
        return _latest(request, into)
    if request.origin.startswith(REMOTE):
        where, _, name = request.origin.rstrip("/").rpartition("/")
        if where.endswith("/"):
            raise UsageError(
                f"--from {request.origin}: that is a bucket, and no backup in it.",
                hint="Name one, as in s3://bucket/name, or `latest`.",
            )
        return _from(place(where, Path()), name, request, into), request.origin
    refuse_what_is_no_backup(request.origin)
    path = Path(request.origin).expanduser().absolute()
    return _from(Folder(path.parent), path.name, request, into), str(path)


def _latest(request: Request, into: Path) -> tuple[Artifact, str]:
    declared = request.runbook.front.backups
    if declared is None:
        raise UsageError(
            f"{request.runbook.path}: --from latest needs to know where backups lie, and the page does not say.",
            hint="Declare `backups: {location: …}` in the front matter, or name a backup by --from PATH.",
        )
    store = place(resolved(declared.location, request.variables), request.runbook.folder)
    kept = found(store, pattern=declared.pattern, runbook=request.runbook.front.runbook, dated=declared.dated)
    if not kept:
        what = f"that matches {declared.pattern}" if declared.pattern else "of this page"
        raise BackupFault(
            f"{store.where} has no backup {what}.",
            code="backup.missing",
            hint="Take one with `invoke backup`, or correct `location` and `pattern`.",
        )
    name = kept[0].path.relative_to(store.folder).as_posix() if isinstance(store, Folder) else kept[0].path.as_posix()
    path = store.fetch(name, into)
    newest = kept[0]
    return Artifact(path, newest.bytes, newest.taken, newest.dated, newest.has_manifest), f"{store.where}: {name}"


def _from(listing: Folder | Store, name: str, request: Request, into: Path) -> Artifact:
    dated = request.runbook.front.backups.dated if request.runbook.front.backups else "name"
    for one in found(listing, pattern=_escaped(name), runbook="", dated=dated):
        path = listing.path(name) if isinstance(listing, Folder) else listing.fetch(name, into)
        if path is not None:
            return Artifact(path, one.bytes, one.taken, one.dated, one.has_manifest)
    if isinstance(listing, Folder):
        path = listing.folder / name
        return Artifact(path, path.stat().st_size, datetime.fromtimestamp(path.stat().st_mtime, UTC), BY_TIME)
    raise UsageError(f"--from {request.origin}: there is no such backup.", hint="See what the bucket holds.")


def _escaped(name: str) -> str:
    """A name as a pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _suspicious(path: Path, header: Header, request: Request) -> list[Finding]:
    try:
        return suspicious(path, header, allowed=request.extensions)
    except BackupFault:
        return []  # `complete` tells of the same


def _vouched(acquired: Acquired) -> Iterator[Finding]:
    """What lies beside the artifact, and whether it agrees with it."""
    side = acquired.path.with_name(acquired.name + manifest.SUFFIX)
    if side.exists():
        made = manifest.read(side)
        acquired.hashes["manifest"] = sha256(side)
        acquired.source = _contents(made, acquired)
        yield from _matching(acquired, Vouched(side.name, made.files, None, made.bytes, made.runbook))
        return
    folder = Folder(acquired.path.parent)
    beside = [one.name for one in acquired.path.parent.iterdir()]
    vouched = checksums_of(folder, acquired.name, beside)
    if vouched is None:
        yield doubt("drill.artifact_unproven", NOT_VOUCHED.format(acquired.name), "a manifest or a checksum", "neither")
        return
    yield from _matching(acquired, vouched)


def _contents(made: Manifest, acquired: Acquired) -> Contents:
    if made.digest == VARIANT:
        return made.contents
    acquired.unproven.append(
        f"The manifest's digests are of another kind ({made.digest}) than this pgrunbook computes ({VARIANT}): "
        "contents are compared by counts only."
    )
    tables = {name: Table(table.rows, "") for name, table in made.contents.tables.items()}
    return replace(made.contents, tables=tables)


def _matching(acquired: Acquired, vouched: Vouched) -> Iterator[Finding]:
    try:
        wrong = wrong_files(acquired.path, vouched)
    except OSError as reason:
        raise CouldNotTell(f"{acquired.name} could not be read: {reason.strerror}.", code="backup.unreadable") from None
    if wrong:
        listed = ", ".join(wrong[:5])
        yield Finding(
            "backup.checksum",
            False,
            f"{acquired.name} is not what {vouched.by} vouches for: {listed} has another SHA-256, or is not there. "
            "Fetch it again from where it was made, or use another backup.",
            "the SHA-256 of the side file",
            "another",
        )


def fails(findings: list[Finding]) -> bool:
    """Whether any of them is reason enough to restore nothing."""
    return any(not finding.holds and finding.severity is Severity.FAIL for finding in findings)
