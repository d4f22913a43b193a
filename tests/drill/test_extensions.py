"""Drills of databases with extensions: known ones, ones that reach out, and one that nobody knows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from checks.drill.command import extensions_of
from checks.drill.request import LIVE, Request
from checks.drilled import Drill, Likeness, Rung
from checks.result import Status
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Shop
from tests.drill.tools import TABLES, codes, drilled, page, step
from tests.majors import reduced, start

CONTROL = "comment = 'made up'\ndefault_version = '1.0'\nrelocatable = true\n"
SCRIPT = """
CREATE TYPE pair AS (a int, b int);
CREATE LANGUAGE madeupu HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
"""
DEPENDING = """
CREATE TABLE pairs (id int PRIMARY KEY, p pair);
INSERT INTO pairs SELECT i, (i, i)::pair FROM generate_series(1, 50) AS i;
CREATE FUNCTION one() RETURNS int LANGUAGE madeupu AS 'BEGIN RETURN 1; END';
"""
ALLOWED = frozenset({"madeupu"})


@pytest.fixture(scope="module")
def offered() -> Iterator[Path]:
    """A folder with an extension that nobody knows, and an untrusted language in it."""
    folder = Path(mkdtemp(prefix="pgrunbook-extensions-", dir="/var/tmp"))
    inside = folder / "extension"
    inside.mkdir()
    (inside / "madeupu.control").write_text(CONTROL)
    (inside / "madeupu--1.0.sql").write_text(SCRIPT)
    for path in (folder, inside):
        path.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def unknown(offered: Path) -> Iterator[Shop]:
    """A database of PostgreSQL 18, which looks for extensions where it is told to."""
    newest = next(one for one in reduced() if one.major == 18)
    server = start(newest, {"extension_control_path": f"{offered}:$system"})
    server.create_database("unknown")
    shop = Shop(server, "unknown")
    shop.run(f"{TABLES} CREATE EXTENSION madeupu;")
    yield shop
    server.stop()


def request_for(shop: Shop, folder: Path, offered: Path, origin: str = LIVE, **more: object) -> Request:
    """A drill on the major that has the extension."""
    front = f'server: {{ssl: "off", extension_control_path: "{offered}:$system"}}\n'
    where = shop.server.socket_endpoint(shop.database)
    binaries = str(shop.server.binaries.folder)
    return Request(page(folder, front), origin, "prod", where, postgres_bin=binaries, **more)  # type: ignore[arg-type]  # fields of Request


def statuses(found: Drill) -> set[Status]:
    """Of all rungs."""
    return {one.status for one in found.steps}


def test_an_unknown_extension_is_refused_and_the_rest_is_proven(unknown: Shop, offered: Path, tmp_path: Path) -> None:
    """Nothing depends on it: the contents are proven, and that it was refused is fidelity and no loss."""
    found, _ = drilled(request_for(unknown, tmp_path, offered))
    assert "drill.objects_unproven" in codes(found)
    assert Status.FAILED not in statuses(found)
    assert Status.ERRORED not in statuses(found)
    assert step(found, Rung.OBJECTS).status is Status.WARNED
    assert found.contents_proven
    [told] = [one for one in found.fidelity if one.what == "extension madeupu"]
    assert told.likeness is Likeness.NOT_VERIFIABLE
    assert told.copy == "refused: it is not known to be harmless"


@pytest.mark.parametrize("kind", [LIVE, "custom", "plain"])
def test_what_depends_on_a_refused_extension_is_neither_lost_nor_proven(
    kind: str, unknown: Shop, offered: Path, tmp_path: Path
) -> None:
    """Its tables are not there, and the drill could not tell; where the page allows the extension, all is proven."""
    with unknown.changed(DEPENDING) as shop:
        origin = LIVE
        if kind != LIVE:
            origin = str(tmp_path / "shop-20261120T010203Z.dump")
            shop.dump(f"--format={kind}", f"--file={origin}")
        # An archive that holds code in an untrusted language is not even begun with, which is its own failure.
        found, _ = drilled(request_for(shop, tmp_path, offered, origin))
        if kind == LIVE:
            assert step(found, Rung.RESTORED).status is Status.ERRORED
            assert codes(found) == {"drill.depends_on_refused"}
            assert 'extension "madeupu" is refused' in step(found, Rung.RESTORED).reason
        else:
            assert codes(found) & {"backup.untrusted_code"}
        assert not found.contents_proven
        allowed, _ = drilled(request_for(shop, tmp_path, offered, origin, extensions=ALLOWED))
        assert Status.FAILED not in statuses(allowed)
        assert Status.ERRORED not in statuses(allowed)
        assert step(allowed, Rung.RESTORED).status is Status.PASSED
        assert allowed.contents_proven is (kind == LIVE)


@pytest.mark.parametrize("kind", ["custom", "plain"])
def test_a_dump_with_a_column_of_a_refused_type_could_not_tell(
    kind: str, unknown: Shop, offered: Path, tmp_path: Path
) -> None:
    """psql takes the rows of a table that is not there for commands, and none of that is told as a loss."""
    origin = tmp_path / "shop-20261120T010203Z.dump"
    with unknown.changed(DEPENDING.partition("CREATE FUNCTION")[0]) as shop:
        shop.dump(f"--format={kind}", f"--file={origin}")
        found, _ = drilled(request_for(shop, tmp_path, offered, str(origin)))
    assert step(found, Rung.RESTORED).status is Status.ERRORED
    assert "drill.depends_on_refused" in codes(found)
    assert Status.FAILED not in statuses(found)


def test_a_page_allows_by_name(tmp_path: Path) -> None:
    """In its `drill` check; one without such a check allows none."""
    body = "```yaml check\ndrill: {extensions: [plpython3u, uuid-ossp]}\n```\n"
    assert extensions_of(page(tmp_path, body=body)) == {"plpython3u", "uuid-ossp"}
    assert extensions_of(page(tmp_path)) == frozenset()


def test_extensions_of_postgresql_itself_are_proven_or_refused(
    every_whole_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """Those that look into the server come back; those that reach out of it do not, and no content is lost by it."""
    server = server_from(every_whole_major)
    server.create_database("reaching")
    shop = Shop(server, "reaching")
    refused = ["dblink", "file_fdw", "postgres_fdw", *(["adminpack"] if every_whole_major.major < 17 else [])]
    wanted = ["pg_stat_statements", "pageinspect", *refused]
    shop.run(
        TABLES + "".join(f"CREATE EXTENSION {name};" for name in wanted) + "CREATE SERVER far FOREIGN DATA WRAPPER"
        " postgres_fdw; CREATE FOREIGN TABLE distant (a int) SERVER far;"
    )
    where = server.socket_endpoint("reaching")
    try:
        found, _ = drilled(Request(page(tmp_path), LIVE, "prod", where, postgres_bin=str(every_whole_major.folder)))
    finally:
        shop.close()
    assert codes(found) == {"drill.objects_unproven"}
    assert found.contents_proven
    likeness = {one.what: one.likeness for one in found.fidelity}
    for name in wanted:
        expected = Likeness.NOT_VERIFIABLE if name in refused else Likeness.MATCHED
        assert likeness[f"extension {name}"] is expected
    [doubtful] = [one for one in step(found, Rung.OBJECTS).findings if not one.holds]
    for name in (*refused, "far", "distant"):
        assert any(name in str(row["object"]) for row in doubtful.evidence), name


def test_a_view_on_what_was_refused_could_not_tell(
    every_whole_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """A view that calls dblink is not in the copy, and that is no loss of the backup's."""
    server = server_from(every_whole_major)
    server.create_database("reaching")
    shop = Shop(server, "reaching")
    shop.run(
        f"{TABLES} CREATE EXTENSION dblink; CREATE VIEW far AS SELECT * FROM dblink('x', 'SELECT 1') AS t (a int);"
    )
    where = server.socket_endpoint("reaching")
    try:
        found, _ = drilled(Request(page(tmp_path), LIVE, "prod", where, postgres_bin=str(every_whole_major.folder)))
    finally:
        shop.close()
    assert codes(found) == {"drill.depends_on_refused"}
    assert "it connects to other servers" in step(found, Rung.RESTORED).reason
