"""The way up and the way down of a SQL file, for tools that keep both in one.

dbmate marks them `-- migrate:up` and `-- migrate:down`, goose `-- +goose Up` and `-- +goose Down`. To run such a file
as a whole would create everything and drop it again.
https://github.com/amacneil/dbmate#creating-migrations and https://github.com/pressly/goose#sql-migrations
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Direction = Literal["up", "down"]
_MARK = re.compile(r"\s*--\s*(?:migrate:|\+goose\s+)(up|down)\b", re.IGNORECASE)


def script(path: Path, direction: Direction) -> str:
    """What of a file is for one direction, with the lines of the other left empty so that every line keeps its number.

    A file without marks is for one direction only: down where its name ends in `.down.sql`, else up.
    """
    current = "down" if path.name.endswith(".down.sql") else "up"
    kept = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").split("\n"):
        if mark := _MARK.match(line):
            current = mark[1].lower()
        kept.append(line if current == direction else "")
    return "\n".join(kept)


def has_way_down(path: Path) -> bool:
    """Whether anything of this file is for the way down."""
    return bool(script(path, "down").strip())
