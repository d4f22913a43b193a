"""No query of this database takes longer on average than the page allows.

A query that became slow, by growth, a lost index or a new release, holds a session of the pool for as long; enough of
them exhaust it, and everything is slow. The slowest are shown by their normalised text: without a value in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.names import plural
from checks.catalog.sql import statements
from checks.check import Asking, Cell, Check, Code, Finding, Query, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive, Where
from checks.units import Duration, show_seconds

EXAMPLE = """\
slow_queries:
  mean: 500ms
  calls: 20"""

LIBRARY = "pg_stat_statements"
HIDDEN = "<insufficient privilege>"
OLDEST = (1, 9)  # of PostgreSQL 14: the first whose statistics say since when they are

Few = Annotated[int, Where(range(101).__contains__, "must be a number from 0 to 100")]


@dataclass(frozen=True, slots=True)
class Parameters:
    """How long a query may take on average, and how often it must have run to fail the check."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    mean: Duration = field(
        default=Duration(1),
        metadata={"description": "The longest mean time of a query, since the statistics were last reset."},
    )
    calls: Positive = field(
        default=5,
        metadata={
            "description": "A slow query that ran fewer times only warns: somebody's report at noon is no trend."
        },
    )
    top: Few = field(default=10, metadata={"description": "How many of the slowest queries are shown."})


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Whether there are statistics in one round, and what they say in another."""
    sql = statements("slow_queries")
    [extension] = yield [Query(sql["extension"])]
    [found] = extension.dicts()
    _insist_on_statistics(found, disposable=circumstances.disposable)
    slowest, since = yield [Query(_within(found["schema"], sql[name])) for name in ("slowest", "since")]
    statistics = [Statement.of(row) for row in slowest.dicts()]
    slow = [one for one in statistics if one.mean > parameters.mean]
    _insist_on_sight(slow)
    queries = [one for one in statistics if one.is_query]
    findings = list(_slow(parameters, [one for one in queries if one in slow]))
    [(_, age, dropped)] = since.rows
    return [*findings, _measured(parameters, queries, age, dropped)]


@dataclass(frozen=True, slots=True)
class Statement:
    """One entry of the statistics. Times are in seconds; `text` has no value in it."""

    id: str
    text: str
    is_query: bool
    is_hidden: bool
    role: str
    calls: int
    mean: float
    max: float
    total: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Statement:
        """A row of the query `slowest`; its text goes no further than this."""
        # Imported here and not above: a page that has this kind beside others asks for it to be loaded all the same.
        from checks.catalog.query_text import is_query, shown

        text = row["text"] or ""  # NULL where the server lost its file of texts
        hidden = text == HIDDEN or not text
        return cls(
            id=row["id"] or "",
            text="not visible to this role" if hidden else shown(text),
            is_query=hidden or is_query(text),
            is_hidden=hidden,
            role=row["role"] or "dropped",
            calls=row["calls"],
            mean=row["mean"] / 1000,
            max=row["max"] / 1000,
            total=row["total"] / 1000,
        )

    def shown(self) -> Mapping[str, Cell]:
        """The statement as a row of evidence."""
        return {
            "mean": show_seconds(self.mean),
            "calls": self.calls,
            "longest": show_seconds(self.max),
            "total": show_seconds(self.total),
            "role": self.role,
            "query": self.text,
            "queryid": self.id,
        }


def _insist_on_statistics(found: Mapping[str, Any], *, disposable: bool) -> None:
    """Raise CouldNotTell, or NotApplicable for a server started for this run, where there are none to read."""
    if disposable and (found["tracks"] is None or found["version"] is None):
        raise NotApplicable("a disposable server collects no statistics of statements")
    if found["tracks"] is None:
        raise CouldNotTell(
            f"The server did not preload the library {LIBRARY}, so it has no statistics of statements.",
            code="slow_queries.not_preloaded",
            hint=f"Add {LIBRARY} to shared_preload_libraries and restart the server.",
        )
    if found["version"] is None:
        raise CouldNotTell(
            f"The extension {LIBRARY} is not installed in this database; the server has preloaded its library.",
            code="slow_queries.not_installed",
            hint=f"CREATE EXTENSION {LIBRARY}; in this database.",
        )
    if _version(found["version"]) < OLDEST:
        raise CouldNotTell(
            f"The extension {LIBRARY} is still of version {found['version']}, which lacks columns that are asked for.",
            code="slow_queries.outdated",
            hint=f"ALTER EXTENSION {LIBRARY} UPDATE; in this database.",
        )
    if found["tracks"] == "none":
        raise CouldNotTell(
            f"{LIBRARY}.track is none: the server collects no statistics of statements.",
            code="slow_queries.not_tracked",
            hint=f"Set {LIBRARY}.track = top, which is the default, and reload.",
        )
    if not found["usable"]:
        raise CouldNotTell(
            f"This role may not use the schema {found['schema']} that the extension {LIBRARY} is in.",
            code="run.not_permitted",
            hint=f"GRANT USAGE ON SCHEMA {found['schema']} TO the role.",
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _within(schema: str, sql: str) -> str:
    """The statement with the extension's views named in full: its schema need not be on the search path."""
    quoted = schema.replace('"', '""')
    return sql.replace(f"FROM {LIBRARY}", f'FROM "{quoted}".{LIBRARY}')


