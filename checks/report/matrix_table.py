"""A matrix as a table, from its JSON: what the index shows of the newest one, whoever wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from checks.report import escape
from checks.report.model import VERDICT_MARKS, Verdict

FORMAT: Literal["pgrunbook matrix"] = "pgrunbook matrix"
SUFFIX = ".matrix"
_NAME = re.compile(rf".*{re.escape(SUFFIX)}(-\d+)?\.(json|md)")


def table(matrix: Mapping[str, Any], *, linked: bool = True) -> str:
    """The table alone, from the matrix as its JSON has it."""
    rows = [
        [
            escape.cell(row["runbook"]),
            *(_mark(cell["verdict"], cell["report"] if linked else "") for cell in row["cells"]),
        ]
        for row in matrix["rows"]
    ]
    return escape.table(["Runbook", *map(str, matrix["majors"])], rows)


def is_matrix(name: str) -> bool:
    """Whether this is the name of a matrix, which is no report."""
    return _NAME.fullmatch(name) is not None


def newest_table(folder: Path, names: Sequence[str]) -> str:
    """The table of the newest matrix among these files, or nothing where there is none that can be read."""
    for name in sorted((name for name in names if is_matrix(name) and name.endswith(".json")), reverse=True):
        try:
            found = json.loads((folder / name).read_bytes())
            if found["format"] == FORMAT:
                return table(found)
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return ""


def _mark(verdict: str, report: str) -> str:
    mark = VERDICT_MARKS[Verdict(verdict)]
    return f"[{mark}]({report.removesuffix('.json')}.md)" if report else mark
