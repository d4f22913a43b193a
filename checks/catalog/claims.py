"""Claims about privileges as GRANT would write them: `SELECT on auth.users`, `UPDATE (email) on auth.users`.

A claim is told true or false by the server's own has_…_privilege functions, which know of ownership, of inherited roles
and of those that PostgreSQL brings. https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.catalog.names import qualified
from checks.catalog.spelling import canonical
from checks.catalog.sql import literal, narrowed, statements

SHOWN = 20  # of what breaks one claim
GRANT_OPTION = " WITH GRANT OPTION"
# The first major that knows a privilege, where it is newer than the oldest major supported.
SINCE: Mapping[str, int] = {"MAINTAIN": 17}
BY_COLUMN = ("SELECT", "INSERT", "UPDATE", "REFERENCES")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: its privileges, and the function that tells them. `name` is its statement in roles.sql."""

    name: str
    privileges: tuple[str, ...]
    in_schema: bool = False

    @property
    def function(self) -> str:
        """`has_table_privilege`, and so on; that of a foreign server calls it a server."""
        return f"has_{'server' if self.name == 'foreign_server' else self.name}_privilege"


TABLE = Kind("table", ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"), True)
COLUMN = Kind("column", BY_COLUMN, in_schema=True)
SEQUENCE = Kind("sequence", ("USAGE", "SELECT", "UPDATE"), in_schema=True)
FUNCTION = Kind("function", ("EXECUTE",), in_schema=True)
TYPE = Kind("type", ("USAGE",), in_schema=True)
DATABASE = Kind("database", ("CREATE", "CONNECT", "TEMPORARY"))
# As GRANT names them; what stands without any of these is a table.
NOUNS: Mapping[str, Kind] = {
    "table": TABLE,
    "view": TABLE,
    "materialized view": TABLE,
    "sequence": SEQUENCE,
    "function": FUNCTION,
    "procedure": FUNCTION,
    "routine": FUNCTION,
    "type": TYPE,
    "domain": TYPE,
    "schema": Kind("schema", ("CREATE", "USAGE")),
    "database": DATABASE,
    "language": Kind("language", ("USAGE",)),
    "tablespace": Kind("tablespace", ("CREATE",)),
    "foreign data wrapper": Kind("foreign_data_wrapper", ("USAGE",)),
    "foreign server": Kind("foreign_server", ("USAGE",)),
    "parameter": Kind("parameter", ("SET", "ALTER SYSTEM")),
}
_PLURALS = {"tables": TABLE, "sequences": SEQUENCE, "functions": FUNCTION, "procedures": FUNCTION, "routines": FUNCTION}
_CLAIM = re.compile(r"(?P<privileges>.+?)\s+on\s+(?P<object>.+?)(?P<grant>\s+with\s+grant\s+option)?", re.IGNORECASE)
_PRIVILEGE = re.compile(r"(?P<words>[A-Za-z ]+?)\s*(?:\((?P<columns>[^()]*)\))?")
_ALL_IN = re.compile(rf"all\s+({'|'.join(_PLURALS)})\s+in\s+schema\s+(.+)", re.IGNORECASE)
_NOUN = re.compile(rf"({'|'.join(noun.replace(' ', '[ ]+') for noun in NOUNS)})(?:\s+(.+))?", re.IGNORECASE)
_CALL = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<arguments>.*)\))?")
_LENGTH = re.compile(r"\(.*?\)")
_EXAMPLE = "write it as GRANT does: SELECT, INSERT on auth.users; CREATE on schema public; EXECUTE on function f(int)"