def _insist_on_sight(slow: Sequence[Statement]) -> None:
    """Raise CouldNotTell where a slow statement's text is hidden: it may be a query, or an index being built."""
    hidden = [one for one in slow if one.is_hidden]
    if hidden:
        raise CouldNotTell(
            f"This role may not see {plural(len(hidden), 'slow statement')} of other roles, so whether "
            f"{'it is a query' if len(hidden) == 1 else 'they are queries'} is not known.",
            code="run.not_permitted",
            hint="GRANT pg_read_all_stats TO the role; pg_monitor includes it.",
        )


def _slow(parameters: Parameters, slow: Sequence[Statement]) -> Iterator[Finding]:
    often = [one for one in slow if one.calls >= parameters.calls]
    seldom = [one for one in slow if one.calls < parameters.calls]
    if often:
        yield _finding("slow_queries.slow", parameters, often, "on average", Severity.FAIL)
    if seldom:
        when = f"on average, in fewer than {parameters.calls} calls"
        yield _finding("slow_queries.slow_seldom", parameters, seldom, when, Severity.WARN)


def _finding(code: str, parameters: Parameters, slow: Sequence[Statement], how: str, severity: Severity) -> Finding:
    longest = show_seconds(slow[0].mean)
    takes = "query takes" if len(slow) == 1 else "queries take"
    return Finding(
        code,
        False,
        f"{len(slow)} {takes} more than {parameters.mean} {how}; the slowest {longest}.",
        f"at most {parameters.mean}",
        longest,
        tuple(one.shown() for one in slow[: parameters.top]),
        severity,
    )


def _measured(parameters: Parameters, queries: Sequence[Statement], age: float | None, dropped: int) -> Finding:
    longest = show_seconds(queries[0].mean) if queries else "none"
    since = f"Since the statistics were reset {show_seconds(age)} ago" if age is not None else "So far"
    lost = f"; {plural(dropped, 'time')} the rarest were dropped to make room" if dropped else ""
    sentence = f"{since} the slowest query took {longest} on average{lost}." if queries else f"{since} no query ran."
    evidence = tuple(one.shown() for one in queries[: parameters.top])
    return Finding("slow_queries.measured", True, sentence, f"at most {parameters.mean}", longest, evidence)


CODES: Mapping[str, Code] = {
    "slow_queries.measured": Code(
        "The slowest queries of this database by their mean time, as text without values. Statements that define or "
        "maintain things (`CREATE INDEX`, `VACUUM`, `COPY`, …) are not judged."
    ),
    "slow_queries.slow": Code(
        "A query takes longer on average than the page allows, and runs often.",
        "It holds a session of the pool and its locks for as long, and users wait for it.",
        "`EXPLAIN (ANALYZE, BUFFERS)` it on a copy of the data. A sequential scan of a large table wants an index "
        "(`CREATE INDEX CONCURRENTLY`), a wrong estimate wants `ANALYZE`. Once it is repaired, reset its statistics: "
        "`SELECT pg_stat_statements_reset(0, 0, QUERYID)`.",
    ),
    "slow_queries.slow_seldom": Code(
        "A query takes longer on average than the page allows, but ran only a few times.",
        "A report by hand looks like this, and so does a new release whose slow query has just begun.",
        "Look who runs it. If it was a person, reset its statistics: `SELECT pg_stat_statements_reset(0, 0, QUERYID)`.",
    ),
    "slow_queries.not_preloaded": Code(
        "The server did not load the library pg_stat_statements when it started.",
        "There are no statistics to judge, so nothing is known of slow queries.",
        "Add it to `shared_preload_libraries` and restart; hosted servers have a switch for it. Then `CREATE EXTENSION "
        "pg_stat_statements` in this database.",
    ),
    "slow_queries.not_installed": Code(
        "The server collects the statistics, but this database has no view of them.",
        "There is nothing to read them by, so nothing is known of slow queries.",
        "`CREATE EXTENSION pg_stat_statements;` in this database, which takes no restart.",
    ),
    "slow_queries.outdated": Code(
        "The extension is of a version from before an upgrade of the server.",
        "Its view lacks columns that are asked for, so nothing is known of slow queries.",
        "`ALTER EXTENSION pg_stat_statements UPDATE;` in this database, which takes no restart.",
    ),
    "slow_queries.not_tracked": Code(
        "The library is loaded, and was told to record nothing.",
        "What it shows is old or empty, so nothing is known of slow queries.",
        "Set `pg_stat_statements.track = top` and reload with `SELECT pg_reload_conf()`.",
    ),
}

CHECK = Check(
    kind="slow_queries",
    claim="No query of this database takes longer on average than the page allows.",
    manual="https://www.postgresql.org/docs/current/pgstatstatements.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="pg_read_all_stats (or pg_monitor) to see the statements of other roles, and USAGE on the schema of the "
    "extension pg_stat_statements.",
    needs=("pg_read_all_stats",),
)
