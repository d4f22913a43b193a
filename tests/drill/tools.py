"""Drills as tests make them: a page, a database, a watcher, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checks.catalog import CATALOG
from checks.drill.drill import drill
from checks.drill.request import Request
from checks.drilled import Drill, Rung, Step
from checks.result import Result, Results
from checks.runbook.model import Runbook
from checks.runbook.reader import read

# What a drill doubts of a sound dump that has no manifest, and of any artifact that nobody vouches for.
UNVOUCHED = {"drill.artifact_unproven"}
WITHOUT_MANIFEST = UNVOUCHED | {"drill.objects_unproven"}
PAGE = "---\nrunbook: shop\ntitle: Shop\n{front}---\n\n# Shop\n\n{body}\n"
TABLES = """
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL REFERENCES customers, amount numeric);
CREATE INDEX orders_customer ON orders (customer);
CREATE VIEW totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY 1;
INSERT INTO customers (name) SELECT 'customer ' || i FROM generate_series(1, 100) AS i;
INSERT INTO orders (customer, amount) SELECT 1 + i % 100, i / 7.0 FROM generate_series(1, 1000) AS i;
"""


@dataclass
class Watcher:
    """Notes the stages, and does something when one begins with a word."""

    at: str = ""
    do: Callable[[], None] = lambda: None
    stages: tuple[str, ...] = ()

    def stage(self, sentence: str) -> None:
        self.stages += (sentence,)
        if self.at and sentence.startswith(self.at):
            self.do()

    def delayed(self, sentence: str) -> None: ...

    def finished(self, result: Result) -> None: ...


def page(folder: Path, front: str = "", body: str = "") -> Runbook:
    """A runbook of one page in `folder`."""
    path = folder / "shop.md"
    path.write_text(PAGE.format(front=front, body=body), encoding="utf-8")
    return read(path, CATALOG, ())


def drilled(
    request: Request, watcher: Watcher | None = None, stop: threading.Event | None = None
) -> tuple[Drill, Results]:
    """The drill, whole."""
    return drill(request, watcher or Watcher(), stop or threading.Event())


def step(found: Drill, rung: Rung) -> Step:
    """One rung of it."""
    return next(one for one in found.steps if one.rung is rung)


def codes(found: Drill) -> set[str]:
    """What does not hold, and what has no verdict."""
    broken = {finding.code for one in found.steps for finding in one.findings if not finding.holds}
    return broken | {one.code for one in found.steps if one.code not in {"", "run.skipped"}}
