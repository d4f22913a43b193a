"""Which PostgreSQL of this machine can keep statistics of statements: small builds leave the library out."""

from __future__ import annotations

from checks.targets.binaries import Binaries, available

LIBRARY = "pg_stat_statements"


def with_the_library() -> list[Binaries]:
    """One installation of each major that has it, newest first."""
    having = [one for one in available() if any((one.folder.parent / "lib").rglob(f"{LIBRARY}.*"))]
    return list({one.major: one for one in reversed(having)}.values())[::-1]
