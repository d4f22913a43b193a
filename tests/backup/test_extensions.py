"""Which extensions are made for a dump, and why the others are not."""

from __future__ import annotations

import pytest

from checks.backup.copy import Copy
from checks.backup.extensions import HARMLESS, is_harmless, why_refused
from checks.backup.mentions import Mentions
from checks.targets.binaries import Binaries
from tests.majors import start

REACHING = {"dblink": "other servers", "postgres_fdw": "other servers", "file_fdw": "files", "adminpack": "files"}
LOOKING = ("pg_stat_statements", "pageinspect", "amcheck", "bloom", "pg_visibility")


def test_what_nobody_has_looked_at_is_refused() -> None:
    """Being unknown is reason enough."""
    assert not is_harmless("somebodys_extension")
    assert why_refused("somebodys_extension") == "it is not known to be harmless"


@pytest.mark.parametrize(
    "name", ["plpython3u", "plperlu", "pg_cron", "pg_net", "timescaledb", "postgis_raster", *REACHING]
)
def test_what_reaches_out_is_refused_with_its_reason(name: str) -> None:
    """And is on no list of harmless ones."""
    assert not is_harmless(name)
    assert why_refused(name) != why_refused("somebodys_extension")


def test_the_harmless_and_the_refused_are_told_apart_on_every_major(every_whole_major: Binaries) -> None:
    """Of PostgreSQL's own, those that look into the server are made, and those that reach out of it are not."""
    server = start(every_whole_major)
    try:
        copy = Copy.on(server, "shop")
        copy.provide(Mentions(extensions=dict.fromkeys([*LOOKING, *REACHING, "hstore", "nowhere"], "public")))
        with copy.connect() as connection:
            made = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
            offered = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
    finally:
        server.stop()
    assert made == {*LOOKING, "plpgsql"}
    assert copy.refused_extensions == offered & set(REACHING)
    assert copy.missing_extensions == {"nowhere", *(set(REACHING) - offered)}


def test_all_harmless_ones_that_are_here_can_be_made(every_whole_major: Binaries) -> None:
    """The list names extensions as they are called, and brings in none that is not on it."""
    server = start(every_whole_major)
    try:
        copy = Copy.on(server, "shop")
        with copy.as_superuser() as superuser:
            found = superuser.execute("SELECT name, requires FROM pg_available_extension_versions").fetchall()
        wanted = {name for name, _ in found} & HARMLESS
        copy.provide(Mentions(extensions=dict.fromkeys(wanted, "public")))
    finally:
        server.stop()
    assert (copy.refused_extensions, copy.missing_extensions) == (set(), set())
    assert {one for name, needs in found if name in HARMLESS for one in needs or ()} <= HARMLESS


def test_an_extension_is_not_made_for_the_sake_of_another(every_whole_major: Binaries) -> None:
    """What it needs is looked at like itself: one that brings in an untrusted language is refused."""
    server = start(every_whole_major)
    try:
        copy = Copy.on(server, "shop")
        with copy.as_superuser() as superuser:
            offered = superuser.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'jsonb_plpython3u'")
            is_there = offered.fetchone() is not None
        copy.allowed_extensions = frozenset({"jsonb_plpython3u"})
        copy.provide(Mentions(extensions={"jsonb_plpython3u": "public"}))
    finally:
        server.stop()
    assert copy.refused_extensions == ({"jsonb_plpython3u"} if is_there else set())
