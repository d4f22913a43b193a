"""Files against rows, without any database: what each difference is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.check import Finding
from checks.migrations.compare import compare, pending, several_heads
from checks.migrations.history import Applied, History, Migration, VersionTable

TABLE = VersionTable("versions", "app")


def line(*names: str) -> tuple[Migration, ...]:
    """Migrations that each continue the one before."""
    before = [(), *((name,) for name in names[:-1])]
    return tuple(
        Migration(name, f"{name} of a test", Path(f"{name}.sql"), parents, parents, frozenset({f"sum of {name}"}))
        for name, parents in zip(names, before, strict=True)
    )


def branched() -> tuple[Migration, ...]:
    """a, then b and c beside each other, then d that merges them."""
    follow = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    return tuple(Migration(name, name, Path(name), parents, parents) for name, parents in follow.items())


ALEMBIC = History("alembic", branched(), ledger=False)
PRISMA = History("prisma", line("20240101_a", "20240202_b", "20240303_c"), ledger=True)
SQL = History("sql", line("8", "9", "10"), ledger=True)


def codes(findings: list[Finding]) -> list[str]:
    """The codes of findings, each of which must hold exactly where it says at head."""
    assert all(finding.holds == (finding.code == "migrations.at_head") for finding in findings)
    return [finding.code.removeprefix("migrations.") for finding in findings]


def rows(*names: str) -> list[Applied]:
    """Rows of migrations that were applied and are well."""
    return [Applied(name, f"sum of {name}") for name in names]


@pytest.mark.parametrize(
    ("history", "applied", "expected"),
    [
        (ALEMBIC, None, ["unmanaged"]),
        (ALEMBIC, [], ["empty_version_table"]),
        (ALEMBIC, rows("d"), ["at_head"]),
        (ALEMBIC, rows("b"), ["behind"]),
        (ALEMBIC, rows("b", "c"), ["behind"]),
        (ALEMBIC, rows("x"), ["unknown_revision"]),
        (ALEMBIC, rows("b", "x"), ["unknown_revision"]),
        (ALEMBIC, rows("d", "b"), ["overlapping_rows"]),
        (ALEMBIC, rows("a", "b"), ["overlapping_rows", "behind"]),
        (PRISMA, None, ["unmanaged"]),
        (PRISMA, [], ["empty_version_table"]),
        (PRISMA, rows("20240101_a", "20240202_b", "20240303_c"), ["at_head"]),
        (PRISMA, rows("20240101_a"), ["behind"]),
        (PRISMA, rows("20240101_a", "20240303_c"), ["behind"]),
        (PRISMA, rows("20240101_a", "20240202_b", "20240303_c", "20240404_d"), ["ahead"]),
        (PRISMA, rows("20240101_a", "20240102_x", "20240202_b", "20240303_c"), ["missing"]),
        (PRISMA, rows("20240101_a", "20240404_d"), ["ahead", "behind"]),
        (PRISMA, [*rows("20240101_a", "20240202_b"), Applied("20240303_c", "", finished=False)], ["failed"]),
        (
            PRISMA,
            [*rows("20240101_a", "20240202_b", "20240303_c"), Applied("20240303_c", finished=False, rolled_back=True)],
            ["at_head"],
        ),
        (PRISMA, [*rows("20240101_a", "20240202_b"), Applied("20240303_c", rolled_back=True)], ["behind"]),
        (PRISMA, [*rows("20240101_a", "20240202_b"), Applied("20240303_c", "another sum")], ["edited"]),
        (PRISMA, [*rows("20240101_a", "20240202_b"), Applied("20240303_c")], ["at_head"]),
        (SQL, rows("8", "9", "10"), ["at_head"]),
        (SQL, rows("8", "9", "10", "11"), ["ahead"]),
        (SQL, rows("7", "8", "9", "10"), ["missing"]),
    ],
)
def test_each_difference_has_its_own_code(history: History, applied: list[Applied] | None, expected: list[str]) -> None:
    """Every way in which files and rows can disagree is told apart, and agreement is told once."""
    assert codes(compare(history, applied, TABLE)) == expected


def test_being_behind_names_what_is_missing_in_the_order_it_would_be_applied() -> None:
    """The finding lists the migrations to come; a merge comes after what it merges."""
    [finding] = compare(ALEMBIC, rows("a"), TABLE)
    assert finding.sentence == "The database is behind by 3 migrations: b, c, d."
    assert [row["revision"] for row in finding.evidence] == ["b", "c", "d"]
    assert finding.observed == "3 not applied"


def test_long_lists_are_cut_in_sentences_and_whole_in_evidence() -> None:
    """A sentence that names forty migrations is read by nobody."""
    history = History("sql", line(*(str(number) for number in range(1, 41))), ledger=True)
    [finding] = compare(history, rows("1"), TABLE)
    assert finding.sentence.endswith("5 of a test, 6 of a test and 34 more.")
    assert len(finding.evidence) == 39


def test_of_an_unknown_revision_nothing_more_is_claimed() -> None:
    """Alembic's revisions do not sort: whether one is newer or lost cannot be known, and is not said."""
    [finding] = compare(ALEMBIC, rows("x"), TABLE)
    assert "app.versions records x" in finding.sentence
    assert "cannot be told" in finding.sentence


def test_heads_that_nothing_merges_are_listed() -> None:
    """Two heads are a finding of the files, whatever the database has."""
    [finding] = several_heads(History("alembic", branched()[:3], ledger=False))
    assert finding.observed == "2 heads"
    assert several_heads(ALEMBIC) == several_heads(PRISMA) == []


def test_all_heads_applied_is_at_head_even_when_they_are_several() -> None:
    """Where several heads are meant, the database is at head when it has them all."""
    [finding] = compare(History("alembic", branched()[:3], ledger=False), rows("b", "c"), TABLE)
    assert finding.sentence == "All 3 migrations are applied; the heads are b, c."


def test_pending_is_what_an_upgrade_would_apply() -> None:
    """Rows that failed or were rolled back do not count as applied."""
    assert [one.revision for one in pending(ALEMBIC, rows("b"))] == ["c", "d"]
    applied = [*rows("20240101_a"), Applied("20240202_b", finished=False), Applied("20240303_c", rolled_back=True)]
    assert [one.revision for one in pending(PRISMA, applied)] == ["20240202_b", "20240303_c"]
