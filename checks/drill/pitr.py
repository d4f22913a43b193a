"""Point in time: a base backup and its archive, recovered to a moment on a disposable server, with proof on both sides.

Of a live source's files it is proven by what the server's log says of the transactions around the point, and by the
page's own `marker`: nothing is ever written to a live source. A rehearsal writes one row before it and one after.
https://www.postgresql.org/docs/current/continuous-archiving.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.check import Finding, Severity
from checks.drill import recovered, verifybackup
from checks.drill.basebackup import BaseBackup
from checks.drill.doubt import doubt
from checks.drill.ladder import BELOW
from checks.drill.recovery import Point, RecoveringServer, checkpoint_time, control_data
from checks.drill.timeline import Timeline
from checks.drill.walarchive import Archive
from checks.drilled import Rung, Step
from checks.errors import CouldNotTell, TargetFailed
from checks.result import Status, judge
from checks.targets.binaries import Binaries, find
from checks.targets.postmaster import StartRefused
from checks.targets.tuning import Setting

if TYPE_CHECKING:
    from psycopg import Connection

RUNGS = (Rung.ARTIFACT, Rung.RESTORED, Rung.BOUNDARY)
NO_MARKER = (
    "That rows of both sides are where they belong was read from the server's log and not from a table: the page's "
    "drill declares no `marker`."
)
_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> 'postgres'"
# What a marker may cost: it is the page's own query, on a copy that nobody else uses.
_LIMITS = "SET statement_timeout = '60s'; SET default_transaction_read_only = on"


@dataclass(frozen=True, slots=True)
class Marker:
    """A query for proof on both sides: with `counted`, of one row with counts of before and after; else of times."""

    sql: str
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be recovered: from which files, to which point, looked at by which marker and in which database.

    `named` is the page's name, by which a database is chosen where none is named.
    """

    backup: BaseBackup
    archive: Archive
    point: Point
    marker: Marker | None = None
    database: str = ""
    named: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(slots=True)
class Recovered:
    """How far recovery came: the steps of the ladder so far, and a server, where there is one, for others to stop."""

    steps: list[Step] = field(default_factory=list)
    server: RecoveringServer | None = None
    database: str = ""
    usable: float | None = None

    @property
    def holds(self) -> bool:
        """Whether every rung so far did."""
        return all(step.status in {Status.PASSED, Status.WARNED} for step in self.steps)


def binaries_for(backup: BaseBackup, postgres_bin: str = "") -> Binaries:
    """The programs of exactly the backup's major: no other can read its files. Raises TargetFailed."""
    found = find(backup.major, Path(postgres_bin) if postgres_bin else None)
    if found.major == backup.major:
        return found
    raise TargetFailed(
        f"The base backup is of PostgreSQL {backup.major}, whose files no other major can read; here is {found.major}.",
        hint=f"install it with `apt install postgresql-{backup.major}`, or name its folder with --postgres-bin",
    )


