"""Measuring the queries of one `benchmark` check, and bringing together what each is judged by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.bench.baseline import Baselines, Gauge, Quickest, Record, Stamp, digest
from checks.bench.compare import ROUND_TRIP, YARDSTICK, same_speed
from checks.bench.connection import TimedConnection
from checks.bench.figures import Figures
from checks.bench.rounds import FEWEST, Schedule, measure
from checks.bench.shape import DISCOURAGED, PLAN_ONLY, Shape
from checks.catalog.benchmark_findings import Case, judged
from checks.catalog.benchmark_table import measured
from checks.catalog.circumstances import Circumstances
from checks.catalog.names import some
from checks.check import Finding
from checks.errors import CouldNotTell, QueryFailed
from checks.targets.session import Endpoint
from checks.units import show_seconds

if TYPE_CHECKING:
    from checks.catalog.benchmark import Parameters

SMALL = 16 * 8192  # bytes; of so few pages, reading all is as quick as an index
AGAIN = 2  # how often a time that looks bad is measured anew before it is told
MOST = 5  # measurements in all, where the server looks slower as well and quick queries leave time for it


@dataclass(slots=True)
class Measuring:
    """One check's queries with their plans, on one server; `findings` measures and judges them."""

    parameters: Parameters
    circumstances: Circumstances
    server: Mapping[str, Any]
    sizes: Mapping[str, int]
    shapes: Mapping[str, Shape]
    _records: dict[str, Record] = field(default_factory=dict)
    _measurements: list[Mapping[str, Sequence[float]]] = field(default_factory=list)
    _usables: dict[str, frozenset[str]] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        """What is wrong with each query, and what was measured of all.

        A time that looks bad is measured again, since a machine has its moments; and so is what is to be the baseline,
        so that its own noise is known.
        """
        names = list(self.parameters.queries)
        self._records = {name: record for name in names if (record := self._baseline(name)) is not None}
        self._usable()
        began = time.monotonic()
        self._measure()
        while self._wants_more(cases := [self._case(name) for name in names], time.monotonic() - began):
            self._measure()
        if self._baselines is not None:
            for case in cases:
                self._baselines.offer(self.server["major"], case.name, self._record(case))
        told = [finding for case in cases for finding in judged(case)]
        return [*told, measured(cases, self.parameters.concurrency, self._path, self.circumstances.trend)]

    def _wants_more(self, cases: Sequence[Case], spent: float) -> bool:
        """Whether to measure again: three times what looks bad, and more often what only a slow server excuses."""
        count = len(self._measurements)
        if self._saves or count <= AGAIN:
            return count <= AGAIN and (self._saves or any(case.is_doubtful for case in cases))
        return count < MOST and spent < AGAIN * self.parameters.time and any(case.is_excused for case in cases)

    @property
    def _saves(self) -> bool:
        return self._baselines is not None and not self._baselines.compares

    @property
    def _baselines(self) -> Baselines | None:
        return self.circumstances.bench.baselines

    @property
    def _path(self) -> Path | None:
        return self._baselines.path(self.server["major"]) if self._baselines is not None else None

    def _baseline(self, name: str) -> Record | None:
        if self._baselines is None:
            return None
        return self._baselines.record(self.server["major"], name, self.parameters.queries[name].sql)

    def _measure(self) -> None:
        """One more measurement of all queries, and beside a baseline of how quick the server is, in the same rounds."""
        wanted = self.parameters
        schedule = Schedule(
            rounds=self.circumstances.bench.rounds or wanted.rounds,
            warm_up=wanted.warm_up,
            concurrency=wanted.concurrency,
            seconds=float(wanted.time),
        )
        queries = [one.sql.strip().rstrip(";") for one in wanted.queries.values()]
        connect = partial(TimedConnection, self._endpoint, schedule.seconds)
        gauges = [ROUND_TRIP, YARDSTICK] if self._baselines is not None else []
        try:
            times = measure([*gauges, *queries], connect, schedule)
        except QueryFailed as failure:
            if failure.code != "run.timeout":
                raise
            raise self._few(0, list(wanted.queries)) from failure
        measurement = dict(zip([*gauges, *wanted.queries], times, strict=True))
        self._insist_on_rounds(measurement)
        self._measurements.append(measurement)

    @property
    def _endpoint(self) -> Endpoint:
        return self.circumstances.socket or self.circumstances.endpoint

    def _usable(self) -> None:
        """Of tables so small that reading all of them is right, whether the indexes could be used."""
        small = [name for name, one in self.parameters.queries.items() if self._is_small(name) and one.uses]
        if not small:
            return
        with closing(TimedConnection(self._endpoint, float(self.parameters.time))) as connection:
            connection.ask(DISCOURAGED)
            for name in small:
                sql = self.parameters.queries[name].sql.strip().rstrip(";")
                self._usables[name] = Shape.of(connection.value(f"{PLAN_ONLY}{sql}")).indexes

    def _is_small(self, name: str) -> bool:
        """Whether each table that is read whole is of a few pages."""
        whole = self.shapes[name].read_whole
        return bool(whole) and all(self.sizes.get(one, SMALL + 1) <= SMALL for one in whole)

    def _insist_on_rounds(self, times: Mapping[str, Sequence[float]]) -> None:
        few = [name for name in self.parameters.queries if len(times[name]) < FEWEST]
        if few:
            raise self._few(min(len(times[name]) for name in few), few)

    def _few(self, rounds: int, names: Sequence[str]) -> CouldNotTell:
        return CouldNotTell(
            f"Within {show_seconds(self.parameters.time)} only {rounds} rounds could be measured of {some(names)}; "
            f"{FEWEST} are the least that say anything.",
            code="benchmark.few_rounds",
            hint="Give the check a longer `time`, and a `timeout` of five times as much.",
        )

    def _quickest(self, name: str) -> Quickest:
        quickest = [min(measurement[name]) for measurement in self._measurements]
        return Quickest(min(quickest), max(quickest))

    @property
    def _gauge(self) -> Gauge:
        """How quick the server is, which only matters beside a baseline."""
        if self._baselines is None:
            return Gauge(0.0, 0.0)
        return Gauge(self._quickest(ROUND_TRIP).low, self._quickest(YARDSTICK).low)

    def _case(self, name: str) -> Case:
        record, stamp = self._records.get(name), self._stamp(name)
        times = [one for measurement in self._measurements for one in measurement[name]]
        unlike = tuple(stamp.differences(record.stamp)) if record is not None else ()
        return Case(
            name=name,
            wanted=self.parameters.queries[name],
            shape=self.shapes[name],
            times=tuple(times),
            usable=self._usables.get(name, frozenset()),
            is_small=self._is_small(name),
            figures=Figures.of(times),
            quickest=self._quickest(name),
            gauge=self._gauge,
            record=None if unlike else record,
            unlike=unlike,
            is_compared=self._baselines is not None and self._baselines.compares,
            same_speed=record is None or bool(unlike) or same_speed(record, self._gauge),
        )

    def _stamp(self, name: str) -> Stamp:
        server = self.server
        return Stamp(
            server=server["version"],
            major=server["major"],
            settings=dict(sorted(server["settings"].items())),
            sizes={one: self.sizes[one] for one in sorted(self.shapes[name].relations) if one in self.sizes},
            concurrency=self.parameters.concurrency,
        )

    def _record(self, case: Case) -> Record:
        return Record(
            sql=digest(case.wanted.sql),
            saved=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            stamp=self._stamp(case.name),
            figures=case.figures,
            quickest=case.quickest,
            gauge=case.gauge,
            buffers=case.shape.buffers,
            plan=case.shape.steps,
        )
