"""Compressed files: told by their first bytes, and opened as what they hold, a piece at a time.

gzip, bzip2 and xz are Python's own; zstd and lz4 are read through their command-line programs, as scripts do.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from checks.backup.faults import BackupFault
from checks.errors import CouldNotTell

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".lz4": "lz4"}
_PROGRAMS = ("zstd", "lz4")


def compression_of(first: bytes) -> str:
    """What a file is compressed by, from its first bytes; empty where by nothing."""
    return next((name for magic, name in _MAGIC if first.startswith(magic)), "")


@contextmanager
def opened(path: Path, compression: str = "") -> Iterator[BinaryIO]:
    """The content of a file, decompressed while it is read.

    Raises BackupFault, from within too, where it ends too soon or cannot be decompressed, and CouldNotTell where the
    program that could is not installed.
    """
    if compression in _PROGRAMS:
        with _through_program(path, compression) as stream:
            yield stream
        return
    with path.open("rb") as file, _library(file, compression) as stream:
        try:
            yield stream
        except EOFError:
            raise cut_off(path.name, compression) from None
        except Exception as reason:
            if not compression or not _is_damage(reason):
                raise
            raise damaged(path.name, compression, str(reason)) from None


def _library(file: BinaryIO, compression: str) -> BinaryIO:
    # Imported here: of three compressions a run meets one, if any.
    if compression == "gzip":
        import gzip

        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if compression == "bzip2":
        import bz2

        return cast(BinaryIO, bz2.BZ2File(file))
    if compression == "xz":
        import lzma

        return cast(BinaryIO, lzma.LZMAFile(file))
    return file


def _is_damage(reason: Exception) -> bool:
    """Whether a library says by it that the data is wrong; the system's own errors have a number."""
    import lzma
    import zlib

    return isinstance(reason, zlib.error | lzma.LZMAError) or (isinstance(reason, OSError) and reason.errno is None)


@contextmanager
def _through_program(path: Path, compression: str) -> Iterator[BinaryIO]:
    program = shutil.which(compression)
    if program is None:
        raise CouldNotTell(
            f"{path.name} is compressed by {compression}, and this machine has no `{compression}` to read it with.",
            code="backup.no_program",
            hint=f"Install it, as with `apt install {compression}`.",
        )
    with subprocess.Popen(
        [program, "-dcq", "--", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise AssertionError("both were asked for")
        stream = cast(BinaryIO, process.stdout)
        try:
            yield stream
            at_end = not stream.read(1)
        except BaseException:
            process.kill()
            raise
        if not at_end:  # whoever reads no more than the beginning need not decompress the rest
            process.kill()
            return
        said = process.stderr.read().decode("utf-8", "replace").strip()
        if process.wait():
            raise _told(path.name, compression, said)


def _told(name: str, compression: str, said: str) -> BackupFault:
    """The program's own words, judged: both say so where a file ends too soon."""
    words = said.lower()
    if "premature end" in words or "unfinished" in words or "truncated" in words or "unexpected end" in words:
        return cut_off(name, compression)
    return damaged(name, compression, said.splitlines()[-1] if said else "it cannot be decompressed")


def cut_off(name: str, compression: str) -> BackupFault:
    """The fault of a compressed file that ends too soon."""
    return BackupFault(
        f"{name} ends within its {compression} data: the rest is missing.",
        code="backup.truncated",
        hint="Take another backup; see whether the disk was full or the copy was cut off.",
    )


def damaged(name: str, compression: str, said: str) -> BackupFault:
    """The fault of a compressed file whose bytes are not what was written."""
    return BackupFault(
        f"{name} is damaged: its {compression} data cannot be decompressed ({said}).",
        code="backup.compression",
        hint="Fetch it again from where it was copied, or use another backup.",
    )
