"""Environments of a runbook, before any connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import secrets
from checks.errors import UsageError
from checks.runbook.model import Environment
from checks.targets.environment import pgbouncer_of, resolve
from checks.targets.session import Endpoint

ENVIRONMENTS = {
    "dev": Environment(url="${GAIA_DEV_DATABASE_URL}"),
    "parts": Environment(url="postgresql://app:${GAIA_PASSWORD}@${GAIA_HOST}/gaia"),
    "local": Environment(url="sqlite:///data/teller.db"),
    "prod": Environment(service="gaia-prod", protected=True),
}


@pytest.fixture(autouse=True)
def known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of these tests are forgotten after each."""
    monkeypatch.setattr(secrets, "_known", set())


def at(
    name: str, variables: dict[str, str] | None = None, *, folder: Path = Path("/project"), env_file: Path | None = None
) -> Endpoint:
    return resolve(name, ENVIRONMENTS, folder=folder, runbook="gaia", env_file=env_file, variables=variables or {})


def refused(name: str, variables: dict[str, str] | None = None, *, code: str, env_file: Path | None = None) -> str:
    with pytest.raises(UsageError) as refusal:
        at(name, variables, env_file=env_file)
    assert refusal.value.code == code
    return str(refusal.value).replace("\n", " ")


def test_a_variable_names_the_database() -> None:
    """The URL comes from the variable the page names."""
    assert at("dev", {"GAIA_DEV_DATABASE_URL": "postgresql://h/gaia"}) == Endpoint(host="h", database="gaia")


def test_a_url_may_be_made_of_several_variables() -> None:
    """A platform that hands out host and password apart is served too."""
    found = at("parts", {"GAIA_PASSWORD": "pw%2F1", "GAIA_HOST": "h:5433"})
    assert found == Endpoint(host="h", port=5433, user="app", password="pw/1", database="gaia")


def test_an_unset_variable_is_one_sentence() -> None:
    """What is not set is named, with the runbook, the environment and what to do."""
    said = refused("dev", code="environment.unset")
    assert "variable GAIA_DEV_DATABASE_URL, which the environment dev of the runbook gaia takes its URL from" in said
    assert "is not set" in said
    assert "--env-file" in said


def test_an_empty_variable_is_not_an_unset_one() -> None:
    """A secret that was not handed over arrives empty, and has a remedy of its own."""
    assert "is empty" in refused("dev", {"GAIA_DEV_DATABASE_URL": ""}, code="environment.empty")


def test_a_mistyped_value_is_told_by_its_variable() -> None:
    """A mistake in the value names the variable and the environment."""
    said = refused("dev", {"GAIA_DEV_DATABASE_URL": "${{Postgres.DATABASE_URL}}"}, code="environment.unresolved")
    assert said.startswith("The variable GAIA_DEV_DATABASE_URL (environment dev of the runbook gaia) is or holds")


def test_an_unknown_environment_is_told_with_the_list() -> None:
    """A misspelt environment is answered with the one that was meant, and with all there are."""
    said = refused("prd", code="environment.unknown")
    assert "it has dev, parts, local, prod" in said
    assert "did you mean `prod`?" in said


def test_a_page_without_environments_says_so() -> None:
    """Where the page names none, the sentence shows how to name one."""
    with pytest.raises(UsageError, match="has none"):
        resolve("dev", {}, folder=Path("/project"), variables={})


def test_an_env_file_is_read_when_it_is_named(tmp_path: Path) -> None:
    """Variables come from the file given, with references to its own variables filled in."""
    file = tmp_path / ".env"
    file.write_text("HOST=h\nGAIA_DEV_DATABASE_URL='postgresql://${HOST}/gaia'\n")
    assert at("dev", env_file=file) == Endpoint(host="h", database="gaia")


def test_the_process_wins_over_the_env_file(tmp_path: Path) -> None:
    """A variable both define differently is the process's: `.env` redirects nobody who has set it."""
    file = tmp_path / ".env"
    file.write_text("GAIA_DEV_DATABASE_URL=postgresql://file/gaia\n")
    variables = {"GAIA_DEV_DATABASE_URL": "postgresql://process/gaia"}
    assert at("dev", variables, env_file=file).host == "process"


