"""What only the copy itself can say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.backup.copy import Copy
from checks.drill import examine
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer

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


def broken(looked: examine.Looked) -> list[str]:
    """The codes of what does not hold."""
    return [finding.code for finding in looked.findings if not finding.holds]


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
    [found] = examine.amcheck(copy).findings
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
