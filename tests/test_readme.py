"""README.md is true: its excerpts are of today, and every command in it has been run."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from checks.result import COULD_NOT_TELL, HELD
from checks.servers import NAMED_BY
from checks.targets.binaries import available
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url_forms import sqlalchemy_url
from tests.command import ROOT, run
from tests.composing import composed_postgres
from tests.readme import commands, with_excerpts

README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN_ELSEWHERE = {"./inv test": "this is what runs us; .ci/run calls it"}
# An empty database is not what relay's page speaks of, nor gaia's.
ENDS_WITH = {
    "./inv check --env dev --runbook relay": 1,
    "./inv check --env compose --runbook gaia": 1,
    "./inv drill --env dev --runbook relay --from live": 1,
}


def test_the_excerpts_are_of_today() -> None:
    """What README shows of a runbook and of a report is what they say."""
    assert with_excerpts(ROOT) == README, "run ./inv generate and commit it"


@pytest.mark.parametrize("command", sorted(set(commands(README)) - set(RUN_ELSEWHERE)))
def test_a_command_of_the_readme_does_what_it_says(
    command: str, target: EmbeddedTarget, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each command runs as it stands, and ends as it should."""
    variables = {"RELAY_DEV_DATABASE_URL": sqlalchemy_url(target.endpoint)}
    if "--on container" in command:
        variables[NAMED_BY] = request.getfixturevalue("postgres_image")
    out = ["--out", str(tmp_path)] if re.search(r"inv (verify|check|report|drill|bench)\b", command) else []
    command = command.replace("--to backups", f"--to {tmp_path}/backups")  # and not into this checkout
    if command == "./inv report":
        run(["./inv", "verify", "--runbook", "teller", *out], ROOT)
    with composed_postgres(project="gaia") if "--env compose" in command else nullcontext():
        ended = run([*command.split(), *out], ROOT, variables)
    assert ended.code == (ENDS_WITH.get(command, 0) or _majors_missing(command)), ended
    assert ended.out


def _majors_missing(command: str) -> int:
    """3, where this machine lacks a major that the command asks for."""
    asked = re.search(r"--postgres (\S+)", command)
    here = {str(one.major) for one in available()}
    return COULD_NOT_TELL if asked and set(asked[1].split(",")) - here else HELD


def test_ci_runs_the_readmes_own_test_command() -> None:
    """What a newcomer is told to run is what proves a commit."""
    assert set(RUN_ELSEWHERE) <= set((ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("page", [README, *((ROOT / "docs" / name).read_text() for name in ("glossary.md",))])
def test_links_lead_somewhere(page: str) -> None:
    """A relative link names a file of the checkout."""
    folder = ROOT if page is README else ROOT / "docs"
    targets = [link for link in re.findall(r"\]\(([^)#\s]+)", page) if "://" not in link]
    assert [link for link in targets if not (folder / link).exists()] == []
