"""Charts: every value at its place, nothing of the page taken for markup, and drawn from the report alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from checks.check import Bar, Chart
from checks.report import files
from checks.report.charts import charts
from checks.report.drawing import LABELS, PLOT, drawing, svg
from checks.report.jsonfile import from_json, to_json
from checks.report.markdown import markdown
from checks.report.model import Report
from tests.report.builders import holding, report, result

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    "How long",
    "ms",
    (Bar("slow count", 2.0, 1.5, 2.5, 4.0, baseline=1.0, earlier=(1.0, 2.0)), Bar("<b>&", 1.0, 1.0, 1.0, 1.0)),
)


def drawn() -> Report:
    """A report whose one check has a chart and a plan."""
    finding = replace(holding(), chart=CHART, folded="Plan of slow count\nSeq Scan on audit_log: 1 rows")
    return report(result("counted", finding))


def test_every_value_has_its_place() -> None:
    """Zero is at the left, the largest value at the right, and the rest between them in proportion."""
    first, second = drawing(CHART).lines
    assert (first.reach, first.middle, first.baseline) == (LABELS + PLOT, LABELS + PLOT / 2, LABELS + PLOT / 4)
    assert (second.middle, second.baseline, second.trend) == (LABELS + PLOT / 4, None, "")
    assert len(first.trend.split()) == 3


def test_a_chart_is_well_formed_and_takes_the_readers_colours() -> None:
    """Names are text, whatever is in them, and no colour is fixed."""
    root = ElementTree.fromstring(svg(CHART))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"slow count", "<b>&", "dashed: baseline", "earlier runs"} <= set(texts)
    assert root.get("fill") == "currentColor"
    assert root.findtext(f"{SVG}title") == "How long"


def test_an_empty_chart_and_one_of_zeros_can_be_drawn() -> None:
    """Nothing is divided by nothing."""
    for bars in ((), (Bar("a", 0.0, 0.0, 0.0, 0.0, earlier=(0.0,)),)):
        ElementTree.fromstring(svg(Chart("t", "ms", bars)))


def test_the_markdown_points_at_its_charts_where_they_are(tmp_path: Path) -> None:
    """Files lie beside it under its own name; without files it shows the words alone."""
    written = files.write(drawn(), tmp_path)
    stem = written.json.stem
    assert written.markdown is not None
    assert f"> ![How long]({stem}.1.svg)" in written.markdown.read_text()
    assert (tmp_path / f"{stem}.1.svg").read_text() == svg(CHART)
    assert "![" not in markdown(drawn())
    assert "](reports/a%20b/x.1.svg)" in markdown(drawn(), "reports/a b/x")


def test_a_plan_is_folded_under_its_finding() -> None:
    """Its first line is the summary, the rest a block of text."""
    text = markdown(drawn())
    assert "> <summary>Plan of slow count</summary>" in text
    assert "> Seq Scan on audit_log: 1 rows" in text


def test_charts_are_drawn_again_from_the_json(tmp_path: Path) -> None:
    """The JSON holds every value of a chart; one that is there already is left alone."""
    written = files.write(drawn(), tmp_path)
    again = from_json(to_json(drawn()), path=written.json)
    assert charts(again) == {".1.svg": svg(CHART)}
    chart = tmp_path / f"{written.json.stem}.1.svg"
    chart.write_text("mine")
    files.draw_charts(again, written.json)
    assert chart.read_text() == "mine"
    chart.unlink()
    files.draw_charts(again, written.json)
    assert chart.read_text() == svg(CHART)
