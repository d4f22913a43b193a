"""The report for people: the page again, word for word, with what was found under each check.

The page speaks plainly and the report in quotes, so that nobody mistakes one for the other. Layout is in
`report.md.j2`; what is escaped how is in `escape.py`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checks.report import escape
from checks.report.layout import Page, moment
from checks.report.model import Report
from checks.targets.cache import folder as cache_folder
from checks.units import show_seconds

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

    from checks.report.drill_layout import DrillPage
    from checks.report.drill_model import DrillReport

SEPARATOR = "\x1e"  # stands between the parts of a drawn report; no data can hold it, `visible` spells it out


def markdown(report: Report, stem: str = "") -> str:
    """The whole report. It points at its charts where `stem` says what their files' names begin with."""
    return "".join(parts(report, stem))


def parts(report: Report, stem: str = "") -> list[str]:
    """The report in pieces that each stand alone: verdict and table first, provenance last, the page between."""
    drill = _drill_page(report.drill) if report.drill else None
    page = Page(report, stem, drill.headings if drill else ())
    drawn = environment().get_template("report.md.j2").render(report=report, page=page, drill=drill)
    return drawn.split(SEPARATOR)


def _drill_page(drill: DrillReport) -> DrillPage:
    from checks.report.drill_layout import DrillPage

    return DrillPage(drill)


@cache
def environment() -> Environment:
    """The templates, from the installed package or from the checkout."""
    # Jinja2 costs 45 ms to import, and a run that draws no Markdown has no use for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(templates()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(),
        autoescape=False,  # noqa: S701 - this is Markdown: what is data passes the filters of escape.py
    )
    for function in (escape.text, escape.cell, escape.code, escape.block, escape.verbatim, escape.html, escape.quoted):
        environment.filters[function.__name__] = function
    environment.filters.update(seconds=show_seconds, moment=moment)
    environment.globals.update(table=escape.table, evidence_table=escape.evidence_table, separator=SEPARATOR)
    return environment


def _compiled() -> BytecodeCache | None:
    """Templates compiled before: that takes 20 ms, and reading it back 1. None where nothing can be kept."""
    from jinja2.bccache import Bucket, FileSystemBytecodeCache

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # a full disk only means that it is compiled every time
                super().dump_bytecode(bucket)

    root = cache_folder()
    if root is None:
        return None
    folder = root / "templates"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return Kept(str(folder))


def templates() -> Path:
    """The folder of the templates: a wheel carries them beside this file, a checkout has them in reports/."""
    packaged = Path(__file__).parent / "templates"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "reports" / "templates"
