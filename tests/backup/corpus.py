"""Backups broken on purpose, each made of a healthy one by a recipe of a few lines, with the code it is caught by.

Those `caught_by` the artifact show without a server; those by the `check` show from what lies beside the file; the rest
restore without a word and only a drill sees them: those are in `corpus_drill.py`.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import time
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from checks.backup import archive
from checks.backup.sidefiles import sha256
from tests.backup.corpus_drill import OF_CELLS, OF_THE_DRILL
from tests.backup.faults import Fault, Make
from tests.backup.shop import Healthy


def _artifact(name: str, make: Make, *codes: str) -> Fault:
    return Fault(name, make, frozenset(codes), "artifact")


# -- cut off


def _cut(form: str, share: float, healthy: Healthy, folder: Path) -> Path:
    whole: Path = getattr(healthy, form)
    path = folder / whole.name
    content = whole.read_bytes()
    path.write_bytes(content[: max(1, round(len(content) * share))])
    return path


def _cut_gzip(share: float, healthy: Healthy, folder: Path) -> Path:
    path = folder / "shop.sql.gz"
    content = gzip.compress(healthy.plain.read_bytes())
    path.write_bytes(content[: round(len(content) * share)])
    return path


def _cut_within_contents(healthy: Healthy, folder: Path) -> Path:
    with healthy.custom.open("rb") as file:
        end = archive.read(file, healthy.custom.name).end
    path = folder / healthy.custom.name
    path.write_bytes(healthy.custom.read_bytes()[: end // 2])
    return path


def _without_last_line(healthy: Healthy, folder: Path) -> Path:
    path = folder / healthy.plain.name
    content = healthy.plain.read_bytes()
    path.write_bytes(content[: content.rindex(b"--\n-- PostgreSQL database dump complete")])
    return path


def _cut_in_directory(what: str, share: float, healthy: Healthy, folder: Path) -> Path:
    """Cut off the largest file of a directory's rows, or its table of contents."""
    path = shutil.copytree(healthy.directory, folder / healthy.directory.name)
    cut = max(path.glob(what), key=lambda one: one.stat().st_size)
    content = cut.read_bytes()
    cut.write_bytes(content[: round(len(content) * share)])
    return path


