"""What a page lists of a database's objects, and how to ask for just that.

Only the objects listed are asked for, by name; with `exact: true`, those beside them too. So a page of ten tables
costs the same on a database of two thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from checks.catalog.names import PUBLIC, qualified
from checks.catalog.sql import narrowed
from checks.check import Answer


class Item(NamedTuple):
    """One object. `parent` is the table it belongs to, or empty; `schema` is empty for schemas and extensions."""

    schema: str
    parent: str
    name: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.schema if self.schema != PUBLIC else "", self.parent, self.name) if part)

    def owners(self) -> tuple[Item, Item]:
        """The schema and the table it goes missing with, as items of their own."""
        return Item("", "", self.schema), Item(self.schema, "", self.parent)


@dataclass(frozen=True, slots=True)
class ListMeans:
    """Lets a page write `[users]` for `{public: [users]}`. A marker for `Annotated`, used where a page is read."""

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        mapping = handler(source)
        names = core_schema.list_schema(core_schema.str_schema())
        return core_schema.no_info_before_validator_function(
            self._as_mapping,
            mapping,
            json_schema_input_schema=core_schema.union_schema([names, mapping]),
        )

    def _as_mapping(self, value: Any) -> Any:
        # Past this validator a list of the page is a Python list, which strictness would not take for a tuple.
        mapping = {self.key: value} if isinstance(value, list | tuple) else value
        if not isinstance(mapping, dict):
            return mapping
        return {key: tuple(names) if isinstance(names, list) else names for key, names in mapping.items()}


Names = tuple[str, ...]
BySchema = Annotated[dict[str, Names], ListMeans(PUBLIC)]
ByTable = Annotated[dict[str, Names], ListMeans("")]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of object: its statement in schema.sql, its noun, and every item the page lists.

    `by_parent` is whether the items are those of tables the page names. `exact` asks for their neighbours too.
    """

    statement: str
    noun: str
    wanted: tuple[Item, ...]
    by_parent: bool = False
    exact: bool = False

    def query(self, statement: str) -> str:
        """The statement, narrowed to what the page lists and, if `exact`, what stands beside it."""
        if self.by_parent:
            return narrowed(statement, "schema, parent", sorted({(item.schema, item.parent) for item in self.wanted}))
        if self.exact:
            return narrowed(statement, "schema", sorted({(item.schema,) for item in self.wanted}))
        return narrowed(statement, "schema, name", sorted({(item.schema, item.name) for item in self.wanted}))

    def found(self, answer: Answer) -> dict[Item, dict[str, Any]]:
        """What is there, by item."""
        rows = answer.dicts()
        return {Item(row["schema"], row["parent"] if self.by_parent else "", row["name"]): row for row in rows}

    def missing(self, found: Iterable[Item]) -> list[Item]:
        """Listed, and not there."""
        there = set(found)
        return [item for item in self.wanted if item not in there]

    def unexpected(self, found: Mapping[Item, Mapping[str, Any]]) -> list[Item]:
        """There beside what is listed, unless an extension or another object brought it; nothing if not `exact`."""
        if not self.exact:
            return []
        wanted = set(self.wanted)
        return sorted(item for item, row in found.items() if item not in wanted and row.get("own", True))


def of_schemas(listed: Mapping[str, Names]) -> Iterator[Item]:
    """`{auth: [users]}` as items; a name with a dot says its schema itself."""
    for schema, names in listed.items():
        for text in names:
            name = qualified(text, schema)
            yield Item(name.schema, "", name.name)


def of_tables(listed: Mapping[str, Iterable[str]]) -> Iterator[Item]:
    """`{auth.users: [users_pkey]}` as items; under no table, a bare name is in public."""
    for text, names in listed.items():
        table = qualified(text)
        for name in names:
            yield (
                Item(table.schema, table.name, name) if text else Item(qualified(name).schema, "", qualified(name).name)
            )


def of_none(listed: Iterable[str]) -> Iterator[Item]:
    """Schemas and extensions, which belong to the database itself."""
    return (Item("", "", name) for name in listed)
