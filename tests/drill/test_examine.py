"""What only the copy itself can say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.backup.copy import Copy
from checks.check import Finding, Severity
from checks.drill import examine
from checks.result import Status, judge
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.majors import reduced, start

SQL = """
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE t (a int);
INSERT INTO t SELECT generate_series(1, 1000);
CREATE INDEX t_f ON t (f(a));
CREATE VIEW v AS SELECT f(a) AS b FROM t;
"""


@pytest.fixture
def copy(binaries: Binaries) -> Iterator[Copy]:
    """A database of the role that restores."""
    server = EmbeddedServer.start(binaries)
    try:
        made = Copy.on(server, "shop")
        with made.connect() as connection:
            connection.execute(SQL)
        made.settle()
        yield made
    finally:
        server.stop()


def broken(found: list[Finding]) -> list[str]:
    """The codes of what does not hold."""
    return [finding.code for finding in found if not finding.holds]


def test_an_index_that_no_longer_fits_its_rows_is_corrupt(copy: Copy) -> None:
    """Found by amcheck, which leaves nothing of its own in the copy."""
    assert broken(examine.amcheck(copy)) == []
    with copy.connect() as connection:
        connection.execute("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT -$1'")
    assert broken(examine.amcheck(copy)) == ["drill.index_corrupt"]
    with copy.server.connect("shop") as connection:
        ours = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgrunbook%'"
        assert connection.execute(ours).fetchone() == (0,)


LEFT_OUT = """
CREATE INDEX t_a ON t (a);
UPDATE pg_index SET indisready = false WHERE indexrelid = 't_a'::regclass;
INSERT INTO t VALUES (1001);
UPDATE pg_index SET indisready = true WHERE indexrelid = 't_a'::regclass;
"""


def test_an_index_that_lacks_a_row_is_corrupt_where_it_came_as_a_file(copy: Copy) -> None:
    """A restore makes such an index anew from its rows, so that they need not be looked for."""
    with copy.server.connect("shop") as connection:
        connection.execute(LEFT_OUT)
    assert broken(examine.amcheck(copy)) == []
    copy.came_as_files = True
    [found] = examine.amcheck(copy)
    assert (found.code, [row["index"] for row in found.evidence]) == ("drill.index_corrupt", ["t_a"])


def test_a_view_that_stands_on_nothing_cannot_be_read(copy: Copy) -> None:
    """Which shows only when it is read."""
    with examine.connected(copy) as connection:
        assert broken(examine.views(connection, copy)) == []
    with copy.connect() as connection:
        connection.execute(
            "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT 1 FROM nowhere); END';"
            "CREATE VIEW w AS SELECT 1 AS one WHERE g() = 1"
        )
    with examine.connected(copy) as connection:
        assert broken(examine.views(connection, copy)) == ["drill.view_unreadable"]


SLOW = "LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(5); RETURN 1; END'"


def test_a_view_that_was_not_read_is_not_proven(copy: Copy) -> None:
    """For want of permission, of time, or of rows: none of it says that the view is broken, and none is green."""
    with copy.connect() as connection:
        connection.execute(
            "CREATE VIEW closed AS SELECT pg_read_file('PG_VERSION') AS a WHERE pg_stat_file('PG_VERSION') IS NOT NULL;"
            f"CREATE FUNCTION slow() RETURNS int {SLOW}; CREATE VIEW late AS SELECT 1 AS one WHERE slow() = 1;"
            "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one WITH NO DATA; CREATE VIEW over_m AS SELECT * FROM m"
        )
    with copy.as_superuser() as superuser:
        superuser.execute("ALTER TABLE public.t OWNER TO pgrunbook_superuser; REVOKE ALL ON public.t FROM PUBLIC")
        superuser.execute("REVOKE pg_read_all_data FROM pgrunbook_restorer")
    with examine.connected(copy) as connection:
        connection.execute("SET statement_timeout = '200ms'")
        found = examine.views(connection, copy)
    assert broken(found) == ["drill.views_unproven"] * 3
    assert judge(found, Severity.FAIL) is Status.WARNED
    told = " ".join(finding.sentence for finding in found if not finding.holds)
    for view, why in {"public.v": "no superuser", "public.late": "in time", "public.over_m": "refreshed"}.items():
        assert any(view in one.sentence and why in one.sentence for one in found), told


def test_an_index_that_was_not_looked_into_is_not_proven(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that ran out of time says nothing of the index, neither that it is whole nor that it is broken."""
    with copy.connect() as connection:
        connection.execute(
            "CREATE FUNCTION slow(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE TABLE u (a int);"
            "INSERT INTO u VALUES (1); CREATE INDEX u_slow ON u (slow(a));"
            f"CREATE OR REPLACE FUNCTION slow(a int) RETURNS int {SLOW}"
        )
    monkeypatch.setattr(examine, "PATIENCE", "300ms")
    found = examine.amcheck(copy)
    assert broken(found) == ["drill.indexes_unproven"]
    assert "u_slow" in found[0].sentence
    assert judge(found, Severity.FAIL) is Status.WARNED


def test_without_amcheck_indexes_are_not_proven() -> None:
    """A PostgreSQL that comes without its own extensions cannot look into an index."""
    server = start(reduced()[0])
    try:
        found = examine.amcheck(Copy.on(server, "shop"))
    finally:
        server.stop()
    assert broken(found) == ["drill.indexes_unproven"]
    assert "comes without amcheck" in found[0].sentence
    assert judge(found, Severity.FAIL) is Status.WARNED
