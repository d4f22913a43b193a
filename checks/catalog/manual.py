"""The catalog in words: docs/checks.md and `invoke explain CODE`, drawn from the checks themselves.

Everything said of a check stands beside its code, so that the page cannot say something else than the check does.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from checks.backup.codes import DUMP_CODES, STORE_CODES
from checks.catalog import CATALOG
from checks.catalog.codes import ENVIRONMENT_CODES, RUN_CODES, documented
from checks.catalog.container_codes import CONTAINER_CODES
from checks.catalog.sql import text
from checks.check import SQLITE, Check, Code, Effect

WIDTH = 100

_INTRODUCTION = """\
# Checks

What a runbook can ask. Each key of a `yaml check` block is one of the kinds below, and its value that kind's
parameters; a `sql check` block is a `query` that holds when it returns no rows. This page is drawn from the checks
themselves by `invoke generate`.

Every kind also takes

| key | meaning |
|---|---|
| `name` | What the report calls the check; without it, the kind or the heading above. |
| `severity` | `fail` (default), or `warn`: a finding that does not hold is a warning. |
| `environments` | A list of live environments to which the check is confined. |
| `timeout` | How long the check may take, such as `30s`; 10 s by default. |

A **comparison** is a bare value, which means `eq`, or a mapping of `eq`, `ne`, `gt`, `ge`, `lt`, `le` and `one_of`, all
of which must hold: `{ge: 1, lt: 10}`. **Durations** are written `500ms`, `30s`, `10min`, `24h`, `90d`; **sizes** as
PostgreSQL does, `8kB`, `256MB`, `1GB`, in powers of 1024; **percentages** with their sign, `80%`. A name without a
schema is in `public`.

