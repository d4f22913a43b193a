"""The drill in `reports/samples`: a backup of relay's database, taken and restored by the commands as people type them.

As with the other samples, times, sizes and versions are those of the machine it was last written on.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.pages import load
from checks.prepare import prepare
from checks.report import files
from checks.report.jsonfile import from_json, to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.model import Report
from checks.targets.embedded import start_target
from checks.targets.url_forms import sqlalchemy_url
from tests.command import ROOT, run

FOLDER = "reports/samples"
COMMAND = "invoke drill --runbook relay --env dev --from /backups/relay.dump"


def samples() -> dict[str, str]:
    """Each sample's content, by its path in the checkout."""
    report = sample()
    return {
        f"{FOLDER}/drill.json": to_json(report),
        f"{FOLDER}/drill.md": markdown(report),
        f"{FOLDER}/drill.xml": junit([report]),
    }


def sample() -> Report:
    """`backup` and `drill` of relay's database, filled as `verify` fills it."""
    (page,) = load([str(ROOT / "runbooks" / "relay.md")])
    target = start_target(page.front.postgres, database="relay")
    try:
        assert prepare(page, target, rows=10_000).shortfall is None
        variables = {"RELAY_DEV_DATABASE_URL": sqlalchemy_url(target.endpoint)}
        host = f"{target.endpoint.host} port {target.endpoint.port}"
        with TemporaryDirectory() as out:
            taken = run(["./inv", "backup", "--runbook", "relay", "--env", "dev", "--to", out], ROOT, variables)
            assert taken.code == 0, taken.out + taken.err
            (artifact,) = Path(out).glob("*.dump")
            flags = ["--runbook", "relay", "--env", "dev", "--from", str(artifact), "--out", f"{out}/reports"]
            ended = run(["./inv", "drill", *flags], ROOT, variables)
            assert ended.code == 0, ended.out + ended.err
            (path,) = Path(out, "reports").glob("*-relay-dev-drill.json")
            text = to_json(made_anonymous(files.read(path))).replace(out, "/backups").replace(host, "db.example")
            return from_json(text, path=Path("drill.json"))
    finally:
        target.close()


def made_anonymous(report: Report) -> Report:
    """The report without what says who ran it, and where."""
    origin = replace(report.provenance, command=COMMAND, host="workstation", user="engineer", dirty=False)
    assert report.drill is not None
    drill = replace(report.drill, operator="engineer", host="workstation")
    return replace(report, provenance=origin, drill=drill)


def shape(text: str) -> str:
    """`text` without what differs from run to run: the bars of the timeline, and durations of one unit or of two."""
    from tests import sample_run

    text = re.sub(r"[█·]+", "BAR", text)
    return sample_run.shape(re.sub(r"\d[\d.]* (?:ms|s|min|h|d)\b(?: \d+ (?:s|min|h)\b)?", "TIME", text))
