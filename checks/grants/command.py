"""`invoke grants`: the script of each page, from a disposable server with the page's migrations."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing

from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import Check
from checks.errors import NothingSelected, UsageError
from checks.grants.asked import observing, questions
from checks.grants.needs import Needs, needs_of
from checks.grants.script import Grantee, script
from checks.plan import DEFAULT_TIMEOUT
from checks.prepare import check_files, prepare, server_for
from checks.result import HELD
from checks.runbook.model import CheckEntry, Runbook
from checks.targets.embedded import EmbeddedTarget

FEW = 10  # rows; a database without any is not what the page speaks of
LONGEST_NAME = 63  # bytes of an identifier


def show(runbooks: Sequence[Runbook], *, role: str, postgres_bin: str, command: str) -> int:
    """Print the script of each page. Raises TargetFailed without a server, CouldNotTell where migrations fail."""
    if role and len(runbooks) > 1:
        raise UsageError("--role names one role, and several runbooks were selected.", hint="add --runbook NAME")
    if len(role.encode()) > LONGEST_NAME or role.startswith("pg_") or "\n" in role:
        raise UsageError(
            f"--role {role}: the server takes no such name.",
            hint=f"At most {LONGEST_NAME} bytes, on one line, and not beginning with pg_.",
        )
    for runbook in runbooks:
        check_files(runbook)
    for runbook in runbooks:
        sys.stdout.write(script_of(runbook, role=role, postgres_bin=postgres_bin, command=command))
    return HELD


def script_of(runbook: Runbook, *, role: str = "", postgres_bin: str = "", command: str = "invoke grants") -> str:
    """The script for one page, from a server started for it."""
    entries = observing(runbook, CATALOG)
    if not entries:
        raise NothingSelected(f"{runbook.path}: no check of this page only observes a PostgreSQL")
    with closing(server_for(runbook, postgres_bin)) as target:
        prepared = prepare(runbook, target, FEW)
        if prepared.shortfall is not None:
            raise prepared.shortfall
        needs = needs_on(runbook, entries, target)
    timeout = max(DEFAULT_TIMEOUT, *(float(entry.timeout or 0) for entry in entries))
    name = role or f"pgrunbook_{runbook.front.runbook.replace('-', '_')}"[:LONGEST_NAME]
    return script(Grantee(name, str(runbook.path), command, timeout), needs)


def needs_on(runbook: Runbook, entries: Sequence[CheckEntry], target: EmbeddedTarget) -> Needs:
    """What these checks need, looked up on a disposable database in the state the page speaks of."""
    migrations = runbook.front.migrations
    known = Circumstances(runbook.folder, target.engine, target.endpoint, disposable=False, migrations=migrations)
    with closing(target.open()) as session:
        asked = questions(entries, CATALOG, known, session)
    with target.server.connect(target.database) as connection:
        return needs_of(asked, _declared(entries, CATALOG), connection)


def _declared(entries: Sequence[CheckEntry], catalog: Mapping[str, Check]) -> dict[str, tuple[str, ...]]:
    return {entry.name: catalog[entry.kind].needs for entry in entries}
