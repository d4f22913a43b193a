"""The page's checks, planned before a drill and asked of its restored copy."""

from __future__ import annotations

from checks.backup.copy import Copy
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import POSTGRESQL
from checks.drill.request import Request
from checks.drill.state import State
from checks.errors import NothingSelected
from checks.plan import Mode, Plan, plan
from checks.result import Results
from checks.run import run

COPY = "restored copy"
CHECKS_LIMIT = 300.0  # seconds for the page's checks on the copy


def plan_for(request: Request) -> Plan:
    """The page's checks that make sense of a copy; there may be none."""
    page, only = request.runbook, request.only
    if not request.asks:
        return Plan(page, Mode.DRILL, request.environment, ())
    try:
        return plan(
            page, CATALOG, mode=Mode.DRILL, engine=POSTGRESQL, environment=request.environment, only=only, timeout=60.0
        )
    except NothingSelected:
        if only:
            raise
        return Plan(page, Mode.DRILL, request.environment, ())


def ask(planned: Plan, copy: Copy, state: State) -> Results:
    """The page's checks, asked of the copy."""
    page = state.runbook
    circumstances = Circumstances(
        folder=page.folder,
        engine=copy.engine,
        endpoint=copy.endpoint,
        disposable=False,
        migrations=page.front.migrations,
        environment=state.request.environment,
    )
    return run(planned, copy, circumstances, watch=state.watch, stop=state.stop, deadline=CHECKS_LIMIT)
