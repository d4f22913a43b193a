"""The report as JSON, and back: the record that everything else is drawn from.

`docs/schema/report-1.json` is its published form.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.errors import UsageError
from checks.report.model import FORMAT, VERSION, Report

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_PATH = f"docs/schema/report-{VERSION}.json"


def to_json(report: Report) -> str:
    """The report's JSON, with `run` before everything long, and a final newline."""
    return f"{json.dumps(report, default=_plain, indent=2, ensure_ascii=False, allow_nan=False)}\n"


def from_json(text: str | bytes, *, path: Path) -> Report:
    """The report that `text` is; `path` is only for the message. Raises UsageError for anything else."""
    from pydantic import ValidationError

    _refuse_what_is_no_report(text, path)
    try:
        return _adapter().validate_json(text)
    except ValidationError as mistake:
        first = mistake.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        hint = "the file was changed after it was written"
        raise UsageError(f"{path}: `{where}` is wrong: {first['msg']}", hint=hint) from None


def _refuse_what_is_no_report(text: str | bytes, path: Path) -> None:
    try:
        found = json.loads(text)
    except ValueError as mistake:
        raise UsageError(f"{path}: this is not JSON ({mistake})", hint="name a report that this tool wrote") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        hint = f'its JSON would begin with "format": "{FORMAT}"'
        raise UsageError(f"{path}: this is not a report of pgrunbook", hint=hint)
    if found.get("version") != VERSION:
        hint = "draw it with the release of pgrunbook that wrote it"
        raise UsageError(f"{path}: this is a report of version {found.get('version')}; known is {VERSION}", hint=hint)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a report, for the committed file and for other programs."""
    title = {"title": "pgrunbook report", "$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**title, **_adapter().json_schema(mode="serialization"), "title": title["title"]}


@cache
def _adapter() -> TypeAdapter[Report]:
    # pydantic costs 100 ms to import and a run that only writes reports has no use for it.
    from pydantic import TypeAdapter

    from checks.report.drill_model import DrillReport  # noqa: F401 - pydantic looks here for what the model only names

    return TypeAdapter(Report)


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
