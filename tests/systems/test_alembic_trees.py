"""The four Alembic trees work the ways people run them: by URL, as SQL for somebody else, and teller's on SQLite."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from checks.targets.embedded import EmbeddedTarget
from checks.targets.url import sqlalchemy_url
from tests.systems.tools import FOLDER, execute, value_of

TREES = ("relay", "blackroad", "gaia", "teller")


def config(system: str, script: io.StringIO | None = None) -> Config:
    """The tree as `alembic -c migrations/SYSTEM/alembic.ini` sees it; `script` takes the SQL of offline commands."""
    ini = FOLDER / "migrations" / system / "alembic.ini"
    return Config(str(ini), stdout=io.StringIO(), output_buffer=script)


@pytest.fixture(params=["postgresql", "postgres", "postgresql+asyncpg"])
def named_by_url(
    request: pytest.FixtureRequest, target: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> EmbeddedTarget:
    """An empty database that DATABASE_URL names, in each form applications write it."""
    _, rest = sqlalchemy_url(target.socket_endpoint).split("://", 1)
    monkeypatch.setenv("DATABASE_URL", f"{request.param}://{rest}")
    return target


@pytest.mark.parametrize("system", TREES)
def test_the_url_of_the_application_will_do(system: str, named_by_url: EmbeddedTarget) -> None:
    """Whatever driver the application's URL names, `alembic upgrade head` goes where it leads, and leaves no drift."""
    command.upgrade(config(system), "head")
    command.check(config(system))
    assert value_of(named_by_url, "SELECT count(*) FROM alembic_version") == 1


@pytest.mark.parametrize("system", TREES)
def test_the_sql_for_somebody_else_builds_the_same(
    system: str, target: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alembic upgrade head --sql` needs no database, and whoever runs its script gets what the models declare."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    script = io.StringIO()
    command.upgrade(config(system, script), "head", sql=True)
    execute(target, script.getvalue().replace("BEGIN;", "").replace("COMMIT;", ""))
    monkeypatch.setenv("DATABASE_URL", sqlalchemy_url(target.socket_endpoint))
    command.check(config(system))


@pytest.mark.parametrize("system", [one for one in TREES if one != "teller"])
def test_a_missing_url_is_one_sentence(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DATABASE_URL nothing is guessed, and the message says what to set."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(CommandError, match="DATABASE_URL is not set: export the URL"):
        command.upgrade(config(system), "head")


@pytest.fixture
def default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where teller keeps its data when nothing else is said."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "devin_teller.db"


def test_teller_without_a_url_is_a_file(default_file: Path) -> None:
    """teller's tree goes up, down and up on its default SQLite file, and ends without drift."""
    for go, revision in ((command.upgrade, "head"), (command.downgrade, "base"), (command.upgrade, "head")):
        go(config("teller"), revision)
    command.check(config("teller"))
    assert default_file.exists()


def test_nothing_is_printed(default_file: Path) -> None:
    """Migrations run inside a report's own output, and say nothing of their own there."""
    with redirect_stdout(io.StringIO()) as printed:
        command.upgrade(config("teller"), "head")
    assert printed.getvalue() == ""


@pytest.mark.parametrize("system", TREES)
def test_a_revision_can_be_made_from_the_template(system: str, tmp_path: Path) -> None:
    """`alembic revision` finds its template, and writes a file that names the head before it."""
    tree = config(system)
    tree.set_main_option("version_locations", str(tmp_path))
    tree.set_main_option("script_location", str(FOLDER / "migrations" / system))
    made = command.revision(tree, "Something new", rev_id="0123456789ab", head="base", version_path=str(tmp_path))
    assert made is not None
    assert not isinstance(made, list)
    text = Path(made.path).read_text(encoding="utf-8")
    assert 'revision = "0123456789ab"' in text.replace("'", '"')
