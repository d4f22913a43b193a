"""The server can be reached, answers in time, and is of the wanted version.

An operator asks this first: when it does not hold, its code names the one thing to repair, and nothing else on the
page can be believed. The round trip is what every query of the application pays on top of its own work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.codes import CONNECTION_CODES
from checks.catalog.expectation import Count
from checks.catalog.sql import statements
from checks.check import POSTGRESQL, SQLITE, Answer, Asking, Check, Code, Finding, Query
from checks.errors import ConnectionFailed
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.units import Duration, show_seconds

EXAMPLE = "connectivity: {within: 500ms, version: {ge: 15}}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """How soon the server must answer, and which major version it must be."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    within: Duration = field(
        default=Duration(2.0), metadata={"description": "The longest median round trip that holds."}
    )
    version: Count | None = field(
        default=None, metadata={"description": "The PostgreSQL major, such as `16` or `{ge: 15}`; not asked of SQLite."}
    )
    round_trips: int = field(
        default=3, metadata={"description": "How many round trips are measured, one after another.", "ge": 1, "le": 20}
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One query a round, so that each sample is one round trip of its own; opening the session was one already."""
    sql = statements("connectivity" if circumstances.engine == POSTGRESQL else "connectivity_sqlite")
    bare = Query(sql["round_trip"])
    try:
        sample, version = yield [bare, Query(sql["version"])]
        opening = circumstances.opening()
        samples = [sample.seconds] if opening is None else [opening, sample.seconds]
        while len(samples) < parameters.round_trips:
            samples.extend(answer.seconds for answer in (yield [bare]))
    except ConnectionFailed as failure:
        return [_unreachable(failure)]
    spelling = f"{'PostgreSQL' if circumstances.engine == POSTGRESQL else 'SQLite'} {version.value}"
    findings = [_answers_in_time(parameters.within, sorted(samples[: parameters.round_trips]), spelling)]
    if parameters.version is not None and circumstances.engine == POSTGRESQL:
        findings += _of_another_version(parameters.version, version)
    return findings


def _unreachable(failure: ConnectionFailed) -> Finding:
    sentence = f"{failure.sentence} {failure.hint}".strip()
    return Finding(failure.code, False, sentence, expected=failure.expected, observed="none")


def _answers_in_time(within: Duration, samples: Sequence[float], spelling: str) -> Finding:
    middle, worst = samples[len(samples) // 2], samples[-1]
    holds = middle <= within
    measured = f"median {show_seconds(middle)}, worst {show_seconds(worst)} of {len(samples)}"
    return Finding(
        "connectivity.reachable" if holds else "connectivity.slow",
        holds,
        f"{spelling} answers in {show_seconds(middle)}." if holds else f"{spelling} answers too slowly.",
        expected=f"a round trip within {within}",
        observed=measured,
        evidence=({"round trips": len(samples), "median ms": _ms(middle), "worst ms": _ms(worst)},),
    )


def _ms(value: float) -> float:
    return round(value * 1000, 3)


def _of_another_version(wanted: Count, answer: Answer) -> list[Finding]:
    spelling, number = answer.rows[0]
    if wanted.holds(number // 10000):
        return []
    sentence = f"The server is PostgreSQL {spelling}, which is not the major this page is about."
    return [Finding("connectivity.version", False, sentence, f"major {wanted.describe()}", spelling)]


CODES: Mapping[str, Code] = {
    "connectivity.reachable": Code("The server was reached and answered within the time the page allows."),
    "connectivity.slow": Code(
        "The server was reached, but the median round trip took longer than the page allows.",
        "Every query of the application waits at least this long; a page of twenty queries waits twenty times.",
        "Compare from a machine beside the server: if it is fast there, the network or the region is at fault; if not, "
        "look at the server's load. Then correct `within` if it was set for another network.",
    ),
    "connectivity.version": Code(
        "The server's major version is not the one the page names.",
        "Plans, defaults, dump formats and extensions differ between majors: what was proved on one is not on another.",
        "Use the environment's right URL, upgrade the server, or correct `version` in the page.",
    ),
    **CONNECTION_CODES,
}

CHECK = Check(
    kind="connectivity",
    claim="The server can be reached, answers in time and is of the wanted version.",
    manual="https://www.postgresql.org/docs/current/libpq-connect.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="CONNECT on the database.",
    engines=frozenset({POSTGRESQL, SQLITE}),
)
