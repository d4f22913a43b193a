"""A runbook as values: its front matter, its headings and prose in order, and the checks in its fences.

Everything here is a frozen standard dataclass. pydantic validates them when a page is read; a page read before comes
from the cache without importing pydantic at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Literal

from checks.check import Severity
from checks.runbook.parcel import Parcel
from checks.runbook.pools import Pool
from checks.runbook.rules import Attribute, Image, Line, Major, Positive, ProjectName, ServiceName, SettingName, Slug
from checks.units import Duration

REFUSE_UNKNOWN_KEYS: dict[str, Any] = {"extra": "forbid"}

MigrationTool = Literal["alembic", "prisma", "sql"]
Language = Literal["yaml", "sql"]


@dataclass(frozen=True, slots=True)
class Compose:
    """A service of a Compose project on this machine's container engine.

    `profile` is the one that starts it, for hints. `project` is needed only where it is neither in COMPOSE_PROJECT_NAME
    nor told by the compose file: https://docs.docker.com/compose/how-tos/project-name/
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    service: ServiceName
    profile: ServiceName | None = None
    project: ProjectName | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """One live database by name. Exactly one of `url`, `service` and `compose` is set.

    `url` holds `${VARIABLE}` references, or a `sqlite:///` path, never a password. `service` is a libpq service:
    https://www.postgresql.org/docs/current/libpq-pgservice.html. `compose` is a service of a Compose project.
    `pgbouncer` is the admin console of the PgBouncer before it, by `${VARIABLE}` too.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    url: Line | None = None
    service: Line | None = None
    compose: Compose | None = None
    protected: bool = False
    pgbouncer: Line | None = None

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.url, self.service, self.compose)) != 1:
            raise ValueError("an environment needs exactly one of `url`, `service` and `compose`")


@dataclass(frozen=True, slots=True)
class Migrations:
    """Where the migration files lie and which tool applies them. Paths are relative to the project's folder.

    `metadata` is `module:attribute` of the SQLAlchemy metadata the database must match, importable from `path`.
    `command` replaces Alembic's API by a program of the project's own, run with DATABASE_URL in its environment.
    `table` is the version table; None stands for the tool's own default.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    tool: MigrationTool
    path: str
    table: str | None = None
    table_schema: str | None = None
    metadata: Attribute | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """How many backups are kept: the last so many, or those of the last so long."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    last: Positive | None = None
    within: Duration | None = None

    def __post_init__(self) -> None:
        if (self.last is None) == (self.within is None):
            raise ValueError("`keep` needs exactly one of `last`, such as 10, and `within`, such as 30d")


@dataclass(frozen=True, slots=True)
class Backups:
    """Where backups of the system lie and how they are named.

    `location` is a folder, or a `${VARIABLE}` that holds a folder, `s3://bucket/prefix` or `gs://bucket/prefix`.
    `pattern` is a glob of the names that other programs give them; those of `invoke backup` are found in any case.
    `dated` says what their age is told by where there is no manifest: the date in the name, or the time of the file.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    location: Line
    pattern: Line | None = None
    dated: Literal["name", "time"] = "name"
    keep: Keep | None = None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the page says of its system before the first heading.

    `server` is the settings a disposable server is started with, as in postgresql.conf. `postgres` is the major that
    production runs, where the page names one, and `image` what a disposable container is made of, where that is not the
    official image; `{major}` in it stands for the major. `pools` are those of its services, by the service's name.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    runbook: Slug
    title: Line
    postgres: Major | None = None
    image: Image | None = None
    migrations: Migrations | None = None
    fixtures: str | None = None
    server: dict[SettingName, str | int | float | bool] = field(default_factory=dict)
    environments: dict[Slug, Environment] = field(default_factory=dict)
    pools: dict[Slug, Pool] = field(default_factory=dict)
    backups: Backups | None = None


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """One check as the page asks for it: a kind of the catalog, its validated parameters, and where it stands.

    `timeout` is in seconds; None means the run's default. `environments` limits the check to live environments of those
    names; empty means everywhere.
    """

    kind: str
    name: str
    parcel: Parcel
    line: int
    severity: Severity = Severity.FAIL
    environments: tuple[str, ...] = ()
    timeout: Duration | None = None

    @property
    def params(self) -> Any:
        """An instance of the kind's parameters class. Of a page from the cache, the kind is imported here."""
        return self.parcel.content


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown between checks, kept word for word."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Fence:
    """One `yaml check` or `sql check` block: what it says, and the checks in it.

    `source` is what stands between the markers; `text` is the whole block word for word, markers included.
    """

    language: Language
    source: str
    line: int
    checks: tuple[CheckEntry, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what follows it, up to the next heading of any level. Level 0 is what precedes the first heading.

    `title` is the heading's words without markup; `heading` is its line (or two, underlined) word for word, empty at
    level 0. It is the fix for the finding codes `fixes`, and for the checks named in `fixes_checks`.
    The parts' texts, joined, are the page.
    """

    level: int
    title: str
    line: int
    fixes: tuple[str, ...] = ()
    parts: tuple[Prose | Fence, ...] = ()
    heading: str = ""
    fixes_checks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The section as the page has it, heading included."""
        return self.heading + "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Runbook:
    """A page that was read without a mistake. `sha256` is of the file's bytes, for the report's provenance."""

    path: Path
    sha256: str
    front: FrontMatter
    sections: tuple[Section, ...]

    @property
    def folder(self) -> Path:
        """What the page's paths are relative to: the folder that holds `runbooks/`, else the page's own."""
        parent = self.path.absolute().parent
        return parent.parent if parent.name == "runbooks" else parent

    def entries(self) -> Iterator[CheckEntry]:
        """Every check of the page, in its order."""
        for section in self.sections:
            for part in section.parts:
                if isinstance(part, Fence):
                    yield from part.checks

    def fix_for(self, code: str, check: str = "") -> Section | None:
        """The section to show for the finding `code` of the check of that name, or None.

        A section that names the check comes first, then one that names the code, then one that names its whole kind,
        as `connectivity.*`. The check's name counts for codes of its own kind: why another could not be asked, such as
        a server that is down, is nothing that a section about this check repairs.
        """
        kind = code.partition(".")[0]
        own = any(entry.name == check and entry.kind == kind for entry in self.entries())
        by_check = (section for section in self.sections if own and check in section.fixes_checks)
        by_code = (section for section in self.sections if code in section.fixes)
        by_kind = (section for section in self.sections if f"{kind}.*" in section.fixes)
        return next(chain(by_check, by_code, by_kind), None)
