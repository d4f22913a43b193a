"""No secret is in any output, log, report, traceback or process list, however wrong the URL it came in.

Each example makes up a password with a marker at both ends, so that a piece of it is noticed as well as the whole.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import pipeline, secrets
from checks.catalog import CATALOG
from checks.catalog.circumstances import Circumstances
from checks.check import Asking
from checks.choice import FORMATS, Leave, Output, Selection
from checks.errors import PgrunbookError
from checks.targets.embedded import EmbeddedTarget
from checks.targets.url import conninfo, sqlalchemy_url
from tests.command import BIN, HOLDS, environment, page
from tests.proxy import Proxy

BEGIN, END = "kX7qv", "Wm3zP"
NOBODY = "127.0.0.1:9"  # the discard port: refused at once

# Everything that URLs, shells, YAML, JSON, XML, Markdown, Python and libpq treat as special, and letters of elsewhere.
ODD = st.text(st.sampled_from("@:/?#%&=+;,.'\"\\`$(){}[]<>|*_-~^! \tüß日\u202e"), max_size=6)
PASSWORDS = ODD.map(lambda middle: f"{BEGIN}{middle}{END}")

SHAPES: Mapping[str, Callable[[str], str]] = {
    "right": lambda p: f"postgresql://user:{quote(p, safe='')}@{NOBODY}/db",
    "not encoded": lambda p: f"postgresql://user:{p}@{NOBODY}/db",
    "encoded twice": lambda p: f"postgresql://user:{quote(quote(p, safe=''))}@{NOBODY}/db",
    "encoded in small letters": lambda p: f"postgresql://user:{quote(p, safe='').lower()}@{NOBODY}/db",
    "encoded to the last letter": lambda p: f"postgresql://user:{''.join(f'%{b:02X}' for b in p.encode())}@{NOBODY}/db",
    "a stray percent": lambda p: f"postgresql://user:{p}%@{NOBODY}/db",
    "a parameter": lambda p: f"postgresql://user@{NOBODY}/db?password={quote(p, safe='')}",
    "a parameter, not encoded": lambda p: f"postgresql://user@{NOBODY}/db?password={p}",
    "the key's passphrase": lambda p: f"postgresql://user@{NOBODY}/db?sslmode=require&sslpassword={quote(p, safe='')}",
    "an unknown parameter": lambda p: f"postgresql://user@{NOBODY}/db?passwrd={p}",
    "no scheme": lambda p: f"user:{p}@{NOBODY}/db",
    "half a scheme": lambda p: f"postgresql:/user:{p}@{NOBODY}/db",
    "a misspelt scheme": lambda p: f"postgers://user:{p}@{NOBODY}/db",
    "another driver": lambda p: f"postgresql+asyncpg://user:{quote(p, safe='')}@{NOBODY}/db",
    "another database": lambda p: f"mysql://user:{p}@{NOBODY}/db",
    "JDBC": lambda p: f"jdbc:postgresql://{NOBODY}/db?user=user&password={p}",
    "key words": lambda p: f"host=127.0.0.1 port=9 user=user password='{p}'",
    "quoted": lambda p: f'"postgresql://user:{p}@{NOBODY}/db"',
    "the variable's name": lambda p: f"SMALL_DATABASE_URL=postgresql://user:{p}@{NOBODY}/db",
    "a line end": lambda p: f"postgresql://user:{quote(p, safe='')}@{NOBODY}/db\n",
    "several hosts": lambda p: f"postgresql://user:{quote(p, safe='')}@{NOBODY},{NOBODY}/db",
    "no port": lambda p: f"postgresql://user:{quote(p, safe='')}@127.0.0.1:x/db",
    "the password for the port": lambda p: f"postgresql://127.0.0.1:{p.replace('@', '')}/db",
    "no user": lambda p: f"postgresql://:{quote(p, safe='')}@{NOBODY}/db",
    "no host": lambda p: f"postgresql://user:{quote(p, safe='')}@/db?host=/nowhere",
    "no @": lambda p: f"postgresql://user:{p.replace('@', '')}",
    "unresolved": lambda p: f"postgresql://user:{p}${{HOST}}@{NOBODY}/db",
    "a psql command": lambda p: f"psql postgresql://user:{p}@{NOBODY}/db",
    "nothing else": lambda p: p,
}

PAGE = "```yaml check\nconnectivity: {}\ntls: {}\n```\n" + HOLDS
FRONT = 'environments:\n  dev: {url: "${SMALL_DATABASE_URL}"}\n  by_service: {service: small}\n'

sixty = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Outcome:
    """All that one run let out: streams, files and the error it ended with."""

    def __init__(self, texts: Iterator[str]) -> None:
        self.texts = list(texts)

    def holds(self, piece: str) -> list[str]:
        """Where `piece` can be read, in any text as it is or with its escapes undone."""
        found = [(text, form) for text in self.texts for form in _unescaped(text) if piece in form]
        return [form[max(0, form.index(piece) - 80) : form.index(piece) + 80] for _, form in found]

    def count(self, word: str) -> int:
        """How often `word` can be read."""
        return sum(text.count(word) for text in self.texts)


def _unescaped(text: str) -> Iterator[str]:
    yield text
    yield html.unescape(text)
    yield unquote(text)
    yield re.sub(r"\\(.)", r"\1", text)
    with contextlib.suppress(ValueError):
        yield from _strings(json.loads(text))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value


@contextlib.contextmanager
def workplace(variables: Mapping[str, str]) -> Iterator[Path]:
    """A folder with a page, where CI's own places for summaries exist too, and nothing is known of any secret."""
    old = Path.cwd()
    with TemporaryDirectory() as name, patch.object(secrets, "_known", set()):
        folder = Path(name)
        page(folder, "small", PAGE, FRONT)
        github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
        with patch.dict(os.environ, {**github, **variables}):
            os.chdir(folder)
            try:
                yield folder
            finally:
                os.chdir(old)