def test_an_env_file_that_resolves_nothing_is_told(tmp_path: Path) -> None:
    """A platform's own reference copied into the file is not silently made into something else."""
    file = tmp_path / ".env"
    file.write_text("GAIA_DEV_DATABASE_URL=${{Postgres.DATABASE_URL}}\n")
    assert "nothing has replaced" in refused("dev", env_file=file, code="environment.unresolved")


def test_a_missing_env_file_is_told(tmp_path: Path) -> None:
    """An env file that is not there is a mistake, not an empty file."""
    assert "is not there" in refused("dev", env_file=tmp_path / "none", code="")


def test_a_sqlite_path_starts_at_the_projects_folder(tmp_path: Path) -> None:
    """A relative path means the same from whatever folder the command is run."""
    assert at("local", folder=tmp_path).path == str(tmp_path / "data/teller.db")


def test_a_service_names_the_database(tmp_path: Path) -> None:
    """A libpq service is read from the file the operator keeps, and its password is a secret at once."""
    file = tmp_path / "services"
    file.write_text(
        "# ours\n[other]\nhost=o\n\n[gaia-prod]\nhost=h\nport=5433\ndbname=gaia\npassword=s3cret-1\nsslmode=require\n"
    )
    found = at("prod", {"PGSERVICEFILE": str(file)})
    assert found == Endpoint(host="h", port=5433, database="gaia", password="s3cret-1", options={"sslmode": "require"})
    assert secrets.mask("s3cret-1") == "****"


def test_a_url_may_name_a_service(tmp_path: Path) -> None:
    """A service named in a URL fills in what the URL leaves out."""
    file = tmp_path / "services"
    file.write_text("[shared]\nhost=h\ndbname=other\n")
    variables = {"GAIA_DEV_DATABASE_URL": "postgresql:///gaia?service=shared", "PGSERVICEFILE": str(file)}
    assert at("dev", variables) == Endpoint(host="h", database="gaia")


def test_a_missing_service_is_one_sentence(tmp_path: Path) -> None:
    """A service no file has is told with the files looked into, and the one that was meant."""
    file = tmp_path / "services"
    file.write_text("[gaia-prd]\nhost=h\n")
    said = refused("prod", {"PGSERVICEFILE": str(file)}, code="environment.unset")
    assert f"The libpq service `gaia-prod` is not in {file}" in said
    assert "did you mean `gaia-prd`?" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gaia-prod]\nldap://ldap.example/dc=x", "LDAP"),
        ("[gaia-prod]\nhost h", "not key=value"),
        ("[gaia-prod]\nhots=h", "no PostgreSQL driver knows"),
        ("[gaia-prod]\nport=x", "no number from 1 to 65535"),
    ],
)
def test_a_mistyped_service_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    """A service file's mistakes are told before any connection."""
    file = tmp_path / "services"
    file.write_text(text)
    assert said in refused("prod", {"PGSERVICEFILE": str(file)}, code="environment.malformed")


def test_a_service_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A service file named and missing is a mistake, as it is to libpq."""
    assert "cannot be read" in refused("prod", {"PGSERVICEFILE": str(tmp_path / "none")}, code="environment.malformed")


def test_a_poolers_console_comes_from_a_variable_too() -> None:
    """Of the environment that names one; the others have none."""
    environments = {**ENVIRONMENTS, "pooled": Environment(url="${URL}", pgbouncer="${BOUNCER_URL}")}
    console = pgbouncer_of("pooled", environments, {"BOUNCER_URL": "postgresql://looker@h:6432/pgbouncer"})
    assert console == Endpoint(host="h", port=6432, user="looker", database="pgbouncer")
    assert pgbouncer_of("dev", environments, {}) is None
    with pytest.raises(UsageError, match="The variable BOUNCER_URL, which the PgBouncer of environment pooled takes"):
        pgbouncer_of("pooled", environments, {})
