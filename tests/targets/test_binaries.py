"""Finding PostgreSQL's programs: the order, and folders that only look like an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import TargetFailed
from checks.targets import binaries
from checks.targets.binaries import WHEEL, Binaries, available, find


def install(folder: Path, version: str, *, initdb: str = "") -> Path:
    """Stands in for an installation: two programs that say their version, and `initdb` perhaps another one."""
    folder.mkdir(parents=True)
    for name, says in (("postgres", version), ("initdb", initdb or version)):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {says}'\n")
        program.chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing but what a test installs below `tmp_path / "pg"`."""
    monkeypatch.setattr(binaries, "SYSTEM_FOLDERS", (f"{str(tmp_path)[1:]}/pg/*/bin",))
    monkeypatch.setattr(binaries, "wheel_folder", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv(binaries.NAMED_BY, raising=False)
    return tmp_path


@pytest.fixture
def wheel(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel of 17 on that machine."""
    folder = install(machine / "wheel" / "bin", "17.10")
    monkeypatch.setattr(binaries, "wheel_folder", lambda: folder)
    return folder


def test_the_servers_of_this_machine_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs the tests run on are there, and say the version they were found with."""
    monkeypatch.delenv(binaries.NAMED_BY, raising=False)
    found = find()
    assert found.major >= 13
    assert found.program("postgres").is_file()
    assert found in available()


def test_a_system_installation_of_the_wanted_major_comes_before_the_wheel(machine: Path, wheel: Path) -> None:
    """The system's 17 is taken, not the wheel's 17."""
    system = install(machine / "pg" / "17" / "bin", "17.2 (Debian 17.2-1)")
    assert find(17) == Binaries(system, "17.2", 17, "Debian's PostgreSQL")


def test_the_wheel_comes_before_a_system_installation_of_another_major(machine: Path, wheel: Path) -> None:
    """For 16, the wheel's 17 is nearer to hand than the system's 15, and says that it is 17."""
    install(machine / "pg" / "15" / "bin", "15.18")
    assert find(16) == Binaries(wheel, "17.10", 17, WHEEL)


def test_any_system_installation_is_better_than_none(machine: Path) -> None:
    """Without the wheel the newest of the system is taken, whatever major was wanted."""
    install(machine / "pg" / "9" / "bin", "9.6.24")
    newest = install(machine / "pg" / "15" / "bin", "15.18")
    assert find(16).folder == newest


def test_without_a_wanted_major_the_newest_is_taken(machine: Path, wheel: Path) -> None:
    """The wheel's 17 is newer than 15, and the system's 17 is preferred to it."""
    install(machine / "pg" / "15" / "bin", "15.18")
    assert find().folder == wheel
    system = install(machine / "pg" / "17" / "bin", "17.1")
    assert find().folder == system


def test_a_named_folder_comes_first(machine: Path, wheel: Path) -> None:
    """A bin folder or an installation's prefix may be named, and its major does not matter."""
    named = install(machine / "mine" / "bin", "14.1")
    assert find(17, named).version == "14.1"
    assert find(17, named.parent).folder == named


def test_a_copy_that_is_named_is_not_called_debians(machine: Path) -> None:
    """Whose build was copied says nothing of where a server comes from: a person named it, and so the report says."""
    named = install(machine / "mine" / "bin", "15.18 (Debian 15.18-1)")
    assert find(15, named).obtained == f"embedded, PostgreSQL 15.18 in {named}, named explicitly"


def test_a_folder_may_be_named_in_the_environment(machine: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGRUNBOOK_PG_BIN is as good as the option, and the option goes before it."""
    named = install(machine / "mine" / "bin", "14.1")
    monkeypatch.setenv(binaries.NAMED_BY, str(named))
    assert find(17).folder == named
    assert find(17, wheel).folder == wheel


def test_a_named_folder_without_a_server_is_refused(machine: Path, wheel: Path) -> None:
    """Nothing else is taken in place of what a person named."""
    with pytest.raises(TargetFailed, match="holds no working PostgreSQL server") as failed:
        find(17, machine / "nothing")
    assert "--postgres-bin" in failed.value.hint


def test_a_client_only_pg_config_is_no_installation(machine: Path) -> None:
    """libpq-dev brings a pg_config whose folder has no server in it."""
    (machine / "client").mkdir()
    _pg_config(machine, machine / "client")
    with pytest.raises(TargetFailed, match=r"No PostgreSQL server program .*16"):
        find(16)


def test_pg_config_leads_to_an_unusual_folder(machine: Path) -> None:
    """A server installed anywhere is found when its pg_config is on PATH."""
    folder = install(machine / "unusual", "16.4")
    _pg_config(machine, folder)
    assert find(16).folder == folder


@pytest.mark.parametrize("says", ["", "initdb"], ids=["mute", "nonsense"])
def test_a_broken_program_is_no_installation(machine: Path, says: str) -> None:
    """A program that is there and does not answer is passed over."""
    folder = install(machine / "pg" / "16" / "bin", "16.4")
    (folder / "postgres").write_text(f"#!/bin/sh\necho '{says}'\nexit 1\n")
    assert available() == []


def test_programs_of_two_versions_are_no_installation(machine: Path) -> None:
    """An upgrade half done would make a template that its own server refuses."""
    install(machine / "pg" / "16" / "bin", "16.4", initdb="16.3")
    assert available() == []


def test_nothing_at_all_is_one_sentence_and_what_to_do(machine: Path) -> None:
    """The hint names the three ways out."""
    with pytest.raises(TargetFailed) as failed:
        find(16)
    assert "version 16 is wanted" in failed.value.sentence
    assert all(way in failed.value.hint for way in ("embedded", "apt install postgresql-16", "--postgres-bin"))


def test_a_replaced_program_is_asked_again(machine: Path) -> None:
    """Versions are remembered only as long as the program is the same."""
    folder = install(machine / "pg" / "16" / "bin", "16.4")
    assert find(16).version == "16.4"
    for name in binaries.NEEDED:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 16.5'\n")
    assert find(16).version == "16.5"


def _pg_config(machine: Path, bindir: Path) -> None:
    (machine / "path").mkdir()
    program = machine / "path" / "pg_config"
    program.write_text(f"#!/bin/sh\necho '{bindir}'\n")
    program.chmod(0o755)
