"""One backup looked into: what vouches for its bytes, what its header says, and whether it goes on to its end."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Literal

from checks.backup.artifact import Artifact, Format, Header
from checks.backup.faults import BackupFault
from checks.backup.formats import identify
from checks.backup.found import name_in
from checks.backup.listing import Listing
from checks.backup.sidefiles import Vouched, checksums_of, manifest_of, wrong_files
from checks.backup.verify_archive import verify_archive
from checks.backup.whole import complete
from checks.check import Finding, Severity
from checks.errors import CouldNotTell
from checks.targets.binaries import find
from checks.units import Size, show_bytes

ARCHIVES = (Format.CUSTOM, Format.DIRECTORY, Format.TAR)  # what pg_restore reads


@dataclass(frozen=True, slots=True)
class Look:
    """What is the same for every backup of a run: where they lie, the page's major, and what is demanded."""

    listing: Listing
    postgres: int | None
    manifest: Literal["require", "warn", "ignore"]
    fetch: Size
    unpacks: bool = False


def look_into(look: Look, artifact: Artifact, *, is_judged: bool) -> list[Finding]:
    """What is wrong with one backup; empty where nothing.

    Raises CouldNotTell where it cannot be read, unless the check fails already (`is_judged`): then it is a warning.
    """
    findings: list[Finding] = []
    try:
        findings += _vouched_for(look, artifact)
    except BackupFault as fault:
        findings.append(fault.finding)
    except (CouldNotTell, OSError) as reason:
        told = reason if isinstance(reason, CouldNotTell) else _unreadable(artifact, reason)
        if not (is_judged or findings):
            raise told from None
        findings.append(Finding(told.code, False, told.sentence, severity=Severity.WARN))
    return findings


def _vouched_for(look: Look, artifact: Artifact) -> Iterator[Finding]:
    listing, name = look.listing, name_in(look.listing, artifact)
    names = [item.name for item in listing.items(f"{escape(name)}*")]
    with_manifest = manifest_of(listing, name, names)
    vouched = with_manifest or checksums_of(listing, name, names)
    if with_manifest is None and look.manifest != "ignore":
        yield _without_manifest(look, name)
    if listing.path(name) is None and artifact.bytes > look.fetch:
        sentence = f"{name} was not opened: it has {show_bytes(artifact.bytes)}, and up to {look.fetch} is fetched."
        yield Finding("backup.not_fetched", False, sentence, "a backup that was read", "", (), Severity.WARN)
        return
    with tempfile.TemporaryDirectory(prefix="pgrunbook-") as folder:
        path = listing.fetch(name, Path(folder))
        yield from _content(look, artifact, path, vouched)


def _content(look: Look, artifact: Artifact, path: Path, vouched: Vouched | None) -> Iterator[Finding]:
    if vouched is not None:
        yield from _checksum(artifact, path, vouched)
    try:
        header = identify(path)
    except BackupFault as fault:
        yield fault.finding
        return
    yield from _versions(look, artifact.name, header)
    wrong = complete(path, header)
    yield from wrong
    if look.unpacks and not wrong and header.format in ARCHIVES and not header.packed:
        yield from verify_archive(path, find())


def _checksum(artifact: Artifact, path: Path, vouched: Vouched) -> Iterator[Finding]:
    if vouched.bytes is not None and vouched.bytes != artifact.bytes:
        sentence = f"{artifact.name} has {artifact.bytes} bytes, and {vouched.by} says {vouched.bytes}."
        yield Finding("backup.checksum", False, sentence, str(vouched.bytes), str(artifact.bytes))
    elif wrong := wrong_files(path, vouched):
        what = f"{', '.join(wrong[:5])} of {artifact.name}" if path.is_dir() else artifact.name
        sentence = f"{what} does not have the SHA-256 that {vouched.by} says: it is not what was written."
        yield Finding("backup.checksum", False, sentence, "the SHA-256 it was written with", f"{len(wrong)} differ")


def _versions(look: Look, name: str, header: Header) -> Iterator[Finding]:
    server, dumper = _major(header.server), _major(header.dumper)
    if server and dumper and dumper < server:
        sentence = f"{name} was written by pg_dump {header.dumper} of a PostgreSQL {header.server}, newer than itself."
        yield Finding("backup.dumper", False, sentence, f"{server} or newer", header.dumper)
    if server and look.postgres and server != look.postgres:
        sentence = f"{name} is of a PostgreSQL {header.server}, and the page says {look.postgres}."
        yield Finding("backup.other_major", False, sentence, str(look.postgres), header.server, severity=Severity.WARN)


def _without_manifest(look: Look, name: str) -> Finding:
    severity = Severity.FAIL if look.manifest == "require" else Severity.WARN
    sentence = f"{name} has no manifest beside it: what comes back from it can be proven only against itself."
    return Finding("backup.no_manifest", False, sentence, "a manifest", "none", severity=severity)


def _major(version: str) -> int:
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else 0


def _unreadable(artifact: Artifact, reason: OSError) -> CouldNotTell:
    return CouldNotTell(
        f"{artifact.name} cannot be read: {reason.strerror or reason}.",
        code="backup.unreadable",
        hint="See who owns it and who may read it.",
    )
