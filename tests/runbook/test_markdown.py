"""What stands where in a page, against the traps of Markdown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checks.runbook.markdown import Span, parse
from checks.runbook.sections import assemble

_ODD_LINES = (
    "|---|```|~~~|```yaml check|# A|A|===|> # B|- # C|   ```|    ```|<div>|<!-- x|-->|1. ```|[a]: b|...|\ta|\u2028"
)
_LINES = st.lists(st.sampled_from([*_ODD_LINES.split("|"), "| a |", "a\rb", "\x0b", "\0"]))


@given(st.one_of(st.text(), _LINES.map("\n".join)))
def test_sections_reassemble_to_the_page(text: str) -> None:
    """Headings, prose and blocks, joined, are the lines after the front matter, word for word."""
    page = parse(text)
    body = page.lines[page.front.end if page.front else 0 :]
    assert "".join(section.text for section in assemble(page, {}, {})) == "\n".join(body)


def test_lines_are_those_an_editor_counts() -> None:
    """CR and CRLF end a line as LF does; U+2028, a vertical tab and a form feed do not."""
    page = parse("a\u2028b\x0bc\x0cd\r\n# One\r# Two\n")
    assert [(heading.title, heading.span.start) for heading in page.headings()] == [("One", 1), ("Two", 2)]


def test_a_block_without_a_closing_marker_is_not_closed() -> None:
    """Markdown takes the rest of the page for it without a word. A shorter marker, or another, does not close it."""
    texts = {"```\na\n```": True, "```\na\n": False, "````\na\n```": False, "~~~\na\n```": False, "```": False}
    for text, closed in texts.items():
        assert [block.closed for block in parse(text).blocks()] == [closed], text


def test_a_block_in_a_list_is_nested() -> None:
    """It has lines, but no place of its own at the margin."""
    [block] = parse("1. a\n\n   ```sql check\n   SELECT 1\n   ```\n").blocks()
    assert (block.nested, block.span, block.info, block.content) == (True, Span(2, 5), "sql check", "SELECT 1\n")


def test_front_matter_is_only_found_on_the_first_line() -> None:
    """A rule, a list item or words after the hyphens are none."""
    assert parse("---\na: 1\n---\n").front == Span(0, 3)
    assert parse("---\na: 1\n...\n").front == Span(0, 3)
    for text in ("", "a\n---\nb\n---\n", "- ---\n  ---\n", "---a\n---\n", "---\na: 1\n"):
        assert parse(text).front is None, text


def test_comments_of_a_heading_are_not_its_title() -> None:
    """They are kept apart, and the title is plain words."""
    [heading] = parse("## `psql` says *refused* [at once](x)  <!-- fixes: a.b -->\n").headings()
    assert (heading.title, heading.comments) == ("psql says refused at once", ("<!-- fixes: a.b -->",))
