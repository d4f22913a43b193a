"""Two real databases: everything that differs is seen, and nothing else, on every major."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checks.compare.differences import compare
from checks.compare.inventory import KINDS, OF_THE_SERVER, take
from checks.compare.show import as_json, as_markdown, as_text
from checks.runbook.model import FrontMatter, Migrations, Runbook
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from checks.targets.session import Target
from checks.targets.url_forms import masked, sqlalchemy_url
from tests.catalog.tools import Elsewhere, run_sql
from tests.command import ROOT, pgrunbook
from tests.command import page as write_page
from tests.systems.tools import Copier

PAGE = Runbook(Path("page.md"), "0" * 64, FrontMatter("page", "Page"), ())
BASE = """
    CREATE SCHEMA auth;
    CREATE TYPE auth.mood AS ENUM ('well', 'ill');
    CREATE DOMAIN auth.address AS text CHECK (VALUE LIKE '%@%');
    CREATE TYPE auth.pair AS (a int, b auth.mood);
    CREATE TABLE auth.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood auth.mood DEFAULT 'well',
        name varchar(50) NOT NULL, nick varchar(50), CONSTRAINT named CHECK (name <> ''));
    CREATE TABLE public.events (id int REFERENCES auth.users, made date) PARTITION BY RANGE (made);
    CREATE TABLE public.events_2026 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE INDEX by_name ON auth.users (lower(name)) WHERE mood = 'ill';
    CREATE FUNCTION auth.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION auth.touched();
    CREATE POLICY own ON auth.users FOR SELECT USING (name = current_user);
    CREATE VIEW public.ill AS SELECT u.id, u.mood FROM auth.users AS u WHERE u.mood = 'ill';
    CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM auth.users;
    CREATE SEQUENCE numbers INCREMENT 2;
