"""What a colleague would think of, beside the general hint: each where it helps, and only there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checks.runbook.model import Environment
from checks.targets.causes import CAUSES
from checks.targets.environment import resolve
from checks.targets.hints import hint_on
from checks.targets.providers import demands_tls, inside_of
from checks.targets.session import Endpoint

PAGE = {"dev": Environment(url="${GAIA_DATABASE_URL}")}


def hints(cause: str, endpoint: Endpoint) -> str:
    """What is said beside the general hint."""
    return hint_on(cause, endpoint).removeprefix(CAUSES[cause].hint).strip()


def resolved(folder: Path, url: str, *, env_file: Path | None = None, **further: str) -> Endpoint:
    variables = {"GAIA_DATABASE_URL": url, **further} if url else further
    return resolve("dev", PAGE, folder=folder, env_file=env_file, variables=variables)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("postgres-og9n.railway.internal", "Railway's private network"),
        ("dpg-abc123def-a", "Render's private network"),
        ("my-db.flycast", "Fly.io's private network"),
        ("top1.nearest.of.db.internal", "Fly.io's private network"),
        ("db.shop.svc.cluster.local", "a Kubernetes cluster"),
    ],
)
def test_an_internal_name_is_recognised(host: str, network: str) -> None:
    """A name of a private network that does not resolve is told to be one, with what to use instead."""
    said = hints("host_not_found", Endpoint(host=host))
    assert f"{host} belongs to {network}" in said
    assert "Compose" not in said
    assert CAUSES["host_not_found"].hint not in said
    assert hints("password_rejected", Endpoint(host=host)) == ""


@pytest.mark.parametrize(
    "host", ["dpg-abc-a.oregon-postgres.render.com", "internal.example.com", "db.example.com", "10.0.0.1"]
)
def test_a_public_name_is_not_taken_for_an_internal_one(host: str) -> None:
    """A public host gives no such hint."""
    assert inside_of(host) is None
    assert hints("host_not_found", Endpoint(host=host)) == ""


def test_the_public_variable_is_named(tmp_path: Path) -> None:
    """DATABASE_URL with an internal host leads to DATABASE_PUBLIC_URL, more firmly where it is set."""
    url = "postgresql://u@postgres.railway.internal/railway"
    said = hints("host_not_found", resolved(tmp_path, url))
    assert "Set GAIA_DATABASE_PUBLIC_URL: the environment's `url` should name it in place of GAIA_DATABASE_URL." in said
    said = hints("host_not_found", resolved(tmp_path, url, GAIA_DATABASE_PUBLIC_URL="postgresql://h/d"))
    assert "GAIA_DATABASE_PUBLIC_URL is set here" in said


def test_a_compose_service_is_recognised() -> None:
    """A name without a dot that does not resolve is probably a container's."""
    assert "`db` has no dot" in hints("host_not_found", Endpoint(host="db"))
    assert hints("refused", Endpoint(host="db")) == ""
    assert hints("host_not_found", Endpoint(host="localhost")) == ""


def test_a_missing_cloudsql_folder_is_recognised() -> None:
    """A socket that only Google Cloud mounts is told with the proxy that makes it elsewhere."""
    said = hints("refused", Endpoint(host="/cloudsql/project:region:gaia"))
    assert "`cloud-sql-proxy project:region:gaia`" in said
    assert hints("refused", Endpoint(host="/var/run/postgresql")) == ""


@pytest.mark.parametrize(
    ("host", "platform"),
    [
        ("dpg-abc-a.oregon-postgres.render.com", "Render"),
        ("ep-cool-name-123.eu-central-1.aws.neon.tech", "Neon"),
        ("db.abcdefgh.supabase.co", "Supabase"),
        ("aws-0-eu-central-1.pooler.supabase.com", "Supabase"),
        ("gaia.postgres.database.azure.com", "Azure"),
        ("ec2-3-210-1-2.compute-1.amazonaws.com", "Heroku"),
        ("gaia.abc.eu-west-1.rds.amazonaws.com", "Amazon RDS"),
        ("db.example.com", ""),
    ],
)
def test_a_platform_that_wants_tls_is_recognised(host: str, platform: str) -> None:
    """A URL without sslmode, for a host of a platform that wants TLS, is told to add it; one that has it is not."""
    assert demands_tls(host) == platform
    bare = Endpoint(host=host)
    assert (f"{platform} wants TLS" in hints("tls_required", bare)) is bool(platform)
    assert "wants TLS" not in hints("tls_required", replace(bare, options={"sslmode": "verify-full"}))
    assert "wants TLS" not in hints("password_rejected", bare)


def test_a_value_that_hides_another_is_told(tmp_path: Path) -> None:
    """A variable that the process and a .env beside the runbooks both have is told, whichever counts."""
    local = tmp_path / ".env"
    local.write_text("GAIA_DATABASE_URL=postgresql://u:s3cret-1@h/d\n")
    differs = hints("password_rejected", resolved(tmp_path, "postgresql://u:s3cret-2@h/d"))
    assert f"GAIA_DATABASE_URL has another value in {local}, which is hidden by the one that is set" in differs
    same = hints("password_rejected", resolved(tmp_path, "postgresql://u:s3cret-1@h/d"))
    assert f"GAIA_DATABASE_URL has the value of {local}: one that the platform gives may be hidden by it." in same
    named = tmp_path / "prod.env"
    named.write_text("GAIA_DATABASE_URL=postgresql://u:s3cret-3@h/d\n")
    read = hints("password_rejected", resolved(tmp_path, "", env_file=named))
    assert f"GAIA_DATABASE_URL was read from {named}" in read
    assert "s3cret" not in differs + same + read
    assert hints("starting_up", resolved(tmp_path, "postgresql://u:s3cret-2@h/d")) == ""


def test_a_file_that_cannot_be_read_is_no_second_failure(tmp_path: Path) -> None:
    """A .env that is no text hides nothing."""
    (tmp_path / ".env").write_bytes(b"GAIA_DATABASE_URL=\xff\xfe\n")
    assert hints("password_rejected", resolved(tmp_path, "postgresql://u@h/d")) == ""


def test_a_driver_in_the_url_is_told_for_psql(tmp_path: Path) -> None:
    """Whoever tries the URL by hand must take the driver out of it."""
    said = hints("password_rejected", resolved(tmp_path, "postgresql+asyncpg://u@h/d"))
    assert "take `+asyncpg` out of it" in said
    assert hints("password_rejected", resolved(tmp_path, "postgresql://u@h/d")) == ""
