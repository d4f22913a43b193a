"""What a database holds, as of one snapshot: plain values that can be written down and held against another's.

The source of a backup is described while it is dumped, in the same snapshot; the restored copy is described afterwards
by the same queries. A drill is the difference between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One table's rows and their order-independent content digest: 16 hexadecimal digits, empty where not computed."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where a sequence stands: `last` is the last value handed out, None when it was never used.

    `owner` is the `schema.table.column` that it feeds, empty where none is.
    """

    last: int | None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that is compared, by name. Names are as PostgreSQL quotes them, qualified with their schema.

    `objects` are definitions, or hashes of long ones, by kind (schema, table, column, view, index, constraint, trigger,
    policy, function, type, …) and name. `grants` are access privileges by kind and name, as aclitem text, sorted.
    `head` is the migration head: revisions in the version table, empty where there is none. `unready` names indexes
    that are invalid and constraints that are not validated, which a restore must not be blamed for.
    What could not be looked at stands in `unknown`, a sentence by kind.
    """

    server: str
    encoding: str
    collation: str
    tables: Mapping[str, Table]
    sequences: Mapping[str, Sequence]
    objects: Mapping[str, Mapping[str, str]]
    extensions: Mapping[str, str]
    grants: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    collations: Mapping[str, str] = field(default_factory=dict)
    tablespaces: Mapping[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    unready: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
