"""SQL kept in files an operator can run by `psql -f`: one or more statements, each under `-- name: what it answers`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEADER = re.compile(r"^-- (\w+): .*\n", re.MULTILINE)


def parted(whole: str) -> Mapping[str, str]:
    """The statements of a file's text by the names in their headers, without the closing semicolon."""
    _, *parts = _HEADER.split(whole)
    return {title: body.strip().rstrip(";") for title, body in zip(parts[::2], parts[1::2], strict=True)}