_ENDS = (0.0001, 0.001, 0.01, 0.02, 0.05, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
_SHARES = sorted((*_ENDS, *(tenth / 10 for tenth in range(1, 10))))
_CUT: dict[str, Callable[[float], Make]] = {
    "custom": lambda share: partial(_cut, "custom", share),
    "plain": lambda share: partial(_cut, "plain", share),
    "tar": lambda share: partial(_cut, "tar", share),
    "gzip": lambda share: partial(_cut_gzip, share),
    "a directory's rows": lambda share: partial(_cut_in_directory, "*.gz", share),
    "a directory's contents": lambda share: partial(_cut_in_directory, "toc.dat", share),
}
_TRUNCATED = (
    *(
        _artifact(f"{what} cut off at {share:.2%}", make(share), "backup.truncated")
        for what, make in _CUT.items()
        for share in _SHARES
    ),
    _artifact("custom cut off within its table of contents", _cut_within_contents, "backup.truncated"),
    _artifact("plain without its last line", _without_last_line, "backup.truncated"),
)

# -- a byte that is not what was written


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def _flip(form: str, what: bytes, beyond: int, healthy: Healthy, folder: Path) -> Path:
    """Flip the byte so far beyond the first place where `what` is."""
    whole: Path = getattr(healthy, form)
    content = whole.read_bytes()
    path = folder / whole.name
    path.write_bytes(_flipped(content, content.index(what) + beyond))
    return path


def _flip_in_data(share: float, healthy: Healthy, folder: Path) -> Path:
    """Flip a byte within the compressed data of a custom archive, so far along."""
    content = healthy.custom.read_bytes()
    with healthy.custom.open("rb") as file:
        found = archive.read(file, healthy.custom.name)
    offsets = {entry.tag: entry.offset for entry in found.entries if entry.kind == "TABLE DATA"}
    start, end = offsets["orders"] or 0, len(content)
    following = [offset for offset in offsets.values() if offset and offset > start]
    end = min([*following, end])
    path = folder / healthy.custom.name
    path.write_bytes(_flipped(content, start + 12 + round((end - start - 16) * share)))
    return path


def _flip_in_gzip(share: float, healthy: Healthy, folder: Path) -> Path:
    content = gzip.compress(healthy.plain.read_bytes())
    path = folder / "shop.sql.gz"
    path.write_bytes(_flipped(content, int((len(content) - 5) * share)))
    return path


def _flip_in_directory(healthy: Healthy, folder: Path) -> Path:
    path = shutil.copytree(healthy.directory, folder / healthy.directory.name)
    largest = max(path.glob("*.gz"), key=lambda one: one.stat().st_size)
    largest.write_bytes(_flipped(largest.read_bytes(), largest.stat().st_size // 2))
    return path


def _flip_in_contents(what: bytes, beyond: int, healthy: Healthy, folder: Path) -> Path:
    path = shutil.copytree(healthy.directory, folder / healthy.directory.name)
    contents = (path / "toc.dat").read_bytes()
    (path / "toc.dat").write_bytes(_flipped(contents, contents.index(what) + beyond))
    return path


def _flip_in_tar(member: str, where: str, healthy: Healthy, folder: Path) -> Path:
    """Flip a byte of a member of a tar: in the middle of its header or of its content."""
    content = healthy.tar.read_bytes()
    with tarfile.open(healthy.tar) as tar:
        named = [one for one in tar.getmembers() if fnmatch(one.name, member)]
    largest = max(named, key=lambda one: one.size)
    at = largest.offset + 100 if where == "header" else largest.offset_data + largest.size // 2
    path = folder / healthy.tar.name
    path.write_bytes(_flipped(content, at))
    return path


_STRINGS = b"STDSTRINGS\0\x0a\0\0\0STDSTRINGS"  # an entry's name, a length, and its kind
_FLIPPED = (
    _artifact("the first byte flipped", partial(_flip, "custom", b"PGDMP", 0), "backup.not_a_backup"),
    _artifact("the version's byte flipped", partial(_flip, "custom", b"PGDMP", 6), "backup.version"),
    _artifact("the size of numbers flipped", partial(_flip, "custom", b"PGDMP", 8), "backup.toc_damaged"),
    _artifact("the format's byte flipped", partial(_flip, "custom", b"PGDMP", 10), "backup.toc_damaged"),
    _artifact("the compression's byte flipped", partial(_flip, "custom", b"PGDMP", 11), "backup.toc_damaged"),
    _artifact("the time's sign flipped", partial(_flip, "custom", b"PGDMP", 12), "backup.toc_damaged"),
    _artifact(
        "a kind in the table of contents flipped",
        partial(_flip, "custom", b"ENCODING\0\x08\0\0\0ENCODING", 13),
        "backup.toc_damaged",
    ),
    _artifact(
        "a length in the table of contents flipped", partial(_flip, "custom", b"ENCODING", -1), "backup.toc_damaged"
    ),
    _artifact("an end of list flipped", partial(_flip, "custom", b"false\1", 5), "backup.toc_damaged"),
    _artifact(
        "a directory's table of contents flipped", partial(_flip_in_contents, _STRINGS, 15), "backup.toc_damaged"
    ),
    _artifact("data flipped early", partial(_flip_in_data, 0.1), "backup.data_damaged"),
    _artifact("data flipped in the middle", partial(_flip_in_data, 0.5), "backup.data_damaged"),
    _artifact("data flipped late", partial(_flip_in_data, 0.9), "backup.data_damaged"),
    _artifact("a tar's first header flipped", partial(_flip_in_tar, "toc.dat", "header"), "backup.toc_damaged"),
    _artifact("a header within a tar flipped", partial(_flip_in_tar, "*.dat", "header"), "backup.part_missing"),
    _artifact("a tar's table of contents flipped", partial(_flip, "tar", _STRINGS, 15), "backup.toc_damaged"),
    _artifact(
        "plain's first line flipped", partial(_flip, "plain", b"-- PostgreSQL database dump", 5), "backup.not_a_backup"
    ),
    _artifact("a directory's first byte flipped", partial(_flip_in_contents, b"PGDMP", 0), "backup.toc_damaged"),
    _artifact("a directory's version flipped", partial(_flip_in_contents, b"PGDMP", 6), "backup.version"),
    _artifact("gzip's first byte flipped", partial(_flip_in_gzip, 0.0), "backup.not_a_backup"),
    _artifact("gzip's checksum flipped", partial(_flip_in_gzip, 0.9999), "backup.compression"),
    _artifact("a byte of gzip flipped", partial(_flip_in_gzip, 0.5), "backup.compression"),
    _artifact("a byte of a directory's data flipped", _flip_in_directory, "backup.compression"),
)

# -- something else under its name


def _content(name: str, content: bytes, _: Healthy, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _changed(form: str, name: str, change: Callable[[bytes], bytes], healthy: Healthy, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(change(getattr(healthy, form).read_bytes()))
    return path


def _utf16(content: bytes) -> bytes:
    return content.decode("utf-8").encode("utf-16")


def _of_the_future(content: bytes) -> bytes:
    return content[:5] + bytes([1, 99]) + content[7:]


def _twice(content: bytes) -> bytes:
    return gzip.compress(gzip.compress(content))


_MYSQL = b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: localhost    Database: shop\n"
_MARIADB = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n"
_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345678\n"
_HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
_S3_ERROR = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'
_PG_DUMP_ERROR = b'pg_dump: error: connection to server at "db" failed: FATAL:  password authentication failed\n'
_ALIENS = (
    _artifact("an empty file", partial(_content, "shop.dump", b""), "backup.empty"),
    _artifact("a gzip of nothing", partial(_content, "shop.sql.gz", gzip.compress(b"")), "backup.empty"),
    _artifact("a dump of MySQL", partial(_content, "shop.sql", _MYSQL), "backup.other_database"),
    _artifact("a dump of MariaDB", partial(_content, "shop.sql.gz", gzip.compress(_MARIADB)), "backup.other_database"),
    _artifact(
        "a SQLite database", partial(_content, "shop.dump", b"SQLite format 3\0" + bytes(84)), "backup.other_database"
    ),
    _artifact("an LFS pointer", partial(_content, "shop.dump", _LFS), "backup.lfs_pointer"),
    _artifact("a web page", partial(_content, "shop.dump", _HTML), "backup.not_a_backup"),
    _artifact("an error of a bucket", partial(_content, "shop.dump", _S3_ERROR), "backup.not_a_backup"),
    _artifact("an answer in JSON", partial(_content, "shop.dump", b'{"message": "Not Found"}'), "backup.not_a_backup"),
    _artifact("the error message of pg_dump", partial(_content, "shop.sql", _PG_DUMP_ERROR), "backup.not_a_backup"),
    _artifact("zero bytes", partial(_content, "shop.dump", bytes(4096)), "backup.not_a_backup"),
    _artifact("an encrypted file", partial(_content, "shop.dump", b"\x8c\x0d\x04\x09" + bytes(99)), "backup.encrypted"),
    _artifact("UTF-16", partial(_changed, "plain", "shop.sql", _utf16), "backup.encoding"),
    _artifact("gzip of gzip", partial(_changed, "plain", "shop.sql.gz", _twice), "backup.compressed_twice"),
    _artifact("an unknown future version", partial(_changed, "custom", "shop.dump", _of_the_future), "backup.version"),
    _artifact("plain SQL named .dump", partial(_changed, "plain", "shop.dump", bytes), "backup.misnamed"),
    _artifact("custom named .tar", partial(_changed, "custom", "shop.tar", bytes), "backup.misnamed"),
    _artifact("plain SQL named .gz", partial(_changed, "plain", "shop.sql.gz", bytes), "backup.misnamed"),
)

# -- parts that are missing


def _without_a_file(healthy: Healthy, folder: Path) -> Path:
    path = shutil.copytree(healthy.directory, folder / healthy.directory.name)
    max(path.glob("*.gz"), key=lambda one: one.stat().st_size).unlink()
    return path


def _without_contents(healthy: Healthy, folder: Path) -> Path:
    path = shutil.copytree(healthy.directory, folder / healthy.directory.name)
    (path / "toc.dat").unlink()
    return path


def _dumped(sql: str, options: tuple[str, ...], name: str, healthy: Healthy, folder: Path) -> Path:
    path = folder / name
    with healthy.shop.changed(sql) as shop:
        shop.dump(*options, f"--file={path}")
    return path


_EMPTIED = "DROP SCHEMA public CASCADE; DROP SCHEMA archive CASCADE; CREATE SCHEMA public"
_CUSTOM, _PLAIN = ("--format=custom",), ("--format=plain",)
_PARTS = (
    _artifact("a directory without one of its files", _without_a_file, "backup.part_missing"),
    _artifact("a directory without its table of contents", _without_contents, "backup.truncated"),
    _artifact("an empty database", partial(_dumped, _EMPTIED, _CUSTOM, "shop.dump"), "backup.no_tables"),
    _artifact("an empty database as SQL", partial(_dumped, _EMPTIED, _PLAIN, "shop.sql"), "backup.no_tables"),
    _artifact("definitions alone", partial(_dumped, "", (*_CUSTOM, "--schema-only"), "shop.dump"), "backup.no_data"),
)

# -- a dump that does more


def _with_line(line: bytes, healthy: Healthy, folder: Path) -> Path:
    """Plain SQL with a line of somebody's own, before the first table."""
    path = folder / "shop.sql"
    path.write_bytes(healthy.plain.read_bytes().replace(b"\nCREATE TABLE", b"\n" + line + b"\n\nCREATE TABLE", 1))
    return path


def _more(name: str, line: bytes, code: str) -> Fault:
    return _artifact(name, partial(_with_line, line), code)


_MORE = (
    _more(
        "\\connect elsewhere", b"\\connect 'host=production.example.org dbname=postgres'", "backup.connects_elsewhere"
    ),
    _more("\\c elsewhere", b"\\c postgres", "backup.connects_elsewhere"),
    _more("\\! runs a program", b"\\! touch owned", "backup.runs_program"),
    _more("\\o into a program", b"\\o | cat", "backup.runs_program"),
    _more("\\copy from a program", b"\\copy t from program 'id'", "backup.runs_program"),
    _more("a backquote runs a program", b"\\set x `id`", "backup.runs_program"),
    _more("\\i includes a file", b"\\i /etc/passwd", "backup.reads_files"),
    _more("COPY to a program", b"COPY (SELECT 1) TO PROGRAM 'id';", "backup.runs_program"),
    _more("COPY from a program in a DO block", b"DO $$ BEGIN COPY t FROM PROGRAM 'id'; END $$;", "backup.runs_program"),
    _more("COPY from a file of the server", b"COPY t FROM '/etc/passwd';", "backup.reads_files"),
    _more("pg_read_file", b"SELECT pg_read_file('/etc/passwd');", "backup.reads_files"),
    _more(
        "a function in C",
        b"CREATE FUNCTION f() RETURNS int AS 'libc.so.6', 'system' LANGUAGE c;",
        "backup.untrusted_code",
    ),
    _more("an untrusted language", b"CREATE EXTENSION plpython3u;", "backup.untrusted_code"),
    _more("ALTER SYSTEM", b"ALTER SYSTEM SET archive_command = 'id';", "backup.alter_system"),
    _more("a superuser", b"CREATE ROLE helper SUPERUSER LOGIN;", "backup.makes_superuser"),
    _more("a subscription", b"CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;", "backup.reaches_out"),
    _more("dblink", b"SELECT dblink_connect('host=x');", "backup.reaches_out"),
)

# -- what shows from beside the file


def _beside(healthy: Healthy, folder: Path, *, correct: bool = True) -> Path:
    """A healthy artifact with a checksum file."""
    path = Path(shutil.copy(healthy.custom, folder / "shop.dump"))
    digest = sha256(path) if correct else "0" * 64
    (folder / "shop.dump.sha256").write_text(f"{digest}  shop.dump\n", encoding="utf-8")
    return path


def _wrong_checksum(healthy: Healthy, folder: Path) -> Path:
    return _beside(healthy, folder, correct=False)


def _flip_in_definition(healthy: Healthy, folder: Path) -> Path:
    """A flip that no structure shows, as it makes another word of one."""
    path = _beside(healthy, folder)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"amount * 0.19", b"amount * 0.09", 1))
    return path


def _flip_beside(form: str, share: float, healthy: Healthy, folder: Path) -> Path:
    """A flip among the rows of a backup that a checksum file vouches for."""
    whole: Path = getattr(healthy, form)
    path = folder / whole.name
    content = whole.read_bytes()
    (folder / f"{whole.name}.sha256").write_text(f"{sha256(whole)}  {whole.name}\n", encoding="utf-8")
    path.write_bytes(_flipped(content, round(len(content) * share)))
    return path


def _old(healthy: Healthy, folder: Path) -> Path:
    path = Path(shutil.copy(healthy.custom, folder / "shop.dump"))
    days_ago = time.time() - 3 * 86400
    os.utime(path, (days_ago, days_ago))
    return path


def _ahead(healthy: Healthy, folder: Path) -> Path:
    return Path(shutil.copy(healthy.custom, folder / "shop-20990101T000000Z.dump"))


def _check(name: str, make: Make, code: str = "backup.checksum") -> Fault:
    return Fault(name, make, frozenset({code}), "check")


_BESIDE = (
    _check("a wrong checksum file", _wrong_checksum, "backup.checksum"),
    _check("a byte of a definition flipped", _flip_in_definition, "backup.checksum"),
    *(
        _check(f"a byte of {form} at {share:.0%} is not what was vouched for", partial(_flip_beside, form, share))
        for form in ("custom", "plain", "tar")
        for share in (0.4, 0.5, 0.6)
    ),
    _check("older than the RPO", _old, "backup.stale"),
    _check("dated in the future", _ahead, "backup.future"),
)

FAULTS: tuple[Fault, ...] = (*_TRUNCATED, *_FLIPPED, *_ALIENS, *_PARTS, *_MORE, *_BESIDE, *OF_THE_DRILL, *OF_CELLS)
