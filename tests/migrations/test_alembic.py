"""Alembic's revisions as their text states them, with Alembic itself as the witness."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.errors import CouldNotTell
from checks.migrations.alembic import read, version_table
from checks.migrations.history import VersionTable
from checks.runbook.model import Migrations
from tests.migrations.trees import Reference, alembic_tree, revision

GRAPHS: dict[str, dict[str, Reference]] = {
    "one": {"a": None},
    "a line": {"a": None, "b": "a", "c": "b"},
    "a line in reverse file order": {"c": None, "b": "c", "a": "b"},
    "two heads": {"a": None, "b": "a", "c": "a"},
    "merged": {"a": None, "b": "a", "c": "a", "d": ("b", "c")},
    "merged and branched again": {"a": None, "b": "a", "c": "a", "d": ("b", "c"), "e": "d", "f": "d"},
    "two bases": {"a": None, "b": None, "c": "a"},
    "two bases merged": {"a": None, "b": None, "c": ["a", "b"]},
}


def witness(root: Path, path: str = "m/alembic.ini") -> ScriptDirectory:
    """Alembic's own reading, which imports every file."""
    return ScriptDirectory.from_config(Config(str(root / path)))


def agrees(root: Path, migrations: Migrations, script: ScriptDirectory) -> None:
    """Our heads are Alembic's, and our order is one that Alembic could take."""
    history = read(root, migrations)
    assert history.mistakes == ()
    assert set(history.heads) == set(script.get_heads())
    assert set(history.by_revision) == {one.revision for one in script.walk_revisions()}
    for one in script.walk_revisions():
        ancestors = {found.revision for found in script.iterate_revisions(one.revision, "base", inclusive=True)}
        assert ancestors <= history.up_to([one.revision])
    seen: set[str] = set()
    for migration in history.migrations:
        assert set(migration.parents) <= seen
        seen.add(migration.revision)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_heads_read_statically_are_those_alembic_finds(tmp_path: Path, graph: dict[str, Reference]) -> None:
    """Whatever the shape of the history, its heads and ancestors are the same as Alembic's own."""
    agrees(tmp_path, alembic_tree(tmp_path, graph), witness(tmp_path))


