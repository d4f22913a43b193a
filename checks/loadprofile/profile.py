"""One page's load profile: what was run, what came of it step by step, and how it reads as text, Markdown and JSON.

It lies beside the reports, as `20261120T213529Z-gaia.profile.json`, with `.md` and a chart as `.svg`, all of them drawn
from the JSON's own figures; no page's report can have that name. It has no verdict: nobody said what is enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from checks.bench.figures import sparkline
from checks.check import Bar, Chart
from checks.loadprofile.pgbench import Outcome
from checks.report import escape
from checks.report.drawing import svg
from checks.report.files import PROFILE, unwritable, write_all
from checks.report.layout import moment
from checks.secrets import mask
from checks.units import show_seconds

FORMAT, VERSION = "pgrunbook load profile", 1
MOST_EARLIER = 10
HEAD = ("clients", "pools", "tps", "p50", "p95", "p99", "failed")
TITLE = "Latency of a transaction: the median, and the 95th of 100"


@dataclass(frozen=True, slots=True)
class Step:
    """So many clients as `pools` times all declared pools, and what came of it.

    `earlier` are the medians of the same step in earlier profiles of the same workload, in seconds, oldest first.
    """

    pools: float
    outcome: Outcome
    earlier: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One page's outcomes. `sessions` is what its pools may open together, `settings` say how; `started` is in UTC."""

    runbook: str
    started: str
    server: str
    workload: str
    seconds: int
    sessions: int
    settings: tuple[str, ...]
    max_connections: int
    steps: tuple[Step, ...]


def as_json(profile: Profile) -> dict[str, Any]:
    """The profile as its file has it."""
    steps = [{"pools": one.pools, **asdict(one.outcome), "earlier": list(one.earlier)} for one in profile.steps]
    return {"format": FORMAT, "version": VERSION, **asdict(profile), "steps": steps}


def as_text(profile: Profile) -> str:
    """For a terminal."""
    table = [_head(profile), *_rows(profile)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    first, *others = _about(profile)
    return "\n".join([f"{profile.runbook}: {first}", *_indented(others), *lines, *_indented(_trouble(profile))]) + "\n"


def as_markdown(profile: Profile, picture: str = "") -> str:
    """With the chart, where the file of that name lies beside it."""
    rows = [[escape.cell(cell) for cell in row] for row in _rows(profile)]
    told = [moment(profile.started), *_about(profile), *_trouble(profile)]
    parts = [
        f"# {escape.text(profile.runbook)} under load",
        "\n".join(f"- {escape.text(line)}" for line in told),
        escape.table(_head(profile), rows, right=range(len(HEAD))),
        *([f"![{TITLE}]({picture})"] if picture else []),
    ]
    return "\n\n".join(parts) + "\n"


def chart(profile: Profile) -> Chart:
    """A bar a step."""
    bars = tuple(
        Bar(
            label=f"{step.outcome.clients} clients, {_times(step)}",
            middle=_ms(step.outcome.p50),
            low=_ms(step.outcome.p50),
            high=_ms(step.outcome.p50),
            reach=_ms(step.outcome.p95),
            earlier=tuple(map(_ms, step.earlier)),
        )
        for step in profile.steps
    )
    return Chart(TITLE, "ms", bars)


def write(profile: Profile, folder: Path) -> Path:
    """Write all three files into `folder`, each in one step; the Markdown's path. Raises UsageError."""

    def draw(stem: str) -> dict[str, str]:
        whole = json.dumps(as_json(profile), indent=2, ensure_ascii=False) + "\n"
        drawn = {".json": whole, ".md": as_markdown(profile, f"{stem}.svg"), ".svg": svg(chart(profile))}
        return {suffix: mask(content) for suffix, content in drawn.items()}

    began = profile.started.replace("-", "").replace(":", "")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem = write_all(folder, f"{began}-{profile.runbook}{PROFILE}", draw)
    except OSError as failure:
        raise unwritable(folder, failure) from None
    return folder / f"{stem}.md"


def with_earlier(profile: Profile, folder: Path) -> Profile:
    """The profile with what earlier ones in `folder` have of its steps; broken files are passed over."""
    ours = re.compile(rf"\d{{8}}T\d{{6}}Z-{re.escape(profile.runbook + PROFILE)}(-\d+)?\.json")
    paths = sorted(path for path in folder.glob(f"*{PROFILE}*.json") if ours.fullmatch(path.name))
    earlier = [medians for path in paths[-MOST_EARLIER:] for medians in _medians(path, profile.workload)]
    steps = [
        replace(step, earlier=tuple(one[step.outcome.clients] for one in earlier if step.outcome.clients in one))
        for step in profile.steps
    ]
    return replace(profile, steps=tuple(steps))


def _medians(path: Path, workload: str) -> list[dict[int, float]]:
    """Seconds by the number of clients; nothing for another workload."""
    try:
        found = json.loads(path.read_bytes())
        if (found["format"], found["workload"]) != (FORMAT, workload):
            return []
        return [{int(step["clients"]): float(step["p50"]) for step in found["steps"] if step["tps"]}]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _head(profile: Profile) -> list[str]:
    return [*HEAD, *(["earlier runs, and this"] if any(step.earlier for step in profile.steps) else [])]


def _rows(profile: Profile) -> list[list[str]]:
    with_trend = len(_head(profile)) > len(HEAD)
    return [
        [*_row(step), *([sparkline([*step.earlier, step.outcome.p50])] if with_trend else [])] for step in profile.steps
    ]


def _row(step: Step) -> list[str]:
    outcome = step.outcome
    return [
        str(outcome.clients),
        _times(step),
        f"{outcome.tps:,.0f}",
        *(show_seconds(one) if outcome.tps else escape.NOTHING for one in (outcome.p50, outcome.p95, outcome.p99)),
        f"{outcome.failed:,}" if outcome.tps else "all",
    ]


def _about(profile: Profile) -> list[str]:
    run = f"pgbench, {profile.workload}, {profile.seconds} s at each number of clients, on {profile.server}"
    return [f"{run}; max_connections is {profile.max_connections}", *profile.settings]


def _trouble(profile: Profile) -> list[str]:
    """What pgbench said, after what it means where the server admits fewer sessions than there were clients."""
    told = []
    for outcome in (step.outcome for step in profile.steps):
        if outcome.clients > profile.max_connections and not outcome.tps:
            told.append(
                f"{outcome.clients} clients do not fit max_connections, and pgbench gives up when one is refused: the "
                "pools are too large together, or the server admits too few (`pool_budget` has the arithmetic)"
            )
        told += [f"{outcome.clients} clients: {sentence}" for sentence in outcome.trouble[:2]]
    return told


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _times(step: Step) -> str:
    return f"{step.pools:g}×"  # noqa: RUF001 - times, as people write it


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4)
