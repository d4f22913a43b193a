"""Files derived from the code, each with what it must hold: written by `invoke generate`, held to by tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.readme import with_excerpts


def contents() -> dict[str, str]:
    """What each derived file must hold, by its path in the checkout."""
    from checks.catalog import CATALOG
    from checks.catalog.manual import page
    from checks.report import jsonfile, matrix
    from checks.runbook import schema
    from tests.report.samples import samples

    return {
        "docs/checks.md": page(),
        "docs/schema/runbook.json": schema.as_text(CATALOG),
        jsonfile.SCHEMA_PATH: json.dumps(jsonfile.schema(), indent=2) + "\n",
        matrix.SCHEMA_PATH: json.dumps(matrix.schema(), indent=2) + "\n",
        **samples(),
    }


def write_all(root: Path) -> Iterator[Path]:
    """Write those that differ, and samples that differ in more than figures; the paths of all."""
    from tests import sample_drill, sample_run

    for name, content in contents().items():
        yield _write(root / name, content, same=str.__eq__)
    for samples, shape in ((sample_run.samples, sample_run.shape), (sample_drill.samples, sample_drill.shape)):
        for name, content in samples().items():
            yield _write(root / name, content, same=partial(_alike, shape))
    yield _write(root / "README.md", with_excerpts(root), same=str.__eq__)


def _alike(shape: Callable[[str], str], old: str, new: str) -> bool:
    return shape(old) == shape(new)


def _write(path: Path, content: str, *, same: Callable[[str, str], bool]) -> Path:
    if not path.exists() or not same(path.read_text(encoding="utf-8"), content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return path