def outcome(folder: Path, *, form: str = "text", env: str = "dev", env_file: str = "") -> Outcome:
    """What a look at the environment lets out."""
    output, errors, said = io.StringIO(), io.StringIO(), ""
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            pipeline.check(Selection(), Output(format=form), environment=env, env_file=env_file, leave=Leave())
        except PgrunbookError as error:
            said = secrets.mask(str(error))
    written = [path for path in folder.rglob("*") if path.is_file() and path.name not in {".env", "services"}]
    return Outcome(iter([output.getvalue(), errors.getvalue(), said, *(path.read_text() for path in written)]))


@settings(sixty, max_examples=100)
@given(PASSWORDS, st.sampled_from(sorted(SHAPES)), st.sampled_from(FORMATS))
def test_no_piece_of_a_password_in_a_variable_gets_out(password: str, shape: str, form: str) -> None:
    """Whether the URL is right, wrong or mangled: not on a stream, not in a file, not for CI."""
    with workplace({"SMALL_DATABASE_URL": SHAPES[shape](password).replace("\0", "")}) as folder:
        ended = outcome(folder, form=form)
    assert [ended.holds(BEGIN), ended.holds(END)] == [[], []]


@settings(sixty, max_examples=100)
@given(PASSWORDS, st.sampled_from(sorted(SHAPES)), st.sampled_from(["{}", '"{}"', "'{}'", "export A={}\n{}"]))
def test_no_piece_of_a_password_in_an_env_file_gets_out(password: str, shape: str, line: str) -> None:
    """Quoted well or badly, on one line or broken over several."""
    with workplace({}) as folder:
        written = line.replace("{}", SHAPES[shape](password))
        (folder / ".env").write_text(f"OTHER={password}\nSMALL_DATABASE_URL={written}\nlast: {password}\n")
        ended = outcome(folder, env_file=".env")
    assert [ended.holds(BEGIN), ended.holds(END)] == [[], []]


@sixty
@given(PASSWORDS, st.sampled_from(["password={}", "password = {}", "pasword={}", "{}", "port={}", "[{}]"]))
def test_no_piece_of_a_password_in_a_service_file_gets_out(password: str, line: str) -> None:
    """A libpq service with a mistake in it, next to the password or in its place."""
    with workplace({"PGSERVICEFILE": "services"}) as folder:
        (folder / "services").write_text(f"[small]\nhost=127.0.0.1\nport=9\nuser=u\n{line.replace('{}', password)}\n")
        ended = outcome(folder, env="by_service")
    assert [ended.holds(BEGIN), ended.holds(END)] == [[], []]


@pytest.mark.parametrize("word", ["server", "connection", "refused", "host", "checks", "Provenance", "user", "dev"])
def test_a_password_that_is_a_word_is_told_by_nothing(word: str) -> None:
    """A report says such a word no more often than it would with another password: it is masked where data is shown."""
    counted = []
    for password in (word, f"{BEGIN}{END}"):
        with workplace({"SMALL_DATABASE_URL": SHAPES["right"](password)}) as folder:
            counted.append(outcome(folder).count(word))
    assert counted[0] <= counted[1]


BUGS: Mapping[str, Callable[[Circumstances], Exception]] = {
    "its words": lambda known: ValueError(f"cannot use {known.endpoint.password}"),
    "a key": lambda known: KeyError(known.endpoint.password),
    "a mapping": lambda known: RuntimeError(conninfo(known.endpoint)),
    "a URL": lambda known: RuntimeError(f"no such {sqlalchemy_url(known.endpoint)}"),
    "a note": lambda known: _noted(ValueError("oh"), str(conninfo(known.endpoint))),
    "bytes": lambda known: ValueError((known.endpoint.password or "").encode()),
    "an endpoint": lambda known: RuntimeError(replace(known.endpoint), repr(known)),
    "a group": lambda known: ExceptionGroup("several", [ValueError(known.endpoint.password)]),
}


