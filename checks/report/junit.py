"""JUnit XML, which every CI system shows: one test suite a runbook, one test case a check, at its line of the page.

A drill's rungs are test cases too, before the checks of the copy.

Control characters are spelt out: XML 1.0 knows no way to write them, and one in a message would cost the whole file.
https://github.com/testmoapp/junitxml lists what readers understand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from checks.report.clean import one_line, visible
from checks.report.model import CheckReport, FindingReport, Report
from checks.result import Status

if TYPE_CHECKING:
    from checks.report.drill_model import DrillReport


def junit(reports: Sequence[Report]) -> str:
    """All reports in one document of UTF-8 text."""
    suites = ET.Element("testsuites", name="pgrunbook")
    suites.extend(_suite(report) for report in reports)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(report: Report) -> ET.Element:
    run, counts = report.run, report.run.counts
    suite = ET.Element(
        "testsuite",
        name=one_line(run.label),
        tests=str(len(report.asked)),
        failures=str(counts[Status.FAILED] + (counts[Status.WARNED] if run.strict else 0)),
        errors=str(counts[Status.ERRORED]),
        skipped=str(counts[Status.SKIPPED]),
        time=f"{run.seconds:.6f}",
        timestamp=run.started.removesuffix("Z"),
        hostname=one_line(report.provenance.host),
    )
    properties = ET.SubElement(suite, "properties")
    facts = {"verdict": run.verdict.value, "summary": run.sentence, "server": run.server, "target": run.target}
    facts |= {"commit": report.provenance.commit, "runbook.sha256": report.provenance.sha256}
    facts |= _drill_facts(report.drill) if report.drill else {}
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=one_line(value))
    suite.extend(_case(report, check) for check in report.asked)
    return suite


def _drill_facts(drill: DrillReport) -> dict[str, str]:
    """What was restored, and the times in seconds, for those who chart them."""
    times = {"rto.usable": drill.rto_usable, "rto.verified": drill.rto_verified, "rpo": drill.rpo}
    known = {name: f"{seconds:.3f}" for name, seconds in times.items() if seconds is not None}
    proven = "proven" if drill.contents_proven else "not proven"
    facts = {"artifact": drill.artifact, "origin": drill.origin, "contents": proven, **known}
    return {f"drill.{name}": fact for name, fact in facts.items()}


def _case(report: Report, check: CheckReport) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=one_line(report.run.label),
        name=one_line(check.name),
        file=one_line(report.provenance.path),
        line=str(check.line),
        time=f"{check.seconds:.6f}",
    )
    match check.status:
        case Status.WARNED if report.run.strict:
            _add(case, "failure", check, _story(report, check))
        case Status.FAILED:
            _add(case, "failure", check, _story(report, check))
        case Status.ERRORED:
            _add(case, "error", check, _story(report, check))
        case Status.SKIPPED:
            _add(case, "skipped", check, "")
        case Status.WARNED:  # JUnit has no word for it: the case passes, and says so in its output
            ET.SubElement(case, "system-out").text = visible(f"WARNED: {_story(report, check)}")
    return case


def _add(case: ET.Element, kind: str, check: CheckReport, story: str) -> None:
    codes = " ".join(check.codes)
    ET.SubElement(case, kind, message=one_line(check.sentence), type=codes).text = visible(story) or None


def _story(report: Report, check: CheckReport) -> str:
    """What a person needs who sees only this: what is wrong, where, and what to do."""
    lines = [f"{check.reason} ({check.code})"] if check.reason else []
    lines += [f"Hint: {check.hint}"] if check.hint else []
    for finding in check.broken:
        lines += _told(finding)
    lines.append(f"At {report.provenance.path}:{check.line}")
    for fix in report.fixes_for(check):
        lines += ["", f"Fix: {fix.title}" if fix.line else f"Fix for {fix.code}:", fix.text.strip("\n")]
    return "\n".join(lines)


def _told(finding: FindingReport) -> list[str]:
    lines = [f"{finding.sentence} ({finding.code})"]
    lines += [f"Expected: {finding.expected}"] if finding.expected else []
    lines += [f"Observed: {finding.observed}"] if finding.observed else []
    lines += [", ".join(f"{name}: {value}" for name, value in row.items()) for row in finding.evidence]
    return lines
