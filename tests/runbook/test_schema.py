"""The committed JSON Schema says what the reader does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no stubs of its own
import pytest

from checks.catalog import CATALOG
from checks.runbook.entries import COMMON
from checks.runbook.markdown import parse
from checks.runbook.mistakes import Mistakes
from checks.runbook.schema import as_text, schema
from checks.runbook.yaml_block import yaml_of
from checks.runbook.yaml_source import Source, load
from tests.runbook.kinds import KINDS
from tests.runbook.tools import SAMPLES

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "runbook.json"


def holds(root: str, data: Any) -> bool:
    """Whether `data` is as the schema of the sample kinds says."""
    whole = schema(KINDS)
    validator = jsonschema.Draft202012Validator({"$defs": whole["$defs"], "$ref": f"#/$defs/{root}"})
    return bool(validator.is_valid(data))


def yaml_in(sample: str) -> tuple[Any, Any]:
    """The front matter and the first check block of a sample, unvalidated."""
    page = parse((SAMPLES / f"{sample}.md").read_text())
    assert page.front is not None
    front = Source("\n".join(page.lines[1 : page.front.end - 1]), 2)
    block = next(block for block in page.blocks() if block.info == "yaml check")
    documents = [load(source, Mistakes(sample)) for source in (front, yaml_of(page, block))]
    return tuple(document.data if document else None for document in documents)  # type: ignore[return-value]  # of two


def test_the_committed_schema_is_current() -> None:
    """`invoke generate` writes it; a page's editor reads it."""
    assert COMMITTED.read_text(encoding="utf-8") == as_text(CATALOG)


def test_the_schema_is_a_schema() -> None:
    """Of the draft it names, and with nothing it refers to missing."""
    whole = schema(CATALOG)
    jsonschema.Draft202012Validator.check_schema(whole)
    assert holds("FrontMatter", {"runbook": "a", "title": "b", "migrations": {"tool": "sql", "path": "c"}})


def test_the_schema_accepts_a_sound_page() -> None:
    """Both of its roots."""
    front, block = yaml_in("sound")
    assert holds("FrontMatter", front)
    assert holds("CheckBlock", block)
    assert holds("CheckBlock", {"connectivity": [None, {"name": "b", "timeout": "5s"}]})


@pytest.mark.parametrize("sample", ["unknown-key", "unknown-kind", "wrong-types"])
def test_the_schema_refuses_what_the_reader_refuses(sample: str) -> None:
    """Misspelt kinds and keys, and values of the wrong type."""
    assert not holds("CheckBlock", yaml_in(sample)[1])


def test_no_kind_has_a_parameter_named_like_a_common_key() -> None:
    """It could never be set: the common key would take its place."""
    for check in (*CATALOG.values(), *KINDS.values()):
        assert not COMMON & {field.name for field in fields(check.params)}
