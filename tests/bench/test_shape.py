"""Plans: told by nodes, relations, indexes and buffers, on every major, and without a value of anybody's."""

from __future__ import annotations

import pytest

from checks.bench.shape import EXPLAIN, Shape, join_order
from checks.check import Query
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import run_sql

TABLES = """
    CREATE TABLE people AS SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 2000) AS n;
    CREATE TABLE visits AS SELECT n AS id, n % 2000 + 1 AS person FROM generate_series(1, 20000) AS n;
    CREATE INDEX people_id ON people (id);
    CREATE INDEX visits_person ON visits (person);
"""


@pytest.fixture
def filled(target_of_every_major: EmbeddedTarget) -> EmbeddedTarget:
    """Two tables that are joined, with statistics, on each major in turn."""
    run_sql(target_of_every_major, TABLES)
    run_sql(target_of_every_major, "VACUUM (ANALYZE)")
    return target_of_every_major


def shape_of(target: EmbeddedTarget, sql: str) -> Shape:
    """The shape of the plan that the server makes of `sql`."""
    session = target.open()
    [answer] = session.ask([Query(f"{EXPLAIN}{sql}")], patience=10)
    session.close()
    return Shape.of(answer.value)


def test_an_index_is_seen_and_so_is_a_table_read_whole(filled: EmbeddedTarget) -> None:
    """Each plan tells what it reads, and by which way."""
    by_index = shape_of(filled, "SELECT name FROM people WHERE id = 7")
    assert (sorted(by_index.indexes), sorted(by_index.read_whole)) == (["people_id"], [])
    whole = shape_of(filled, "SELECT count(*) FROM visits")
    assert [sorted(one) for one in (whole.indexes, whole.read_whole, whole.relations)] == [[], ["visits"], ["visits"]]
    assert whole.buffers > 10 * by_index.buffers > 0


def test_no_value_is_in_a_plan(filled: EmbeddedTarget) -> None:
    """Conditions hold what somebody looked for; they are left out, in what is shown and in what is kept."""
    shape = shape_of(filled, "SELECT name FROM people WHERE name = 'hunter2hunter2' OR id = 424242")
    assert "hunter2" not in f"{shape} {shape.steps}"
    assert "424242" not in f"{shape} {shape.steps}"
    assert str(shape).startswith("Seq Scan on people: 0 rows, ")


def test_the_order_of_joins_is_told(filled: EmbeddedTarget) -> None:
    """Of a join the relations in their order; of anything else, none."""
    joined = shape_of(
        filled, "SELECT count(*) FROM people JOIN visits ON visits.person = people.id WHERE people.id < 9"
    )
    assert sorted(join_order(joined.steps)) == ["people", "visits"]
    assert join_order(shape_of(filled, "SELECT count(*) FROM people").steps) == ()
    assert join_order(("Hash Join||", "  Seq Scan|b|", "  Hash||", "    Seq Scan|a|")) == ("b", "a")
    assert join_order(("Hash Join, Left||", "  Parallel Seq Scan|b|", "  Seq Scan|a|")) == ("b", "a")