def recover(
    request: Request,
    binaries: Binaries,
    timeline: Timeline,
    *,
    made: Callable[[RecoveringServer], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Recovered:
    """Copy, verify, recover and look at both sides of the point.

    `made` is told of the server before it starts, so that somebody else can end it; where `stop` is set, a server that
    gave up did so for that reason. Raises CouldNotTell where this machine cannot do it or the marker cannot be asked,
    and leaves nothing running then.
    """
    server = RecoveringServer.make(binaries, request.backup, request.archive, request.point, request.settings)
    made(server)
    try:
        outcome = _Climb(request, server, timeline, stop or threading.Event()).climb()
    except BaseException:
        server.stop()
        raise
    if outcome.server is None:
        server.stop()
    done = {one.rung for one in outcome.steps}
    outcome.steps += [Step(rung, Status.SKIPPED, reason=BELOW) for rung in RUNGS if rung not in done]
    return outcome


class _Climb:
    """One recovery, rung by rung; each says whether it holds, and so whether the next makes sense."""

    def __init__(self, request: Request, server: RecoveringServer, timeline: Timeline, stop: threading.Event) -> None:
        self._request, self._server, self._timeline, self._stop = request, server, timeline, stop
        self._outcome = Recovered()

    def climb(self) -> Recovered:
        with self._timeline.phase("copy the base backup and its WAL"):
            self._server.copy()
        if self._whole() and self._is_late_enough() and self._recovers():
            self._outcome.server = self._server
            self._both_sides()
        return self._outcome

    def _whole(self) -> bool:
        began = self._timeline.seconds()
        with self._timeline.phase("verify the base backup"):
            found = verifybackup.verified(self._server.folder.data, self._server.groundwork.programs)
        return self._add(Rung.ARTIFACT, [found], began)

    def _is_late_enough(self) -> bool:
        """PostgreSQL itself does not refuse a time before the backup: it stops at once, with all the backup has."""
        server, time = self._server, self._request.point.time
        taken = checkpoint_time(control_data(server.groundwork.programs, server.folder))
        if time is None or time >= taken:
            return True
        early = recovered.too_early(self._request.point, taken)
        return self._add(Rung.RESTORED, [early], self._timeline.seconds())

    def _recovers(self) -> bool:
        missing, last = _gaps(self._server)
        began, point = self._timeline.seconds(), self._request.point
        try:
            with self._timeline.phase("recover"):
                self._server.recover()
        except StartRefused:
            if self._stop.is_set():
                raise
            refusal = recovered.refused(self._server.said(), point, missing, last=last)
            return self._add(Rung.RESTORED, [refusal], began)
        with self._server.connect() as connection:
            findings = [recovered.reached(connection, self._server.said(), point), recovered.isolated(connection)]
        self._outcome.usable = self._timeline.seconds()
        if missing:
            sentence = f"What was written after the point could not be recovered: {recovered.gap(missing)}"
            findings.append(doubt("drill.wal_unproven", sentence, "WAL without a gap", recovered.gap(missing)))
        return self._add(Rung.RESTORED, findings, began)

    def _both_sides(self) -> None:
        began, request = self._timeline.seconds(), self._request
        with self._timeline.phase("look at both sides of the point"):
            self._outcome.database = request.database or the_database(self._server, request.named)
            findings = list(_both_sides(self._server, self._outcome.database, request))
        self._add(Rung.BOUNDARY, findings, began)

    def _add(self, rung: Rung, findings: list[Finding], began: float) -> bool:
        self._outcome.steps.append(step(rung, findings, self._timeline.seconds() - began))
        return self._outcome.holds


def step(rung: Rung, findings: list[Finding], seconds: float) -> Step:
    """A rung with its verdict."""
    return Step(rung, judge(findings, Severity.FAIL), tuple(findings), seconds)


def the_database(server: RecoveringServer, named: str) -> str:
    """The database to look at: the only one of the copy, or that called as the page. Raises CouldNotTell."""
    with server.connect() as connection:
        names = sorted(str(name) for (name,) in connection.execute(_DATABASES).fetchall())
    wanted = named.replace("-", "_")
    found = next((name for name in names if name in {named, wanted}), None)
    if found or len(names) == 1:
        return found or names[0]
    if not names:
        return "postgres"
    raise CouldNotTell(
        f"The copy has {len(names)} databases, {', '.join(names)}, and none is called {wanted}.",
        hint="say which one the page is about with --database NAME",
    )


def _gaps(server: RecoveringServer) -> tuple[list[str], str]:
    """Segments missing from the archive and the backup together, and the newest of the archive."""
    control = control_data(server.groundwork.programs, server.folder)
    backup, archive = server.groundwork.backup, server.groundwork.archive
    kept = frozenset(path.name for path in (server.folder.data / "pg_wal").glob("?" * len(backup.first)))
    size = int(control["Bytes per WAL segment"])
    names = [name for name in archive.files if len(name) == len(backup.first)]
    return archive.missing(backup.first, segment_bytes=size, kept=kept), max(names, default="none")


def _both_sides(server: RecoveringServer, database: str, request: Request) -> Iterator[Finding]:
    point, marker, log = request.point, request.marker, server.said()
    with server.connect(database) as connection:
        yield recovered.boundary(connection, log, point)
        if marker is None:
            yield doubt("drill.boundary_unproven", NO_MARKER, "a `marker`", "none declared")
            return
        stop = recovered.stop_of(log)
        limit = point.time or (stop.moment if stop else datetime.now(UTC))
        yield recovered.marked(*_counted(connection, marker, limit), point)


def _counted(connection: Connection[Any], marker: Marker, limit: datetime) -> tuple[int, int]:
    """Rows before the point and after it. Raises CouldNotTell where the marker is no query of times."""
    import psycopg

    sql = marker.sql if marker.counted else _TIMES.format(marker.sql.rstrip().rstrip(";"))
    try:
        connection.execute(_LIMITS)
        # The page's own query may hold a percent sign, which is why the time is not a parameter of it.
        connection.execute("SELECT set_config('pgrunbook.point', %s, false)", [limit.isoformat()])
        row = connection.execute(sql.encode()).fetchone()
    except psycopg.Error as failure:
        said = str(failure).partition("\n")[0]
        raise CouldNotTell(
            f"The marker could not be asked of the copy: {said}.",
            hint="`marker` is a SELECT of one column of times, such as SELECT created_at FROM audit_log",
        ) from None
    if row is None:
        raise AssertionError("a count returns a row")
    return int(row[0]), int(row[1])


_TIMES = """
    WITH point AS (SELECT current_setting('pgrunbook.point')::timestamptz AS at)
    SELECT count(*) FILTER (WHERE seen.at <= point.at), count(*) FILTER (WHERE seen.at > point.at)
    FROM ({}) AS seen (at), point
"""
