"""The pages keep what their services' documents ask for, and every tie in them leads somewhere."""

from __future__ import annotations

import pytest

from checks.catalog import CATALOG
from checks.catalog.codes import ENVIRONMENT_CODES, documented
from checks.runbook.model import Runbook
from checks.targets.authority import RENEWED_WITH
from tests.systems.documents import FAILURES, FIGURES, STEPS
from tests.systems.fixes import FIXES, NOTHING, URLS, Shown
from tests.systems.tools import SYSTEMS, page_of


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_verification_step_has_a_check(system: str) -> None:
    """No step of the service's own document is left to be done by hand while a check could do it."""
    names = {entry.name for entry in page_of(system).entries()}
    asked = {step: set(checks) for step, checks in STEPS[system].items()}
    assert {step: checks - names for step, checks in asked.items() if checks - names} == {}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_known_failure_leads_to_its_section(system: str) -> None:
    """Who meets a failure the service's team has met before is shown what they did about it."""
    page = page_of(system)
    shown = {code: section.title for code in FAILURES[system] if (section := page.fix_for(code))}
    assert shown == FAILURES[system]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_check_is_shown_the_section_that_repairs_it(system: str) -> None:
    """Whatever a check of the page finds wrong, the page says what to do about just that."""
    assert sections_shown(page_of(system)) == FIXES[system]


@pytest.mark.parametrize("system", SYSTEMS)
def test_whoever_has_no_url_is_shown_where_to_get_one(system: str) -> None:
    """Each way in which an environment's URL cannot be had leads to a section of the page."""
    page = page_of(system)
    shown = {code: section.title for code in ENVIRONMENT_CODES if (section := page.fix_for(code))}
    assert shown == {f"environment.{code}": title for title, codes in URLS[system].items() for code in codes.split()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_section_is_for_whatever_a_query_finds(system: str) -> None:
    """The codes of `query` name no cause, so that a section tied to them stands under checks it knows nothing of."""
    tied = {section.title: section.fixes for section in page_of(system).sections}
    assert {title: codes for title, codes in tied.items() if any(code.startswith("query.") for code in codes)} == {}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_disposable_servers_certificate_is_good_for_longer_than_the_page_asks(system: str) -> None:
    """A page that `verify` proves today is not refuted by the certificate growing old in the cache."""
    asked = [entry.params.expires_after for entry in page_of(system).entries() if entry.kind == "tls"]
    assert all(wanted < RENEWED_WITH.total_seconds() for wanted in asked)


def sections_shown(page: Runbook) -> dict[str, Shown]:
    """By check the title of the section it is shown, or, where that depends, each title with its codes."""
    shown: dict[str, Shown] = {}
    for entry in page.entries():
        codes: dict[str, list[str]] = {}
        for code in _failing(entry.kind) - cannot_happen(page):
            section = page.fix_for(code, entry.name)
            codes.setdefault(section.title if section else NOTHING, []).append(code.partition(".")[2])
        listed = {title: " ".join(sorted(codes[title])) for title in sorted(codes)}
        shown[entry.name] = listed if len(listed) > 1 else "".join(listed)
    return shown


def _failing(kind: str) -> set[str]:
    return {code for code, words in CATALOG[kind].codes.items() if words.fix}


def cannot_happen(page: Runbook) -> set[str]:
    """The codes that this page's parameters and this page's migration tool cannot lead to."""
    asked = {kind: [entry.params for entry in page.entries() if entry.kind == kind] for kind in CATALOG}
    tool = page.front.migrations.tool if page.front.migrations else ""
    codes = {"alembic": LEDGERS_ALONE, "prisma": ALEMBIC_ALONE}[tool].copy()
    if all(params.version is None for params in asked["connectivity"]):
        codes.add("connectivity.version")
    if not any(params.tables for params in asked["size"]):
        codes |= {"size.table", "size.table_missing"}
    if not _uses_compose(page):
        codes |= {"connectivity.no_container", "connectivity.container_stopped", "connectivity.port_not_published"}
    return codes


def _uses_compose(page: Runbook) -> bool:
    return any(environment.compose for environment in page.front.environments.values())


ALEMBIC_ALONE = {
    "migrations.unknown_revision",
    "migrations.overlapping_rows",
    "migrations.downgrade_failed",
    "migrations.reapply_failed",
    "migrations.left_behind",
    "migrations.drift",
    "migrations.models_unreadable",
}
LEDGERS_ALONE = {"migrations.ahead", "migrations.missing", "migrations.failed", "migrations.edited"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_sections_fix_codes_that_are_documented(system: str) -> None:
    """A tie to a code that does not exist would never be shown."""
    known = set(documented()) | {f"{kind}.*" for kind in CATALOG}
    assert {code for section in page_of(system).sections for code in section.fixes} <= known


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_figure_is_lost(system: str) -> None:
    """Limits, pools, retention, names and commands of the document can all be found in the page."""
    text = page_of(system).path.read_text(encoding="utf-8")
    words = " ".join(text.split())
    assert [figure for figure in FIGURES[system] if figure not in words] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_page_has_its_parts_in_their_order(system: str) -> None:
    """All five pages read alike: what it is, verify, when it fails, backup and restore, reference."""
    titles = [section.title for section in page_of(system).sections if section.level == 2]
    usual = ["Verify", "When it fails", "Backup and restore", "Reference"]
    assert [title for title in titles if title in usual] == usual


@pytest.mark.parametrize("system", SYSTEMS)
def test_production_is_protected(system: str) -> None:
    """An environment that people depend on is marked as one."""
    environments = page_of(system).front.environments
    assert all(environment.protected for name, environment in environments.items() if name in {"prod", "railway"})
