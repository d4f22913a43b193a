"""Passwords: which ones anybody would try first."""

from __future__ import annotations

import pytest

from checks.catalog.password import KNOWN_DEFAULTS, _plain, is_known

FROM_PAGES = ["gaia_secure_password", "your-super-secret-and-long-postgres-password", "mysecretpassword", "CHANGE_ME!"]


@pytest.mark.parametrize(
    "password",
    [
        *FROM_PAGES,
        "postgres",
        "Postgres123",
        "admin",
        "<password>",
        "gaia",
        "gaia_app",
        "gaia-app-password",
        "gaia2024",
    ],
)
def test_a_default_is_known_in_any_dress(password: str) -> None:
    """Case, separators and figures at the end do not make a default a secret, nor do the names in the URL."""
    assert is_known(password, "gaia_app", "gaia")


@pytest.mark.parametrize("password", ["123456", "1234567890123456", "0000000000000000"])
def test_a_row_of_figures_is_known(password: str) -> None:
    """Counting is no secret."""
    assert is_known(password)


@pytest.mark.parametrize(
    "password", ["kT4x9-qLm2_vB7zR", "8364519207736451", "correct horse battery staple", "postgresql-on-mars"]
)
def test_a_random_password_is_not_known(password: str) -> None:
    """What nobody would try is no default, whatever it is made of."""
    assert not is_known(password, "gaia_app", "gaia", None)


def test_the_list_is_in_the_form_it_is_compared_in() -> None:
    """An entry in another form would never be found."""
    assert {entry for entry in KNOWN_DEFAULTS if _plain(entry) != entry} == set()
