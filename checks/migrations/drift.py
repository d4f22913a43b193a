"""How a migrated database differs from the SQLAlchemy models, in sentences.

The comparison is Alembic's own, that of `alembic check`: tables, columns, their types and nullability, indexes, unique
and foreign keys. It does not see the values of an enum, nor server defaults unless env.py asks for them.
https://alembic.sqlalchemy.org/en/latest/autogenerate.html#what-does-autogenerate-detect-and-what-does-it-not-detect
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect

from checks.migrations.history import VersionTable


def load_metadata(name: str) -> MetaData:
    """The metadata at `module:attribute`. Raises whatever the import raises, and TypeError for something else."""
    module, _, attributes = name.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    found = getattr(found, "metadata", found)  # a declarative base will do as well
    if not isinstance(found, MetaData):
        raise TypeError(f"it is a {type(found).__name__}, and no SQLAlchemy MetaData")
    return found


def differences(
    connection: Connection, metadata: MetaData, table: VersionTable, options: Mapping[str, Any]
) -> tuple[str, ...]:
    """One sentence for each difference, in Alembic's order; none for the version table. `options` are env.py's own."""
    own_schema = inspect(connection).default_schema_name
    schemas = {None if one.schema == own_schema else one.schema for one in metadata.tables.values()} | {None}
    ours = {
        "compare_type": True,
        "include_schemas": schemas != {None},
        "include_name": partial(_is_looked_at, schemas, options.get("include_name")),
        "version_table": table.name,
        "version_table_schema": table.schema,
    }
    context = MigrationContext.configure(connection, opts={**options, **ours})
    return tuple(_sentence(difference) for difference in _flat(compare_metadata(context, metadata)))


def _is_looked_at(schemas: set[str | None], theirs: Any, name: str | None, kind: str, parents: Any) -> bool:
    if kind == "schema" and name not in schemas:
        return False
    return theirs is None or bool(theirs(name, kind, parents))


def _flat(found: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """Alembic lists the changes of one column together."""
    for one in found:
        if isinstance(one, list):
            yield from one
        else:
            yield one


def _sentence(difference: tuple[Any, ...]) -> str:
    action, *rest = difference
    verb, _, what = action.partition("_")
    if verb == "modify":
        schema, table, column, _, found, declared = rest
        name = f"Column {_qualified(schema, table)}.{column}"
        return f"{name}: its {what} is {_shown(found)}, declared is {_shown(declared)}."
    if what == "column":
        schema, table, column = rest
        name = f"Column {_qualified(schema, table)}.{column.name}"
    else:
        name = _named(what, rest[0])
    return f"{name} is declared and not there." if verb == "add" else f"{name} is there and not declared."


def _named(what: str, thing: Any) -> str:
    kind = {"fk": "Foreign key", "table_comment": "The comment of table"}.get(what, what.capitalize())
    name = thing.name or f"({', '.join(column.name for column in thing.columns)})"
    table = getattr(thing, "table", None)
    if table is not None and table is not thing:
        return f"{kind} {name} of {_qualified(table.schema, table.name)}"
    return f"{kind} {_qualified(getattr(thing, 'schema', None), name)}"


def _qualified(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return str(getattr(value, "arg", value))
