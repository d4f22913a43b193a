"""A plan without what is the data's: which nodes, relations and indexes, how many rows and buffers. No condition.

From EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON). What a filter or an index condition compares with is somebody's data, and
which is which need not be told to see what a plan does.
https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
PLAN_ONLY = "EXPLAIN (FORMAT JSON) "
DISCOURAGED = "SELECT set_config('enable_seqscan', 'off', true)"
SEQ_SCAN = "Seq Scan"
JOINS = frozenset({"Nested Loop", "Hash Join", "Merge Join"})
_BUFFERS = (
    "Shared Hit Blocks",
    "Shared Read Blocks",
    "Local Hit Blocks",
    "Local Read Blocks",
    "Temp Read Blocks",
    "Temp Written Blocks",
)


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a plan. `relation` and `index` are empty where it has none; `rows` is of all its loops together."""

    depth: int
    type: str
    relation: str = ""
    index: str = ""
    rows: int = 0
    buffers: int = 0

    def __str__(self) -> str:
        using = f" using {self.index}" if self.index else ""
        on = f" on {self.relation}" if self.relation else ""
        return f"{'  ' * self.depth}{self.type}{using}{on}: {self.rows:,} rows, {self.buffers:,} buffers"

    @property
    def step(self) -> str:
        """What makes it another plan: all but how much there was."""
        return f"{'  ' * self.depth}{self.type}|{self.relation}|{self.index}"


@dataclass(frozen=True, slots=True)
class Shape:
    """A plan's nodes from the top down, and the buffers (of 8 kB as a rule) it touched, hit or read, in all."""

    nodes: tuple[Node, ...]
    buffers: int

    @classmethod
    def of(cls, explained: Any) -> Shape:
        """The shape of EXPLAIN's JSON, as decoded."""
        top = explained[0]["Plan"]
        nodes = tuple(_nodes(top, 0))
        return cls(nodes, _touched(top))

    @property
    def steps(self) -> tuple[str, ...]:
        """The plan as a baseline keeps it and as it is compared."""
        return tuple(node.step for node in self.nodes)

    @property
    def indexes(self) -> frozenset[str]:
        """The indexes it uses."""
        return indexes_of(self.steps)

    @property
    def read_whole(self) -> frozenset[str]:
        """The relations it reads from end to end."""
        return read_whole_of(self.steps)

    @property
    def relations(self) -> frozenset[str]:
        """All relations it reads, by any way."""
        return frozenset(node.relation for node in self.nodes if node.relation)

    def __str__(self) -> str:
        return "\n".join(str(node) for node in self.nodes)


def indexes_of(steps: tuple[str, ...]) -> frozenset[str]:
    """The indexes that the steps of a plan use."""
    return frozenset(index for _, _, index in _told_apart(steps) if index)


def read_whole_of(steps: tuple[str, ...]) -> frozenset[str]:
    """The relations that the steps of a plan read from end to end."""
    return frozenset(relation for kind, relation, _ in _told_apart(steps) if kind.endswith(SEQ_SCAN))


def join_order(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The relations in the order the plan joins them; empty where it joins none."""
    told = list(_told_apart(steps))
    joins = any(kind.split(", ")[0].removeprefix("Parallel ") in JOINS for kind, _, _ in told)
    return tuple(relation for _, relation, _ in told if relation) if joins else ()


def _told_apart(steps: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for step in steps:
        kind, relation, index = step.strip().split("|")
        yield kind, relation, index


def _nodes(plan: Mapping[str, Any], depth: int) -> Iterator[Node]:
    yield Node(
        depth=depth,
        type=_type(plan),
        relation=str(plan.get("Relation Name", "")),
        index=str(plan.get("Index Name", "")),
        rows=round(plan.get("Actual Rows", 0) * plan.get("Actual Loops", 1)),
        buffers=_touched(plan),
    )
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner, depth + 1)


def _type(plan: Mapping[str, Any]) -> str:
    """`Hash Join, Left` or `Parallel Seq Scan`: the node's type with what makes it another kind of work."""
    kind = plan["Node Type"]
    if plan.get("Parallel Aware"):
        kind = f"Parallel {kind}"
    if plan.get("Join Type", "Inner") != "Inner":
        kind = f"{kind}, {plan['Join Type']}"
    if plan.get("Strategy", "Plain") != "Plain":
        kind = f"{kind}, {plan['Strategy']}"
    return str(kind)


def _touched(plan: Mapping[str, Any]) -> int:
    return sum(int(plan.get(name, 0)) for name in _BUFFERS)
