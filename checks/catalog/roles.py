"""Roles are those the page declares, may do what it says and nothing it denies, and the login role is no superuser.

An application that logs in as a superuser turns every injected line of SQL into the whole server. A grant made by hand
in a hurry stays for years, and nobody sees it, since nothing fails for having too many rights. A claim that a role
cannot do something counts every role it could become by SET ROLE.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.claims import Claim
from checks.catalog.inventory import Names
from checks.catalog.names import Name, joined, plural, some
from checks.catalog.password import is_known
from checks.catalog.roles_codes import CODES
from checks.catalog.roles_known import PUBLIC, Known, Posed, known_from
from checks.catalog.sql import statements
from checks.check import Answer, Asking, Cell, Check, Finding, Query
from checks.errors import NotApplicable
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive, Where
from checks.suggest import did_you_mean
from checks.targets.session import Endpoint

EXAMPLE = """\
roles:
  cannot: [CREATE on schema public, "TRUNCATE, DELETE on audit.security_events"]
  declared:
    gaia_app:
      attributes: [LOGIN, NOSUPERUSER, NOCREATEDB]
      member_of: [gaia_readers]
      can: ["SELECT, INSERT on all tables in schema game", SELECT (email) on auth.users]
    public: {cannot: [CONNECT on database]}"""

ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "INHERIT", "LOGIN", "REPLICATION", "BYPASSRLS")
_WRITTEN = frozenset({*ATTRIBUTES, *(f"NO{name}" for name in ATTRIBUTES)})
SCRAM = "scram-sha-256"

RoleAttributes = tuple[
    Annotated[
        str, Where(_WRITTEN.__contains__, f"must be one of {', '.join(ATTRIBUTES)}, or such a one with NO before")
    ],
    ...,
]
Claims = tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What one role is: attributes as CREATE ROLE writes them, memberships direct or not, and what it may do."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    attributes: RoleAttributes = ()
    member_of: Names = ()
    not_member_of: Names = ()
    can: Claims = ()
    cannot: Claims = ()

    def __post_init__(self) -> None:
        both = {name for name in self.attributes if f"NO{name}" in self.attributes}
        if both:
            raise ValueError(f"a role cannot be both {' and '.join(f'{name} and NO{name}' for name in sorted(both))}")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of the URL's own role and of others. A disposable server's superuser and its password are not judged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    declared: dict[str, Declared] = field(
        default_factory=dict,
        metadata={
            "description": "Roles that must exist: `attributes` (`[LOGIN, NOSUPERUSER]`), `member_of` and "
            "`not_member_of` (role names), `can` and `cannot`. `public` stands for everybody."
        },
    )
    can: Claims = field(
        default=(),
        metadata={
            "description": "What the URL's role may do, as GRANT writes it: `SELECT, INSERT on auth.users`, `UPDATE "
            "(email) on auth.users`, `USAGE on schema game`, `SELECT on all tables in schema game`, `EXECUTE on "
            "function game.roll(integer)`, `CONNECT on database`. What is in a schema takes USAGE of it, too."
        },
    )
    cannot: Claims = field(
        default=(), metadata={"description": "What it may not do, itself or as a role it can become by SET ROLE."}
    )
    superuser: bool = field(default=False, metadata={"description": "Whether the URL's role may be a superuser."})
    scram: bool = field(
        default=True, metadata={"description": "Whether `password_encryption` must be `scram-sha-256`."}
    )
    password: bool = field(
        default=True,
        metadata={"description": "Whether the URL's password is judged: no known default, and long enough."},
    )
    password_length: Positive = field(
        default=16, metadata={"description": "How many characters the URL's password has at the least."}
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """The roles in one round, and all claims about them in a second one.

    Raises NotApplicable on a disposable server that has none of the roles declared.
    """
    sql = statements("roles")
    known = known_from((yield [Query(sql[name]) for name in ("server", "roles", "memberships")]))
    declared = {role: of for role, of in parameters.declared.items() if known.exists(role)}
    live = not circumstances.disposable
    if not live and not declared:
        raise NotApplicable("The roles of a disposable server are not those of the page; its login role is our own.")
    # A disposable server that has none of the roles was not given them by any migration or fixture of the page.
    expected = live or any(role in known.roles for role in parameters.declared)
    findings = [*_missing(parameters, known)] if expected else []
    findings += [*_attributes(declared, known), *_memberships(declared, known)]
    findings += _login(parameters, known, circumstances.endpoint) if live else []
    posed = [*_about_login(parameters, known.login)] if live else []
    posed += [one for role, of in declared.items() for one in _about(role, of.can, of.cannot)]
    findings += [finding for one in posed for finding in _not_known(one, known.major)]
    posed = [one for one in posed if len(one.claim.unknown(known.major)) < len(one.claim.privileges)]
    if posed:
        answers = yield [one.query(known) for one in posed]
        for one, answer in zip(posed, answers, strict=True):
            findings += _judged(one, answer, known)
    return findings or [_as_declared(parameters, circumstances, known, declared, len(posed))]


def _missing(parameters: Parameters, known: Known) -> Iterator[Finding]:
    for role in parameters.declared:
        if not known.exists(role):
            hint = did_you_mean(role, known.roles)
            sentence = f"There is no role {role}" + (f"; {hint}" if hint else ".")
            yield Finding("roles.role_missing", False, sentence, role, "no such role")


def _attributes(declared: Mapping[str, Declared], known: Known) -> Iterator[Finding]:
    for role, of in declared.items():
        found = known.roles.get(role, {})
        wrong = [word for word in of.attributes if found.get(word.removeprefix("NO").lower()) is word.startswith("NO")]
        if wrong:
            is_ = ", ".join(word.removeprefix("NO") if word.startswith("NO") else f"NO{word}" for word in wrong)
            yield Finding("roles.attribute", False, f"Role {role} is {is_}.", ", ".join(wrong), is_)


def _memberships(declared: Mapping[str, Declared], known: Known) -> Iterator[Finding]:
    for role, of in declared.items():
        groups = known.belongs_to(role)
        for group in of.member_of:
            if group not in groups:
                why = "" if group in known.roles else ", which does not exist"
                sentence = f"Role {role} is not a member of {group}{why}."
                yield Finding("roles.not_a_member", False, sentence, f"a member of {group}", some(groups) or "of none")
        for group in of.not_member_of:
            if group in groups:
                sentence = f"Role {role} is a member of {group}."
                yield Finding("roles.member", False, sentence, f"not a member of {group}", some(groups))


def _login(parameters: Parameters, known: Known, endpoint: Endpoint) -> Iterator[Finding]:
    if not parameters.superuser and known.roles[known.login]["superuser"]:
        sentence = f"The URL's role, {known.login}, is a superuser."
        yield Finding("roles.superuser", False, sentence, "no superuser", "a superuser")
    if parameters.scram and known.encryption != SCRAM:
        sentence = f"New passwords are kept as {known.encryption}, not {SCRAM}."
        yield Finding("roles.password_encryption", False, sentence, SCRAM, known.encryption)
    password = endpoint.password
    if not parameters.password or password is None:
        return
    if is_known(password, endpoint.user, endpoint.database, endpoint.host):
        sentence = "The URL's password is one that anybody would try first."
        yield Finding("roles.password_default", False, sentence, "a random password", "a known default")
    elif len(password) < parameters.password_length:
        wanted = f"at least {parameters.password_length} characters"
        yield Finding("roles.password_short", False, f"The URL's password has not {wanted}.", wanted, "fewer")


def _about_login(parameters: Parameters, login: str) -> list[Posed]:
    return _about(login, parameters.can, parameters.cannot)


def _about(role: str, can: Claims, cannot: Claims) -> list[Posed]:
    return [Posed(role, claim, True) for claim in can] + [Posed(role, claim, False) for claim in cannot]


def _not_known(one: Posed, major: int) -> Iterator[Finding]:
    unknown = one.claim.unknown(major)
    if unknown and not one.claim.all_of_them:
        sentence = f"PostgreSQL {major} has no privilege {joined(unknown)}: {one.claim.text}."
        yield Finding("roles.privilege_unknown", False, sentence, one.claim.text, "no such privilege")


def _judged(one: Posed, answer: Answer, known: Known) -> Iterator[Finding]:
    rows = answer.dicts()
    if rows[0]["objects"] < one.claim.expected:
        sentence = f"What the page says of {one.role} is about something that does not exist: {one.claim.text}."
        yield Finding("roles.object_missing", False, sentence, one.claim.text, "no such object")
        return
    broken = [row for row in rows if row["privilege"] is not None]
    if not broken:
        return
    what = some(f"{row['privilege']} on {_object(row) or one.claim.kind.name}" for row in broken)
    evidence: tuple[Mapping[str, Cell], ...] = tuple(
        {"role": one.role, "privilege": row["privilege"], "on": _object(row), "through": row["through"]}
        for row in broken
    )
    if one.can:
        why = "" if all(row["usable"] for row in broken) else ", for want of USAGE on the schema"
        sentence = f"{_named(one.role)} cannot {what}{why}."
        yield Finding("roles.privilege_missing", False, sentence, one.claim.text, f"no {what}", evidence)
        return
    through = sorted({role for row in broken for role in row["through"].split(", ")} - {one.role})
    how = f", as {some(through)}" if through else ""
    how = ", as the superuser it is" if known.roles.get(one.role, {}).get("superuser") else how
    yield Finding(
        "roles.privilege_held", False, f"{_named(one.role)} can {what}{how}.", f"not {one.claim.text}", what, evidence
    )


def _object(row: Mapping[str, Any]) -> str:
    name = str(Name(row["schema"], row["name"])) if row["schema"] else row["name"]
    if row["parent"]:
        return f"{Name(row['schema'], row['parent'])}.{row['name']}"
    return name


def _named(role: str) -> str:
    return "Everybody" if role == PUBLIC else f"Role {role}"


def _as_declared(
    parameters: Parameters, circumstances: Circumstances, known: Known, declared: Collection[str], claims: int
) -> Finding:
    roles = plural(len(declared), "role") + " as declared" if declared else ""
    said = joined([part for part in (roles, f"{plural(claims, 'claim')} held" if claims else "") if part])
    if circumstances.disposable:
        absent = [role for role in parameters.declared if role not in declared]
        login = "the login role of a disposable server is not judged"
        login += f", and it has no {some(absent)}" if absent else ""
    else:
        login = f"{known.login} asks; it is {'a' if known.roles[known.login]['superuser'] else 'no'} superuser"
        login += f", and {_of_the_password(circumstances.endpoint)}" if parameters.password else ""
    sentence = f"{said}; {login}." if said else f"{login[0].upper()}{login[1:]}."
    return Finding("roles.as_declared", True, sentence)


def _of_the_password(endpoint: Endpoint) -> str:
    if endpoint.password is None:
        return "its URL holds no password to judge"
    return "the URL's password is long enough and no known default"


CHECK = Check(
    kind="roles",
    claim="Roles may do what the page says and nothing it denies, and the login role is no superuser.",
    manual="https://www.postgresql.org/docs/current/ddl-priv.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None: every role may read pg_catalog.",
)
