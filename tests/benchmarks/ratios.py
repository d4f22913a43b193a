"""Collects what the benchmarks measured, and writes it as the table of docs/performance.md.

A time alone says more of the machine than of the code, so each row sets ours against another way of doing the same
thing, measured in the same run.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.units import show_seconds

FOLDER = Path(__file__).parents[2] / ".benchmarks"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_THIS_RUN = f"ratios-{os.getpid()}.json"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two times in seconds. `claim` is the ratio, or seconds of ours, that is promised, in words."""

    name: str
    ours: float
    theirs: float
    claim: str

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def record(name: str, ours_seconds: float, theirs_seconds: float, claim: str) -> Ratio:
    """Keep one row of this run in a file of its own under .benchmarks; the same name again replaces the row."""
    row = Ratio(name, ours_seconds, theirs_seconds, claim)
    FOLDER.mkdir(exist_ok=True)
    kept = [one for one in _read(FOLDER / _THIS_RUN) if one.name != name]
    _write(FOLDER / _THIS_RUN, json.dumps([asdict(one) for one in (*kept, row)], indent=2))
    return row


def rows_of_last_run() -> list[Ratio]:
    """What the newest run recorded, in the order of its tests; nothing when none was ever run."""
    runs = sorted(FOLDER.glob("ratios-*.json"), key=lambda path: path.stat().st_mtime_ns)
    return _read(runs[-1]) if runs else []


def write_table(rows: Iterable[Ratio], path: Path) -> None:
    """Replace what stands between the two markers of `path` by a table of `rows`, all or nothing.

    Raises ValueError when a marker is missing.
    """
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} must hold the lines {BEGIN} and {END}, in this order")
    _write(path, f"{before}{BEGIN}\n{_table(rows)}{END}{after}")


def _table(rows: Iterable[Ratio]) -> str:
    lines = ["| What | Ours | The other way | Ratio | Claim |", "|---|---|---|---|---|"]
    for row in rows:
        times = f"{show_seconds(row.ours)} | {show_seconds(row.theirs)} | {row.ratio:.2f}"
        lines.append(f"| {row.name.replace('|', '/')} | {times} | {row.claim.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> list[Ratio]:
    if not path.exists():
        return []
    return [Ratio(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
