"""The manual: every check and every code is on the page, and the page is the committed one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import checks
from checks.catalog import CATALOG
from checks.catalog.codes import documented
from checks.catalog.manual import explain, page
from tests.catalog.tools import params_of

COMMITTED = Path(checks.__file__).parent.parent / "docs" / "checks.md"


def test_the_committed_page_is_current() -> None:
    """docs/checks.md says what the checks are now; `invoke generate` writes it."""
    assert COMMITTED.read_text(encoding="utf-8") == page()


def test_every_check_and_every_code_is_on_the_page() -> None:
    """A reader of the page misses nothing."""
    headings = page().splitlines()
    assert [kind for kind in CATALOG if f"## {kind}" not in headings] == []
    assert [code for code in documented() if f"#### `{code}`" not in headings] == []


@pytest.mark.parametrize("kind", CATALOG)
def test_every_example_is_a_valid_check(kind: str) -> None:
    """What the page shows as an example can be pasted into a runbook."""
    example = YAML(typ="safe", pure=True).load(sys.modules[CATALOG[kind].ask.__module__].EXAMPLE)
    assert list(example) == [kind]
    params_of(kind, {key: value for key, value in example[kind].items() if key != "name"})


@pytest.mark.parametrize("kind", CATALOG)
def test_every_check_says_why_and_where_it_stands_on(kind: str) -> None:
    """A check opens with its claim and the reason for it, and links the manual of PostgreSQL, of HTTP or of Docker."""
    module = sys.modules[CATALOG[kind].ask.__module__]
    claim, _, why = (module.__doc__ or "").partition("\n\n")
    assert claim
    assert len(why.split()) > 20
    manuals = (
        "https://www.postgresql.org/docs/current/",
        "https://www.rfc-editor.org/rfc/",
        "https://docs.docker.com/",
    )
    assert CATALOG[kind].manual.startswith(manuals)
    assert CATALOG[kind].claim.endswith(".")


def test_a_code_is_explained_in_the_terminal() -> None:
    """What it means, why it matters, what to do, and where it comes from."""
    words = explain("schema.index_invalid")
    assert words.splitlines()[0] == "schema.index_invalid"
    assert "Fix: `REINDEX INDEX CONCURRENTLY" in words
    assert words.splitlines()[-1] == CATALOG["schema"].manual
    assert max(len(line) for line in words.splitlines()) <= 100
