"""No form of a report holds a secret, wherever a check, a server or a machine let one slip."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree as ET

from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from checks import secrets
from checks.report.compose import report_of
from checks.report.jsonfile import to_json
from checks.report.junit import junit
from checks.report.markdown import markdown
from checks.report.progress import progress_for
from checks.report.summary import annotation_lines, summary
from checks.report.terminal import print_outcome
from checks.result import Results, Status
from checks.runbook.model import Prose, Section
from checks.targets.session import Server
from tests.report.builders import CODES, broken, holding, page, provenance, result, results_of

SECRETS = st.text(min_size=6, max_size=20)


def _run_that_says(word: str) -> tuple[Results, Any]:
    """A run with `word` in every place that text can come from."""
    finding = broken(f"a {word}", expected=f"b {word} b", observed=word, evidence=[{word: word, "n": f"x{word}"}])
    errs = result("errs", status=Status.ERRORED, reason=f"no: {word}", code="run.timeout", hint=f"try {word}.")
    results = [result(f"n {word}", finding, broken(word)), result("two", holding(f"{word}.")), errs]
    section = Section(2, f"Fix {word}", 30, ("query.rows",), (Prose(f"Say {word} to it.", 31),))
    server = Server("postgresql", f"17 {word}", 17, f"from {word}")
    run = results_of(results, runbook=page(results, section, title=f"T {word}"), server=server)
    run.guards[word] = word
    return run, provenance(command=f"invoke {word}", host=word, user=word, path=f"runbooks/{word}.md")


def _every_form(word: str) -> list[str]:
    run, origin = _run_that_says(word)
    report = report_of(run, provenance=origin, codes=CODES)
    stream = StringIO()
    with progress_for("text", runbooks=["gaia"], stdout=stream, stderr=stream, environ={}) as progress:
        watch = progress.planned(run.plan)
        for one in run.results:
            watch.finished(one)
    print_outcome([report], {}, stream=stream, environ={})
    texts = [to_json(report), markdown(report), junit([report]), summary([report]), stream.getvalue()]
    return [*texts, *annotation_lines([report]), *_read_back(texts[0], texts[1], texts[2])]


def _read_back(as_json: str, as_markdown: str, as_xml: str) -> list[str]:
    """What a reader sees after escapes are undone."""
    root = ET.fromstring(as_xml)
    attributes = [value for element in root.iter() for value in element.attrib.values()]
    inline = [token.content for token in MarkdownIt("gfm-like", {"linkify": False}).parse(as_markdown)]
    return [*_strings(json.loads(as_json)), *root.itertext(), *attributes, *inline]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


@given(SECRETS)
def test_no_form_of_a_report_holds_a_secret(secret: str) -> None:
    """Not the file, not the terminal, not CI's copy, raw or with their escapes undone."""
    with patch.object(secrets, "_known", set()):
        assume(not any(secret in text for text in _every_form("harmless")))
        secrets.remember(secret)
        assume(secret not in secrets.MASK and secrets.MASK not in secret)
        for text in _every_form(secret):
            assert secret not in text
