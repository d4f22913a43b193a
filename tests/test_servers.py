"""Which server a run is given: its image, whom it shares a container with, and when that is removed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.catalog import CATALOG
from checks.check import POSTGRESQL
from checks.choice import CONTAINER, Means, majors
from checks.errors import TargetFailed, UsageError
from checks.plan import Mode, Plan, plan
from checks.runbook.model import FrontMatter, Runbook
from checks.runbook.reader import read
from checks.servers import NAMED_BY, Recipe, Servers, Shared, image_of
from checks.targets.container import ContainerServer
from tests.command import HOLDS, page
from tests.containers.docker import containers_of


def book(**front: Any) -> Runbook:
    """A page as far as its front matter goes."""
    return Runbook(Path("runbooks/small.md"), "", FrontMatter("small", "Small", **front), ())


def planned(folder: Path, name: str, front: str = "", major: int | None = None) -> Plan:
    """The plan of a small page."""
    runbook = read(page(folder, name, HOLDS, front), CATALOG, ())
    found = plan(runbook, CATALOG, mode=Mode.VERIFY, engine=POSTGRESQL)
    return replace(found, major=major)


@pytest.mark.parametrize(
    ("named", "variable", "front", "major", "image"),
    [
        ("by-flag", "by-variable", {"image": "by-page", "postgres": 16}, None, "by-flag"),
        ("", "by-variable", {"image": "by-page", "postgres": 16}, None, "by-variable"),
        ("", "", {"image": "by-page", "postgres": 16}, None, "by-page"),
        ("", "", {"postgres": 16}, None, "postgres:16-alpine"),
        ("", "", {"postgres": 16}, 17, "postgres:17-alpine"),
        ("", "", {}, None, "postgres:alpine"),
        ("pgvector:pg{major}", "", {"postgres": 16}, None, "pgvector:pg16"),
        ("", "", {"image": "pgvector:pg{major}", "postgres": 16}, 15, "pgvector:pg15"),
        ("registry.example:5000/pg_vector:0.8-pg17", "", {}, None, "registry.example:5000/pg_vector:0.8-pg17"),
        (f"postgres@sha256:{'0' * 64}", "", {}, None, f"postgres@sha256:{'0' * 64}"),
    ],
)
def test_the_closest_to_the_command_names_the_image(
    named: str, variable: str, front: dict[str, Any], major: int | None, image: str
) -> None:
    """--image, the variable, the page, the official image of the major: in this order."""
    assert image_of(book(**front), major, Means(CONTAINER, image=named), {NAMED_BY: variable}) == image


def test_an_image_that_wants_a_major_needs_one() -> None:
    """Nobody guesses which."""
    with pytest.raises(UsageError, match="wants a major, and the page names none"):
        image_of(book(), None, Means(CONTAINER, image="postgres:{major}"), {})


@pytest.mark.parametrize("named", ["post gres", "Postgres", "postgres:", "-e", "https://registry.example/postgres"])
def test_what_is_no_name_of_an_image_is_refused(named: str) -> None:
    """It is a mistake of the command line, and no engine is asked."""
    with pytest.raises(UsageError, match="is no name of an image") as told:
        image_of(book(), None, Means(CONTAINER, image=named), {})
    assert told.value.hint


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"on": "contaner"}, "--on contaner: no such kind"),
        ({"image": "postgres:16"}, "--image names what a container is made of"),
        ({"on": CONTAINER, "postgres_bin": "/usr"}, "--postgres-bin has no part in a container"),
        ({"on": CONTAINER, "image": "postgres:16", "majors": (15, 16)}, "one image is of one major"),
    ],
)
def test_flags_that_do_not_fit_are_refused(given: dict[str, Any], says: str) -> None:
    """Before anything is started, with what to do."""
    with pytest.raises(UsageError, match=says) as told:
        Means(**given)
    assert told.value.hint


def test_majors_are_read_as_people_write_them() -> None:
    """Each once, in their order; what is no major is refused."""
    assert majors("15,16, 17,15") == (15, 16, 17)
    assert majors("") == ()
    for text in ("x", "15;16", "9", "15,", "150"):
        with pytest.raises(UsageError, match="not majors of PostgreSQL"):
            majors(text)


def test_a_container_that_does_not_start_is_tried_once() -> None:
    """Everybody who was to share it is told the same reason, and nobody waits for it again."""
    tried: list[int] = []

    def start() -> ContainerServer:
        tried.append(1)
        raise TargetFailed("no room", code="container.disk_full")

    shared = Shared(start, 2)
    for _ in range(2):
        with pytest.raises(TargetFailed, match="no room"):
            shared.take()
        shared.give_back()
    assert tried == [1]


def test_pages_share_a_container_where_their_settings_allow(postgres_image: str, tmp_path: Path) -> None:
    """The same settings: one container, a database each. Other settings: another. The last to leave removes it."""
    plans = [
        planned(tmp_path, "one"),
        planned(tmp_path, "two-too"),
        planned(tmp_path, "other", "server: {work_mem: 7MB}\n"),
    ]
    servers = Servers(Means(CONTAINER, image=postgres_image), plans)
    before = set(containers_of(os.getpid()))
    with servers.target(plans[0]) as one:
        with servers.target(plans[1]) as two, servers.target(plans[2]) as other:
            assert one.server is two.server
            assert other.server is not one.server
            assert [target.database for target in (one, two, other)] == ["one", "two_too", "other"]
            assert len(set(containers_of(os.getpid())) - before) == 2
        assert len(set(containers_of(os.getpid())) - before) == 1
    assert set(containers_of(os.getpid())) == before


def test_a_page_that_puts_load_on_its_server_has_it_alone(tmp_path: Path) -> None:
    """A neighbour would see its load, its sessions and its restarts; those that only look may share."""
    pools = "pools: {api: {driver: sqlalchemy-asyncpg, size: 2, overflow: 1}}\n"
    loading = [
        plan(read(page(tmp_path, name, "```yaml check\npool: {}\n```\n", pools), CATALOG, ()), CATALOG,
             mode=Mode.VERIFY, engine=POSTGRESQL)
        for name in ("heavy", "heavier")
    ]  # fmt: skip
    looking = [planned(tmp_path, name) for name in ("one", "two")]
    heavy, heavier, one, two = (Recipe.of(each, Means(CONTAINER), {}) for each in (*loading, *looking))
    assert one == two
    assert len({heavy, heavier, one}) == 3


def test_an_image_of_another_major_proves_nothing(postgres_image: str, tmp_path: Path) -> None:
    """Who asked for 98 is not given what there is."""
    one = planned(tmp_path, "one", major=98)
    servers = Servers(Means(CONTAINER, image=postgres_image), [one])
    before = containers_of(os.getpid())
    with pytest.raises(TargetFailed, match="PostgreSQL 98 is not at hand"), servers.target(one):
        raise AssertionError("it is not given")
    assert containers_of(os.getpid()) == before
