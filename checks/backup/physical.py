"""Base backups as pg_basebackup leaves them: a folder with a `backup_manifest`, or the tars of one.

https://www.postgresql.org/docs/current/backup-manifest-format.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from checks.backup.artifact import Format, Header

if TYPE_CHECKING:
    import tarfile

_BEGAN = re.compile(r"^START TIME: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+)", re.MULTILINE)
_LABEL = 4096  # bytes: a backup_label is a few lines


def identify_folder(path: Path) -> Header | None:
    """The header of a base backup's plain folder; None for a folder that is none."""
    if (path / "PG_VERSION").is_file() and ((path / "backup_manifest").is_file() or (path / "backup_label").is_file()):
        major = (path / "PG_VERSION").read_text("ascii", "replace").strip()
        label = path / "backup_label"
        return _header(major, label.read_text("utf-8", "replace") if label.is_file() else "")
    return None


def identify_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Header | None:
    """The header of a `base.tar`, from its member `backup_label`, which is the first; None for any other member."""
    if member.name.removeprefix("./") != "backup_label":
        return None
    content = tar.extractfile(member)
    return _header("", content.read(_LABEL).decode("utf-8", "replace")) if content else None


def _header(major: str, label: str) -> Header:
    return Header(Format.PHYSICAL, server=major, dumper=major, began=_began(label))


def _began(label: str) -> datetime | None:
    """When the backup began, where the label says so in UTC; other zones are written as names, which say nothing."""
    found = _BEGAN.search(label)
    if found is None:
        return None
    read = datetime.fromisoformat(found[1])
    return read.replace(tzinfo=UTC) if found[2] in {"UTC", "GMT", "Etc/UTC"} else read
