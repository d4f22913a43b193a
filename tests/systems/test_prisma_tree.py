"""platform-api's Prisma tree says the same thing three times: schema, migrations, page."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from checks.check import Severity
from checks.result import Status
from tests.systems.tools import FOLDER, Copier, ask, page_of, value_of

TREE = FOLDER / "migrations" / "platform-api"
_MODEL = re.compile(r"^(?:model|view) (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) +(\w+)(\[\])?(\??)(.*)$", re.MULTILINE)


def declared() -> dict[str, set[str]]:
    """Every model and view of schema.prisma by its name in the database, with its columns."""
    models = dict(_MODEL.findall((TREE / "schema.prisma").read_text(encoding="utf-8")))
    return {_mapped(body, "@@map") or name: set(_columns(body, set(models))) for name, body in models.items()}


def _columns(body: str, models: set[str]) -> list[str]:
    fields = [field for field in _FIELD.findall(body) if field[1] not in models]
    return [_mapped(rest, "@map") or name for name, _, _, _, rest in fields]


def _mapped(text: str, attribute: str) -> str:
    match = re.search(rf'(?<!@){attribute}\("([^"]+)"\)', text)
    return match[1] if match else ""


def test_every_table_and_column_is_in_the_schema_file(copy_of: Copier) -> None:
    """What the migrations make and schema.prisma does not know, Prisma would offer to drop."""
    _, target = copy_of("platform-api")
    made = value_of(
        target,
        "SELECT json_object_agg(t, columns) FROM (SELECT table_name AS t, json_agg(column_name) AS columns "
        "FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1) AS found",
    )
    made.pop("_prisma_migrations")
    assert {table: set(columns) for table, columns in made.items()} == declared()


def test_the_two_migrations_are_those_of_the_service() -> None:
    """By name, in the order they were applied."""
    assert [path.name for path in sorted((TREE / "migrations").iterdir()) if path.is_dir()] == [
        "20251225123806_group_buying_sales_report",
        "20251225172757_platform_api_tables",
    ]


def test_the_lock_names_the_provider() -> None:
    """Prisma refuses a tree whose lock is for another database."""
    assert 'provider = "postgresql"' in (TREE / "migrations" / "migration_lock.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["DROP", "TRUNCATE", "DELETE", "ALTER COLUMN"])
def test_the_migrations_destroy_nothing(word: str) -> None:
    """The warning of the service's team holds for what is generated, not for what is shipped."""
    scripts = [path.read_text(encoding="utf-8") for path in TREE.glob("migrations/*/migration.sql")]
    assert not any(re.search(rf"^\s*{word}\b", script, re.MULTILINE) for script in scripts)
    assert len(scripts) == 2


def test_a_generated_migration_that_drops_a_table_is_listed(copy_of: Copier, tmp_path: Path) -> None:
    """What the team warns of: Prisma drops what its schema file does not know. The page shows what to do about it."""
    _, target = copy_of("platform-api")
    shutil.copytree(TREE / "migrations", tmp_path / "migrations")
    generated = tmp_path / "migrations" / "20260105090000_tidy_up"
    generated.mkdir()
    (generated / "migration.sql").write_text('-- DropTable\nDROP TABLE "view_whitelist";\n', encoding="utf-8")
    page = page_of("platform-api")
    assert page.front.migrations is not None
    front = replace(page.front, migrations=replace(page.front.migrations, path=str(tmp_path)))
    result = ask(replace(page, front=front), target, only=["migrations at head"])["migrations at head"]
    assert (result.status, result.codes) == (Status.FAILED, ("migrations.behind", "migrations.destroys_data"))
    assert result.findings[-1].severity is Severity.WARN
    section = page.fix_for("migrations.destroys_data")
    assert section is not None
    assert section.title == "Prisma wants to drop a table"
