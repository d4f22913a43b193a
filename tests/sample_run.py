"""The reports in `reports/samples`: relay's page asked of a real database that four things are wrong with.

Times, sizes and versions are those of the machine it was last written on; a test runs it again and compares all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.pages import load
from checks.prepare import prepare
from checks.report import files
from checks.report.jsonfile import to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.model import Report
from checks.targets.embedded import EmbeddedTarget, start_target
from checks.targets.url_forms import sqlalchemy_url
from tests.command import ROOT, run

FOLDER = "reports/samples"
WRONG = """
    DELETE FROM roles WHERE user_id IN (SELECT user_id FROM oauth_tokens WHERE expires_at > now() LIMIT 1);
    DELETE FROM audit_log WHERE created_at > now() - interval '25 hours';
    ALTER TABLE api_keys RENAME TO keys;
    UPDATE alembic_version SET version_num = '9e02f6a8d513';
"""


def samples() -> dict[str, str]:
    """Each sample's content, by its path in the checkout."""
    report, terminal = sample()
    return {
        f"{FOLDER}/report.json": to_json(report),
        f"{FOLDER}/report.md": markdown(report),
        f"{FOLDER}/report.xml": junit([report]),
        f"{FOLDER}/terminal.txt": terminal,
    }


def sample() -> tuple[Report, str]:
    """`pgrunbook check --env dev` of relay against the spoilt database: its report, and what the terminal showed."""
    with spoilt() as target, TemporaryDirectory() as out:
        variables = {"RELAY_DEV_DATABASE_URL": sqlalchemy_url(target.endpoint)}
        command = ["./inv", "check", "--runbook", "relay", "--env", "dev", "--out", out]
        ended = run(command, ROOT, variables)
        (path,) = Path(out).glob("*-relay-dev.json")
        report = files.read(path)
        host = f"{target.endpoint.host} port {target.endpoint.port}"
        terminal = ended.out.replace(out, "reports").replace(host, "db.example port 5432")
        return from_json_text(to_json(made_anonymous(report)).replace(host, "db.example port 5432")), terminal


def from_json_text(text: str) -> Report:
    """The report of a JSON text."""
    from checks.report.jsonfile import from_json

    return from_json(text, path=Path("report.json"))


def made_anonymous(report: Report) -> Report:
    """The report without what says who ran it, and where."""
    command = "invoke check --runbook relay --env dev"
    origin = replace(report.provenance, command=command, host="workstation", user="engineer", dirty=False)
    return replace(report, provenance=origin)


@contextmanager
def spoilt() -> Iterator[EmbeddedTarget]:
    """relay's database, migrated and filled, and then four things gone wrong."""
    (page,) = load([str(ROOT / "runbooks" / "relay.md")])
    target = start_target(page.front.postgres, database="relay")
    try:
        assert prepare(page, target, rows=10_000).shortfall is None
        target.server.execute(WRONG, database="relay")
        yield target
    finally:
        target.close()


def shape(text: str) -> str:
    """`text` without what differs from run to run and between machines: numbers, their units, widths, servers."""
    text = re.sub(r"PostgreSQL [^,;|]*", "PostgreSQL N ", text)
    text = re.sub(r"\b[0-9a-f]{40,64}\b", "HASH", text)
    text = re.sub(r"\d[\d.,:TZ-]*( (ms|s|kB|MB|B|min)\b)*", "N", text)
    text = re.sub(r"N-relay-dev", "relay-dev", text)
    return re.sub(r"[\s\-:|]+", " ", text)
