"""The format of a runbook as JSON Schema, for editors and for whoever writes pages by program.

A page is Markdown, so the schema has two roots: `#/$defs/FrontMatter`, and `#/$defs/CheckBlock` for what stands in a
`yaml check` block. It is made from the classes that validate pages, and so cannot say anything else than they do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from checks.check import Check
from checks.runbook.entries import CommonKeys
from checks.runbook.model import FrontMatter
from checks.units import Duration, Size

_Json = dict[str, Any]


def schema(kinds: Mapping[str, Check]) -> _Json:
    """The JSON Schema (draft 2020-12) of the front matter and of a `yaml check` block of every kind."""
    definitions: _Json = {"FrontMatter": {}, "CheckBlock": {}}
    definitions["FrontMatter"] = _schema_of(FrontMatter, "", definitions)
    common = _schema_of(CommonKeys, "", definitions)["properties"]
    for kind, check in sorted(kinds.items()):
        definitions[kind] = _kind(check, common, definitions)
    definitions["CheckBlock"] = {
        "description": "The checks of one `yaml check` block, by their kind; null is a check by default.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {kind: _one_or_several(f"#/$defs/{kind}") for kind in sorted(kinds)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The front matter and the check blocks of a runbook",
        "anyOf": [{"$ref": "#/$defs/FrontMatter"}, {"$ref": "#/$defs/CheckBlock"}],
        "$defs": definitions,
    }


def as_text(kinds: Mapping[str, Check]) -> str:
    """The schema as the committed file holds it."""
    return json.dumps(schema(kinds), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Without a title on every field, and with defaults as a page would write them."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - of no field
        return False

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Duration | Size) else super().encode_default(dft)


def _schema_of(wanted: type, prefix: str, definitions: _Json) -> _Json:
    """The schema of one class; what it refers to goes to `definitions`, under names that begin with `prefix`."""
    template = f"#/$defs/{prefix}{{model}}"
    found = TypeAdapter(wanted).json_schema(ref_template=template, schema_generator=_Generator)
    definitions.update({f"{prefix}{name}": inner for name, inner in found.pop("$defs", {}).items()})
    return found


def _kind(check: Check, common: _Json, definitions: _Json) -> _Json:
    found = _schema_of(check.params, f"{check.kind}.", definitions)
    found["title"] = check.kind
    found["description"] = f"{check.claim}\n\n{check.manual}"
    found["properties"] = {**found.get("properties", {}), **common}
    return found


def _one_or_several(reference: str) -> _Json:
    several = {"type": "array", "minItems": 1, "items": {"anyOf": [{"$ref": reference}, {"type": "null"}]}}
    return {"anyOf": [{"$ref": reference}, several, {"type": "null"}]}
