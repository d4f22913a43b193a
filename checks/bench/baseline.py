"""What queries took when somebody last said that this is how it should be: files a team commits beside its fixtures.

One file a runbook and environment; for disposable servers one a major, since a plan belongs to one. Every query carries
the stamp of the server it was measured on, and is compared only with its like.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from checks.bench.figures import Figures
from checks.errors import CouldNotTell, UsageError
from checks.units import show_bytes

FORMAT = "pgrunbook baseline"
VERSION = 1
FOLDER = Path("fixtures") / "baselines"
UNREADABLE = "benchmark.baseline_unreadable"
ALIKE = 0.25  # by so much of the larger one may a table's sizes differ
NEGLIGIBLE = 2**17  # bytes; tables of a few pages grow by half with one more


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a measurement belongs to. `sizes` are bytes of the tables the query reads, `settings` the planner's."""

    server: str
    major: int
    settings: Mapping[str, str]
    sizes: Mapping[str, int]
    concurrency: int

    def differences(self, other: Stamp) -> Iterator[str]:
        """Why `other`, which was before, is no like of this one, each in a few words; nothing where it is."""
        if self.major != other.major:
            yield f"PostgreSQL {other.server} then, {self.server} now"
        if self.concurrency != other.concurrency:
            yield f"concurrency {other.concurrency} then, {self.concurrency} now"
        for name in sorted(self.settings.keys() | other.settings.keys()):
            before, now = other.settings.get(name, "unknown"), self.settings.get(name, "unknown")
            if before != now:
                yield f"{name} {before} then, {now} now"
        for name in sorted(self.sizes.keys() & other.sizes.keys()):
            before_bytes, now_bytes = other.sizes[name], self.sizes[name]
            apart, larger = abs(now_bytes - before_bytes), max(now_bytes, before_bytes)
            if apart > NEGLIGIBLE and apart > ALIKE * larger:
                yield f"{name} of {show_bytes(before_bytes)} then, {show_bytes(now_bytes)} now"


@dataclass(frozen=True, slots=True)
class Quickest:
    """The quickest round of all, in seconds, and of the measurement whose quickest took longest: the noise between."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """How quick the server was at the time, in seconds: the quickest bare round trip, and query that reads no table."""

    round_trip: float
    yardstick: float


@dataclass(frozen=True, slots=True)
class Record:
    """One query as it was measured: its text's digest, the stamp, its figures, its plan and its buffers."""

    sql: str
    saved: str
    stamp: Stamp
    figures: Figures
    quickest: Quickest
    gauge: Gauge
    buffers: int
    plan: tuple[str, ...]


@dataclass(slots=True)
class Baselines:
    """The baselines of one runbook and environment, empty for disposable servers.

    `compares` is false where they are to be replaced: then nothing is held against the old ones.
    """

    folder: Path
    runbook: str
    environment: str
    compares: bool = True
    _measured: dict[int, dict[str, Record]] = field(default_factory=dict)

    def path(self, major: int) -> Path:
        """Where they lie for a server of that major, relative to the project's folder."""
        return FOLDER / f"{self.runbook}-{self.environment or f'disposable-{major}'}.json"

    def record(self, major: int, query: str, sql: str) -> Record | None:
        """The query's baseline, None where there is none, or of another text only. Raises CouldNotTell for a bad file.

        None as well where nothing is to be compared.
        """
        if not self.compares:
            return None
        found = _read(self.folder / self.path(major)).get(query)
        return found if found is not None and found.sql == digest(sql) else None

    def offer(self, major: int, query: str, record: Record) -> None:
        """A new measurement, which `save` keeps."""
        self._measured.setdefault(major, {})[query] = record

    def save(self) -> list[Path]:
        """Write what was measured over what was there, each file in one step; the paths. Raises UsageError."""
        written = []
        for major, records in self._measured.items():
            path = self.folder / self.path(major)
            try:
                known = _read(path)
            except CouldNotTell:
                known = {}
            _write(path, self._as_json({**known, **records}))
            written.append(self.path(major))
        return written

    def _as_json(self, records: Mapping[str, Record]) -> str:
        whole = {
            "format": FORMAT,
            "version": VERSION,
            "runbook": self.runbook,
            "environment": self.environment,
            "queries": {name: asdict(records[name]) for name in sorted(records)},
        }
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def digest(sql: str) -> str:
    """A query's text, white space aside, as a few characters."""
    return hashlib.sha256(" ".join(sql.split()).encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, Record]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as failure:
        raise _unreadable(path, failure.strerror or "it cannot be read") from None
    try:
        whole = json.loads(text)
        if whole["format"] != FORMAT or whole["version"] != VERSION:
            raise _unreadable(path, f"it is no {FORMAT} of version {VERSION}")
        return {str(name): _record(written) for name, written in whole["queries"].items()}
    except (ValueError, LookupError, TypeError, AttributeError) as mistake:
        raise _unreadable(path, f"{type(mistake).__name__}: {mistake}") from None


def _record(written: Mapping[str, Any]) -> Record:
    return Record(
        sql=str(written["sql"]),
        saved=str(written["saved"]),
        stamp=Stamp(**written["stamp"]),
        figures=Figures(**written["figures"]),
        quickest=Quickest(**written["quickest"]),
        gauge=Gauge(**written["gauge"]),
        buffers=int(written["buffers"]),
        plan=tuple(map(str, written["plan"])),
    )


def _unreadable(path: Path, why: str) -> CouldNotTell:
    return CouldNotTell(
        f"The baseline {path} cannot be read: {why}.",
        code=UNREADABLE,
        hint="Restore the file, or write it anew with `invoke bench --save`.",
    )


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as failure:
        with suppress(OSError):
            part.unlink()
        raise UsageError(
            f"--save: the baseline {path} cannot be written: {failure.strerror}.",
            hint="Make the folder writable and make room, then run it again.",
        ) from None
