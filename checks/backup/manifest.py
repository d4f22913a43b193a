"""The manifest beside a backup: what was in the database when it was taken, and the hashes that tie the two together.

A backup without one can be restored, but what came back can be proven only against itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from checks.backup.artifact import Format
from checks.backup.contents import Contents

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