def _noted(bug: Exception, note: str) -> Exception:
    bug.add_note(note)
    return bug


@sixty
@given(PASSWORDS, st.sampled_from(sorted(BUGS)), st.sampled_from(FORMATS))
def test_a_bug_in_a_check_tells_no_password(password: str, bug: str, form: str) -> None:
    """A traceback is for whoever mends the bug, who may be anybody; the endpoint in its frames is not."""

    def ask(_parameters: Any, known: Circumstances) -> Asking:
        if known.endpoint.password:
            raise RuntimeError(f"while asking as {known.endpoint}") from BUGS[bug](known)
        yield []
        return []

    url = SHAPES["right"](password)
    broken = {**CATALOG, "connectivity": replace(CATALOG["connectivity"], ask=ask)}
    with workplace({"SMALL_DATABASE_URL": url}) as folder, patch.object(pipeline, "CATALOG", broken):
        ended = outcome(folder, form=form)
    assert ended.count("Traceback (most recent call last)") == 1, "the bug is shown"
    assert [ended.holds(BEGIN), ended.holds(END)] == [[], []]


@settings(sixty, max_examples=15)
@given(password=PASSWORDS, form=st.sampled_from(FORMATS))
def test_a_server_that_rejects_a_password_tells_nobody(target: EmbeddedTarget, password: str, form: str) -> None:
    """Over TLS to a real server, which repeats whatever else it was given."""
    encoded, endpoint = quote(password, safe=""), target.endpoint
    url = f"postgresql://{endpoint.user}:{encoded}@127.0.0.1:{endpoint.port}/{encoded}?sslmode=require"
    with workplace({"SMALL_DATABASE_URL": f"{url}&application_name={encoded}"}) as folder:
        ended = outcome(folder, form=form)
    assert ended.count("connectivity.password_rejected")
    assert [ended.holds(BEGIN), ended.holds(END)] == [[], []]


PASSWORD = "pR4xk@:/?#%'\"\\z9Lqe"  # not those of the examples, which another worker's server may show as it runs
BUGS_OUTSIDE: Mapping[str, str] = {
    "in a lane's thread": """
        def open(self, **options):
            logging.getLogger("a library").warning("dialling %s", self.endpoint.password)
            raise RuntimeError(f"oh {self.endpoint.password!r}")
        LiveTarget.open = open""",
    "in the middle of it": """
        def report_of(results, **options):
            raise RuntimeError(f"oh {results}", vars(results.plan.runbook.front.environments), os.environ["URL"])
        compose.report_of = report_of""",
}
PROGRAM = """
import logging, os
from checks.program import main
from checks.report import compose
from checks.targets.live import LiveTarget
{bug}
main()
"""


@pytest.mark.parametrize("bug", sorted(BUGS_OUTSIDE))
def test_a_bug_outside_every_check_tells_no_password(tmp_path: Path, bug: str) -> None:
    """The real command, with a bug in a thread or in the middle of it: a traceback, and no secret in it."""
    page(tmp_path, "small", PAGE, FRONT)
    url = SHAPES["right"](PASSWORD)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{bug}", dedent(BUGS_OUTSIDE[bug])), "check", "--env", "dev"],
        cwd=tmp_path, env=environment({"SMALL_DATABASE_URL": url, "URL": url}), capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    let_out = Outcome(iter([ended.stdout, ended.stderr, *(path.read_text() for path in tmp_path.rglob("*.*"))]))
    assert "Traceback" in ended.stderr
    assert ended.returncode != 0
    assert [let_out.holds("pR4xk"), let_out.holds("z9Lqe")] == [[], []]


def test_no_command_line_holds_a_password(target: EmbeddedTarget, tmp_path: Path) -> None:
    """While the real command waits for a server that says nothing, nobody reads a password in the process list."""
    page(tmp_path, "small", PAGE, FRONT)
    endpoint = target.socket_endpoint
    with Proxy(f"{endpoint.host}/.s.PGSQL.{endpoint.port}") as proxy:
        proxy.fall_silent()
        url = f"postgresql://user:{quote(PASSWORD, safe='')}@127.0.0.1:{proxy.port}/db"
        running = subprocess.Popen(
            [str(BIN / "pgrunbook"), "check", "--env", "dev", "--deadline", "3s"],
            cwd=tmp_path, env=environment({"SMALL_DATABASE_URL": url}), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        proxy.wait_for_a_client()
        lines = command_lines()
        said, _ = running.communicate(timeout=50)
    let_out = Outcome(iter([*lines, said, *(path.read_text() for path in tmp_path.rglob("*.*"))]))
    assert any("pgrunbook" in line for line in lines)
    assert [let_out.holds("pR4xk"), let_out.holds("z9Lqe")] == [[], []]


def command_lines() -> list[str]:
    """The command line of every process of this machine, as anybody may read it."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # a process that has just ended
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return lines
