"""Variables: a service's line of the service table, held against a file or a process, and no value ever shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.check import Finding
from checks.errors import CouldNotTell, NotApplicable
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of, params_of, sqlite_file

PLATFORM_API = """
    file: .env.railway
    services: [Postgres-OG9n]
    require:
        DATABASE_URL: {reference: Postgres-OG9n.DATABASE_URL}
    forbid: [PGPASSWORD]
"""
PROCESS = "{require: {DATABASE_PUBLIC_URL: {}}, forbid: [PGPASSWORD]}"
SECRET = "hunter2hunter2"
PASTED = f"postgresql://postgres:{SECRET}@caboose.proxy.rlwy.net:55777/railway"


@pytest.fixture
def target(tmp_path: Path) -> Elsewhere:
    """A database nobody asks; the project's folder is the one it lies in."""
    return sqlite_file(tmp_path / "unasked.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder."""
    return tmp_path


def write(folder: Path, text: str, name: str = ".env.railway") -> None:
    (folder / name).write_text(text, encoding="utf-8")


def holds(target: Elsewhere, folder: Path, params: str = PLATFORM_API) -> Finding:
    [finding] = check_holds("variables", params, target, folder=folder)
    return finding


def fails(target: Elsewhere, folder: Path, code: str, params: str = PLATFORM_API) -> Finding:
    finding = check_fails("variables", params, target, code=code, folder=folder)
    assert SECRET not in str(finding)
    return finding


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}",
        'export DATABASE_URL="${{ Postgres-OG9n.DATABASE_URL }}"',
        "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}?connection_limit=5",
        "DATABASE_URL=old\nDATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}",
    ],
)
def test_the_reference_the_page_names_holds(target: Elsewhere, folder: Path, line: str) -> None:
    """However it is quoted, and with what the service adds behind it; the last line of a name counts."""
    write(folder, f"# of platform-api\nPORT=3000\n{line}\nNAME=${{{{shared.NAME}}}}\n")
    assert holds(target, folder).sentence == "2 variables are as expected in .env.railway."


def test_a_pasted_url_does_not_hold(target: Elsewhere, folder: Path) -> None:
    """It works until the password is rotated; what it is, is not shown."""
    write(folder, f"DATABASE_URL={PASTED}\n")
    finding = fails(target, folder, "variables.literal")
    assert finding.expected == "${{Postgres-OG9n.DATABASE_URL}}"


def test_a_password_in_any_other_variable_does_not_hold(target: Elsewhere, folder: Path) -> None:
    """A second copy of the URL under another name breaks on the same day."""
    write(folder, f"DATABASE_URL=${{{{Postgres-OG9n.DATABASE_URL}}}}\nSHADOW_URL={PASTED}\nPUBLIC_URL=https://host/a\n")
    finding = fails(target, folder, "variables.literal")
    assert finding.sentence.startswith("SHADOW_URL in .env.railway is a URL with its password written out")


@pytest.mark.parametrize(
    ("service", "says"),
    [("postgres-og9n", "upper and lower case differ from `Postgres-OG9n`."), ("Postgres-OG8n", "did you mean")],
)
def test_a_service_that_is_not_called_that_does_not_hold(
    target: Elsewhere, folder: Path, service: str, says: str
) -> None:
    """Names are exact to the letter case, and the right one is named."""
    write(folder, f"DATABASE_URL=${{{{{service}.DATABASE_URL}}}}\n")
    finding = fails(target, folder, "variables.unknown_service")
    assert says in finding.sentence
    assert finding.observed == service


def test_a_service_that_was_renamed_is_found_in_every_variable(target: Elsewhere, folder: Path) -> None:
    """After a service is renamed, every reference to it breaks, also in variables the page does not require."""
    write(folder, "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}\nREPLICA_URL=${{Old.DATABASE_URL}}\n")
    assert "REPLICA_URL" in fails(target, folder, "variables.unknown_service").sentence


def test_a_reference_to_another_variable_does_not_hold(target: Elsewhere, folder: Path) -> None:
    """The public URL leaves the private network, though it reaches the same database."""
    write(folder, "DATABASE_URL=${{Postgres-OG9n.DATABASE_PUBLIC_URL}}\n")
    finding = fails(target, folder, "variables.other_reference")
    assert "${{Postgres-OG9n.DATABASE_PUBLIC_URL}}, and not to ${{Postgres-OG9n.DATABASE_URL}}." in finding.sentence


