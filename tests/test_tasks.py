"""The tasks from outside: what a person types, what comes back, and the exit code CI goes by."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from checks.targets.embedded import EmbeddedTarget
from tests.command import (
    BIN,
    CANNOT_TELL,
    FAILS,
    HOLDS,
    ROOT,
    environment,
    heeds_interrupts,
    page,
    pgrunbook,
    run,
    sql_check,
)


@pytest.mark.parametrize(
    ("body", "arguments", "code"),
    [
        (HOLDS, [], 0),
        (HOLDS + FAILS, [], 1),
        (CANNOT_TELL, [], 3),
        (HOLDS + FAILS + CANNOT_TELL, [], 1),
        (FAILS, ["--only", "Nothing like this"], 5),
        (HOLDS + FAILS, ["--only", "Nothing is wrong"], 0),
        (HOLDS, ["--postgres-bin", "/nonexistent"], 3),
        (HOLDS, ["--format", "yaml"], 2),
        (HOLDS, ["--rows", "many"], 2),
        (HOLDS, ["--runbook", "other"], 2),
        (HOLDS, ["--nosuch"], 2),
        (HOLDS, ["--only", "Nothing is wrong", "--only", "Nothing is rong"], 2),
        (HOLDS, ["--out", ""], 2),
        (HOLDS, ["--out", "/proc/nowhere"], 2),
    ],
)
def test_verify_ends_with_the_documented_code(tmp_path: Path, body: str, arguments: list[str], code: int) -> None:
    """CI can go by the exit code alone, and no ending is a traceback."""
    page(tmp_path, "small", body)
    ended = pgrunbook("verify", *arguments, folder=tmp_path)
    assert ended.code == code, ended
    assert "Traceback" not in ended.out + ended.err


def test_a_mistaken_page_ends_with_2_and_names_every_mistake(tmp_path: Path) -> None:
    """A page is mended once, not once for each mistake."""
    page(tmp_path, "wrong", "## A\n\n```yaml check\nconectivity: {}\nsize: {databse: 1GB}\n```\n")
    ended = pgrunbook("verify", folder=tmp_path)
    assert ended.code == 2
    assert "runbooks/wrong.md:11:1: " in ended.err
    assert "did you mean `connectivity`?" in ended.err
    assert "did you mean `database`?" in ended.err


def test_warnings_pass_unless_strict(tmp_path: Path) -> None:
    """A page may warn; --strict does not let it."""
    page(tmp_path, "small", "```yaml check\nquery: {sql: SELECT 1, severity: warn}\n```\n")
    assert pgrunbook("verify", folder=tmp_path).code == 0
    assert pgrunbook("verify", "--strict", folder=tmp_path).code == 1


def test_no_runbook_is_nothing_selected(tmp_path: Path) -> None:
    """A run of nothing proves nothing, and is not green."""
    ended = pgrunbook("verify", folder=tmp_path)
    assert ended.code == 5
    assert "There is no runbook in runbooks/ or in this folder." in ended.err


def test_plain_invoke_ends_with_the_same_codes() -> None:
    """In a checkout, `invoke` itself ends with 2 for a command line that is wrong."""
    ended = run([str(BIN / "invoke"), "verify", "--nosuch"], ROOT)
    assert (ended.code, ended.err) == (2, "No idea what '--nosuch' is!\n")


def test_json_stands_alone_on_stdout(tmp_path: Path) -> None:
    """`--format json` can be piped into anything; progress goes to stderr."""
    page(tmp_path, "small", HOLDS + FAILS)
    ended = pgrunbook("verify", "--format", "json", folder=tmp_path)
    report = json.loads(ended.out)[0]
    assert (ended.code, report["run"]["verdict"], report["run"]["exit_code"]) == (1, "failed", 1)
    assert "FAILED" in ended.err


def test_every_run_leaves_its_reports_and_an_index(tmp_path: Path) -> None:
    """Markdown, JSON and JUnit of each run, and an index that lists them."""
    page(tmp_path, "small", HOLDS)
    pgrunbook("verify", "--out", "evidence", folder=tmp_path)
    kinds = sorted(path.suffix for path in (tmp_path / "evidence").iterdir())
    assert kinds == [".json", ".md", ".md", ".xml"]
    assert "small" in (tmp_path / "evidence" / "index.md").read_text()


def test_report_shows_the_newest_run_again(tmp_path: Path) -> None:
    """An old report can be read in any format, with the exit code it had."""
    page(tmp_path, "small", FAILS)
    pgrunbook("verify", folder=tmp_path)
    ended = pgrunbook("report", "--format", "markdown", folder=tmp_path)
    assert ended.code == 1
    assert ended.out.startswith("# Small: FAILED")


def url_of(target: EmbeddedTarget) -> str:
    endpoint = target.endpoint
    options = "&".join(f"{name}={value}" for name, value in endpoint.options.items())
    where = f"{endpoint.host}:{endpoint.port}/{endpoint.database}"
    return f"postgresql://{endpoint.user}:{endpoint.password}@{where}?{options}"


LIVE = 'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n'


def test_check_asks_a_live_environment_and_shows_no_password(target: EmbeddedTarget, tmp_path: Path) -> None:
    """The URL comes from the variable the page names, and its password appears nowhere."""
    page(tmp_path, "small", "```yaml check\nconnectivity: {}\n```\n" + FAILS, LIVE)
    url = url_of(target)
    ended = pgrunbook("check", "--env", "dev", folder=tmp_path, variables={"SMALL_DATABASE_URL": url})
    assert ended.code == 1
    everything = ended.out + ended.err + "".join(path.read_text() for path in (tmp_path / "reports").iterdir())
    assert target.endpoint.password
    assert target.endpoint.password not in everything
    assert "environment dev" in everything


def test_check_reads_an_env_file_when_told_to(target: EmbeddedTarget, tmp_path: Path) -> None:
    """`.env` counts only when named, so that a forgotten one redirects nobody."""
    page(tmp_path, "small", HOLDS, LIVE)
    (tmp_path / ".env").write_text(f'SMALL_DATABASE_URL="{url_of(target)}"\n')
    assert pgrunbook("check", "--env", "dev", folder=tmp_path).code == 2
    assert pgrunbook("check", "--env", "dev", "--env-file", ".env", folder=tmp_path).code == 0


def test_checks_that_write_are_not_even_planned_live(target: EmbeddedTarget, tmp_path: Path) -> None:
    """There is no way to write to a live database: the check is skipped, with the reason, and nothing was asked."""
    smoke = "```yaml check\nsmoke: {write: [CREATE TABLE left_behind ()], read: SELECT 1, expect: {value: 1}}\n```\n"
    page(tmp_path, "small", smoke, LIVE)
    ended = pgrunbook("check", "--env", "dev", folder=tmp_path, variables={"SMALL_DATABASE_URL": url_of(target)})
    assert ended.code == 5
    assert "writes are only ever made to disposable servers" in ended.err


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (["--env", "dev"], {}, "SMALL_DATABASE_URL"),
        (["--env", "dev"], {"SMALL_DATABASE_URL": ""}, "SMALL_DATABASE_URL"),
        (["--env", "dev"], {"SMALL_DATABASE_URL": "${{Postgres.DATABASE_URL}}"}, "${{"),
        (["--env", "prod"], {}, "the environments are, small: dev"),
        ([], {}, "--env is missing."),
    ],
)
def test_an_environment_that_cannot_be_had_is_one_sentence(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], says: str
) -> None:
    """What is missing and what to do, before anything is connected to."""
    page(tmp_path, "small", HOLDS, LIVE)
    ended = pgrunbook("check", *arguments, folder=tmp_path, variables=variables)
    assert ended.code == 2
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_the_page_says_where_its_url_is_to_be_had(tmp_path: Path) -> None:
    """Without a URL no server is touched and no report written, but the page's own section is shown."""
    fix = "## No URL <!-- fixes: environment.unset -->\n\nAsk Ada for it.\n"
    page(tmp_path, "small", HOLDS + fix, LIVE)
    ended = pgrunbook("check", "--env", "dev", folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("    fix       No URL  (runbooks/small.md:15)\n        Ask Ada for it.\n")
    assert not (tmp_path / "reports").exists()


def test_a_refused_connection_fails_connectivity_and_leaves_the_rest_without_verdict(tmp_path: Path) -> None:
    """Nobody listening is a finding for the check that asks about it, and no verdict for the others."""
    page(tmp_path, "small", "```yaml check\nconnectivity: {}\n```\n" + HOLDS, LIVE)
    nobody = {"SMALL_DATABASE_URL": "postgresql://user@127.0.0.1:9/db"}
    ended = pgrunbook("check", "--env", "dev", "--format", "json", folder=tmp_path, variables=nobody)
    report = json.loads(ended.out)[0]
    assert ended.code == 1
    assert [check["status"] for check in report["checks"]] == ["failed", "errored"]
    assert report["server"] is None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_stops_its_server_and_writes_what_it_knows(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C, or CI's own stop: 130, a report that says so, and no server left."""
    page(tmp_path, "small", HOLDS + sql_check("Sleeps", "SELECT pg_sleep(50)"))
    command = [str(BIN / "pgrunbook"), "verify", "--only", "Sleeps", "--only", "Nothing is wrong"]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment({"PYTHONUNBUFFERED": "1"}), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(how)
    rest, _ = running.communicate(timeout=30)
    assert "PASSED" in first
    assert running.returncode == 130, rest
    assert "Traceback" not in rest
    (report,) = (tmp_path / "reports").glob("*small-verify.json")
    statuses = {check["name"]: check["status"] for check in json.loads(report.read_text())["checks"]}
    assert statuses == {"Nothing is wrong": "passed", "Sleeps": "errored"}
    assert not children_of(running.pid)


def children_of(pid: int, *, wanted: bool = False) -> list[str]:
    """Command lines of the processes that `pid` started and that still run; those not wanted have a moment to end."""
    for _ in range(50):
        found = subprocess.run(["pgrep", "-a", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
        if wanted or not found:
            break
        time.sleep(0.1)
    return found.splitlines()


HANGS = """
import time
from alembic import op
revision, down_revision = "a1", None
def upgrade():
    op.execute("CREATE TABLE half_way ()")
    open("migrating", "w").close()
    time.sleep(100)
def downgrade(): pass
"""
ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""


def test_a_migration_that_hangs_cannot_keep_the_command(tmp_path: Path) -> None:
    """Ctrl-C while somebody's migration sleeps in its own code: 130, a report, and no server left, in seconds."""
    page(tmp_path, "small", HOLDS, "migrations: {tool: alembic, path: tree}\n")
    (tmp_path / "tree" / "versions").mkdir(parents=True)
    (tmp_path / "tree" / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    (tmp_path / "tree" / "env.py").write_text(ENV)
    (tmp_path / "tree" / "versions" / "a1_hangs.py").write_text(HANGS)
    running = subprocess.Popen(
        [str(BIN / "pgrunbook"), "verify"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip
    while not (tmp_path / "migrating").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    servers = children_of(running.pid, wanted=True)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=20)
    assert running.returncode == 130, said
    assert "INTERRUPTED" in said
    assert list((tmp_path / "reports").glob("*small-verify.json"))
    assert servers
    assert not any(Path(f"/proc/{line.split()[0]}").exists() for line in servers)


@pytest.mark.parametrize("arguments", ["--list", "verify", "list", "verify --format json"])
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path, arguments: str) -> None:
    """`| head` ends quietly, whatever was being printed."""
    page(tmp_path, "small", "".join(sql_check(f"Check {number}", "SELECT 1 WHERE false") for number in range(60)))
    ended = run(["sh", "-c", f"'{BIN / 'pgrunbook'}' {arguments} | head -n 1"], tmp_path)
    assert "Traceback" not in ended.err
    assert "BrokenPipe" not in ended.err


def test_with_no_task_named_every_runbook_is_verified(tmp_path: Path) -> None:
    """The bare command does the main job."""
    page(tmp_path, "small", HOLDS)
    ended = pgrunbook(folder=tmp_path)
    assert (ended.code, "small  HELD" in ended.out) == (0, True)


def test_a_disk_that_fills_up_takes_no_verdict_with_it(tmp_path: Path) -> None:
    """When a report cannot be written, the verdict is still shown and counts; what is missing is said."""
    page(tmp_path, "small", HOLDS + FAILS)
    limited = ["sh", "-c", f"ulimit -f 4; exec '{BIN / 'pgrunbook'}' check --env dev"]
    page(tmp_path, "small", "```yaml check\nconnectivity: {}\n```\n" + "word " * 4000, LIVE)
    nobody = {"SMALL_DATABASE_URL": "postgresql://user@127.0.0.1:9/db"}
    ended = run(limited, tmp_path, nobody)
    assert ended.code == 1
    assert "small  FAILED" in ended.out
    assert "the report does not fit: File too large" in ended.err


def test_an_unwritable_step_summary_takes_no_verdict_with_it(tmp_path: Path) -> None:
    """GitHub's summary is a courtesy: without it a failed check is still a failed check."""
    page(tmp_path, "small", FAILS)
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "nowhere" / "summary")}
    ended = pgrunbook("verify", folder=tmp_path, variables=github)
    assert ended.code == 1
    assert "GITHUB_STEP_SUMMARY" in ended.err
    assert "::error file=runbooks/small.md,line=10" in ended.err


def test_lint_needs_no_database_and_says_so_of_each_page(tmp_path: Path) -> None:
    """A page without a mistake is named too, so that nobody wonders whether it was read."""
    page(tmp_path, "small", HOLDS)
    ended = pgrunbook("lint", folder=tmp_path, variables={"PGRUNBOOK_PG_BIN": "/nonexistent"})
    assert (ended.code, ended.out) == (0, "runbooks/small.md: 1 checks, no mistake\n")


def test_lint_with_sql_has_a_server_read_every_query(tmp_path: Path) -> None:
    """A query the server cannot parse is a mistake at its line, and nothing was executed."""
    path = page(tmp_path, "small", HOLDS + sql_check("Misspelt", "SELECT 1\nFORM pg_class"))
    ended = pgrunbook("lint", "--sql", folder=tmp_path)
    line = path.read_text().splitlines().index("FORM pg_class") + 1
    assert ended.code == 2
    assert f"runbooks/small.md:{line}:" in ended.out
    assert "syntax error" in ended.out


def test_list_names_pages_environments_and_checks(tmp_path: Path) -> None:
    """What could be run, without running it."""
    page(tmp_path, "small", HOLDS, LIVE)
    ended = pgrunbook("list", "--format", "json", folder=tmp_path)
    (listed,) = json.loads(ended.out)
    assert (listed["runbook"], list(listed["environments"])) == ("small", ["dev"])
    assert [check["name"] for check in listed["checks"]] == ["Nothing is wrong"]


def test_explain_prints_meaning_reason_and_fix(tmp_path: Path) -> None:
    """A code in a report leads to its words; a misspelt one leads to the right one."""
    ended = pgrunbook("explain", "migrations.behind", folder=tmp_path)
    assert ended.code == 0
    assert "migrations.behind" in ended.out
    wrong = pgrunbook("explain", "migration.behind", folder=tmp_path)
    assert (wrong.code, "did you mean `migrations.behind`?" in wrong.err) == (2, True)


def test_doctor_says_whether_a_disposable_server_starts(tmp_path: Path) -> None:
    """What the machine can run is shown by running it."""
    ended = pgrunbook("doctor", folder=tmp_path)
    assert ended.code == 0
    assert "yes  a server starts" in ended.out
    for program in ("psql", "pg_dump", "pg_restore", "pgbench", "pgbouncer"):
        assert re.search(rf"^(yes|no )  {program} ", ended.out, re.MULTILINE), program


def test_the_task_list_needs_nothing_heavy() -> None:
    """`invoke --list` runs at every TAB: none of the heavy libraries is imported for it."""
    heavy = [
        "psycopg",
        "sqlalchemy",
        "alembic",
        "pydantic",
        "jinja2",
        "rich",
        "markdown_it",
        "ruamel",
        "testcontainers",
    ]
    program = f"import sys, tasks; print([name for name in {heavy!r} if name in sys.modules])"
    ended = run([str(BIN / "python"), "-c", program], ROOT)
    assert ended.out == "[]\n", ended


def test_every_task_has_help_for_each_flag() -> None:
    """`--help` says what each flag means and how the task ends."""
    for task in ("verify", "check", "lint", "explain", "list", "report", "doctor"):
        ended = run([str(BIN / "invoke"), "--help", task], ROOT)
        assert "Exit codes: 0 all held" in ended.out, task
