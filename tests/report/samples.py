"""The sample reports of `tests/report/expected`: one run drawn in every way there is, the same on every machine."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from checks.report.jsonfile import to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.progress import progress_for
from checks.report.summary import annotation_lines
from checks.report.terminal import print_outcome
from tests.report.builders import gaia, gaia_results

FOLDER = "tests/report/expected"


def samples() -> dict[str, str]:
    """The content of each sample by its path in the checkout."""
    report = gaia()
    return {
        f"{FOLDER}/gaia.json": to_json(report),
        f"{FOLDER}/gaia.md": markdown(report),
        f"{FOLDER}/gaia.xml": junit([report]),
        f"{FOLDER}/github-annotations.txt": "".join(f"{line}\n" for line in annotation_lines([report])),
        f"{FOLDER}/terminal.txt": terminal(),
    }


def terminal() -> str:
    """What a run prints into a pipe."""
    stream, results = StringIO(), gaia_results()
    with progress_for("text", runbooks=["gaia"], stdout=stream, stderr=StringIO(), environ={}) as progress:
        watch = progress.planned(results.plan)
        for result in results.results:
            watch.finished(result)
    files = {"gaia": Path("reports/20261120T213529Z-gaia-verify.md")}
    print_outcome([gaia()], files, stream=stream, environ={})
    return stream.getvalue()
