"""Sequences: how many numbers are left, in them and in the columns they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import ValidationError

from checks.errors import CouldNotTell
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, run_sql

CAMPAIGNS = """
    CREATE SCHEMA game;
    CREATE TABLE game.campaigns (id serial PRIMARY KEY, turn bigint GENERATED ALWAYS AS IDENTITY, title text);
    INSERT INTO game.campaigns (title) VALUES ('one'), ('two');
"""


def test_sequences_with_numbers_left_hold(target_of_every_major: EmbeddedTarget) -> None:
    """Serial and identity columns with a few rows have used next to nothing, and each is shown with its column."""
    run_sql(target_of_every_major, CAMPAIGNS)
    [finding] = check_holds("sequences", "{}", target_of_every_major)
    assert finding.sentence.startswith("2 sequences have numbers left; the most used is game.campaigns_id_seq, 0.0%")
    assert finding.evidence[0] == {
        "sequence": "game.campaigns_id_seq",
        "column": "game.campaigns.id",
        "used %": 0.0,
        "left": 2**31 - 1 - 2,
    }


def test_a_database_without_sequences_says_so(target: EmbeddedTarget) -> None:
    """Where keys are UUIDs nothing can run out, and the finding says that there was nothing to judge."""
    [finding] = check_holds("sequences", "{}", target)
    assert finding.sentence.startswith("There is no sequence")


def test_a_sequence_near_its_end_does_not_hold(target_of_every_major: EmbeddedTarget) -> None:
    """A sequence that has given out most of its numbers is named with how many are left."""
    run_sql(target_of_every_major, CAMPAIGNS + "SELECT setval('game.campaigns_id_seq', 2147483000)")
    finding = check_fails("sequences", "{}", target_of_every_major, code="sequences.nearly_used")
    assert finding.sentence == "Sequence game.campaigns_id_seq has used 100.0% of its numbers; 647 are left."
    assert finding.expected == "at most 75% used"


def test_the_limit_is_the_pages(target: EmbeddedTarget) -> None:
    """A sequence at 80 % holds where the page allows 80, and does not where it allows 79."""
    run_sql(target, "CREATE SEQUENCE tickets MAXVALUE 100; SELECT setval('tickets', 80)")
    check_holds("sequences", "{used: 80%}", target)
    check_fails("sequences", "{used: 79%}", target, code="sequences.nearly_used")
    check_holds("sequences", "{used: 79%, ignore: [tickets]}", target)


def test_a_number_not_yet_taken_is_not_used(target: EmbeddedTarget) -> None:
    """A sequence made to begin near its end, and never called, has used nothing; its last number uses it up."""
    run_sql(target, "CREATE SEQUENCE tickets MAXVALUE 2 START 2")
    check_holds("sequences", "{used: 1%}", target)
    run_sql(target, "SELECT nextval('tickets')")
    finding = check_fails("sequences", "{}", target, code="sequences.nearly_used")
    assert "0 are left" in finding.sentence


def test_steps_and_direction_count(target: EmbeddedTarget) -> None:
    """What is left is counted in calls of nextval, also for a sequence that counts down."""
    run_sql(target, "CREATE SEQUENCE tens INCREMENT 10 MAXVALUE 100; SELECT nextval('tens'), nextval('tens')")
    finding = check_fails("sequences", "{used: 19%}", target, code="sequences.nearly_used")
    assert (finding.evidence[0]["used %"], finding.evidence[0]["left"]) == (20.0, 8)
    run_sql(target, "DROP SEQUENCE tens; CREATE SEQUENCE down INCREMENT -1 MINVALUE -4; SELECT setval('down', -3)")
    finding = check_fails("sequences", "{used: 74%}", target, code="sequences.nearly_used")
    assert (finding.evidence[0]["used %"], finding.evidence[0]["left"]) == (75.0, 1)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE t (id serial); ALTER SEQUENCE t_id_seq AS bigint",
        "CREATE SEQUENCE t_id_seq; CREATE TABLE t (id integer DEFAULT nextval('t_id_seq'))",
        "CREATE DOMAIN key AS integer; CREATE SEQUENCE t_id_seq; CREATE TABLE t (id key);"
        "ALTER SEQUENCE t_id_seq OWNED BY t.id",
    ],
    ids=["serial", "default", "domain"],
)
def test_a_narrow_column_ends_before_its_sequence(target: EmbeddedTarget, made: str) -> None:
    """A bigint sequence that feeds an integer column is judged by the column, however the two are tied."""
    run_sql(target, f"{made}; SELECT setval('t_id_seq', 2000000000)")
    finding = check_fails("sequences", "{}", target, code="sequences.column_nearly_full")
    assert finding.sentence == (
        "Sequence t_id_seq has used 93.1% of its numbers; 147,483,647 are left before column t.id is full."
    )


def test_a_wide_column_does_not_narrow_its_sequence(target: EmbeddedTarget) -> None:
    """A bigint or numeric column takes all its sequence can give."""
    run_sql(target, "CREATE TABLE t (id bigserial, n numeric DEFAULT nextval('t_id_seq'))")
    run_sql(target, "SELECT setval('t_id_seq', 4000000000)")
    check_holds("sequences", "{}", target)


def test_a_cycling_sequence_does_not_hold(target: EmbeddedTarget) -> None:
    """A sequence that feeds a column must not start over, unless the page says it may; one that feeds none may."""
    run_sql(target, "CREATE SEQUENCE alone MAXVALUE 2 CYCLE; SELECT setval('alone', 2); CREATE TABLE t (id serial)")
    check_holds("sequences", "{}", target)
    run_sql(target, "ALTER SEQUENCE t_id_seq CYCLE")
    finding = check_fails("sequences", "{}", target, code="sequences.cycles")
    assert finding.sentence == ("1 sequence starts over at its end and would give numbers out twice: t_id_seq of t.id.")
    check_holds("sequences", "{may_cycle: [t_id_seq]}", target)


@pytest.fixture
def stranger(server: EmbeddedServer, target: EmbeddedTarget) -> Iterator[Elsewhere]:
    """The same database as seen by a role without any privilege."""
    server.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    yield Elsewhere(replace(target.endpoint, user="stranger", password="only for this test"))
    server.execute("DROP OWNED BY stranger", database=target.database)
    server.execute("DROP ROLE stranger")


def test_a_sequence_that_cannot_be_seen_has_no_verdict(
    server: EmbeddedServer, target: EmbeddedTarget, stranger: Elsewhere
) -> None:
    """A role that may not read a sequence is told which grant it needs, and nothing is green."""
    run_sql(target, "CREATE SEQUENCE tickets; SELECT nextval('tickets')")
    with pytest.raises(CouldNotTell, match="tickets") as reason:
        findings_of("sequences", "{}", stranger)
    assert reason.value.code == "run.not_permitted"
    assert "GRANT SELECT ON ALL SEQUENCES" in reason.value.hint
    run_sql(target, "GRANT SELECT ON tickets TO stranger")
    check_holds("sequences", "{}", stranger)


@pytest.mark.parametrize("written", ["{used: 75}", "{used: most}", "{used: -1%}"])
def test_the_limit_is_a_percentage(written: str) -> None:
    """A bare number is refused: it might be meant as one of the sequence's."""
    with pytest.raises(ValidationError):
        params_of("sequences", written)
