"""What a person sees while checks run."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

from checks.report.console import Console
from checks.report.progress import Lines, LiveProgress, PlainProgress, Progress, progress_for
from checks.result import Result
from tests.report.builders import broken, holding, one_of_each, page, result, results_of
from tests.report.test_console import Terminal

ROOT = Path(__file__).parents[2]
PLAN = results_of(one_of_each()).plan


def _for(output: str = "text", *, stdout: StringIO, stderr: StringIO, **environ: str) -> Progress:
    return progress_for(output, runbooks=["gaia", "platform-api"], stdout=stdout, stderr=stderr, environ=environ)


def test_each_check_is_one_line_that_names_its_runbook() -> None:
    """Names stand in columns; what was skipped took no time; a long sentence is cut."""
    out = StringIO()
    with _for(stdout=out, stderr=StringIO()) as progress:
        watch = progress.planned(PLAN)
        watch.stage("starting PostgreSQL")
        for one in [*one_of_each(), result("long", holding("x" * 500))]:
            watch.finished(one)
    assert out.getvalue().splitlines() == [
        "PASSED   gaia          passes      No row came back.  (12.0 ms)",
        "WARNED   gaia          warns       2 rows came back.  (12.0 ms)",
        "FAILED   gaia          fails       2 rows came back.  (12.0 ms)",
        "ERRORED  gaia          errs        no answer within its 10.0 s  (12.0 ms)",
        "SKIPPED  gaia          is-skipped  only for prod; this is dev",
        f"PASSED   gaia          long        {'x' * 159}…  (12.0 ms)",
    ]


def test_a_log_says_why_nothing_is_asked_yet() -> None:
    """Waiting may last, and a log that stands still looks like a program that does."""
    out = StringIO()
    with _for(stdout=out, stderr=StringIO()) as progress:
        progress.planned(PLAN).delayed("Nothing listens there.\nTrying for 50.0 s more.")
    assert out.getvalue() == "WAITING  gaia          Nothing listens there. Trying for 50.0 s more.\n"


@pytest.mark.parametrize(
    ("output", "stdout", "stderr", "environ", "kind", "to_stdout"),
    [
        ("text", Terminal, Terminal, {}, LiveProgress, False),
        ("text", Terminal, Terminal, {"CI": "true"}, PlainProgress, True),
        ("text", Terminal, Terminal, {"GITHUB_ACTIONS": "true"}, PlainProgress, True),
        ("text", Terminal, Terminal, {"TERM": "dumb"}, PlainProgress, True),
        ("text", StringIO, Terminal, {}, PlainProgress, True),
        ("text", StringIO, StringIO, {"FORCE_COLOR": "1"}, PlainProgress, True),
        ("json", Terminal, StringIO, {}, PlainProgress, False),
        ("json", StringIO, Terminal, {}, LiveProgress, False),
    ],
)
def test_lines_go_where_they_are_wanted(  # noqa: PLR0917 - pytest passes them by name
    output: str, stdout: type, stderr: type, environ: dict[str, str], kind: type, to_stdout: bool
) -> None:
    """Live only where a person watches; a document has stdout to itself; a pipe of text gets the lines."""
    out, err = stdout(), stderr()
    with _for(output, stdout=out, stderr=err, **environ) as progress:
        assert type(progress) is kind
        progress.planned(PLAN).finished(one_of_each()[0])
    assert ("No row came back." in out.getvalue()) == to_stdout
    assert ("No row came back." in err.getvalue()) != to_stdout


@pytest.mark.parametrize("kind", [StringIO, Terminal])
def test_threads_do_not_mix_their_lines(kind: type[StringIO]) -> None:
    """Runbooks side by side write from threads of their own."""
    results = [result(f"check-{n}", holding("word " * 10)) for n in range(50)]
    plan = results_of(results, runbook=page(results)).plan
    out = kind()

    def run(progress: Progress) -> None:
        watch = progress.planned(plan)
        for one in results:
            watch.finished(one)

    with _for(stdout=out, stderr=out, NO_COLOR="1") as progress:
        threads = [threading.Thread(target=run, args=(progress,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = [line for line in out.getvalue().splitlines() if "PASSED" in line]
    assert len(lines) == 200
    assert all(line.rstrip().endswith("  (12.0 ms)") for line in lines)


def test_a_line_fits_the_terminal() -> None:
    """Where a person watches, a check is one line; the sentence gives way."""
    one = result("a", holding("word " * 40))
    line = Lines(Console(StringIO(), {}), ["gaia"]).of(results_of([one]).plan, one, width=60)
    assert line.startswith("PASSED   gaia  a  word word")
    assert line.endswith("…  (12.0 ms)")
    assert 55 <= len(line) <= 60


def test_rich_reads_no_markup_in_data() -> None:
    """A name like [abc] is a name."""
    out = Terminal()
    one: Result = result("[bold]a", broken("Column [abc] of :smile: is missing."))
    with _for(stdout=out, stderr=out) as progress:
        progress.planned(results_of([one]).plan).finished(one)
    assert "Column [abc] of :smile: is missing." in out.getvalue()
    assert "[bold]a" in out.getvalue()


def test_a_run_in_a_pipe_imports_nothing_heavy() -> None:
    """rich is for those who watch, Jinja2 for Markdown, pydantic for reading reports back."""
    script = (
        "import io, sys; from checks.report import compose, files, progress, terminal\n"
        "progress.progress_for('text', runbooks=[], stdout=io.StringIO(), stderr=io.StringIO(), environ={})\n"
        "sys.exit(any(name.partition('.')[0] in {'rich', 'pydantic', 'jinja2'} for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_on_a_terminal_what_was_live_goes_away() -> None:
    """At the end the lines stand there, and the cursor is back."""
    script = (
        "import os, sys; from tests.report.builders import *; from checks.report.progress import progress_for\n"
        "run = results_of(one_of_each())\n"
        "with progress_for('text', runbooks=['gaia'], stdout=sys.stdout, stderr=sys.stderr, environ={}) as progress:\n"
        "    watch = progress.planned(run.plan); watch.stage('starting PostgreSQL')\n"
        "    for one in run.results: watch.finished(one)\n"
    )
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "FORCE_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=theirs, stderr=theirs, env=environ | {"TERM": "xterm"}
    ) as running:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:  # Linux tells the reader of a terminal so that its last writer is gone
            os.close(ours)
    assert running.returncode == 0
    assert b"\x1b[31mFAILED" in seen
    assert seen.rstrip().endswith(b"\x1b[2K") or b"\x1b[?25h" in seen.rstrip()[-40:]
