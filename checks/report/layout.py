"""Where things stand in the Markdown report: which section is folded, which fix stands under which failure.

Layout only. Every verdict, number and sentence comes from the `Report`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import quote

from checks.report import escape
from checks.report.charts import pictures
from checks.report.model import CheckReport, FindingReport, Fix, PageSection, Part, Report
from checks.result import Status
from checks.units import show_seconds

MARKS = {
    Status.PASSED: "✅ PASSED",
    Status.WARNED: "⚠️ WARNED",
    Status.FAILED: "❌ FAILED",
    Status.ERRORED: "❔ ERRORED",
    Status.SKIPPED: "➖ SKIPPED",  # noqa: RUF001 - the one sign of this row that is as wide as the others
}
DEEPEST_HEADING = 6
LONGEST_LINE = 120  # of an expected or observed text; a longer one gets a block of its own
_TROUBLE = frozenset({Status.WARNED, Status.FAILED, Status.ERRORED})
_CODE_ROWS = frozenset({"Runbook", "Guards, as read back", "Command"})


def moment(utc: str) -> str:
    """`2026-11-20T21:35:29Z` as people write it."""
    return utc.replace("T", " ").replace("Z", " UTC")


@dataclass(frozen=True, slots=True)
class Heading:
    """A section as the report shows it. A fix is folded away with what lies below it, or stands under its failure."""

    section: PageSection
    hashes: str
    folded: str = ""
    shown_under: str = ""


class Page:
    """What the template asks about the page: layout only, no verdicts."""

    def __init__(self, report: Report, stem: str = "", above: Sequence[str] = ()) -> None:
        """`stem` is what the names of the charts' files begin with; without it, no chart is pointed at.

        `above` are the titles of what stands between the report's title and the page.
        """
        self._report = report
        self._pictures = pictures(report, stem) if stem else {}
        self._above = above
        self._shown_under = self._place_fixes()
        self._anchors = self._find_anchors()

    def title(self) -> str:
        """The report's own heading: whose it is, and the verdict."""
        run = self._report.run
        on = f" on {run.asked_major}" if run.asked_major else ""
        return f"{run.title}{on}{', restore drill' if self._report.drill else ''}: {run.verdict.upper()}"

    def rows(self) -> list[list[str]]:
        """The table's rows: status, check, time, finding. Trouble leads to its place below."""
        return [
            [MARKS[check.status], self._linked(check), self.time(check), escape.cell(self._at_a_glance(check))]
            for check in self._report.checks
        ]

    def reason_above(self, check: CheckReport) -> str:
        """The name of the first check without a verdict for the same reason, where that is another one.

        A rung of a drill has its own: it is told before any check is.
        """
        if check.status is not Status.ERRORED or check not in self._report.checks:
            return ""
        why = (check.reason, check.code, check.hint)
        same = (one.name for one in self._report.asked if (one.reason, one.code, one.hint) == why)
        first = next(same)
        return "" if first == check.name else first

    def _at_a_glance(self, check: CheckReport) -> str:
        first = self.reason_above(check)
        return f"the same as for {first}" if first else check.sentence

    def headings(self) -> Iterator[Heading]:
        """The page's sections in order, one level down: the report has one title of its own."""
        inside: PageSection | None = None
        for section in self._report.page:
            if inside is not None and section.level > inside.level:
                continue
            if not section.level and not section.parts:
                continue
            inside = section if self._is_folded(section) else None
            hashes = "#" * min(section.level + 1, DEEPEST_HEADING) if section.level else ""
            folded = self._with_what_lies_below(section) if inside else ""
            yield Heading(section, hashes, folded, self._needed_by(section) if inside else "")

    def results(self, names: tuple[str, ...]) -> list[CheckReport]:
        """The checks of these names that were part of the run."""
        return [check for name in names if (check := self._report.check(name))]

    def unselected(self, names: tuple[str, ...]) -> list[str]:
        """Those that were not."""
        return [name for name in names if self._report.check(name) is None]

    def fixes(self, check: CheckReport) -> list[Fix]:
        """The fixes to show under this check, which is the first that needs them."""
        return [fix for fix in self._report.fixes_for(check) if self._shown_under[_identity(fix)] == check.name]

    def fixes_above(self, check: CheckReport) -> list[tuple[Fix, str]]:
        """The fixes this check needs that stand under another, and that other's name."""
        others = ((fix, self._shown_under[_identity(fix)]) for fix in self._report.fixes_for(check))
        return [(fix, name) for fix, name in others if name != check.name]

    def picture(self, finding: FindingReport) -> str:
        """The finding's chart, which lies in a file beside the report; empty where it has none."""
        file = self._pictures.get(id(finding))
        return f"![{escape.text(finding.chart.title)}]({quote(file)})" if file and finding.chart else ""

    @staticmethod
    def mark(check: CheckReport) -> str:
        return MARKS[check.status]

    @staticmethod
    def time(check: CheckReport) -> str:
        """A check that was not asked has none, and neither has a rung that shares its time with others."""
        return show_seconds(check.seconds) if check.status is not Status.SKIPPED and check.seconds else escape.NOTHING

    @classmethod
    def took(cls, check: CheckReport) -> str:
        time = cls.time(check)
        return "" if time == escape.NOTHING else f"in {time} "

    @staticmethod
    def at_a_glance(check: CheckReport) -> bool:
        """Whether one line says all there is to say."""
        return check.status is Status.PASSED and len(check.findings) == 1 and check.findings[0].is_plain

    @staticmethod
    def joined(parts: tuple[Part, ...], draw: Callable[[Part], str]) -> str:
        """The parts of a section, one empty line apart."""
        return "\n\n".join(draw(part).strip("\n") for part in parts)

    @staticmethod
    def value(value: str) -> str:
        """An expected or observed text, after its label: on the same line where it fits, else in a block."""
        if "\n" in value.strip() or len(value) > LONGEST_LINE:
            return f"\n\n{escape.block(value.strip(), 'text')}"
        return f" {escape.text(value)}" if value.strip() else " (nothing)"

    def snapshot(self) -> str:
        """What the server looked like, a table each; a look that found nothing says so."""
        seen = self._report.snapshot
        if seen is None:
            return ""
        tables = {
            "Sessions": (seen.sessions, "no other session"),
            "Who waits for whom": (seen.locks, "nobody waits for a lock"),
            "Settings other than the default": (seen.settings, "none"),
            "Archiver": (seen.archiver, "not known"),
        }
        parts = [
            f"**{title}**\n\n{escape.evidence_table(rows)}" if rows else f"**{title}**: {nothing}."
            for title, (rows, nothing) in tables.items()
        ]
        return "\n\n".join([*parts, *(f"Not seen: {escape.text(one)}" for one in seen.missing)])

    def provenance(self) -> list[list[str]]:
        """What the run was made of, one row each."""
        report, origin = self._report, self._report.provenance
        guards = ", ".join(escape.code(f"{name} = {value}") for name, value in report.guards.items())
        rows = {
            "Runbook": f"{escape.code(origin.path)}, SHA-256 {escape.code(origin.sha256)}",
            "Commit": self._commit(),
            "Server": escape.cell(report.run.server),
            "Target": escape.cell(report.run.target),
            "Guards, as read back": guards or "none: no session was opened",
            "Started": moment(report.run.started),
            "Finished": f"{moment(report.run.finished)}, after {show_seconds(report.run.seconds)}",
            "Command": escape.code(origin.command),
            "By": escape.cell(f"{origin.user} on {origin.host}"),
            "Tool": escape.cell(origin.tool),
            "Exit code": str(report.run.exit_code),
        }
        return [[name, value.replace("|", r"\|") if name in _CODE_ROWS else value] for name, value in rows.items()]

    def _commit(self) -> str:
        origin = self._report.provenance
        if not origin.commit:
            return "not a git checkout"
        since = {True: ", with uncommitted changes", False: "", None: "; whether files changed since is not known"}
        return f"{escape.code(origin.commit)}{since[origin.dirty]}"

    def _linked(self, check: CheckReport) -> str:
        anchor = self._anchors.get(check.name, "")
        name = escape.cell(check.name)
        return f"[{name}](#{anchor})" if anchor and check.status in _TROUBLE else name

    def _find_anchors(self) -> dict[str, str]:
        shown = [heading.section for heading in self.headings() if heading.hashes and not heading.folded]
        above = [self.title(), *self._above]
        anchors = escape.slugs([*above, *(section.title for section in shown)])[len(above) :]
        return {
            name: anchor
            for section, anchor in zip(shown, anchors, strict=True)
            for part in section.parts
            for name in part.checks
        }

    def _place_fixes(self) -> dict[tuple[str, ...], str]:
        placed: dict[tuple[str, ...], str] = {}
        for check in self._report.asked:
            for fix in self._report.fixes_for(check):
                placed.setdefault(_identity(fix), check.name)
        return placed

    def _needed_by(self, section: PageSection) -> str:
        """The check under which this section stands as the fix, if any needs it."""
        needed = (fix for fix in self._report.fixes if fix.source == "page" and fix.line == section.line)
        return next((self._shown_under[_identity(fix)] for fix in needed), "")

    def _with_what_lies_below(self, section: PageSection) -> str:
        texts = []
        for other in self._family(section):
            texts += [f"**{other.title}**"] if other is not section else []
            texts += [escape.verbatim(part.text) for part in other.parts]
        return "\n\n".join(texts) or "(The page says nothing here.)"

    def _family(self, section: PageSection) -> list[PageSection]:
        """The section and those below it, up to the next of its own level."""
        after = self._report.page[self._report.page.index(section) + 1 :]
        return [section, *takewhile(lambda other: other.level > section.level, after)]

    def _is_folded(self, section: PageSection) -> bool:
        """Only what fixes something and asks nothing, not even further down."""
        return bool(section.fixes or section.fixes_checks) and not any(
            part.checks for one in self._family(section) for part in one.parts
        )


def _identity(fix: Fix) -> tuple[str, ...]:
    return (fix.source, fix.title, fix.text)