@pytest.mark.parametrize("line", ["DATABASE_URI=x", "DATABASE_URL=", "DATABASE_URL"])
def test_a_missing_or_empty_variable_does_not_hold(target: Elsewhere, folder: Path, line: str) -> None:
    """Set to nothing is not set, and a misspelt one is named."""
    write(folder, f"{line}\n")
    finding = fails(target, folder, "variables.missing")
    assert ("did you mean `DATABASE_URI`?" in finding.sentence) == line.startswith("DATABASE_URI")


def test_a_forbidden_variable_does_not_hold(target: Elsewhere, folder: Path) -> None:
    """libpq reads PGPASSWORD by itself, so a leftover one overrides what was meant."""
    write(folder, f"DATABASE_URL=${{{{Postgres-OG9n.DATABASE_URL}}}}\nPGPASSWORD={SECRET}\n")
    fails(target, folder, "variables.forbidden")


def test_a_local_env_file_that_says_otherwise_does_not_hold(target: Elsewhere, folder: Path) -> None:
    """Prisma reads a local .env by itself, and migrates the wrong database; one that says the same does no harm."""
    write(folder, "DATABASE_URL=${{Postgres-OG9n.DATABASE_URL}}\n")
    write(folder, "OTHER=1\n", ".env")
    holds(target, folder)
    write(folder, f"DATABASE_URL={PASTED}\n", ".env")
    finding = fails(target, folder, "variables.shadowed")
    assert finding.evidence == ({"variable": "DATABASE_URL", "file": ".env"},)
    holds(target, folder, PLATFORM_API + "    shadows: []")


def test_a_file_that_is_not_there_has_no_verdict(target: Elsewhere, folder: Path) -> None:
    """Nothing is known of the service's variables, which is no good news."""
    with pytest.raises(CouldNotTell) as told:
        findings_of("variables", PLATFORM_API, target, folder=folder)
    assert told.value.code == "variables.no_file"
    assert str(folder) in told.value.hint


@pytest.mark.parametrize("content", [b"PORT=3000\n= ?\n", b"NAME=\xff\xfe", b"A=1\n" * 300_000])
def test_a_file_that_is_none_of_variables_has_no_verdict(target: Elsewhere, folder: Path, content: bytes) -> None:
    """Broken lines, other encodings and enormous files are told apart from variables that are not set."""
    (folder / ".env.railway").write_bytes(content)
    with pytest.raises(CouldNotTell) as told:
        findings_of("variables", PLATFORM_API, target, folder=folder)
    assert told.value.code == "variables.unreadable"


def in_process(target: Elsewhere, variables: Mapping[str, str]) -> list[Finding]:
    return findings_of("variables", PROCESS, target, variables=variables, disposable=False)


def test_a_process_with_its_variables_holds(target: Elsewhere) -> None:
    """Where the page names no file, it is the variables of whoever runs it that count."""
    [finding] = in_process(target, {"DATABASE_PUBLIC_URL": PASTED})
    assert finding.code == "variables.as_expected"
    assert SECRET not in str(finding)


def test_a_reference_that_arrives_as_text_does_not_hold(target: Elsewhere) -> None:
    """In a process every reference has been filled in; one that was not leads nowhere."""
    [finding] = in_process(target, {"DATABASE_PUBLIC_URL": "${{Postgres.DATABASE_PUBLIC_URL}}"})
    assert (finding.code, finding.holds) == ("variables.unresolved", False)


def test_a_process_is_not_looked_at_beside_a_disposable_server(target: Elsewhere) -> None:
    """CI that tries the page out has other variables than the service, and is not blamed for it."""
    with pytest.raises(NotApplicable):
        findings_of("variables", PROCESS, target, variables=os.environ)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{}", "at least one variable"),
        ("{file: .env.railway}", "at least one variable"),
        ("{require: {DATABASE_URL: {reference: Postgres.DATABASE_URL}}}", "filled in already"),
        (
            "{file: a, services: [Postgres-OG9n], require: {A: {reference: Postgres-OG8n.A}}}",
            "did you mean `Postgres-OG9n`?",
        ),
        ("{file: /etc/environment, forbid: [A]}", "inside the project's folder"),
        ("{file: a/../../b, forbid: [A]}", "inside the project's folder"),
        ("{forbid: [A=B]}", "the name of a variable"),
        ("{file: a, require: {A: {reference: '${{Postgres.A}}'}}}", "SERVICE.VARIABLE"),
    ],
)
def test_parameters_that_can_say_nothing_are_mistakes(written: str, says: str) -> None:
    """What could never be seen is told when the page is read."""
    with pytest.raises(ValidationError, match=says.replace("?", r"\?")):
        params_of("variables", written)