@dataclass(frozen=True, slots=True)
class Claim:
    """Privileges of one kind on one object, or on all in a schema (`name` is None then). `text` is the page's words.

    `columns` are those of a table, in which case `kind` is COLUMN. `arguments` are a function's types; None is for any.
    """

    text: str
    kind: Kind
    privileges: tuple[str, ...]
    schema: str
    name: str | None
    columns: tuple[str, ...] = ()
    arguments: str | None = None
    grantable: bool = False

    @classmethod
    def parse(cls, value: object) -> Claim:
        """A claim from runbook text. Raises ValueError, saying what is accepted."""
        if isinstance(value, cls):
            return value
        match = _CLAIM.fullmatch(" ".join(value.split())) if isinstance(value, str) else None
        if match is None or not isinstance(value, str):
            raise ValueError(f"{value!r} is no claim about a privilege: {_EXAMPLE}")
        kind, schema, name, arguments = _object(match["object"])
        words, columns = _privileges(match["privileges"], kind, value)
        kind = COLUMN if columns else kind
        return cls(value, kind, words, schema, name, columns, arguments, grantable=bool(match["grant"]))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        examples = {"pydantic_js_updates": {"examples": ["SELECT on auth.users", "CREATE on schema public"]}}
        text = core_schema.str_schema(metadata=examples)
        return core_schema.no_info_plain_validator_function(cls.parse, json_schema_input_schema=text)

    def unknown(self, major: int) -> list[str]:
        """Those of its privileges that a server of this major does not know."""
        return [privilege for privilege in self.privileges if SINCE.get(privilege, 0) > major]

    @property
    def all_of_them(self) -> bool:
        """Whether it says ALL, which is as many as the server knows."""
        return set(self.privileges) == set(self.kind.privileges)

    @property
    def expected(self) -> int:
        """How many objects the claim is about at the least."""
        return max(1, len(self.columns))

    def query(self, roles: Sequence[str], major: int, *, can: bool) -> str:
        """One row for each object and privilege that breaks the claim, and at least one with the number of objects.

        With `can`, the first of the roles must hold all, and USAGE of the schema; else none of them may hold any.
        """
        known = [privilege for privilege in self.privileges if privilege not in self.unknown(major)]
        privileges = ", ".join(
            f"({literal(word + GRANT_OPTION * self.grantable)}, {str(word in BY_COLUMN).lower()})" for word in known
        )
        who = ", ".join(f"({literal(role)}::name)" for role in (roles[:1] if can else roles))
        usable = "has_schema_privilege(r.role, o.namespace, 'USAGE')" if self.kind.in_schema else "true"
        broken = "NOT (held AND usable)" if can else "held"
        parent = "parent" if self.kind == COLUMN else "NULL::name"
        return (  # every part is our own, or quoted
            f"WITH o AS MATERIALIZED (\n{self._objects()}\n), broken AS (\n"  # noqa: S608
            f"SELECT schema, parent, name, privilege, bool_and(usable) AS usable, string_agg(role, ', ') AS through\n"
            f"FROM (SELECT o.schema, {parent} AS parent, o.name, p.privilege, r.role, {self._held(can=can)} AS held, "
            f"{usable} AS usable\n"
            f"FROM o, (VALUES {privileges}) AS p (privilege, by_column), (VALUES {who}) AS r (role)) AS h\n"
            f"WHERE {broken} GROUP BY schema, parent, name, privilege\n"
            f"ORDER BY schema, parent, name, privilege LIMIT {SHOWN}\n)\n"
            f"SELECT n.objects, broken.* FROM (SELECT count(*) AS objects FROM o) AS n LEFT JOIN broken ON true"
        )

    def _objects(self) -> str:
        listed = statements("roles")[self.kind.name]
        if self.name is None:
            return narrowed(listed, "schema", [(self.schema,)])
        if self.kind == COLUMN:
            return narrowed(listed, "schema, parent, name", [(self.schema, self.name, name) for name in self.columns])
        if self.arguments is not None:
            return narrowed(listed, "schema, name, arguments", [(self.schema, self.name, self.arguments)])
        return narrowed(listed, "schema, name", [(self.schema, self.name)])

    def _held(self, *, can: bool) -> str:
        if self.kind == COLUMN:
            return "has_column_privilege(r.role, o.object, o.number, p.privilege)"
        whole = f"{self.kind.function}(r.role, o.object, p.privilege)"
        if self.kind == TABLE and not can:
            # Whoever may read one column of a table can read from it, which is what the page denies.
            return (
                f"CASE WHEN p.by_column THEN has_any_column_privilege(r.role, o.object, p.privilege) ELSE {whole} END"
            )
        return whole


def _object(text: str) -> tuple[Kind, str, str | None, str | None]:
    """Kind, schema, name and arguments of what stands after `on`."""
    everything = _ALL_IN.fullmatch(text)
    if everything:
        return _PLURALS[everything[1].lower()], everything[2], None, None
    noun = _NOUN.fullmatch(text)
    kind = NOUNS[" ".join(noun[1].lower().split())] if noun else TABLE
    named = (noun[2] or "") if noun else text
    call = _CALL.fullmatch(named) if kind == FUNCTION else None
    if not named and kind != DATABASE:
        raise ValueError(f"`on {text}` names no {kind.name}: {_EXAMPLE}")
    if call is not None:
        name, arguments = qualified(call["name"]), call["arguments"]
        return kind, *name, None if arguments is None else _types(arguments)
    if kind.in_schema:
        return kind, *qualified(named), None
    return kind, "", named.lower() if kind.name == "parameter" else named, None


def _types(arguments: str) -> str:
    """As oidvectortypes writes them, which knows of no lengths."""
    bare = (canonical(one) for one in _LENGTH.sub("", arguments).split(",") if one.strip())
    return ", ".join(_LENGTH.sub("", one) for one in bare)


def _privileges(text: str, kind: Kind, claim: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The privileges, and the columns they are of."""
    words: list[str] = []
    columns: list[tuple[str, ...]] = []
    for part in re.split(r",(?![^(]*\))", text):
        match = _PRIVILEGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{claim!r} is no claim about a privilege: {_EXAMPLE}")
        word = {"TEMP": "TEMPORARY", "ALL PRIVILEGES": "ALL"}.get(match["words"].upper(), match["words"].upper())
        columns.append(tuple(name.strip() for name in (match["columns"] or "").split(",") if name.strip()))
        words += _known(word, COLUMN if columns[-1] else kind, claim)
    if len(set(columns)) > 1 or (columns[0] and kind != TABLE):
        raise ValueError(f"{claim!r} names columns that are not those of one table: make it one claim for each list")
    return tuple(dict.fromkeys(words)), columns[0]


def _known(word: str, kind: Kind, claim: str) -> Iterator[str]:
    if word == "ALL":
        yield from kind.privileges
    elif word in kind.privileges:
        yield word
    else:
        what = kind.name.replace("_", " ")
        raise ValueError(f"{claim!r}: a {what} has no privilege {word}, only {', '.join(kind.privileges)}")