@given(parents=st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_without_a_circle_is_read_as_alembic_reads_it(
    tmp_path_factory: pytest.TempPathFactory, parents: list[list[int]]
) -> None:
    """Random histories, each revision continuing any of the earlier ones, have the heads that Alembic finds."""
    graph: dict[str, Reference] = {}
    for number, chosen in enumerate(parents):
        before = sorted({choice % number for choice in chosen}) if number else []
        graph[f"r{number}"] = tuple(f"r{choice}" for choice in before) or None
    root = tmp_path_factory.mktemp("graph")
    agrees(root, alembic_tree(root, graph), witness(root))


def test_a_dependency_is_applied_before_but_keeps_its_own_head(tmp_path: Path) -> None:
    """`depends_on` orders revisions of two branches, by revision or by branch label, and merges nothing."""
    migrations = alembic_tree(tmp_path, {})
    versions = tmp_path / "m" / "versions"
    revision(versions, "a", labels="users")
    revision(versions, "b", "a")
    revision(versions, "x", labels=("orders",), depends="b")
    revision(versions, "y", "x", depends="users")
    agrees(tmp_path, migrations, witness(tmp_path))
    history = read(tmp_path, migrations)
    assert history.heads == ("b", "y")
    assert history.up_to(["y"]) == {"a", "b", "x", "y"}


def test_nothing_of_the_project_is_imported_or_run(tmp_path: Path) -> None:
    """Files that would stop Python the moment they are imported are read, and Alembic itself is not needed."""
    migrations = alembic_tree(tmp_path, {"a": None}, env="raise SystemExit('env.py was run')")
    path = tmp_path / "m" / "versions" / "a_of_a_test.py"
    path.write_text("import no_such_module\nraise SystemExit('it was run')\n" + path.read_text())
    before = set(sys.modules)
    assert read(tmp_path, migrations).heads == ("a",)
    assert version_table(tmp_path, migrations) == VersionTable("alembic_version")
    assert set(sys.modules) == before


def test_annotated_assignments_lists_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    """The newer template annotates what the older one assigns; both are read."""
    migrations = alembic_tree(tmp_path, {"a": None, "b": "a"})
    (tmp_path / "m" / "versions" / "c.py").write_bytes(
        b"\xef\xbb\xbf'''Third.\n\nMore of it.\n'''\nfrom typing import Union\nrevision: str = 'c'\n"
        b"down_revision: Union[str, None] = 'b'\ndepends_on: Union[str, None] = None\nbranch_labels = []\n"
    )
    history = read(tmp_path, migrations)
    assert history.heads == ("c",)
    assert str(history.by_revision["c"]) == "c (Third)"


def test_what_alembic_skips_is_skipped(tmp_path: Path) -> None:
    """An editor's lock file, a package's __init__ and a cache are no revisions."""
    migrations = alembic_tree(tmp_path, {"a": None})
    versions = tmp_path / "m" / "versions"
    (versions / "__init__.py").write_text("raise SystemExit")
    (versions / ".#a_of_a_test.py").write_text("raise SystemExit")
    (versions / "__pycache__").mkdir(exist_ok=True)
    (versions / "__pycache__" / "a.py").write_text("raise SystemExit")
    assert len(read(tmp_path, migrations).migrations) == 1


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("revision = 'a'\ndown_revision = None\n", "Revision a is defined twice, in a_of_a_test.py and z.py."),
        ("revision = 'z'\ndown_revision = 'gone'\n", "z.py: down_revision names gone, which no file defines."),
        ("revision = 'z'\ndepends_on = ('gone',)\n", "z.py: depends_on names gone, which no file defines."),
        ("revision = 'z'\ndown_revision = previous()\n", "z.py:2: down_revision is not a literal."),
        ("down_revision = None\n", "z.py names no revision."),
        ("revision = \n", "z.py is not Python that can be read: invalid syntax (z.py, line 1)."),
    ],
)
def test_files_that_contradict_each_other_are_told(tmp_path: Path, text: str, mistake: str) -> None:
    """A file that cannot be part of a history is named, with what is wrong, and the others are still read."""
    migrations = alembic_tree(tmp_path, {"a": None})
    (tmp_path / "m" / "versions" / "z.py").write_text(text)
    history = read(tmp_path, migrations)
    assert history.mistakes == (mistake,)
    assert "a" in history.by_revision


def test_a_circle_is_told_and_ends(tmp_path: Path) -> None:
    """Revisions that are each other's ancestors are named; Alembic refuses them too."""
    history = read(tmp_path, alembic_tree(tmp_path, {"a": "c", "b": "a", "c": "b"}))
    [mistake] = history.mistakes
    assert mistake.startswith("The revisions a, b, c cannot be put in order")


def test_a_revision_named_by_its_file_alone_is_read_as_alembic_reads_it(tmp_path: Path) -> None:
    """The oldest files have no `revision`, and a name of hexadecimal digits."""
    migrations = alembic_tree(tmp_path, {"a1": None})
    (tmp_path / "m" / "versions" / "beef.py").write_text("down_revision = 'a1'\n")
    assert read(tmp_path, migrations).heads == ("beef",) == tuple(witness(tmp_path).get_heads())


CONFIGURATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "several locations": (
        "m/alembic.ini",
        {
            "m/alembic.ini": "script_location = %(here)s\npath_separator = os\n"
            "version_locations = %(here)s/v/1:%(here)s/v/2"
        },
    ),
    "several locations, one a line": (
        "m/alembic.ini",
        {
            "m/alembic.ini": "script_location = %(here)s\npath_separator = newline\n"
            "version_locations =\n    %(here)s/v/1\n    %(here)s/v/2"
        },
    ),
    "found recursively": (
        "m/alembic.ini",
        {
            "m/alembic.ini": "script_location = %(here)s\npath_separator = os\nrecursive_version_locations = true\n"
            "version_locations = %(here)s/v"
        },
    ),
    "an ini above the scripts": (
        "alembic.ini",
        {
            "alembic.ini": "script_location = %(here)s/m\npath_separator = os\n"
            "version_locations = %(here)s/m/v/1:%(here)s/m/v/2"
        },
    ),
}


