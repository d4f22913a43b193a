"""Files derived from the code, each with what it must hold: written by `invoke generate`, held to by tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path


def contents() -> dict[str, str]:
    """What each derived file must hold, by its path in the checkout."""
    from checks.catalog import CATALOG
    from checks.catalog.manual import page
    from checks.report import jsonfile
    from checks.runbook import schema
    from tests.report.samples import samples

    return {
        "docs/checks.md": page(),
        "docs/schema/runbook.json": schema.as_text(CATALOG),
        jsonfile.SCHEMA_PATH: json.dumps(jsonfile.schema(), indent=2) + "\n",
        **samples(),
    }


def write_all(root: Path) -> Iterator[Path]:
    """Write those that differ; the paths of all."""
    for name, content in contents().items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        yield path
