"""Which Compose project an environment is of, told from files and variables alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.errors import UsageError
from checks.runbook.model import Compose, Environment
from checks.targets.compose_file import service_of
from checks.targets.environment import resolve
from checks.targets.session import ComposeService

GAIA = "services:\n  postgres: {image: 'postgres:16-alpine', profiles: [dev]}\n  backend-dev: {}\n"


def project_of(folder: Path, variables: dict[str, str] | None = None, wanted: Compose | None = None) -> str:
    """The project that a page in `folder` means."""
    return service_of(wanted or Compose("postgres"), folder, variables or {}, "environment dev").project


def test_the_folders_name_is_the_projects_as_compose_spells_it(tmp_path: Path) -> None:
    """Lower case, and nothing but letters, digits, - and _."""
    folder = tmp_path / "_My Gaia.v2"
    folder.mkdir()
    assert project_of(folder) == "mygaiav2"


def test_what_is_named_more_closely_wins(tmp_path: Path) -> None:
    """The page, the variable, .env, the compose file, the folder: in this order, as Compose has it."""
    (tmp_path / "compose.yaml").write_text("name: of-the-file\n" + GAIA)
    assert project_of(tmp_path) == "of-the-file"
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=of-dotenv\n")
    assert project_of(tmp_path) == "of-dotenv"
    assert project_of(tmp_path, {"COMPOSE_PROJECT_NAME": "of-the-variable"}) == "of-the-variable"
    assert project_of(tmp_path, {"COMPOSE_PROJECT_NAME": "x"}, Compose("postgres", project="of-the-page")) == (
        "of-the-page"
    )


@pytest.mark.parametrize("name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"])
def test_a_service_that_the_compose_file_lacks_is_told_before_any_engine_is_asked(tmp_path: Path, name: str) -> None:
    """A misspelt service is a mistake of the page, with the closest one named."""
    (tmp_path / name).write_text(GAIA)
    with pytest.raises(UsageError, match="has no service postgers") as told:
        project_of(tmp_path, wanted=Compose("postgers"))
    assert (told.value.code, told.value.hint) == ("environment.unknown_service", "did you mean `postgres`?")


def test_services_may_stand_elsewhere(tmp_path: Path) -> None:
    """In the override file, or in a file that is included, which is not read."""
    (tmp_path / "compose.yml").write_text("services: {web: {}}\n")
    (tmp_path / "compose.override.yml").write_text("name: overridden\nservices: {postgres: {}}\n")
    assert project_of(tmp_path) == "overridden"
    (tmp_path / "compose.yml").write_text("include: [other.yml]\nservices: {web: {}}\n")
    assert project_of(tmp_path, wanted=Compose("elsewhere")) == "overridden"


@pytest.mark.parametrize("text", ["services: [", "services: {postgres: !reset null}", "- a list", "services:\n"])
def test_a_compose_file_that_cannot_be_read_is_for_compose_to_complain_of(tmp_path: Path, text: str) -> None:
    """Nothing is known of its services then, and the engine is asked."""
    folder = tmp_path / "gaia"
    folder.mkdir()
    (folder / "compose.yaml").write_text(text)
    assert project_of(folder) == "gaia"


def test_a_name_made_of_variables_is_not_guessed(tmp_path: Path) -> None:
    """What Compose would fill in is not known here; the folder's name is what it falls back to."""
    folder = tmp_path / "gaia"
    folder.mkdir()
    (folder / "compose.yaml").write_text("name: ${TEAM}-gaia\n" + GAIA)
    assert project_of(folder) == "gaia"


def test_an_environment_resolves_to_its_service(tmp_path: Path) -> None:
    """No variable, no address and no password are needed, and no engine is asked yet."""
    environments = {"dev": Environment(compose=Compose("postgres", profile="dev", project="gaia"))}
    endpoint = resolve("dev", environments, folder=tmp_path, variables={})
    assert endpoint.compose == ComposeService("gaia", "postgres", "dev")
    assert (endpoint.host, endpoint.port, endpoint.compose.up) == (
        None,
        None,
        "docker compose --profile dev up -d postgres",
    )


@pytest.mark.parametrize("ways", [{}, {"url": "${A}", "compose": Compose("db")}, {"url": "${A}", "service": "a"}])
def test_an_environment_is_found_in_one_way(ways: dict[str, Any]) -> None:
    """Two ways to one database would sooner or later be two databases."""
    with pytest.raises(ValueError, match="exactly one of `url`, `service` and `compose`"):
        Environment(**ways)
