"""What is a password, and what only shows where one goes."""

from __future__ import annotations

import pytest

from checks.runbook.passwords import is_password_key, literals
from checks.secrets import mask


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:tr0ub4dor@db/app",
        "postgresql+asyncpg://app:tr0ub@4dor@db:5432/app",
        "postgres://:tr0ub4dor@db",
        "DATABASE_URL=postgresql://gaia:gaia_secure_password@postgres:5432/gaia",
        "PGPASSWORD=tr0ub4dor psql",
        "export POSTGRES_PASSWORD='tr0ub4dor'",
        "psql 'host=db password=tr0ub4dor'",
        "--password=tr0ub4dor",
        "postgresql://db/app?user=app&password=tr0ub4dor",
        "ALTER ROLE app WITH LOGIN PASSWORD 'tr0ub4dor'",
        "PGPASSWORD=${PGPASSWORD:-tr0ub4dor}",
    ],
)
def test_a_literal_password_is_found(text: str) -> None:
    """Wherever connection strings, shells and SQL have one; it is masked from then on."""
    [literal] = literals(text)
    assert "tr0ub4dor" not in literal.what
    assert "tr0ub" not in mask(text)
    assert "gaia_secure" not in mask(text)


PLACEHOLDERS = """
    PASSWORD pass password xxx XXXX <password> **** $VAR ${VAR} $(cat) … ... your_password DB_PASSWORD changeme
    change-me [password] {{password}} %(password)s secret ${VAR:-changeme} $1 example db-password:latest
"""


@pytest.mark.parametrize("secret", PLACEHOLDERS.split())
def test_a_placeholder_is_not_a_password(secret: str) -> None:
    """A page may show the form of a URL or a command."""
    assert not list(literals(f"postgresql://app:{secret}@db/app and PGPASSWORD={secret} psql"))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org:8080/a@b",
        "Password: see the vault",
        "password_encryption=scram-sha-256",
        "PGPASSFILE=/run/secrets/pgpass",
        "WHERE rolpassword IS NULL",
        "sqlite:///app.db",
        "mail ops@example.org",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    """Settings, files and addresses that only look like it."""
    assert not list(literals(text))


def test_a_password_that_is_the_users_name_masks_nothing() -> None:
    """It is told of, but hiding `postgres` everywhere would leave no sentence whole."""
    assert list(literals("postgresql://postgres:postgres@localhost"))
    assert mask("postgres") == "postgres"


def test_keys_that_hold_passwords_are_known_by_name() -> None:
    """And columns of that sort are not."""
    assert all(map(is_password_key, ["password", "db_password", "PGPASSWORD".lower()[2:], "token", "client-secret"]))
    assert not any(map(is_password_key, ["password_encryption", "tokens", "pass", "secrets_path"]))
