"""Which Compose project a page's environment is of, and whether its compose file has the service; no engine is asked.

The project is the one `docker compose` would mean in the page's folder:
https://docs.docker.com/compose/how-tos/project-name/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checks.errors import UsageError
from checks.runbook.model import Compose
from checks.suggest import did_you_mean
from checks.targets.envfile import read
from checks.targets.session import ComposeService

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = tuple(name.replace(".y", ".override.y") for name in FILES)
PROJECT = "COMPOSE_PROJECT_NAME"
UNKNOWN_SERVICE = "environment.unknown_service"
_NOT_IN_PROJECTS = re.compile(r"[^a-z0-9_-]|\A[_-]+")


def service_of(wanted: Compose, folder: Path, variables: Mapping[str, str], here: str) -> ComposeService:
    """The service with its project. `here` is the environment in words.

    Raises UsageError, with the closest one, where the compose file of `folder` has no service of that name.
    """
    files = list(_read(folder))
    known = {str(name) for file in files for name in file.get("services") or ()}
    # Services of included files are not looked for.
    if known and wanted.service not in known and not any("include" in file for file in files):
        raise UsageError(
            f"The compose file in {folder} has no service {wanted.service}, which the {here} names.",
            hint=did_you_mean(wanted.service, known) or f"it has {', '.join(sorted(known))}",
            code=UNKNOWN_SERVICE,
        )
    project = wanted.project or _project(folder, files, variables)
    return ComposeService(project, wanted.service, wanted.profile or "")


def _project(folder: Path, files: list[Mapping[str, Any]], variables: Mapping[str, str]) -> str:
    named = variables.get(PROJECT) or _dotenv(folder).get(PROJECT) or _named_in(files)
    return named or _NOT_IN_PROJECTS.sub("", re.sub(r"\A[^a-z0-9]+", "", folder.absolute().name.lower()))


def _named_in(files: list[Mapping[str, Any]]) -> str:
    names = [str(file["name"]) for file in files if file.get("name")]
    return names[-1] if names and "$" not in names[-1] else ""


def _dotenv(folder: Path) -> Mapping[str, str]:
    file = folder / ".env"
    return read(file) if file.is_file() else {}


def _read(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The project's compose file and its override; what cannot be read is Compose's to complain of, not ours."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    for names in (FILES, OVERRIDES):
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            continue
        try:
            found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, YAMLError):
            return
        if isinstance(found, dict) and isinstance(found.get("services", {}), dict | None):
            yield found
