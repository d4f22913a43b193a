"""Which grant a refused role lacks, as the statement that gives it.

The server names the object it protects, and no schema; that is looked for in the query. Where it speaks another
language than English, only the name of a predefined role can be recognised.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

import re

from checks.targets.identifiers import quoted

_DENIED = re.compile(
    r"permission denied for "
    r"(?P<kind>table|view|materialized view|foreign table|relation|sequence|schema|function|procedure|database"
    r"|foreign server|large object) (?P<name>.+)",
    re.DOTALL,
)
_PREDEFINED = re.compile(r"\bpg_(?:monitor|read_\w+|stat_\w+|checkpoint|signal_\w+|use_\w+)\b")
_SELECT_ON = {"sequence": "SEQUENCE ", "large object": "LARGE OBJECT "}
_OTHERWISE = {
    "schema": "USAGE ON SCHEMA",
    "function": "EXECUTE ON FUNCTION",
    "procedure": "EXECUTE ON PROCEDURE",
    "database": "CONNECT ON DATABASE",
    "foreign server": "USAGE ON FOREIGN SERVER",
}


def grant_missing(message: str, detail: str, sql: str, role: str) -> str:
    """The GRANT that `role` lacks for `sql`, by what the server said; empty where that does not tell.

    A table whose schema neither the server nor the query names is found by the search path, as it was in the query.
    """
    predefined = _PREDEFINED.search(detail) or _PREDEFINED.search(message)
    denied = _DENIED.match(message)
    if denied is None:
        return f"GRANT {predefined[0]} TO {quoted(role)};" if predefined else ""
    kind, name = denied["kind"], denied["name"].strip('"')
    if kind in {"schema", "database", "foreign server", "large object"}:
        shown = name if kind == "large object" else quoted(name)
    else:
        shown = _schema_in(sql, name) + quoted(name)
    right = _OTHERWISE.get(kind) or f"SELECT ON {_SELECT_ON.get(kind, '')}".rstrip()
    return f"GRANT {right} {shown} TO {quoted(role)};"


def _schema_in(sql: str, name: str) -> str:
    """`auth.` where the query says `auth.users`, and never another schema's."""
    one = rf'(?:{re.escape(name)}\b|"{re.escape(name)}")'
    found = re.findall(rf'([A-Za-z_][\w$]*|"(?:[^"]|"")+")\s*\.\s*{one}', sql, re.IGNORECASE)
    schemas = {schema if schema.startswith('"') else schema.lower() for schema in found}
    return f"{schemas.pop()}." if len(schemas) == 1 else ""
