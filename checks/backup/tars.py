"""Tar archives, as pg_dump and pg_basebackup write them, read forward only and through any compression.

https://www.postgresql.org/docs/current/app-pgdump.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from checks.backup import archive
from checks.backup.faults import BackupFault
from checks.backup.packed import opened

if TYPE_CHECKING:
    import tarfile

CONTENTS = "toc.dat"


@contextmanager
def opened_tar(path: Path, packed: str) -> Iterator[tarfile.TarFile]:
    """The tar at `path`. Raises BackupFault, from within too, where it ends too soon or its headers make no sense."""
    import tarfile

    try:
        # The stream mode is told the compression that was found, and not the one that a name suggests.
        with opened(path, packed) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            yield tar
    except tarfile.TarError as reason:
        said = str(reason)
        if "checksum" in said or "invalid" in said or "bad" in said:
            raise _damaged(path.name, said) from None
        raise cut_short(path.name, path.stat().st_size) from None


def contents(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> archive.Archive | None:
    """What pg_dump's tar `name` holds, from its first member; None of any other member. Raises BackupFault."""
    stream = tar.extractfile(member) if member.name == CONTENTS else None
    return None if stream is None else archive.read(cast(BinaryIO, stream), f"{name}: {CONTENTS}", member.size)


def archive_of(path: Path, packed: str) -> archive.Archive:
    """The archive of a tar of pg_dump's. Raises BackupFault where its table of contents is not there, or not whole."""
    with opened_tar(path, packed) as tar:
        for member in tar:
            if found := contents(tar, member, path.name):
                return found
    raise cut_short(path.name, path.stat().st_size)


def cut_short(name: str, size: int) -> BackupFault:
    """The fault of a file that ends after `size` bytes, where no backup can end."""
    return BackupFault(
        f"{name} ends after {size} bytes: the rest is missing.",
        code="backup.truncated",
        hint="Take another backup; see whether the disk was full or the copy was cut off.",
        observed=f"{size} bytes",
    )


def _damaged(name: str, said: str) -> BackupFault:
    return BackupFault(
        f"{name} is damaged: a header of the tar makes no sense ({said}).",
        code="backup.toc_damaged",
        hint="Fetch it again from where it was copied, or use another backup.",
        observed=said,
    )