"""
CHANGES = {
    "schema": ("CREATE SCHEMA more", "schema", "more"),
    "table": ("CREATE TABLE auth.more (id int)", "table", "auth.more"),
    "row security": ("ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY", "table", "auth.users"),
    "partition": (
        "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        "table", "public.events_2027",
    ),
    "column": ("ALTER TABLE auth.users ADD age int", "column", "auth.users.age"),
    "column's type": ("ALTER TABLE auth.users ALTER nick TYPE varchar(60)", "column", "auth.users.nick"),
    "column's default": ("ALTER TABLE auth.users ALTER mood SET DEFAULT 'ill'", "column", "auth.users.mood"),
    "column's null": ("ALTER TABLE auth.users ALTER name DROP NOT NULL", "column", "auth.users.name"),
    "index": ("DROP INDEX auth.by_name; CREATE INDEX by_name ON auth.users (name)", "index", "auth.by_name"),
    "constraint": (
        "ALTER TABLE auth.users DROP CONSTRAINT named, ADD CONSTRAINT named CHECK (name <> 'x')",
        "constraint", "auth.users.named",
    ),
    "trigger": ("ALTER TABLE auth.users DISABLE TRIGGER touch", "trigger", "auth.users.touch"),
    "policy": ("ALTER POLICY own ON auth.users USING (true)", "policy", "auth.users.own"),
    "view": ("CREATE OR REPLACE VIEW ill AS SELECT u.id, u.mood FROM auth.users AS u", "view", "public.ill"),
    "function": (
        "CREATE OR REPLACE FUNCTION auth.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "function", "auth.touched()",
    ),
    "type": ("ALTER TYPE auth.mood ADD VALUE 'fine' AFTER 'well'", "type", "auth.mood"),
    "domain": ("ALTER DOMAIN auth.address SET NOT NULL", "type", "auth.address"),
    "sequence": ("ALTER SEQUENCE numbers CYCLE", "sequence", "public.numbers"),
}  # fmt: skip


@pytest.fixture
def pair(
    every_major: Binaries, server_from: Callable[[Binaries], EmbeddedServer]
) -> Iterator[tuple[EmbeddedTarget, EmbeddedTarget]]:
    """Two databases alike on one server."""
    server = server_from(every_major)
    left, right = server.create_target("compare_left"), server.create_target("compare_right")
    for one in (left, right):
        run_sql(one, BASE)
    yield left, right
    left.close()
    right.close()


def differences(left: Target, right: Target, page: Runbook = PAGE) -> list[tuple[str, str]]:
    found = compare("page", take("left", left, page), take("right", right, page))
    assert found.unknown == ()
    return [(one.kind, one.name) for one in found.differences]


def test_each_change_is_one_difference(pair: tuple[EmbeddedTarget, EmbeddedTarget]) -> None:
    """Each made on one side is seen, once and with nothing else; made on the other too, both are alike again."""
    left, right = pair
    assert differences(left, right) == []
    for sql, _, _ in CHANGES.values():
        run_sql(right, sql)
    assert sorted(differences(left, right)) == sorted((kind, what) for _, kind, what in CHANGES.values())
    for sql, _, _ in CHANGES.values():
        run_sql(left, sql)
    assert differences(left, right) == []


def test_how_a_role_finds_names_is_no_difference(pair: tuple[EmbeddedTarget, EmbeddedTarget]) -> None:
    """Another search_path leaves names unqualified in what a server writes; that setting is the only difference."""
    left, right = pair
    run_sql(right, f"ALTER DATABASE {right.database} SET search_path = auth, public")
    assert differences(left, right) == [("setting", "search_path")]


def test_data_is_no_difference(pair: tuple[EmbeddedTarget, EmbeddedTarget]) -> None:
    """Rows, and how far a sequence has come, are not what is compared."""
    left, right = pair
    run_sql(right, "INSERT INTO auth.users (name) VALUES ('ann'); SELECT nextval('numbers'); ANALYZE")
    assert differences(left, right) == []


def test_extensions_settings_and_what_they_bring(target: EmbeddedTarget, server: EmbeddedServer) -> None:
    """An extension is one difference with its version, and its functions are none; a setting shows both values."""
    other = server.create_target("compare_other")
    try:
        run_sql(other, "CREATE EXTENSION pgcrypto")
        run_sql(other, f"ALTER DATABASE {other.database} SET work_mem = '5MB'")
        found = compare("page", take("left", target, PAGE), take("right", other, PAGE))
        assert [(one.kind, one.name, one.left) for one in found.differences] == [
            ("extension", "pgcrypto", None),
            ("setting", "work_mem", "4MB"),
        ]
        assert found.differences[1].right == "5MB"
    finally:
        other.close()


@pytest.fixture
def other_server(binaries: Binaries) -> Iterator[EmbeddedServer]:
    """A second server: roles belong to the whole of one."""
    server = EmbeddedServer.start(binaries, settings={"archive_command": "copy --with=swordfish9"})
    yield server
    server.stop()


def test_roles_memberships_and_hidden_values(target: EmbeddedTarget, other_server: EmbeddedServer) -> None:
    """Roles are compared with their attributes, memberships by name; a text that may be secret is not shown."""
    other = other_server.create_target("other")
    run_sql(target, "CREATE ROLE compared_a; CREATE ROLE compared_b LOGIN; GRANT compared_a TO compared_b")
    run_sql(other, "CREATE ROLE compared_a; CREATE ROLE compared_b CREATEDB; CREATE ROLE compared_c IN ROLE compared_a")
    try:
        found = compare("page", take("left", target, PAGE), take("right", other, PAGE))
        shown = {(one.kind, one.name): (one.left, one.right) for one in found.differences}
        assert shown["role", "compared_b"] == ("login", "no login, createdb")
        assert shown["role", "compared_c"] == (None, "no login")
        assert shown["membership", "compared_b in compared_a"] == ("member", None)
        assert ("membership", "compared_c in compared_a") not in shown
        assert shown["setting", "archive_command"][1] == "a text of 22 characters (not shown)"
        assert "swordfish9" not in repr(found) + as_text(found) + as_markdown(found) + str(as_json(found))
    finally:
        run_sql(target, "DROP ROLE compared_a; DROP ROLE compared_b")


def test_migrations_are_compared_one_by_one(target: EmbeddedTarget, server: EmbeddedServer) -> None:
    """A table that keeps heads only stands for all before them, and each that one side lacks is named."""
    root = Path(__file__).parents[2]
    front = FrontMatter("relay", "Relay", migrations=Migrations("alembic", "migrations/relay"))
    page = Runbook(root / "runbooks" / "relay.md", "0" * 64, front, ())
    other = server.create_target("compare_migrations")
    try:
        for one, revision in ((target, "4b7d1c90e2fa"), (other, "c65a3d18b7e4")):
            run_sql(
                one,
                f"CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('{revision}')",
            )
        assert differences(target, other, page) == [
            ("migration", "9e02f6a8d513 (The audit log)"),
            ("migration", "c65a3d18b7e4 (Roles)"),
        ]
    finally:
        other.close()


def test_a_role_that_sees_less_says_so(server: EmbeddedServer, target: EmbeddedTarget) -> None:
    """Settings shown to few are neither alike nor different; the sentence names the grant."""
    server.execute("CREATE ROLE compare_stranger LOGIN PASSWORD 'only for this test'")
    try:
        stranger = Elsewhere(replace(target.endpoint, user="compare_stranger", password="only for this test"))
        found = compare("page", take("left", target, PAGE), take("right", stranger, PAGE))
        assert found.differences == ()
        assert found.unknown == (
            "right: Settings that are shown to few are hidden from this role. GRANT pg_read_all_settings to it.",
        )
    finally:
        server.execute("DROP ROLE compare_stranger")


def test_every_kind_is_looked_at(target: EmbeddedTarget) -> None:
    """No kind is forgotten between the statements and the comparison."""
    assert set(take("one", target, PAGE).items) == set(KINDS) - {"migration"}
    assert set(KINDS) > OF_THE_SERVER


def test_the_command_compares_two_environments_of_a_page(
    target: EmbeddedTarget, server: EmbeddedServer, tmp_path: Path
) -> None:
    """0 when alike, 1 when not, 3 when one does not answer, 2 for what is written wrongly; in each format."""
    write_page(
        tmp_path, "shop", "Nothing.",
        'environments: {dev: {url: "${DEV}"}, prod: {url: "${PROD}"}, gone: {url: "${GONE}"}}\n',
    )  # fmt: skip
    other = server.create_target("compare_command")
    url = sqlalchemy_url(target.endpoint).replace("+psycopg", "")
    gone = masked(replace(target.endpoint, port=1, options={}))
    known = {"DEV": url, "PROD": sqlalchemy_url(other.endpoint).replace("+psycopg", ""), "GONE": gone}

    def compared(*more: str, right: str = "prod") -> tuple[int, str, str]:
        ended = pgrunbook("compare", "--env", "dev", "--with", right, *more, folder=tmp_path, variables=known)
        return ended.code, ended.out, ended.err

    try:
        code, out, _ = compared()
        assert (code, out.rpartition(": ")[2]) == (0, "no difference\n")
        run_sql(other, "CREATE TABLE more (id int)")
        code, out, _ = compared("--format", "json")
        [found] = json.loads(out)["comparisons"]
        assert (code, [one["name"] for one in found["differences"]]) == (1, ["public.more"])
        assert "| table | public.more |" in compared("--format", "markdown")[1]
        code, out, err = compared(right="gone")
        assert (code, out, err.startswith("shop: ")) == (3, "", True)
        assert compared(right="dev")[0] == 2
        assert compared(right="nowhere")[0] == 2
        assert compared(right="disposable")[0] == 2
        assert compared("--format", "xml")[0] == 2
    finally:
        other.close()


def test_a_live_database_is_held_against_its_own_migrations(copy_of: Copier) -> None:
    """What was changed by hand is the only difference to a database made from the files; settings are not asked."""
    _, target = copy_of("relay")
    known = {"RELAY_DEV_DATABASE_URL": sqlalchemy_url(target.endpoint).replace("+psycopg", "")}
    command = ["compare", "--runbook", "relay", "--env", "dev", "--with", "disposable", "--format", "json"]
    ended = pgrunbook(*command, folder=ROOT, variables=known)
    assert ended.code == 0, (ended.out, ended.err)
    run_sql(target, "CREATE INDEX by_hand ON audit_log (created_at)")
    ended = pgrunbook(*command, folder=ROOT, variables=known)
    [found] = json.loads(ended.out)["comparisons"]
    assert (ended.code, [(one["kind"], one["name"]) for one in found["differences"]]) == (
        1,
        [("index", "public.by_hand")],
    )
    assert found["left_out"] == ["setting", "role", "membership"]


def test_what_a_major_brings_is_counted_and_not_listed(
    target: EmbeddedTarget, target_of_every_major: EmbeddedTarget
) -> None:
    """Between two majors, no setting that only one of them knows is among the differences."""
    found = compare("page", take("left", target, PAGE), take("right", target_of_every_major, PAGE))
    one_sided = [one.name for one in found.differences if one.kind == "setting" and None in {one.left, one.right}]
    assert [name for name in one_sided if "." not in name] == []
    differ = found.left.server.major != found.right.server.major
    assert bool(found.of_the_majors) is differ
    assert ("Settings that the other major does not have" in as_text(found)) is differ