A **code** names one outcome and never changes. `invoke explain CODE` prints what stands here, and a section of a
runbook whose heading has `<!-- fixes: CODE "NAME OF A CHECK" -->` is shown under a finding with that code, or of that
check. One that names the check comes first, then one that names the code, then one that names all codes of the kind, as
`connectivity.*`. A code of `query` says only that an answer was not as expected: name the check.
"""

_TYPES = {
    "bool": "true or false",
    "int": "number",
    "Few": "number up to 100",
    "str": "text",
    "Line": "text",
    "Duration": "duration",
    "Size": "size",
    "Percent": "percentage",
    "Rounds": "number from 5 to 1000",
    "WarmUp": "number up to 100",
    "Concurrency": "number up to 16",
    "dict[Line, Measured]": "queries by name",
    "Positive": "number",
    "dict[str, Positive]": "numbers by name",
    "dict[Line, Positive]": "numbers by name",
    "Slug": "name",
    "PgBouncer": "its settings by name",
    "Count": "number or comparison",
    "Limit": "size or comparison",
    "Value": "value or comparison",
    "Expectation": "expectation",
    "Names": "list",
    "tuple[str, ...]": "list",
    "tuple[ExtensionName, ...]": "list of names",
    "tuple[Slug, ...]": "list",
    "BySchema": "list, or lists by schema",
    "ByTable": "list, or lists by table",
    "Mapping[str, Comparison[Scalar]]": "value or comparison",
    "dict[str, Names]": "lists by table",
    "dict[str, Limit]": "sizes or comparisons by table",
    "Claims": "list of claims",
    "dict[str, Declared]": "roles by name",
    "dict[str, dict[str, str]]": "types by column, by table",
    "Variable": "text",
    "Path": "text",
    "Inside": "text",
    "tuple[Variable, ...]": "list",
    "tuple[Inside, ...]": "list",
    "dict[Variable, Requirement]": "requirements by name",
    "Healthcheck": "settings",
    "dict[JsonPath, Value]": "values or comparisons by path",
}
_EFFECTS = {
    Effect.OBSERVE: "It only reads, and is asked of any target.",
    Effect.LOAD: "It puts load on the server; live ones are asked only with `--allow load`.",
    Effect.CHANGE: "It writes, and is asked of disposable databases only.",
}


def page() -> str:
    """docs/checks.md, whole."""
    contents = "\n".join(f"- [{kind}](#{kind}): {check.claim}" for kind, check in CATALOG.items())
    sections = [_section(check) for check in CATALOG.values()]
    run = "## When there is no verdict\n\nThese codes stand for the reason why.\n\n" + _codes(RUN_CODES)
    container = "## When a server in a container cannot be had\n\nOr answers no more.\n\n" + _codes(CONTAINER_CODES)
    before = "## When an environment cannot be asked\n\nThe run ends before any server is touched.\n\n"
    environment = before + _codes(ENVIRONMENT_CODES)
    dump = "## When a backup cannot be taken\n\nNothing is left that looks like one.\n\n" + _codes(DUMP_CODES)
    store = "## When a bucket cannot be used\n\nNothing can be said of what is in it.\n\n" + _codes(STORE_CODES)
    return "\n".join([_INTRODUCTION, contents, "", *sections, run, container, environment, dump, store]).rstrip() + "\n"


def explain(code: str) -> str:
    """What a code means, why it matters and how to fix it, for a terminal. Raises KeyError for an unknown code."""
    words = documented()[code]
    kind = code.partition(".")[0]
    about = f"{kind}: {CATALOG[kind].claim}\n{CATALOG[kind].manual}" if kind in CATALOG else ""
    parts = [code, _filled(words.meaning), _filled(words.why), _filled("Fix: " + words.fix) if words.fix else "", about]
    return "\n\n".join(part for part in parts if part)


def _filled(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)


def _section(check: Check) -> str:
    module = sys.modules[check.ask.__module__]
    why = (module.__doc__ or "").partition("\n\n")[2].strip()
    parts = [
        f"## {check.kind}",
        f"**{check.claim}** ([{_source(check.manual)}]({check.manual}))",
        why,
        f"```yaml check\n{module.EXAMPLE}\n```",
        _parameters(check.params),
        _asked(check),
        f"### Codes of {check.kind}",
        _codes(check.codes),
        *_queries(check.kind),
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _source(manual: str) -> str:
    if "docs.docker.com" in manual:
        return "Docker's manual"
    return "PostgreSQL's manual" if "postgresql.org" in manual else "the standard"


def _parameters(params: type[Any]) -> str:
    aliases = vars(sys.modules[params.__module__])
    rows = [_parameter(field, aliases) for field in dataclasses.fields(params)]
    return "\n".join(["| parameter | type | default | meaning |", "|---|---|---|---|", *rows])


def _parameter(field: dataclasses.Field[Any], aliases: Mapping[str, Any]) -> str:
    name = field.metadata.get("written", f"`{field.name}`")
    return f"| {name} | {_type_of(str(field.type), aliases)} | {_default_of(field)} | {field.metadata['description']} |"


def _type_of(annotation: str, aliases: Mapping[str, Any]) -> str:
    bare = annotation.removesuffix(" | None")
    if bare in _TYPES:
        return _TYPES[bare]
    *others, last = [f"`{choice}`" for choice in _choices(bare, aliases)]
    return f"{', '.join(others)} or {last}"


def _choices(annotation: str, aliases: Mapping[str, Any]) -> Sequence[str]:
    """The values of a Literal, written out or by the name it has in the check's module."""
    return get_args(aliases.get(annotation)) or re.findall(r'["\']([^"\']+)["\']', annotation)


def _default_of(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required" if field.default_factory is dataclasses.MISSING else "none"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{one}`" for one in field.default)
    return f"`{str(field.default).lower()}`" if isinstance(field.default, bool) else f"`{field.default}`"


def _asked(check: Check) -> str:
    engines = "PostgreSQL and SQLite" if SQLITE in check.engines else "PostgreSQL"
    apart = check.alone and "no database is asked" not in check.privileges
    alone = " It has a connection of its own." if apart else ""
    return f"Engines: {engines}. Privileges: {check.privileges} {_EFFECTS[check.effect]}{alone}"


def _codes(codes: Mapping[str, Code]) -> str:
    return "\n".join(_code(name, code) for name, code in codes.items())


def _code(name: str, code: Code) -> str:
    fix = f"*Fix:* {code.fix}" if code.fix else ""
    return f"#### `{name}`\n\n{' '.join(part for part in (code.meaning, code.why, fix) if part)}\n"


def _queries(kind: str) -> Iterator[str]:
    names = [name for name in (kind, f"{kind}_sqlite") if Path(__file__).with_name(f"{name}.sql").exists()]
    if names:
        yield f"### Queries of {kind}"
    for name in names:
        yield f"`psql -f checks/catalog/{name}.sql`" if name == kind else f"Over SQLite, `checks/catalog/{name}.sql`:"
        yield f"```sql\n{text(name).strip()}\n```"
