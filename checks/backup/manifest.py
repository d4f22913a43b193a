"""The manifest beside a backup: what was in the database when it was taken, and the hashes that tie the two together.

A backup without one can be restored, but what came back can be proven only against itself.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from checks.backup.artifact import Format
from checks.backup.contents import Contents
from checks.backup.faults import BackupFault

KIND: Literal["pgrunbook manifest"] = "pgrunbook manifest"
VERSION: Literal[1] = 1
SUFFIX = ".manifest.json"  # relay-20261121T090000Z.dump has relay-20261121T090000Z.dump.manifest.json beside it


@dataclass(frozen=True, slots=True)
class Manifest:
    """`taken` is the snapshot's time in UTC, ISO 8601. `files` are SHA-256 by path relative to the artifact.

    An artifact of one file has one, under its own name. `digest` names the variant of the content digest, so that two
    manifests are compared only where the same was computed.
    """

    runbook: str
    environment: str
    taken: str
    artifact: str
    format: Format
    compression: str
    bytes: int
    files: dict[str, str]
    dumper: str
    digest: str
    contents: Contents
    kind: Literal["pgrunbook manifest"] = KIND
    version: Literal[1] = VERSION


def write(manifest: Manifest, path: Path) -> None:
    """Write it as JSON, whole or not at all, and onto the disk. Raises OSError."""
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False, sort_keys=False)
    part = path.with_name(f".{path.name}.partial")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(path: Path) -> Manifest:
    """The manifest in a file. Raises BackupFault (`backup.manifest`) for one that is damaged, or of another version."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as reason:
        raise _unreadable(path.name, reason.strerror or str(reason)) from None


def parse(written: bytes, name: str) -> Manifest:
    """The manifest in a text; `name` is what messages call it. Raises BackupFault as `read` does."""
    # A backup that is only looked for needs no pydantic, and imports this module for its names.
    from pydantic import TypeAdapter, ValidationError

    try:
        manifest: Manifest = TypeAdapter(Manifest).validate_json(written)
    except ValidationError as mistakes:
        first = mistakes.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _unreadable(name, f"{where}: {first['msg']}" if where else first["msg"]) from None
    return manifest


def _unreadable(name: str, why: str) -> BackupFault:
    return BackupFault(
        f"{name} is no manifest that this pgrunbook reads ({why}).",
        code="backup.manifest",
        hint="Read it with the pgrunbook that wrote it, or take another backup with `invoke backup`.",
        observed="unreadable manifest",
    )
