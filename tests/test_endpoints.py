"""Whoever has no URL for an environment is told all that is wrong, and what the pages say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import secrets
from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.endpoints import endpoints
from checks.errors import UsageError
from checks.runbook.model import Runbook
from checks.runbook.reader import read
from tests.command import HOLDS, page

FIX = (
    "## The URL is not set <!-- fixes: environment.unset -->\n\nTake it from the dashboard.\n\n"
    "## A reference is left <!-- fixes: environment.unresolved -->\n\nCompare the names:\n\n```bash\nprintenv\n```\n"
)


@pytest.fixture(autouse=True)
def known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of these tests are forgotten after each."""
    monkeypatch.setattr(secrets, "_known", set())


def runbook(folder: Path, name: str, body: str = "") -> Runbook:
    """A page whose environment `dev` takes its URL from `NAME_URL`."""
    front = f'environments:\n  dev: {{url: "${{{name.upper()}_URL}}"}}\n'
    return read(page(folder, name, HOLDS + body, front), CATALOG, documented())


def refused(*pages: Runbook, environment: str = "dev") -> str:
    """What is said, all of it; the folder of the pages left out."""
    with pytest.raises(UsageError) as refusal:
        endpoints(pages, environment)
    return str(refusal.value).replace(f"{pages[0].path.parent}/", "")


def test_every_page_that_has_the_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own URL; a page without that environment is left out."""
    one, other = runbook(tmp_path, "one"), runbook(tmp_path, "other")
    without = read(page(tmp_path, "without", HOLDS), CATALOG, documented())
    monkeypatch.setenv("ONE_URL", "postgresql://h1/d")
    monkeypatch.setenv("OTHER_URL", "postgresql://h2/d")
    found = endpoints([one, without, other], "dev")
    assert [(there.front.runbook, endpoint.host) for there, endpoint in found] == [("one", "h1"), ("other", "h2")]


def test_the_pages_own_section_is_shown_with_the_mistake(tmp_path: Path) -> None:
    """As under a check that does not hold: its title, where it stands, and its words."""
    assert refused(runbook(tmp_path, "one", FIX)).split("\n") == [
        "The variable ONE_URL, which the environment dev of the runbook one takes its URL from, is not set.  "
        "(environment.unset)",
        "HINT: Set it, as in `export ONE_URL=postgresql://user:password@host:5432/database`, or name a file that sets "
        "it by --env-file.",
        "    fix       The URL is not set  (one.md:15)",
        "        Take it from the dashboard.",
    ]


def test_all_pages_mistakes_are_told_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run says what is wrong with each page, and only a page that has a section on it shows one."""
    monkeypatch.setenv("ONE_URL", "${{Postgres.DATABASE_URL}}")
    monkeypatch.setenv("GOOD_URL", "postgresql://h/d")
    monkeypatch.setenv("OTHER_URL", "postgresql://u:s3/cret@h/d")
    said = refused(runbook(tmp_path, "one", FIX), runbook(tmp_path, "good", FIX), runbook(tmp_path, "other", FIX))
    first, _, second = said.partition("\n\nThe variable OTHER_URL ")
    assert first.startswith("The variable ONE_URL (environment dev of the runbook one) is or holds `${{Postgres.")
    assert first.endswith("  (one.md:19)\n        Compare the names:\n\n        ```bash\n        printenv\n        ```")
    assert "(environment.malformed)" in second
    assert "GOOD_URL" not in said
    assert "fix  " not in second


def test_an_unknown_environment_is_told_with_what_there_is(tmp_path: Path) -> None:
    """With its code, the environments of each page, and what a page has to say of it."""
    said = refused(runbook(tmp_path, "one"), runbook(tmp_path, "two", f"## None\n\n{FIX}"), environment="prod")
    assert said == (
        "--env prod: no selected runbook has that environment.  (environment.unknown)\n"
        "HINT: the environments are, one: dev; two: dev"
    )
    body = "## Only dev exists <!-- fixes: environment.unknown -->\n\nProd is not decided.\n"
    assert refused(runbook(tmp_path, "one", body), environment="prod").endswith("Prod is not decided.")


def test_a_mistake_of_the_command_line_is_told_once(tmp_path: Path) -> None:
    """An env file that is not there is no page's."""
    pages = [runbook(tmp_path, "one", FIX), runbook(tmp_path, "other", FIX)]
    with pytest.raises(UsageError, match="is not there") as refusal:
        endpoints(pages, "dev", env_file=tmp_path / "none")
    assert str(refusal.value).count("is not there") == 1
