"""Alembic's revisions, read from the text of the script files.

Alembic itself reads them by importing every one, and to learn which table holds the version it runs env.py, which
imports the application. A page that is checked at night has neither the application nor the third of a second. So the
files are parsed, never run: what they state as literals is what is known, and the page states the rest.
https://alembic.sqlalchemy.org/en/latest/tutorial.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.migrations.alembic_config import Settings, settings
from checks.migrations.history import Applied, History, Migration, VersionTable, in_order, unreadable

if TYPE_CHECKING:
    import ast

    from checks.runbook.model import Migrations

VERSION_TABLE = "alembic_version"
WANTED = ("revision", "down_revision", "depends_on", "branch_labels")
_SCRIPT = re.compile(r"(?!\.#|__init__).*\.py$")  # Alembic's own rule for what in the folder is a revision
_LEGACY = re.compile(r"([a-f0-9]+)\.py$")


@dataclass(frozen=True, slots=True)
class Script:
    """What one revision file states. References are as written, so they may be branch labels."""

    revision: str
    title: str
    path: Path
    down_revisions: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = field(default=())


def read(folder: Path, migrations: Migrations) -> History:
    """The history in the revision files of `folder / migrations.path`.

    Raises CouldNotTell (`migrations.unreadable`) where there is no Alembic environment, or it has no revision.
    """
    found = settings(folder / migrations.path)
    paths = [path for location in found.version_locations for path in _files(location, found)]
    scripts = [script(path) for path in dict.fromkeys(paths)]
    if not scripts:
        places = ", ".join(str(location) for location in found.version_locations)
        raise unreadable(f"No Alembic revision lies in {places}.", hint="does `migrations.path` name the right folder?")
    return history(scripts)


def version_table(folder: Path, migrations: Migrations) -> VersionTable:
    """Where the rows are: as the page says, else as a literal in env.py says, else as the ini or toml file says."""
    found = settings(folder / migrations.path)
    stated = {key: value for key, value in found.stated.items() if value}
    stated.update(_configured(found.script_location / "env.py"))
    return VersionTable(
        migrations.table or stated.get("version_table") or VERSION_TABLE,
        migrations.table_schema or stated.get("version_table_schema"),
    )


def applied(rows: Sequence[Mapping[str, Any]], history: History) -> tuple[Applied, ...]:  # noqa: ARG001 - as in sql.py
    """The rows of the version table, whose only column of meaning is `version_num`."""
    return tuple(Applied(str(row["version_num"])) for row in rows)


def history(scripts: Sequence[Script]) -> History:
    """The scripts joined by what they refer to, with everything that keeps them from being a history."""
    mistakes = [mistake for one in scripts for mistake in one.mistakes]
    unique: dict[str, Script] = {}
    for one in scripts:
        if one.revision in unique:
            mistakes.append(
                f"Revision {one.revision} is defined twice, in {unique[one.revision].path.name} and {one.path.name}."
            )
        unique.setdefault(one.revision, one)
    labels = {label: one.revision for one in unique.values() for label in one.labels}
    joined = [_joined(one, unique, labels) for one in unique.values()]
    mistakes += _dangling(unique.values(), labels)
    ordered, circular = in_order(joined)
    if circular:
        names = ", ".join(migration.revision for migration in circular)
        mistakes.append(f"The revisions {names} cannot be put in order: each is, by way of others, its own ancestor.")
    return History("alembic", ordered + circular, ledger=False, mistakes=tuple(mistakes))


def script(path: Path) -> Script:
    """What one revision file states, by its text alone."""
    import ast

    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        mistake = f"{path.name} is not Python that can be read: {error}."
        return Script(path.stem, path.stem, path, mistakes=(mistake,))
    stated = dict(_assignments(tree))
    opaque = {name: node for name, node in stated.items() if _is_opaque(node)}
    literals = {name: ast.literal_eval(node) for name, node in stated.items() if name not in opaque}
    mistakes = tuple(f"{path.name}:{node.lineno}: {name} is not a literal." for name, node in opaque.items())
    title = (ast.get_docstring(tree) or path.stem).strip().splitlines()[0].rstrip(".")
    found = Script(_revision(literals, path), title, path, mistakes=mistakes)
    if not found.revision:
        return replace(found, revision=path.stem, mistakes=(*mistakes, f"{path.name} names no revision."))
    return replace(
        found,
        down_revisions=_tuple(literals.get("down_revision")),
        depends_on=_tuple(literals.get("depends_on")),
        labels=_tuple(literals.get("branch_labels")),
    )


def _files(location: Path, found: Settings) -> Iterator[Path]:
    walk = location.rglob("*.py") if found.recursive else location.glob("*.py")
    for path in sorted(walk):
        if _SCRIPT.match(path.name) and "__pycache__" not in path.parts:
            yield path.resolve()


def _joined(one: Script, known: Mapping[str, Script], labels: Mapping[str, str]) -> Migration:
    follows, needs = (
        tuple(labels.get(name, name) for name in names if labels.get(name, name) in known)
        for names in (one.down_revisions, one.depends_on)
    )
    return Migration(one.revision, one.title, one.path, parents=(*follows, *needs), follows=follows)


def _dangling(scripts: Iterable[Script], labels: Mapping[str, str]) -> list[str]:
    scripts = list(scripts)
    known = {one.revision for one in scripts} | set(labels)
    return [
        f"{one.path.name}: {key} names {name}, which no file defines."
        for one in scripts
        for key, names in (("down_revision", one.down_revisions), ("depends_on", one.depends_on))
        for name in names
        if name not in known
    ]


def _revision(literals: Mapping[str, Any], path: Path) -> str:
    if "revision" in literals:
        return str(literals["revision"] or "")
    legacy = _LEGACY.match(path.name)
    return legacy[1] if legacy else ""


def _tuple(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(part) for part in value) if isinstance(value, (tuple, list, set, frozenset)) else (str(value),)


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    import ast

    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and target.id in WANTED:
                    yield target.id, node.value


def _is_opaque(node: ast.expr) -> bool:
    import ast

    try:
        ast.literal_eval(node)
    except ValueError:
        return True
    return False


def _configured(env: Path) -> dict[str, str]:
    """The version table where env.py passes it to `context.configure` as a literal, or as a name bound to one."""
    import ast

    if not env.is_file():
        return {}
    try:
        tree = ast.parse(env.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise unreadable(f"{env} is not Python that can be read: {error}.") from error
    constants = dict(_constants(tree))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "configure"]
    keywords = {keyword.arg: keyword.value for call in calls for keyword in call.keywords if keyword.arg}
    wanted = {key: keywords[key] for key in ("version_table", "version_table_schema") if key in keywords}
    texts = {key: constants.get(_name(node), getattr(node, "value", None)) for key, node in wanted.items()}
    return {key: text for key, text in texts.items() if isinstance(text, str)}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    import ast

    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from ((target.id, node.value.value) for target in node.targets if isinstance(target, ast.Name))


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")
