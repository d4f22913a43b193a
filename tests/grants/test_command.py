"""`invoke grants` as a person uses it: the script on stdout, to be read, and run by psql."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.grants.command import script_of
from tests.command import ROOT, page, pgrunbook
from tests.systems.tools import Copier, page_of


def test_the_script_runs_under_psql_and_gives_no_password(copy_of: Copier) -> None:
    """Word for word what the command prints for a page, without an error or a warning, and the role has no password."""
    script = script_of(page_of("relay"), role="Relay's reader")
    whole, target = copy_of("relay")
    endpoint = target.socket_endpoint
    where = f"host={endpoint.host} port={endpoint.port} user={endpoint.user} dbname={target.database}"
    program = str(whole.server.binaries.program("psql"))
    psql = [program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-", where]
    try:
        ended = subprocess.run(psql, input=script, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        with whole.server.connect(target.database) as connection:
            row = connection.execute(
                "SELECT rolpassword, rolcanlogin, rolsuper, rolconnlimit FROM pg_authid WHERE rolname = %s",
                ["Relay's reader"],
            ).fetchone()
        assert row == (None, True, False, 4)
        # What the script says of taking it back is true.
        assert 'DROP OWNED BY "Relay\'s reader"; DROP ROLE "Relay\'s reader";' in script
    finally:
        with whole.server.connect(target.database) as connection:
            connection.execute('DROP OWNED BY "Relay\'s reader"')
            connection.execute('DROP ROLE "Relay\'s reader"')


def test_what_public_may_beyond_is_warned_of(copy_of: Copier) -> None:
    """A schema open to everybody is open to the role too, and whoever runs the script is told."""
    whole, target = copy_of("relay")
    script = script_of(page_of("relay"), role="warned")
    heard: list[str] = []
    with whole.server.connect(target.database) as connection:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        connection.execute("GRANT DELETE ON audit_log TO PUBLIC")
        try:
            connection.execute(script.encode())
        finally:
            connection.execute("DROP OWNED BY warned")
            connection.execute("DROP ROLE warned")
    assert [one.partition(",")[0] for one in sorted(heard)] == [
        "PUBLIC has CREATE ON SCHEMA public",
        "PUBLIC has DELETE ON public.audit_log",
    ]


def test_a_page_gets_its_script_from_the_command(tmp_path: Path) -> None:
    """The name, the longest timeout and the command stand in it; a page with nothing to observe is told apart."""
    page(tmp_path, "my-shop", "```yaml check\nquery: {sql: SELECT 1, timeout: 90s}\n```")
    ended = pgrunbook("grants", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert "CREATE ROLE pgrunbook_my_shop LOGIN" in ended.out
    assert "SET statement_timeout = '90s'" in ended.out
    page(tmp_path, "my-shop", "```yaml check\nsmoke: {write: [SELECT 1], read: SELECT 1}\n```")
    assert pgrunbook("grants", folder=tmp_path).code == 5


@pytest.mark.parametrize("arguments", [["--role", "pg_mine"], ["--role", "x" * 64], ["--runbook", "nothing"]])
def test_a_wrong_command_line_starts_no_server(arguments: list[str], tmp_path: Path) -> None:
    """It ends with 2, and prints no script."""
    page(tmp_path, "shop", "```yaml check\nconnectivity: {}\n```")
    ended = pgrunbook("grants", *arguments, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")


def test_one_role_name_is_for_one_page() -> None:
    """The five pages would all make the same role."""
    ended = pgrunbook("grants", "--role", "mine", folder=ROOT)
    assert (ended.code, ended.out) == (2, "")
