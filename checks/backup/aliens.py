"""What else lies where backups are kept, told by its first bytes, so that a message says what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.backup.faults import BackupFault
from checks.check import Severity


@dataclass(frozen=True, slots=True)
class Alien:
    """Something that is no backup of PostgreSQL: how it begins, what it is, its code and what to do."""

    begins: re.Pattern[bytes]
    what: str
    code: str
    hint: str
    severity: Severity = Severity.FAIL


def _begins(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_FETCH = "Whoever fetched or uploaded it received this in place of the backup: look at that script's answer and login."
_OTHER = "Back PostgreSQL up by `pg_dump`; only what it or `pg_basebackup` wrote can be restored and proven."
_DECRYPT = "Decrypt it first, and name the result: what is within cannot be seen from outside."
_GNUPG = rb"\x85[\x01-\x04].\x03|\x84.\x03|\x8c[\x0c-\x1e]\x04"  # a session key, for a key or a passphrase
ALIENS = (
    Alien(_begins(rb"\s*version https://git-lfs\.github\.com"), "a Git LFS pointer and no backup", "backup.lfs_pointer",
          "The file itself is in LFS storage: run `git lfs pull`, and keep backups out of Git."),
    Alien(_begins(rb"\s*(<!doctype html|<html|<\?xml|<error>)"), "a web page or an XML answer", "backup.not_a_backup",
          _FETCH),
    Alien(_begins(rb"\s*[\[{]\s*[\"{\]}]"), "JSON", "backup.not_a_backup", _FETCH),
    Alien(_begins(rb"(/\*M?!999999.*?\*/;?\s*)?-- (mysql|mariadb) dump"), "a dump of MySQL or MariaDB",
          "backup.other_database", _OTHER),
    Alien(_begins(rb"SQLite format 3\0|PRAGMA foreign_keys=OFF;"), "a SQLite database or its dump",
          "backup.other_database", _OTHER),
    Alien(_begins(rb"\x6d\xe2\x99\x81"), "an archive of MongoDB", "backup.other_database", _OTHER),
    Alien(_begins(rb"REDIS\d{4}"), "a snapshot of Redis", "backup.other_database", _OTHER),
    Alien(_begins(rb"PK\x03\x04|7z\xbc\xaf"), "a zip archive", "backup.not_a_backup",
          "Unpack it, and look at what it holds."),
    Alien(_begins(rb"-----BEGIN PGP MESSAGE|age-encryption\.org/|Salted__|" + _GNUPG), "encrypted",
          "backup.encrypted", _DECRYPT, Severity.WARN),
    Alien(_begins(rb"pg_dump(all)?: (error|\[)|.*pg_dump(all)?: error:"), "the error message of pg_dump",
          "backup.not_a_backup",
          "Let the script stop where `pg_dump` fails (`set -eo pipefail`), and keep its messages apart."),
)  # fmt: skip


def alien(name: str, first: bytes) -> BackupFault:
    """The fault of a file that is no backup, from its first bytes."""
    for one in ALIENS:
        if one.begins.match(first):
            sentence = f"{name} is {one.what}."
            return BackupFault(sentence, code=one.code, hint=one.hint, observed=one.what, severity=one.severity)
    kind = "text" if _is_text(first) else "bytes"
    return BackupFault(
        f"{name} is no PostgreSQL backup: {kind} that neither pg_dump nor pg_basebackup begins with.",
        code="backup.not_a_backup",
        hint="See what wrote it; a backup whose first bytes are damaged looks like this as well.",
        observed=f"unknown {kind}",
    )


def utf16(name: str, first: bytes) -> BackupFault | None:
    """The fault of a file that PowerShell's `>` made, which writes every text as UTF-16; None for any other."""
    marked = first[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if not marked and not re.match(rb"(?:[\t\n\r -~]\0){8}|(?:\0[\t\n\r -~]){8}", first):
        return None
    return BackupFault(
        f"{name} is UTF-16 text: it went through a shell that rewrote every byte of it, as PowerShell's `>` does.",
        code="backup.encoding",
        hint="Have pg_dump write the file itself, with `--file`, and take the backup again.",
        observed="UTF-16",
    )


def _is_text(first: bytes) -> bool:
    return not re.search(rb"[\0-\x08\x0e-\x1f]", first)
