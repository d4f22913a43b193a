"""The page's queries have the plans, the buffers and the times they should have.

A query that was quick on little data is slow on much, or after an index went, or since the planner thinks otherwise.
Which of these it is shows in its plan and in the pages it touches, and those do not depend on how busy a machine is: so
they are judged first, and times second, with how sure they are beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from checks.catalog.benchmark_codes import CODES
from checks.catalog.circumstances import Circumstances
from checks.catalog.sql import narrowed, statements
from checks.check import Answer, Asking, Check, Effect, Query
from checks.errors import QueryFailed
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Line, Positive, Where
from checks.units import Duration

EXAMPLE = """\
benchmark:
  queries:
    slow count:
      sql: SELECT count(*) FROM audit_log WHERE created_at > now() - interval '24 hours'
      uses: [idx_audit_created]
      no_seq_scan: [audit_log]
      buffers: 500
      median: 50ms"""

Rounds = Annotated[int, Where(range(5, 1001).__contains__, "must be a number from 5 to 1000")]
WarmUp = Annotated[int, Where(range(101).__contains__, "must be a number from 0 to 100")]
Concurrency = Annotated[int, Where(range(1, 17).__contains__, "must be a number from 1 to 16")]


@dataclass(frozen=True, slots=True)
class Measured:
    """One query by the name reports use for it, and what it is held against."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    sql: str = field(metadata={"description": "One statement that reads."})
    uses: tuple[str, ...] = field(default=(), metadata={"description": "Indexes its plan must use."})
    no_seq_scan: tuple[str, ...] = field(
        default=(), metadata={"description": "Tables its plan must not read from end to end."}
    )
    buffers: Positive | None = field(
        default=None, metadata={"description": "The most buffers, pages of 8 kB, it may touch."}
    )
    median: Duration | None = field(default=None, metadata={"description": "The longest its median round may take."})
    p95: Duration | None = field(default=None, metadata={"description": "The longest 95 of 100 rounds may take."})

    def __post_init__(self) -> None:
        if not self.sql.strip():
            raise ValueError("`sql` is empty")

    @property
    def is_bounded(self) -> bool:
        """Whether the page says anything of how it should be."""
        return bool(self.uses or self.no_seq_scan or self.buffers or self.median or self.p95)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Which queries, and how they are measured."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    queries: dict[Line, Measured] = field(
        metadata={
            "description": "Each by its name in reports: `sql`, one statement that reads, and what it is held against: "
            "`uses`, indexes its plan must use; `no_seq_scan`, tables it must not read from end to end; `buffers`, the "
            "most pages it may touch; `median` and `p95`, the longest the median and 95 of 100 rounds may take."
        }
    )
    rounds: Rounds = field(
        default=30, metadata={"description": "How often each is measured. A round of each is followed by the next."}
    )
    warm_up: WarmUp = field(default=3, metadata={"description": "Rounds before those, which do not count."})
    concurrency: Concurrency = field(
        default=1, metadata={"description": "Connections that ask at the same time, each in rounds of its own."}
    )
    time: Duration = field(
        default=Duration(2),
        metadata={
            "description": "How long measuring may take; slow queries get fewer rounds. What looks slow is measured "
            "twice more, and quick queries up to four times. For more than 2 s, raise `timeout` too."
        },
    )

    def __post_init__(self) -> None:
        if not self.queries:
            raise ValueError("`queries` names no query")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Plans in one round trip, what they belong to in another; then the rounds, over connections of their own."""
    from checks.bench.shape import EXPLAIN, Shape
    from checks.catalog.benchmark_rounds import Measuring

    for name, measured in parameters.queries.items():
        _insist_on_reading(name, measured)
    server, *explained = yield [
        Query(statements("benchmark")["server"]),
        *(Query(f"{EXPLAIN}{one.sql.strip().rstrip(';')}") for one in parameters.queries.values()),
    ]
    shapes = {name: Shape.of(_value(name, answer)) for name, answer in zip(parameters.queries, explained, strict=True)}
    read = frozenset().union(*(shape.relations for shape in shapes.values()))
    sizes, slots = yield [_sizes(read), _slots()]
    _insist_on_room(parameters, circumstances, slots)
    return Measuring(parameters, circumstances, server.dicts()[0], dict(sizes.rows), shapes).findings()


def _insist_on_reading(name: str, measured: Measured) -> None:
    from checks.targets.statements import refused_unsent

    refusal = refused_unsent(measured.sql, writable=False)
    if refusal is not None:
        raise _of_query(name, refusal)


def _value(name: str, answer: Answer) -> Any:
    if answer.error is not None:
        raise _of_query(name, answer.error)
    return answer.value


def _of_query(name: str, failure: QueryFailed) -> QueryFailed:
    sentence = f"Query `{name}`: {failure.sentence}"
    return QueryFailed(sentence, sqlstate=failure.sqlstate, code=failure.code, hint=failure.hint)


def _sizes(relations: frozenset[str]) -> Query:
    return Query(narrowed(statements("benchmark")["sizes"], "name", [(name,) for name in sorted(relations)]))


def _slots() -> Query:
    from checks.targets.slots import QUERY

    return Query(QUERY)


def _insist_on_room(parameters: Parameters, circumstances: Circumstances, slots: Answer) -> None:
    """Raise ConnectionFailed where a live server would have too few connections left for its application."""
    from checks.targets.slots import Slots, keep_enough

    if not circumstances.disposable and slots.error is None:
        keep_enough(Slots(*slots.rows[0]), still_to_open=parameters.concurrency)


CHECK = Check(
    kind="benchmark",
    claim="The page's queries have the plans, the buffers and the times they should have.",
    manual="https://www.postgresql.org/docs/current/using-explain.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="SELECT on what the queries read.",
    effect=Effect.LOAD,
    alone=True,
)
