"""Where an Alembic environment keeps its scripts, read from alembic.ini and pyproject.toml as Alembic reads them.

The ini file is asked first and pyproject.toml for what it does not say; `%(here)s` is the folder of the file. Relative
paths are taken from that folder, where `alembic` is run by convention, and not from where this process happens to be.
https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.migrations.history import unreadable

LISTS = ("version_locations", "prepend_sys_path")
SEPARATORS = {"space": r" +", "newline": r"\n+", "os": r":", ":": r":", ";": r";"}
LEGACY_SEPARATORS = {"version_locations": r", *|(?: +)", "prepend_sys_path": r", *|(?: +)|:"}


@dataclass(frozen=True, slots=True)
class Settings:
    """One Alembic environment. `ini` and `toml` are the files it is configured by, None where there is none.

    `stated` holds what the files say of the version table, which Alembic leaves to env.py to read.
    """

    ini: Path | None
    toml: Path | None
    script_location: Path
    version_locations: tuple[Path, ...]
    prepend_sys_path: tuple[Path, ...]
    recursive: bool
    stated: Mapping[str, str]


def settings(place: Path) -> Settings:
    """The environment at `place`: a folder with alembic.ini, pyproject.toml or env.py in it, or one of those two files.

    Raises CouldNotTell (`migrations.unreadable`) when there is none, or its script folder does not exist.
    """
    found = _configured_at(place)
    if found is None and (place / "env.py").is_file():
        above = _configured_at(place.parent)
        found = above if above and above.script_location.resolve() == place.resolve() else _bare(place)
    if found is None:
        raise unreadable(
            f"{place} holds no Alembic environment: no alembic.ini, no [tool.alembic] in pyproject.toml, no env.py.",
            hint="`migrations.path` is the folder of alembic.ini, relative to the project's folder",
        )
    if not found.script_location.is_dir():
        raise unreadable(f"Alembic's script_location {found.script_location} does not exist.")
    return found


def _configured_at(place: Path) -> Settings | None:
    folder = place.parent if place.is_file() else place
    ini = place if place.suffix in {".ini", ".cfg"} else folder / "alembic.ini"
    toml = folder / "pyproject.toml"
    from_ini, from_toml = _ini(ini), _toml(toml)
    if from_ini is None and from_toml is None:
        return None
    options: dict[str, Any] = {**(from_toml or {}), **(from_ini or {})}
    if "script_location" not in options and not (folder / "env.py").is_file():
        raise unreadable(f"{ini if from_ini is not None else toml} sets no script_location.")
    scripts = _located(folder, options.get("script_location", "."))
    locations = _list(options, "version_locations") or [str(scripts / "versions")]
    return Settings(
        ini=ini if from_ini is not None else None,
        toml=toml if from_toml is not None else None,
        script_location=scripts,
        version_locations=tuple(_located(folder, location) for location in locations),
        prepend_sys_path=tuple(folder / part for part in _list(options, "prepend_sys_path")),
        recursive=str(options.get("recursive_version_locations", "")).lower() == "true",
        stated={key: str(options[key]) for key in ("version_table", "version_table_schema") if key in options},
    )


def _bare(place: Path) -> Settings:
    return Settings(None, None, place, (place / "versions",), (), recursive=False, stated={})


def _ini(path: Path) -> dict[str, str] | None:
    from configparser import ConfigParser, Error

    parser = ConfigParser({"here": path.absolute().parent.as_posix()})
    try:
        if not parser.read(path, encoding="utf-8") or not parser.has_section("alembic"):
            return None
        names = [name for name in _OPTIONS if parser.has_option("alembic", name)]
        return {name: parser.get("alembic", name) for name in names}
    except (Error, UnicodeDecodeError) as error:
        raise unreadable(f"{path} cannot be read: {error}.") from error


def _toml(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("alembic")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise unreadable(f"{path} cannot be read: {error}.") from error
    here = {"here": path.absolute().parent.as_posix()}
    return {name: _filled(table[name], here) for name in _OPTIONS if name in table} if table is not None else None


_OPTIONS = (
    "script_location",
    "version_locations",
    "prepend_sys_path",
    "path_separator",
    "version_path_separator",
    "recursive_version_locations",
    "version_table",
    "version_table_schema",
)


def _filled(value: Any, tokens: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(part, tokens) for part in value]
    return value % tokens if isinstance(value, str) else value


def _list(options: Mapping[str, Any], name: str) -> list[str]:
    value = options.get(name) or []
    if isinstance(value, list):
        return value
    separator = options.get("path_separator") or (options.get("version_path_separator") if name == LISTS[0] else None)
    pattern = SEPARATORS.get(separator, LEGACY_SEPARATORS[name]) if separator else LEGACY_SEPARATORS[name]
    return [part.strip() for part in re.split(pattern, value.strip()) if part.strip()]


def _located(folder: Path, location: str) -> Path:
    """A path from `folder`; `package:path` is looked up beside it, without importing the package."""
    package, colon, inside = location.partition(":")
    if colon and inside and not Path(location).is_absolute():
        return folder / package.replace(".", "/") / inside
    return folder / location
