"""A service's variables refer to the database as the page says, and nothing overrides them.

A reference such as `${{Postgres-OG9n.DATABASE_URL}}` follows every change of host and password; a pasted URL does not,
and works until the day the password is rotated. A reference to a service that was renamed arrives as bare text, and a
forgotten local `.env` hides the right value behind an old one. Values are compared here and never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from checks.catalog import variables_findings as wrong
from checks.catalog.circumstances import Circumstances
from checks.catalog.env_file import Reference, read
from checks.catalog.names import is_are, plural
from checks.check import POSTGRESQL, SQLITE, Asking, Check, Code, Finding
from checks.errors import NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import form
from checks.suggest import did_you_mean

EXAMPLE = """\
variables:
  file: .env.railway
  services: [Postgres-OG9n]
  require:
    DATABASE_URL: {reference: Postgres-OG9n.DATABASE_URL}
    PORT: {}
  forbid: [PGPASSWORD]"""

Variable = Annotated[str, form(r"[A-Za-z_]\w*", "must be the name of a variable, such as DATABASE_URL")]
Inside = Annotated[
    str,
    form(r"(?!/)(?!(.*/)?\.\.(/|$))[^\\\n]+", "must be a path inside the project's folder, such as .env.railway"),
]
Referred = Annotated[
    str, form(r"[^{}.$\s][^{}.$]*\.[A-Za-z_]\w*", "must be SERVICE.VARIABLE, such as Postgres.DATABASE_URL")
]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a variable must be: set, and where `reference` is given, that reference and no copy of its value."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    reference: Referred | None = None

    @property
    def wanted(self) -> Reference | None:
        """The reference as a value holds it."""
        return Reference(*self.reference.rsplit(".", 1)) if self.reference is not None else None


@dataclass(frozen=True, slots=True)
class Parameters:
    """One service's line of the page's service table: which variables it has, and what each refers to."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    file: Inside | None = field(
        default=None,
        metadata={
            "description": "The service's variables as its platform's editor has them, one `NAME=value` a line, in the "
            "project's folder. Without it, this process's own variables are looked at."
        },
    )
    services: tuple[str, ...] = field(
        default=(),
        metadata={
            "description": "Every service that may be referred to, exactly as it is called. Where it is given, no "
            "variable of the `file` may be a URL with its password written out."
        },
    )
    require: dict[Variable, Requirement] = field(
        default_factory=dict,
        metadata={"description": "Variables that must be set: `{}`, or the `reference` each must be."},
    )
    forbid: tuple[Variable, ...] = field(default=(), metadata={"description": "Variables that must not be set."})
    shadows: tuple[Inside, ...] = field(
        default=(".env",),
        metadata={
            "description": "Local files that tools read by themselves: none that is there may set a variable that is "
            "looked at to something else."
        },
    )

    def __post_init__(self) -> None:
        if not (self.require or self.forbid or (self.file and self.services)):
            raise ValueError("name at least one variable in `require` or `forbid`, or a `file` with its `services`")
        if self.file is None and any(self.wanted.values()):
            raise ValueError("a `reference` can only be seen in a `file`: in a process it is filled in already")
        for reference in self.wanted.values():
            if reference and reference.service not in {*self.known_services, wrong.SHARED}:
                guess = did_you_mean(reference.service, self.services)
                raise ValueError(f"`services` has no `{reference.service}`" + (f"; {guess}" if guess else ""))

    @property
    def wanted(self) -> dict[str, Reference | None]:
        """The required variables, with the reference each must be."""
        return {name: one.wanted for name, one in self.require.items()}

    @property
    def known_services(self) -> tuple[str, ...]:
        """Every service a reference may name: those listed, else those that the requirements refer to."""
        return self.services or tuple({one.service: None for one in self.wanted.values() if one is not None})


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Reads files, or this process's variables, and asks the database nothing.

    Raises NotApplicable for this process's variables beside a disposable server, and CouldNotTell for a missing file.
    """
    yield from ()
    if parameters.file is not None:
        values, where = read(circumstances.folder, parameters.file), parameters.file
        findings = _of_file(parameters, values, where)
    elif circumstances.disposable:
        raise NotApplicable("the variables of whoever tries the page out are not those of the service")
    else:
        values, where = dict(circumstances.variables), "this process's environment"
        findings = list(wrong.unresolved(parameters.wanted, values))
    findings += wrong.missing(parameters.wanted, values, where)
    findings += wrong.forbidden(parameters.forbid, values, where)
    looked_at = [*parameters.wanted, *(values if parameters.file else ())]
    for shadow in parameters.shadows:
        if shadow != parameters.file:
            findings += wrong.shadowed(looked_at, values, shadow, circumstances.folder)
    return findings or [_as_expected(parameters, values, where)]


def _of_file(parameters: Parameters, values: Mapping[str, str], where: str) -> list[Finding]:
    services = parameters.known_services
    findings = list(wrong.not_the_reference(parameters.wanted, values, services))
    findings += wrong.unknown_services(values, services)
    if parameters.services:
        findings += wrong.written_out(parameters.wanted, values, where)
    return findings


def _as_expected(parameters: Parameters, values: Mapping[str, str], where: str) -> Finding:
    named = [*parameters.require, *parameters.forbid]
    told = f"{plural(len(named), 'variable')} {is_are(named)} as expected" if named else "Every reference is known"
    return Finding(
        "variables.as_expected",
        True,
        f"{told} in {where}.",
        observed=plural(len(values), "variable") if parameters.file else "",
        evidence=tuple(
            {"variable": name, "is": str(reference or "set")} for name, reference in parameters.wanted.items()
        ),
    )


CODES: Mapping[str, Code] = {
    "variables.as_expected": Code("Every variable is what the page says, and no local file sets it to something else."),
    "variables.missing": Code(
        "A variable the service needs is not set, or is empty.",
        "The service does not start, or starts with a default that leads to another database.",
        "Set it in the platform's console, or in the file, as the page's service table has it.",
    ),
    "variables.literal": Code(
        "A variable holds a value written out where a reference belongs.",
        "It breaks when the password or the host changes, and often leaves the private network for the public one; and "
        "the password is in a file that many read.",
        "Put the reference in its place, such as `${{Postgres.DATABASE_URL}}`; if the file was committed, rotate the "
        "password.",
    ),
    "variables.other_reference": Code(
        "A variable refers to another service or variable than the page says.",
        "The service talks to another database than everybody thinks, or crosses the public network to reach it.",
        "Correct the reference, or the page's service table.",
    ),
    "variables.unknown_service": Code(
        "A reference names a service that is none of those the page lists.",
        "What cannot be found is not filled in: the service receives the bare text. Upper and lower case differ, and "
        "after a service is renamed every reference to its old name is of this kind.",
        "Compare the name letter by letter with the platform's console, and correct every reference to it.",
    ),
    "variables.unresolved": Code(
        "A variable of this process holds the bare text of a reference.",
        "The platform could not fill it in, so every connection made with it fails.",
        "Correct the service's name in it; in environments made for pull requests, set the value outright.",
    ),
    "variables.forbidden": Code(
        "A variable is set that must not be.",
        "libpq and frameworks read some variables by themselves: a leftover one overrides what was meant, or is a "
        "password where nobody looks for one.",
        "Remove it.",
    ),
    "variables.shadowed": Code(
        "A local file sets a variable to something else than what is looked at.",
        "Tools such as Prisma and docker compose read it by themselves, so a command that should reach one database "
        "reaches another.",
        "Remove the variable from that file, or say the value outright before the command: `DATABASE_URL=… command`.",
    ),
    "variables.no_file": Code(
        "The file of variables that the page names is not there.",
        "Nothing can be said of the service's variables.",
        "Write them into it as the platform's editor shows them, references and all, or correct `file` in the page.",
    ),
    "variables.unreadable": Code(
        "A file of variables cannot be read as one.",
        "What follows the place may be read as something else by every tool.",
        "Write one `NAME=value` a line, in UTF-8, and quote values with spaces.",
    ),
}

CHECK = Check(
    kind="variables",
    claim="A service's variables refer to the database as the page says, and nothing overrides them.",
    manual="https://www.postgresql.org/docs/current/libpq-envars.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None; no database is asked.",
    engines=frozenset({POSTGRESQL, SQLITE}),
    alone=True,
)
