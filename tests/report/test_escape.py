"""Markdown says what it was given, read by a Markdown parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from checks.report import escape
from checks.report.clean import one_line

GITHUB = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify", ignoreInvalid=True)


def _text_of(markdown: str) -> str:
    """What a reader sees of running text, whether set as code or not. Anything else would be a token of its own."""
    inline = GITHUB.parseInline(markdown)[0].children or []
    assert {token.type for token in inline} <= {"text", "text_special", "code_inline"}, inline
    return "".join(token.content for token in inline)


@pytest.mark.parametrize(
    "nasty",
    [
        "<script>alert(1)</script>",
        "**not bold** and _not slanted_ and ~~not struck~~",
        "[not a link](http://example.com) ![nor a picture](x.png)",
        "a\\b \\* &lt; &amp; &#x3c;",
        "one ` backtick",
        "``two`` in a row",
        "snake_case_name stays, __init__ too",
        "<http://example.com>",
        "$1 and $2 are no formula",
    ],
)
def test_data_in_running_text_is_only_text(nasty: str) -> None:
    """No name in a database draws a link, a picture, a tag or a font."""
    assert _text_of(escape.text(nasty)) == nasty


@given(st.text(alphabet=st.sampled_from("`*_[]()<>|\\~&#!$ ab1;:\n\x1b-+."), max_size=40))
def test_any_data_in_running_text_is_only_text(nasty: str) -> None:
    """Whatever the order of the special characters, the reader sees them all, but for the backticks that set code."""
    seen = _text_of(f"x{escape.text(nasty)}x").replace("`", "").replace(" ", "")
    assert seen == f"x{one_line(nasty)}x".replace("`", "").replace(" ", "")


def test_what_a_sentence_sets_in_backticks_stays_code() -> None:
    """Checks write names as `code`, and a name cannot break out of it."""
    assert escape.text("`work_mem` is *4MB*") == r"`work_mem` is \*4MB\*"
    assert escape.text("`<b>` & `a|b`") == "`<b>` & `a|b`"


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_a_cell_never_breaks_its_table(values: list[str]) -> None:
    """A table has as many columns in each row as it was given cells, whatever stands in them."""
    drawn = escape.table(["c"] * len(values), [[escape.cell(value) for value in values]])
    tokens = GITHUB.parse(drawn)
    assert [token.type for token in tokens].count("td_open") == len(values)
    assert [token.type for token in tokens].count("tr_open") == 2


def test_a_table_lines_up_as_plain_text() -> None:
    """It is read in a terminal as often as on GitHub; the last column runs free."""
    drawn = escape.table(["Status", "Check", "ms"], [["✅ PASSED", "a", "1"], ["x", "你好", "100000"]], right=[1])
    assert drawn.splitlines() == [
        "| Status    | Check | ms |",
        "| --------- | ----: | --- |",
        "| ✅ PASSED |     a | 1 |",
        "| x         |  你好 | 100000 |",
    ]


def test_evidence_has_a_column_for_every_name() -> None:
    """Rows need not have the same names; numbers stand to the right; nothing is told from an absent value."""
    drawn = escape.evidence_table([{"table": "a|b", "rows": 7}, {"table": None, "ready": False, "ratio": 0.1 + 0.2}])
    assert drawn.splitlines() == [
        "| table | rows | ready | ratio |",
        "| ----- | ---- | ----- | ----- |",
        "| a\\|b  | 7    |       |  |",
        "| –     |      | no    | 0.3 |",  # noqa: RUF001 - as drawn
    ]


@pytest.mark.parametrize("value", ["plain", "`", "``", "`a`", "a ``` b", " padded "])
def test_a_code_span_holds_any_backticks(value: str) -> None:
    """The fence around a value is longer than any inside it."""
    tokens = GITHUB.parseInline(escape.code(value))[0].children or []
    assert [(token.type, token.content) for token in tokens] == [("code_inline", one_line(value))]


def test_a_block_cannot_be_closed_from_inside() -> None:
    """SQL that quotes Markdown stays SQL."""
    [token] = GITHUB.parse(escape.block("SELECT '```'\n```\n# no heading", "sql check"))
    assert (token.type, token.info, token.content) == ("fence", "sql check", "SELECT '```'\n```\n# no heading\n")


def test_anchors_are_githubs() -> None:
    """Headings of the same words are numbered, punctuation goes."""
    titles = ["Verify", "Every campaign has an owner!", "Verify", "A `b_c` (d)"]
    assert escape.slugs(titles) == ["verify", "every-campaign-has-an-owner", "verify-1", "a-b_c-d"]


def test_html_shows_tags_as_text() -> None:
    """A summary line stands between tags, where Markdown is not read."""
    assert escape.html("a <b> & c\nd") == "a &lt;b&gt; &amp; c d"
