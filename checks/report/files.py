"""Reports on disk: whole or not at all, one name each, however many runs write at the same time."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from checks.errors import UsageError
from checks.report.charts import charts
from checks.report.jsonfile import from_json, to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.model import Report

SUFFIXES = {"json": ".json", "markdown": ".md", "junit": ".xml"}
EVERY_FORMAT = frozenset(SUFFIXES)
PART = ".part"
PROFILE = ".profile"
_PROFILE_NAME = re.compile(rf".*{re.escape(PROFILE)}(-\d+)?\.(json|md|svg)")

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """Where one report lies. `json` is always there: the rest can be drawn from it again."""

    json: Path
    markdown: Path | None = None
    junit: Path | None = None

    @property
    def best(self) -> Path:
        """The file to point a person at."""
        return self.markdown or self.json


def write(report: Report, folder: Path, *, formats: Collection[str] = EVERY_FORMAT) -> Written:
    """Write `report` into `folder`, which is made if need be, as JSON and what else `formats` names.

    Every file is complete before the first gets its name. Raises UsageError where the folder cannot be written or the
    disk is full, and leaves nothing behind then.
    """

    def draw(stem: str) -> dict[str, str]:
        drawn = {".json": to_json(report)}
        if "markdown" in formats:
            drawn |= {".md": markdown(report, stem), **charts(report)}
        if "junit" in formats:
            drawn[".xml"] = junit([report])
        return drawn

    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem = write_all(folder, _stem(report), draw)
    except OSError as failure:
        raise unwritable(folder, failure) from None
    paths = {name: folder / f"{stem}{suffix}" for name, suffix in SUFFIXES.items() if name in {"json", *formats}}
    return Written(paths["json"], paths.get("markdown"), paths.get("junit"))


def draw_charts(report: Report, path: Path) -> None:
    """Draw the charts of the report whose JSON is at `path` again, those that are not there. Raises UsageError."""
    for suffix, content in charts(report).items():
        chart = path.with_name(f"{path.stem}{suffix}")
        try:
            if not chart.exists():
                replace_file(chart, content)
        except OSError as failure:
            raise unwritable(path.parent, failure) from None


def replace_file(path: Path, content: str) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}{PART}")
    try:
        _fill(part, content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(path: Path) -> Report:
    """The report whose JSON is at `path`. Raises UsageError where there is none."""
    try:
        text = path.read_bytes()
    except OSError as failure:
        raise UsageError(f"{path}: this report cannot be read: {failure.strerror}") from None
    return from_json(text, path=path)


def _stem(report: Report) -> str:
    """`20261120T213529Z-gaia-verify`, so that names sort by time; `…-verify-on15` where a major was asked for.

    A drill is no run of the environment's own.
    """
    run = report.run
    moment = run.started.replace("-", "").replace(":", "")
    what = "-".join(filter(None, (run.environment, "drill"))) if report.drill else run.environment or run.mode
    on = f"-on{run.asked_major}" if run.asked_major else ""
    return _NOT_IN_NAMES.sub("_", f"{moment}-{run.runbook}-{what}{on}")


def write_all(folder: Path, stem: str, draw: Callable[[str], dict[str, str]]) -> str:
    """Write what `draw` makes, by suffix and with JSON among it, under the first free name like `stem`; return that.

    Holding the hidden file of a name is holding the name: it is made exclusively, and turns into the report in one
    step. So two runs of one second never share a name, and no lock is left behind by a killed one.
    """
    for name in _names(stem):
        claim = folder / f".{name}.json{PART}"
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            continue
        if any((folder / f"{name}{suffix}").exists() for suffix in SUFFIXES.values()):
            claim.unlink()
            continue
        _complete(folder, name, draw)
        return name
    raise AssertionError("names do not run out")


def _complete(folder: Path, name: str, draw: Callable[[str], dict[str, str]]) -> None:
    claims = {folder / f"{name}.json": folder / f".{name}.json{PART}"}
    try:
        drawn = reversed(draw(name).items())  # the JSON comes last
        targets = {folder / f"{name}{suffix}": content for suffix, content in drawn}
        claims = {path: folder / f".{path.name}{PART}" for path in targets}
        for path, content in targets.items():
            _fill(claims[path], content)
        for path, claim in claims.items():
            claim.replace(path)
    except BaseException:
        # Also on Ctrl-C: half a report would be read as a whole one.
        for path, claim in claims.items():
            with suppress(OSError):
                claim.unlink(missing_ok=True)
                path.unlink(missing_ok=True)
        raise


def _fill(path: Path, content: str) -> None:
    """Some disks say that they are full only on close, which the `with` waits for."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(content)


def _names(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def is_profile(name: str) -> bool:
    """Whether this is the name of a load profile, which is no report."""
    return _PROFILE_NAME.fullmatch(name) is not None


def unwritable(folder: Path, failure: OSError) -> UsageError:
    """What to say when a report or the index could not be written."""
    hint = "name another folder with --out"
    if failure.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return UsageError(f"{folder}: the report does not fit: {failure.strerror}", hint=f"make room, or {hint}")
    return UsageError(f"{folder}: the report cannot be written there: {failure.strerror}", hint=hint)
