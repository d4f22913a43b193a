"""The committed samples and the published schema are what the code makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs

from checks.report.jsonfile import SCHEMA_PATH, schema
from tests.report.samples import samples

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(samples()))
def test_a_sample_is_what_is_drawn_today(path: str) -> None:
    """Whoever looks at a sample sees the whole of what a run would write; `invoke generate` renews it."""
    assert (ROOT / path).read_text(encoding="utf-8") == samples()[path]


def test_the_published_schema_is_that_of_the_code() -> None:
    """Other programs read reports by `docs/schema`; `invoke generate` renews it."""
    assert json.loads((ROOT / SCHEMA_PATH).read_text(encoding="utf-8")) == schema()


def test_the_sample_keeps_to_the_published_schema() -> None:
    """The schema says of a real report what is true of it."""
    published = json.loads((ROOT / SCHEMA_PATH).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    Draft202012Validator(published).validate(json.loads(samples()["tests/report/expected/gaia.json"]))
