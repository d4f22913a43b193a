"""The newest backup is young, whole and readable, and as many are kept as the page says.

Backups fail in silence: the job stops, the disk fills up, a password expires, and a file of the right name is left with
half of the data in it or none. Nobody notices until it is needed. This looks at the files, those that other programs
wrote included, and asks the database nothing; that they can be restored, only a drill proves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, ClassVar, Literal

from checks.backup.artifact import Artifact
from checks.backup.found import found
from checks.backup.listing import Listing
from checks.backup.location import NO_LOCATION, listing_of
from checks.catalog.backup_artifact_codes import CODES as ARTIFACT_CODES
from checks.catalog.backup_codes import CODES
from checks.catalog.backup_newest import Look, look_into
from checks.catalog.circumstances import Circumstances
from checks.catalog.names import plural
from checks.check import Asking, Cell, Check, Finding, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS, Backups, Keep
from checks.runbook.rules import Slug
from checks.units import Duration, Percent, Size, show_bytes, show_seconds

EXAMPLE = """\
backup:
  of: [prod]
  rpo: 26h
  retention: require
  manifest: ignore"""

CLOCKS = timedelta(minutes=15)  # by which those of two machines may differ
COMPARED = 7  # earlier backups that the newest one's size is held against
SHOWN = 10

Demand = Literal["require", "warn", "ignore"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """How old the newest backup may be, and what is demanded of it. Where backups lie, the front matter says."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    rpo: Duration = field(
        default=Duration(26 * 3600),
        metadata={
            "description": "How old the newest may be: so much is lost with the database. Allow a daily one more than "
            "24h, for the time that it takes."
        },
    )
    of: tuple[Slug, ...] = field(
        default=(),
        metadata={
            "description": "The environments of which backups are taken: those of any count. In others the check is "
            "skipped. Default: of pgrunbook's own backups, those of the environment that is asked."
        },
    )
    retention: Demand = field(
        default="warn",
        metadata={
            "description": "Whether it must be as many backups, or as long a time of them, as `backups: {keep: …}` of "
            "the front matter says. A new system has fewer for a while."
        },
    )
    manifest: Demand = field(
        default="warn",
        metadata={
            "description": "Whether the newest must have a manifest beside it. Those of other programs have none, and "
            "what comes back from them can be proven only against itself."
        },
    )
    shrinks: Percent = field(
        default=Percent(40),
        metadata={"description": "How much smaller than the median of up to seven before it the newest may be."},
    )
    grows: Percent = field(
        default=Percent(150), metadata={"description": "How much larger than that median it may be before it warns."}
    )
    read: Literal["newest", "all", "none"] = field(
        default="newest",
        metadata={
            "description": "Which backups are opened, and read whole where a SHA-256 vouches for them. Raise `timeout` "
            "for large ones: a second for about 500MB."
        },
    )
    unpack: bool = field(
        default=False,
        metadata={
            "description": "Whether PostgreSQL's own `pg_restore` reads and decompresses every block of an archive, "
            "which shows damage that no checksum tells of. It takes as long as unpacking it does."
        },
    )
    fetch: Size = field(
        default=Size(2**30),
        metadata={"description": "Up to what size a backup in a bucket is fetched to be opened. Larger ones warn."},
    )

    def __post_init__(self) -> None:
        if self.rpo <= 0:
            raise ValueError("`rpo` is more than nothing, such as 26h")


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Reads a folder or a bucket, and asks the database nothing.

    Raises NotApplicable beside a disposable server and for an environment that is not backed up, and CouldNotTell where
    the page does not say where backups lie, or the place or the newest of them cannot be read.
    """
    yield from ()
    if circumstances.disposable:
        raise NotApplicable("a disposable database has no backups; a drill takes one of it")
    if parameters.of and circumstances.environment and circumstances.environment not in parameters.of:
        raise NotApplicable(f"backups are taken of {' and '.join(parameters.of)}; this is {circumstances.environment}")
    backups = circumstances.backups
    if backups is None:
        raise CouldNotTell(
            "The page does not say where its backups lie.",
            code=NO_LOCATION,
            hint='Add it to the front matter, such as `backups: {location: "${BACKUP_LOCATION}", keep: {last: 10}}`.',
        )
    listing = listing_of(backups.location, circumstances.folder, circumstances.variables)
    whose = parameters.of or tuple(filter(None, [circumstances.environment]))
    artifacts = found(
        listing, pattern=backups.pattern, runbook=circumstances.runbook, environments=whose, dated=backups.dated
    )
    if not artifacts:
        return [_none(listing, backups, circumstances.runbook, whose)]
    now = datetime.now(UTC)
    look = Look(listing, circumstances.postgres, parameters.manifest, parameters.fetch, unpacks=parameters.unpack)
    findings = [
        *_ahead(artifacts, now),
        *_age(parameters, artifacts, now),
        *_retention(parameters, backups.keep, artifacts, now),
        *_sizes(parameters, artifacts),
    ]
    for artifact in {"newest": artifacts[:1], "all": artifacts, "none": []}[parameters.read]:
        findings += look_into(look, artifact, is_judged=bool(findings))
    return [_measured(listing, artifacts, now), *findings]


def _none(listing: Listing, backups: Backups, runbook: str, whose: Sequence[str]) -> Finding:
    own = [f"{runbook}-{name}-*" for name in whose] or [f"{runbook}-*"]
    pattern = " or ".join([*filter(None, [backups.pattern]), *own])
    sentence = f"There is no backup in {listing.where}: nothing there is called {pattern}."
    return Finding("backup.none", False, sentence, pattern, "none")


def _ahead(artifacts: Sequence[Artifact], now: datetime) -> Iterator[Finding]:
    ahead = [one for one in artifacts if one.taken > now + CLOCKS]
    if ahead:
        by = show_seconds((ahead[0].taken - now).total_seconds())
        sentence = f"{ahead[0].name} is dated {by} ahead of this machine's clock, by its {ahead[0].dated}."
        yield Finding("backup.future", False, sentence, "the past", by, _shown(ahead))


def _age(parameters: Parameters, artifacts: Sequence[Artifact], now: datetime) -> Iterator[Finding]:
    """The newest that was taken already: one dated in the future has an error of its own, and no age."""
    newest = next((one for one in artifacts if one.taken <= now + CLOCKS), None)
    age = (now - newest.taken).total_seconds() if newest else 0.0
    if newest and age > parameters.rpo:
        sentence = (
            f"The newest backup, {newest.name}, is {show_seconds(age)} old by its {newest.dated}: so much would be "
            "lost with the database."
        )
        yield Finding("backup.stale", False, sentence, f"at most {parameters.rpo}", show_seconds(age))


def _retention(
    parameters: Parameters, keep: Keep | None, artifacts: Sequence[Artifact], now: datetime
) -> Iterator[Finding]:
    if keep is None or parameters.retention == "ignore":
        return
    severity = Severity.FAIL if parameters.retention == "require" else Severity.WARN
    count, evidence = len(artifacts), _shown(artifacts)
    if keep.last is not None and count < keep.last:
        sentence = f"{plural(count, 'backup')} {'is' if count == 1 else 'are'} kept, where the page says {keep.last}."
        yield Finding("backup.few", False, sentence, str(keep.last), str(count), evidence, severity)
    oldest = (now - artifacts[-1].taken).total_seconds()
    if keep.within is not None and oldest + parameters.rpo < keep.within:
        sentence = f"The oldest backup is {show_seconds(max(0.0, oldest))} old, where the page keeps {keep.within}."
        shown = show_seconds(max(0.0, oldest))
        yield Finding("backup.span", False, sentence, str(keep.within), shown, evidence, severity)


def _sizes(parameters: Parameters, artifacts: Sequence[Artifact]) -> Iterator[Finding]:
    newest = artifacts[0]
    alike = [one.bytes for one in artifacts[1:] if one.path.suffixes[-2:] == newest.path.suffixes[-2:]][:COMPARED]
    usual = median(alike) if alike else 0
    if not usual or newest.bytes == 0:  # an empty one has a code of its own
        return
    least, most = usual - parameters.shrinks.of(usual), usual + parameters.grows.of(usual)
    size = f"{newest.name} has {show_bytes(newest.bytes)}, and the {plural(len(alike), 'backup')} before it usually"
    sentence = f"{size} {show_bytes(usual)}."
    if newest.bytes < least:
        yield Finding("backup.shrunk", False, sentence, f"at least {show_bytes(least)}", show_bytes(newest.bytes))
    elif newest.bytes > most:
        wanted = f"at most {show_bytes(most)}"
        yield Finding("backup.grown", False, sentence, wanted, show_bytes(newest.bytes), severity=Severity.WARN)


def _measured(listing: Listing, artifacts: Sequence[Artifact], now: datetime) -> Finding:
    newest = artifacts[0]
    age = show_seconds(max(0.0, (now - newest.taken).total_seconds()))
    sentence = (
        f"{plural(len(artifacts), 'backup')} in {listing.where}; the newest, {newest.name}, has "
        f"{show_bytes(newest.bytes)} and is {age} old by its {newest.dated}."
    )
    return Finding("backup.measured", True, sentence, "", f"{len(artifacts)}, {age}", _shown(artifacts))


def _shown(artifacts: Sequence[Artifact]) -> tuple[Mapping[str, Cell], ...]:
    return tuple(
        {
            "backup": one.name,
            "taken": one.taken.strftime("%Y-%m-%d %H:%M UTC"),
            "by": one.dated,
            "size": show_bytes(one.bytes),
            "manifest": "yes" if one.has_manifest else "no",
        }
        for one in artifacts[:SHOWN]
    )


CHECK = Check(
    kind="backup",
    claim="The newest backup is young, whole and readable, and as many are kept as the page says.",
    manual="https://www.postgresql.org/docs/current/backup-dump.html",
    params=Parameters,
    ask=ask,
    codes={**CODES, **ARTIFACT_CODES},
    privileges="None; no database is asked. The folder or bucket must be readable.",
    alone=True,
)
