"""Whether replication slots are read, and what they keep: the half of `replication` that fills disks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from checks.catalog.inventory import Names
from checks.catalog.names import joined
from checks.check import Cell, Finding
from checks.suggest import did_you_mean
from checks.units import Size, show_bytes, show_seconds

Row = Mapping[str, Any]


def slots_out_of_order(
    slots: Sequence[Row], *, wanted: Names, may_be_inactive: Names, retained: Size, xmin_age: int
) -> Iterator[Finding]:
    """What is wrong with each slot, in the order of what it costs; `wanted` are those that must exist."""
    there = [row["name"] for row in slots]
    for name in wanted:
        if name not in there:
            hint = did_you_mean(name, there)
            sentence = f"There is no replication slot {name}" + (f"; {hint}" if hint else ".")
            yield Finding("replication.slot_missing", False, sentence, name, "no such slot")
    lost = [row for row in slots if row["wal"] == "lost" or row["reason"]]
    kept = [row for row in slots if row not in lost]
    idle = [row for row in kept if not (row["active"] or row["synced"] or row["name"] in may_be_inactive)]
    fat = [row for row in kept if (row["bytes"] or 0) > retained or row["wal"] == "unreserved"]
    old = [row for row in kept if (row["age"] or 0) > xmin_age]
    most = show_bytes(retained)
    for code, found, which, expected in (
        ("replication.slot_lost", lost, "was invalidated", "valid"),
        ("replication.slot_inactive", idle, "has no reader", "a reader"),
        ("replication.slot_retains", fat, "holds back too much WAL, or is about to lose it", f"at most {most}"),
        ("replication.slot_holds_rows", old, "keeps dead rows", f"at most {xmin_age:,} transactions"),
    ):
        for row in found:
            sentence = f"Replication slot {row['name']} {which}: {_kept_by(row)}."
            yield Finding(code, False, sentence, expected, _kept_by(row), evidence_of([row]))


def _kept_by(row: Row) -> str:
    parts = [f"reason {row['reason']}"] if row["reason"] else []
    parts += [f"inactive for {show_seconds(max(0.0, row['inactive']))}"] if row["inactive"] is not None else []
    parts += [f"{show_bytes(max(0, row['bytes']))} of WAL"] if row["bytes"] is not None else []
    parts += [f"rows of the last {row['age']:,} transactions"] if row["age"] is not None else []
    return joined(parts) or "nothing yet"


def evidence_of(slots: Iterable[Row]) -> tuple[Mapping[str, Cell], ...]:
    return tuple(
        {
            "what": f"{row['type']} slot {row['name']}",
            "state": row["reason"] or ("active" if row["active"] else "inactive"),
            "WAL": None if row["bytes"] is None else show_bytes(max(0, row["bytes"])),
        }
        for row in slots
    )
