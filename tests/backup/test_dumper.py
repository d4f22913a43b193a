"""Which pg_dump is taken: the server's own major, else the smallest newer one, and never an older one."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.backup import dumper
from checks.backup.dumper import Dumper
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries


def has(monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    """Make this machine's programs of these versions."""
    there = [Dumper(Path(f"/opt/{one}/pg_dump"), one, int(one.partition(".")[0])) for one in versions]
    monkeypatch.setattr(dumper, "_dumpers", lambda explicit: iter(there))


def test_the_servers_own_major_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the smallest newer one, of which something is to be said."""
    has(monkeypatch, "18.1", "15.18", "17.2")
    assert dumper.choose("15.3").version == "15.18"
    assert dumper.note(dumper.choose("15.3"), "15.3") == ""
    newer = dumper.choose("16.1")
    assert newer.version == "17.2"
    assert "17 or newer" in dumper.note(newer, "16.1")


def test_an_older_one_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With both versions, and what to install."""
    has(monkeypatch, "15.18", "16.4")
    with pytest.raises(CouldNotTell) as failed:
        dumper.choose("17.2")
    assert failed.value.code == "dump.client_too_old"
    assert "17.2" in failed.value.sentence
    assert "16.4" in failed.value.sentence
    assert "postgresql-client-17" in failed.value.hint


def test_none_at_all_is_told(tmp_path: Path) -> None:
    """A folder that was named and holds no pg_dump is not passed over for another."""
    with pytest.raises(CouldNotTell) as failed:
        dumper.choose("17.2", tmp_path)
    assert failed.value.code == "dump.no_client"


def test_each_major_of_this_machine_is_found_where_it_is(every_major: Binaries) -> None:
    """A folder of programs that a person named, and its compression as the build has it."""
    found = dumper.choose(every_major.version, every_major.folder)
    assert (found.program, found.version, found.major) == (
        every_major.program("pg_dump"),
        every_major.version,
        every_major.major,
    )
    assert found.compression in ({"gzip:1"} if found.major < 16 else {"gzip:1", "zstd:1"})
    assert found.options("gzip:1") == ("1" if found.major < 16 else "gzip:1")


def test_a_program_that_does_not_run_is_none(tmp_path: Path) -> None:
    """Something that is called pg_dump and says nothing of a version."""
    (tmp_path / "pg_dump").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "pg_dump").chmod(0o755)
    with pytest.raises(CouldNotTell) as failed:
        dumper.choose("15.1", tmp_path)
    assert failed.value.code == "dump.no_client"


def test_an_older_minor_is_told() -> None:
    """It is let through, as PostgreSQL lets it, but what newer servers keep for themselves gets into its dumps."""
    older = Dumper(Path("/opt/15/pg_dump"), "15.18", 15)
    assert "15.20" in dumper.note(older, "15.20")
    assert dumper.note(older, "15.18 (Debian 15.18-0+deb12u1)") == ""
