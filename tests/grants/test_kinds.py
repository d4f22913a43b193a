"""Each kind of check needs no more than its script gives, whatever a page asks of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.check import POSTGRESQL, Check, Effect
from checks.runbook.model import Runbook
from checks.runbook.reader import interpret
from checks.targets.embedded import EmbeddedTarget
from tests.catalog.tools import Elsewhere, run_sql
from tests.grants.tools import made_from_the_script, needs_for
from tests.systems.tools import ask

ABOUT_THE_ASKER = {"roles"}  # it speaks of the role that logs in, and the owner's is another
ASKED = sorted(
    kind
    for kind, check in CATALOG.items()
    if check.effect is Effect.OBSERVE and POSTGRESQL in check.engines and not check.alone
)


def example_of(check: Check) -> Runbook:
    """A page with the documentation's own example of a kind."""
    module: Any = sys.modules[check.ask.__module__]
    front = "---\nrunbook: page\ntitle: Page\nmigrations: {tool: alembic, path: migrations/relay}\n---\n"
    text = f"{front}\n# Page\n\n```yaml check\n{module.EXAMPLE}\n```\n"
    return interpret(Path("runbooks/page.md").absolute(), text.encode(), CATALOG, documented())


@pytest.mark.parametrize("kind", ASKED)
def test_the_example_answers_the_role_as_it_answers_the_owner(kind: str, target: EmbeddedTarget) -> None:
    """Status and codes are the same, so that nothing was refused, and nothing left out in silence."""
    run_sql(
        target, "CREATE TABLE audit_log (created_at timestamptz DEFAULT now()); INSERT INTO audit_log DEFAULT VALUES"
    )
    run_sql(
        target, "CREATE TABLE alembic_version (version_num text); CREATE SEQUENCE numbers; SELECT nextval('numbers')"
    )
    page = example_of(CATALOG[kind])
    with made_from_the_script(target, needs_for(page, target), "by_the_script") as role:
        theirs, owners = ask(page, role), ask(page, Elsewhere(target.endpoint))
    if kind not in ABOUT_THE_ASKER:
        assert [(result.status, result.codes, result.reason) for result in theirs.values()] == [
            (result.status, result.codes, result.reason) for result in owners.values()
        ]
    assert {result.status for result in theirs.values()} <= {result.status for result in owners.values()}
    assert "run.not_permitted" not in {code for result in theirs.values() for code in result.codes}