@pytest.mark.parametrize(("path", "files"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_the_configuration_leads_where_it_leads_alembic(tmp_path: Path, path: str, files: dict[str, str]) -> None:
    """Script and version locations are found as Alembic finds them, from the file and from its folder alike."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "env.py").touch()
    for name, text in files.items():
        (tmp_path / name).write_text(f"[alembic]\n{text}\n")
    revision(tmp_path / "m" / "v" / "1", "a")
    revision(tmp_path / "m" / "v" / "2", "b", "a")
    agrees(tmp_path, Migrations("alembic", path), witness(tmp_path, path))
    agrees(tmp_path, Migrations("alembic", str(Path(path).parent)), witness(tmp_path, path))
    agrees(tmp_path, Migrations("alembic", "m"), witness(tmp_path, path))


def test_pyproject_configures_alembic_as_an_ini_does(tmp_path: Path) -> None:
    """`[tool.alembic]` is read, lists and `%(here)s` included, beside an ini file that has no say in it."""
    toml = '[tool.alembic]\nscript_location = "%(here)s/m"\nversion_locations = ["%(here)s/m/v1", "%(here)s/m/v2"]\n'
    (tmp_path / "pyproject.toml").write_text(toml)
    (tmp_path / "alembic.ini").write_text("[alembic]\nsqlalchemy.url = driver://%(MISSING)s\n[loggers]\nkeys = root\n")
    revision(tmp_path / "m" / "v1", "a")
    revision(tmp_path / "m" / "v2", "b", "a")
    config = Config(str(tmp_path / "alembic.ini"), toml_file=str(tmp_path / "pyproject.toml"))
    agrees(tmp_path, Migrations("alembic", "."), ScriptDirectory.from_config(config))
    agrees(tmp_path, Migrations("alembic", "pyproject.toml"), ScriptDirectory.from_config(config))


def test_a_script_folder_inside_a_package_is_found_without_importing_it(tmp_path: Path) -> None:
    """`package:folder` is looked up beside the ini file."""
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = app.db:migrations\n")
    (tmp_path / "app" / "db").mkdir(parents=True)
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('imported')")
    revision(tmp_path / "app" / "db" / "migrations" / "versions", "a")
    assert read(tmp_path, Migrations("alembic", ".")).heads == ("a",)


@pytest.mark.parametrize(
    ("env", "ini", "stated", "expected"),
    [
        ("", "", {}, "alembic_version"),
        ("", "version_table = v", {}, "v"),
        ("context.configure(connection=c, version_table='v', version_table_schema='s')", "", {}, "s.v"),
        ("SCHEMA = 's'\ncontext.configure(version_table_schema=SCHEMA)", "", {}, "s.alembic_version"),
        ("context.configure(version_table='e')", "version_table = i", {}, "e"),
        ("context.configure(version_table=settings.table)", "version_table = i", {}, "i"),
        ("context.configure(version_table='e')", "", {"table": "t", "table_schema": "u"}, "u.t"),
    ],
)  # fmt: skip
def test_the_version_table_is_where_env_says_unless_the_page_knows_better(
    tmp_path: Path, env: str, ini: str, stated: dict[str, Any], expected: str
) -> None:
    """Literals in env.py win over the ini file, which only env.py could read; the page wins over both."""
    alembic_tree(tmp_path, {"a": None}, env=env, ini=ini)
    assert str(version_table(tmp_path, Migrations("alembic", "m", **stated))) == expected


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no Alembic environment"),
        ({"alembic.ini": "[alembic]\n"}, "sets no script_location"),
        ({"alembic.ini": "[alembic]\nscript_location = nowhere\n"}, "nowhere does not exist"),
        ({"alembic.ini": "[alembic]\nscript_location = %(nowhere)s\n"}, "cannot be read"),
        ({"pyproject.toml": "[tool.alembic\n"}, "cannot be read"),
        ({"env.py": ""}, "No Alembic revision lies in"),
    ],
)
def test_an_environment_that_is_not_there_is_no_verdict(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    """Files that cannot be found or read leave the question open, and the sentence says which."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(CouldNotTell, match=sentence) as raised:
        read(tmp_path, Migrations("alembic", "."))
    assert raised.value.code == "migrations.unreadable"
