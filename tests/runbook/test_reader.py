"""One page that is sound, and one for every way a page can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.check import Severity
from checks.errors import RunbookError
from checks.runbook.model import Environment, Fence, Prose
from checks.runbook.reader import interpret, read
from checks.secrets import mask
from checks.units import Duration
from tests.runbook.kinds import CODES, KINDS, Connectivity, Query, Table, Tables
from tests.runbook.tools import FRONT, SAMPLES, page_is_read, page_is_refused, text_is_refused

PASSWORD = "correct-horse-battery"


def test_a_sound_page_is_read() -> None:
    """Front matter, sections, checks and fixes come out as the page has them, in its order."""
    runbook = page_is_read("sound")
    assert (runbook.front.runbook, runbook.front.title) == ("sample", "A sample")
    assert runbook.front.environments["prod"] == Environment(url="${PROD_DATABASE_URL}", protected=True)
    titles = ["A sample", "Verify", "Every session has a user", "When it fails", "Connection refused"]
    assert [section.title for section in runbook.sections] == titles
    entries = list(runbook.entries())
    assert [(entry.kind, entry.name, entry.line) for entry in entries] == [
        ("connectivity", "connectivity", 15),
        ("tables", "tables", 16),
        ("query", "Every session has a user", 26),
    ]
    assert entries[0].params == Connectivity()
    assert entries[1].params == Tables({"auth": ("users", "sessions"), "game": {"campaigns": Table("table")}})
    assert entries[2].params == Query("SELECT 1 WHERE false")
    assert runbook.sections[-1].fixes == ("connectivity.refused", "tables.*")


def test_a_section_keeps_its_words_and_checks_in_order() -> None:
    """The report can repeat the page word for word: every section's texts joined are the page."""
    runbook = page_is_read("sound")
    body = (SAMPLES / "sound.md").read_text().split("---\n", 2)[2]
    assert "".join(section.text for section in runbook.sections) == body
    verify = runbook.sections[1]
    assert [type(part) for part in verify.parts] == [Prose, Fence, Prose]
    assert verify.parts[1].text.startswith("```yaml check\nconnectivity")
    assert verify.parts[2] == Prose("\nAnd some between.\n\n", line=21)


def test_windows_line_ends_change_nothing() -> None:
    """A page saved with CRLF is the same page: its values, its lines, its words."""
    content = (SAMPLES / "sound.md").read_bytes()
    unix = interpret(Path("page.md"), content, KINDS, CODES)
    windows = interpret(Path("page.md"), content.replace(b"\n", b"\r\n"), KINDS, CODES)
    assert (windows.front, windows.sections) == (unix.front, unix.sections)
    assert windows.sha256 != unix.sha256


def test_a_byte_order_mark_is_accepted() -> None:
    """An editor that begins the file with one does not hide the front matter."""
    assert page_is_read("byte-order-mark").front.runbook == "sample"


def test_an_unclosed_check_block_is_told_at_its_opening() -> None:
    """A block that swallows the rest of the page is not run."""
    page_is_refused("unclosed-check-block", "10:1: never closed, so the rest of the page is part of it")


def test_a_check_swallowed_by_an_unclosed_block_is_told() -> None:
    """A check that stands inside another block's text would silently not be run."""
    page_is_refused(
        "unclosed-prose-block-swallows-a-check", "15:1: `yaml check` opens a block inside the one of line 10"
    )
    page_is_refused(
        "unclosed-check-block-swallows-the-next", "13:1: `sql check` opens a block inside the one of line 10"
    )


def test_unclosed_front_matter_hides_no_other_mistake() -> None:
    """The checks below are read all the same, so that the page is repaired once."""
    page_is_refused(
        "unclosed-front-matter",
        "1:1: the front matter is never closed",
        "8:1: there is no kind of check called `conectivity`",
    )


def test_a_page_needs_front_matter() -> None:
    """Without it nothing says which system the page is about."""
    page_is_refused("no-front-matter", "1:1: this page has no front matter")
    page_is_refused("front-matter-is-a-list", "2:1: not a mapping of keys to values")
    page_is_refused("front-matter-is-empty", "2:1: not a mapping of keys to values")
    text_is_refused("", "1:1: this page has no front matter")


def test_front_matter_begins_on_the_first_line() -> None:
    """An empty line above it turns it into a rule and a paragraph, which is said as such."""
    page_is_refused("empty-line-above-front-matter", "2:1: front matter begins on the first line")


def test_front_matter_has_a_sane_size() -> None:
    """What is longer than 64 KiB is not read at all."""
    filler = "".join(f"# {number:>60}\n" for number in range(1100))
    text_is_refused(f"---\nrunbook: sample\n{filler}title: x\n---\n", "1:1: the front matter is longer than 64 KiB")


def test_every_wrong_value_of_the_front_matter_is_told() -> None:
    """One reading tells them all, each where it stands."""
    mistakes = page_is_refused(
        "front-matter-with-wrong-values",
        "2:1: the front matter lacks the key `title`",
        "2:10: `runbook` must be lower-case letters and digits",
        "3:1: the front matter has no key `titel`",
        "4:11: `postgres` must be a whole number, not text",
        "5:20: `migrations.tool` must be `alembic`, `prisma` or `sql`, not `alembik`",
        "5:35: `migrations.path` must be text, not a list",
        "7:8: an environment needs exactly one of `url`, `service` and `compose`",
        "8:3: must be lower-case letters and digits",
        "9:20: `server.work_mem` must be text or a number or true or false, not a list",
    )
    assert [mistake.hint for mistake in mistakes if mistake.hint] == [
        "did you mean `title`?",
        "did you mean `alembic`?",
    ]


@pytest.mark.parametrize("name", ["Sample", "a b", "a/b", "-a", "a--b", "ä", "a\u2028"])
def test_a_runbook_is_named_by_a_slug(name: str) -> None:
    """Its name becomes a file name and an option."""
    text_is_refused(f'---\nrunbook: "{name}"\ntitle: x\n---\n', "2:10: lower-case letters and digits")


def test_a_rule_about_one_key_is_told_at_that_key() -> None:
    """Each of them, whatever else is wrong beside it."""
    front = "---\nrunbook: a\ntitle: ' '\npostgres: 160\nmigrations: {tool: sql, path: a, metadata: b}\n---\n"
    text_is_refused(
        front,
        "3:8: `title` must be one line",
        "4:11: `postgres` must be a major version of PostgreSQL, such as 16",
        "5:44: `migrations.metadata` must be written as module:attribute",
    )


def test_what_is_no_settings_name_is_told_at_its_key() -> None:
    """A disposable server would refuse it; here it is told with the page's other mistakes."""
    front = '---\nrunbook: a\ntitel: b\nserver: {work mem: 4MB, "x\'": 1, auto_explain.log_analyze: true}\n---\n'
    text_is_refused(
        front,
        "2:1: the front matter lacks the key `title`",
        "3:1: no key `titel`",
        "4:10: must be the name of a setting",
        "4:25: must be the name of a setting",
    )


def test_a_key_stands_once() -> None:
    """YAML libraries let the last one win, silently."""
    page_is_refused("duplicate-key-in-front-matter", "4:1: `title` is here a second time; the first is on line 3")
    page_is_refused("duplicate-kind-in-a-block", "13:1: `connectivity` is here a second time; the first is on line 11")


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    """At every depth, of the kind's own keys and of those every kind takes."""
    mistakes = page_is_refused(
        "unknown-key",
        "11:16: `connectivity` has no key `witin`",
        "14:20: `tables.schemas.auth.users` has no key `typ`",
        "15:3: `tables` has no key `severty`",
    )
    assert [mistake.hint for mistake in mistakes] == [
        f"did you mean `{key}`?" for key in ("within", "type", "severity")
    ]


def test_a_value_of_the_wrong_type_is_refused() -> None:
    """Text is no number, `yes` is no truth value, and a number without a unit is no duration."""
    page_is_refused(
        "wrong-types",
        "12:11: `connectivity.within`: 2 has no unit",
        "13:10: `connectivity.tries` must be a whole number, not text",
        "14:10: `connectivity.exact` must be true or false, not text",
        "15:13: `connectivity.severity` must be `fail` or `warn`, not `fatal`",
        "16:12: `connectivity.timeout` must be longer than nothing",
        "17:17: `connectivity.environments` must be a list, not text",
        "20:11: `tables.schemas.auth` must be a list or a mapping, not a whole number",
        "21:23: `tables.schemas.game[1]` must be text, not a number with a fraction",
    )


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    """A misspelt kind is a mistake, not a check that is never run."""
    [mistake] = page_is_refused("unknown-kind", "11:1: there is no kind of check called `conectivity`")
    assert mistake.hint == "did you mean `connectivity`?"


def test_fixes_name_codes_that_exist() -> None:
    """A section that fixes a misspelt code would never be shown."""
    mistakes = page_is_refused(
        "fixes-unknown-codes",
        "10:24: `connectivity.refusd` is not the code of any finding",
        "10:44: `conectivity.*` is not the code of any finding",
    )
    assert [mistake.hint for mistake in mistakes] == [
        "did you mean `connectivity.refused`?",
        "did you mean `connectivity.*`?",
    ]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("conectivity.refusd", "did you mean `connectivity.refused`?"),
        ("tabels.*", "did you mean `tables.*`?"),
        ("nosuch.*", ""),
        ("nosuch.refused", ""),
        ("connectivity.nonsense", ""),
        ("connectivity", ""),
    ],
)
def test_only_what_is_close_is_suggested_for_a_code(code: str, hint: str) -> None:
    """A code that shares no more than its dot and star, or only its kind, is not what was meant."""
    [mistake] = text_is_refused(f"{FRONT}# A <!-- fixes: {code} -->\n", f"5:17: `{code}` is not the code")
    assert mistake.hint == hint or mistake.hint.startswith("docs/checks.md lists every code")
    assert bool(hint) == mistake.hint.startswith("did you mean")


@pytest.mark.parametrize("word", ["fixs", "fixe", "fixses", "fixed", "Fxies"])
def test_a_misspelt_fixes_comment_is_told(word: str) -> None:
    """On a heading or elsewhere it would silently be prose."""
    comment = f"<!-- {word}: connectivity.refused -->"
    told = f"`{word}` is not `fixes`, so this comment fixes nothing"
    text_is_refused(
        f"{FRONT}# A {comment}\n\nText {comment}\n\n{comment}\n", f"5:5: {told}", f"7:6: {told}", f"9:1: {told}"
    )


@pytest.mark.parametrize(
    "comment", ["FIXME: connectivity.refused is missing", "files: tables.sql", "fixed: a typo", "mixed: a.b", "see a.b"]
)
def test_any_other_comment_is_prose(comment: str) -> None:
    """Whoever writes a page may leave notes in it."""
    text = f"{FRONT}# A <!-- {comment} -->\n\nText <!-- {comment} -->\n"
    assert interpret(Path("page.md"), text.encode(), KINDS, CODES).sections[0].title == "A"


def test_fixes_name_checks_of_the_page() -> None:
    """A section may name the checks it repairs, wherever they are asked; one that is none is told with the nearest."""
    mistakes = page_is_refused(
        "fixes-unknown-checks",
        '25:53: "Every session has an user" is not the name of any check on this page',
        '25:82: "" is not the name of any check on this page',
        "29:23: `roles` is not the code of any finding",
    )
    assert [mistake.hint for mistake in mistakes] == [
        "did you mean `Every session has a user`?",
        "a check is called by its `name`, else by its kind, or the heading above a `sql check`",
        "docs/checks.md lists every code; a check's name stands between two double quotes, and nothing but white space "
        "touches them",
    ]


def test_quotes_in_fixes_come_in_pairs() -> None:
    """A quotation mark without a partner leaves open what is a name, and is told once."""
    page_is_refused("fixes-stray-quotes", *(f"{place}: not between two quotation marks" for place in STRAY_QUOTES))


STRAY_QUOTES = ("17:53", "19:25", "21:26")


def test_names_in_fixes_wait_until_the_checks_are_right() -> None:
    """A check with a mistake in it may be the one that is named, so that only its own mistake is told."""
    fence = "```yaml check\nconnectivity: {name: the server answers, withn: 2s}\n```\n"
    text_is_refused(f'{FRONT}{fence}## Down <!-- fixes: "the server answers" -->\n', "6:42: has no key `withn`")


def test_a_fixes_comment_that_ties_nothing_is_told() -> None:
    """Without a colon, a code, an end or a heading, it would be an invisible comment."""
    page_is_refused(
        "fixes-comments-gone-wrong",
        "10:13: should name what the section fixes",
        "12:12: should name what the section fixes",
        "14:13: should name what the section fixes",
        "16:17: should name what the section fixes",
        "19:1: stands on no heading",
        "21:10: stands on no heading",
    )


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("password-in-front-matter-url", ["5:32: a URL with a literal password"]),
        ("password-folded-over-two-lines", ["5:14: a literal password in the front matter"]),
        ("password-key-in-front-matter", ["5:24: has no key `password`", "5:34: a literal password"]),
        (
            "password-in-check-parameters",
            ["11:16: has no key `url`", "11:39: a URL with a literal password", "12:23: has no key `password`"],
        ),
        (
            "password-in-prose",
            [
                "10:32: a URL with a literal password",
                "13:12: a literal password",
                "14:21: a literal password",
                "15:24: a literal password",
                "16:35: SQL with a literal password",
            ],
        ),
    ],
)
def test_a_literal_password_is_a_mistake_and_never_shown(sample: str, expected: list[str]) -> None:
    """In front matter, parameters and prose; the mistake tells where it stands and not what it is."""
    mistakes = page_is_refused(sample, *expected)
    assert not any(PASSWORD in str(mistake) for mistake in mistakes)
    assert mask(f"it is {PASSWORD}") == "it is ****"


def test_a_placeholder_is_no_password() -> None:
    """A page may show where a password goes."""
    page_is_read("password-placeholders")


def test_checks_have_names_of_their_own() -> None:
    """`--only` and the report could not tell two of one name apart."""
    page_is_refused("two-checks-of-one-name", "15:1: `connectivity` is also the name of the check on line 11")


def test_one_question_is_asked_under_one_name() -> None:
    """Kind and parameters are compared as values: 1s is 1000ms."""
    page_is_refused("one-question-under-two-names", "13:5: `again` asks what `connectivity` on line 12 asks already")


def test_one_question_may_be_asked_of_different_environments() -> None:
    """It may warn in one and fail in the other."""
    entries = list(page_is_read("one-question-in-two-environments").entries())
    assert [(entry.environments, entry.severity) for entry in entries] == [
        (("dev",), Severity.WARN),
        (("prod",), Severity.FAIL),
    ]


def test_anchors_and_aliases_are_refused() -> None:
    """A few of them can stand for a value that fills the memory, or that contains itself."""
    page_is_refused("anchors-and-aliases", "2:10: the anchor `&name`", "8:15: the anchor `&one`")
    page_is_refused("recursive-alias", "11:9: the anchor `&me`")


def test_what_cannot_be_read_hides_no_other_mistake_of_the_front_matter() -> None:
    """An anchor or a key that stands twice is told beside the unknown keys and wrong values, so that the page is
    repaired once; and nothing is told of what could not be read."""
    text_is_refused(
        "---\nrunbook: sample\ntitle: &t A sample\ntitle: B\npostgress: 15\n"
        "environments: {prod: &x {service: a}, dev: {url: &u x}}\nserver: {work_mem: !!str 4MB}\n---\n"
        "```yaml check\nconnectivity: {environments: [prdo]}\n```\n",
        "3:8: the anchor `&t`",
        "4:1: `title` is here a second time",
        "5:1: the front matter has no key `postgress`",
        "6:22: the anchor `&x`",
        "6:50: the anchor `&u`",
        "10:31: the front matter has no environment `prdo`",
    )


def test_environments_that_stand_twice_are_not_all_known() -> None:
    """Which ones there are is then anybody's guess, so that no check is told it names another."""
    front = "---\nrunbook: a\ntitle: b\nenvironments: {dev: {service: a}}\nenvironments: {prod: {service: b}}\n---\n"
    fence = "```yaml check\nconnectivity: {environments: [prod]}\n```\n"
    text_is_refused(front + fence, "5:1: `environments` is here a second time")


def test_what_cannot_be_read_hides_no_other_mistake_of_a_block() -> None:
    """Nor do two checks that could not be read count as one question asked twice."""
    fence = (
        "```yaml check\nconnectivity: &a {within: 2s}\nconnectivity: {}\ntables: [&b {name: x}, {name: &c y}, &d {}]\n"
        "conectivity: {environments: [prdo]}\n```\n"
    )
    text_is_refused(
        f"{FRONT}{fence}",
        "6:15: the anchor `&a`",
        "7:1: `connectivity` is here a second time",
        "8:10: the anchor `&b`",
        "8:24: `tables` lacks the key `schemas`",
        "8:31: the anchor `&c`",
        "8:38: the anchor `&d`",
        "9:1: there is no kind of check called `conectivity`",
        "9:30: the front matter has no environment `prdo`",
    )


def test_yaml_tags_are_refused() -> None:
    """A tag can ask a YAML library to run code; here it is a mistake."""
    page_is_refused("yaml-tags", "11:9: the tag `!!python/object/apply:os.system`")


def test_what_is_not_yaml_is_told_where_it_stops_being_so() -> None:
    """The place is the page's, not the block's."""
    page_is_refused("not-yaml", "12:4: this is not YAML", "15:10: mapping values are not allowed here")


def test_an_empty_check_block_is_a_mistake() -> None:
    """It looks like a check and proves nothing."""
    page_is_refused(
        "empty-check-blocks",
        "10:1: this check block is empty",
        "13:1: this check block is empty",
        "17:1: this check block is empty",
    )


def test_a_check_block_is_a_mapping_of_kinds() -> None:
    """Anything else is told where it stands."""
    page_is_refused(
        "check-block-that-is-no-mapping",
        "11:1: a check block is a mapping",
        "15:1: a check block is a mapping",
        "19:15: the parameters of `connectivity` are a mapping",
        "23:9: `tables` lists no checks",
    )


def test_only_the_first_of_several_checks_may_lack_a_name() -> None:
    """It has its kind's."""
    page_is_refused(
        "further-check-without-a-name",
        "13:5: this further check of `connectivity` has no name",
        "14:4: this further check of `connectivity` has no name",
    )


def test_a_sql_check_needs_a_name() -> None:
    """Its heading's, or one of its own."""
    page_is_refused("sql-check-without-a-name", "8:1: no name, since there is no heading above it")


def test_sql_checks_are_named_by_their_heading() -> None:
    """A second one has a number, and options may name it otherwise."""
    entries = list(page_is_read("several-sql-checks-under-one-heading").entries())
    assert [entry.name for entry in entries] == ["No orphans", "No orphans 2", "no strays"]
    assert (entries[2].severity, entries[2].environments) == (Severity.WARN, ("dev", "prod"))
    assert entries[2].timeout == Duration(30)


def test_sql_check_options_are_validated() -> None:
    """As the same keys of a `yaml check` are."""
    page_is_refused(
        "sql-check-options-gone-wrong",
        "10:14: `severty` is not an option of a `sql check`",
        "14:1: a quote after `sql check` is never closed",
        "18:14: `warn` is not an option of a `sql check`",
        "22:14: the option `name` is given twice",
        "26:14: the front matter has no environment `prd`",
        "26:31: '5' is not a duration",
    )


def test_a_check_names_environments_of_the_front_matter() -> None:
    """Limited to a misspelt one, it would never be asked."""
    [mistake] = page_is_refused("unknown-environment", "11:36: the front matter has no environment `prd`")
    assert mistake.hint == "did you mean `prod`?"


def test_words_that_are_almost_check_are_told() -> None:
    """A check that never runs must not look like one."""
    words = ["yaml chek", "yml check", "YAML check", "yaml-check", "check", "bash check"]
    expected = [f"{10 + 4 * index}:1: `{each}` is no check" for index, each in enumerate(words)]
    page_is_refused("words-that-are-almost-check", *expected, "34:1: words after `yaml check` mean nothing")


def test_blocks_without_the_word_check_are_prose() -> None:
    """They are shown, and never run."""
    assert not list(page_is_read("words-that-are-not-check").entries())


def test_a_check_shown_in_an_outer_block_is_not_run() -> None:
    """A page may show how checks are written, or comment one out."""
    assert not list(page_is_read("check-shown-in-an-outer-block").entries())


def test_a_check_inside_a_list_is_refused() -> None:
    """The report could not put its evidence there without breaking the list."""
    page_is_refused("check-inside-a-list", "12:4: inside a list or a quotation", "16:3: inside a list or a quotation")


def test_a_check_that_markdown_does_not_see_is_told() -> None:
    """A backtick in the words after the marker, or raw HTML around it, makes it text."""
    page_is_refused("check-with-a-backtick-in-its-words", "10:1: opens no block here", "12:1: never closed")
    page_is_refused("check-hidden-in-raw-html", "11:1: opens no block here")


def test_columns_of_an_indented_block_are_the_pages() -> None:
    """Markdown takes the indent off; the mistake is told where the editor shows it."""
    page_is_refused("indented-check-block", "12:5: `connectivity` has no key `witin`")


def test_only_newlines_end_a_line() -> None:
    """U+2028, U+0085 and vertical tabs do not shift the lines of what follows."""
    page_is_refused("line-separator-in-prose-and-yaml", "16:3: `tables` has no key `nam`")


def test_headings_are_the_pages_own() -> None:
    """One in a quotation begins no section; one underlined does, and its title has no markup."""
    sections = page_is_read("quoted-heading-and-underlined-heading").sections
    assert [(section.level, section.title, section.line) for section in sections] == [
        (1, "A sample", 8),
        (2, "Second level", 15),
    ]
    assert sections[1].fixes == ("connectivity.refused",)


def test_a_byte_that_is_not_utf_8_is_told_at_its_place() -> None:
    """Guessing at an encoding would put wrong letters into a report."""
    page_is_refused("not-utf-8", "8:6: not UTF-8")


def test_a_page_that_cannot_be_read_is_one_mistake(tmp_path: Path) -> None:
    """A missing file is answered with the nearest name beside it; a folder is not a page."""
    (tmp_path / "gaia.md").write_text("x")
    with pytest.raises(RunbookError, match="cannot be read: No such file") as refusal:
        read(tmp_path / "gaja.md", KINDS, CODES)
    assert refusal.value.mistakes[0].hint == "did you mean `gaia.md`?"
    with pytest.raises(RunbookError, match="cannot be read: Is a directory"):
        read(tmp_path, KINDS, CODES)


def test_a_page_has_a_sane_size(tmp_path: Path) -> None:
    """More than a MiB is not read into memory."""
    page = tmp_path / "page.md"
    page.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(RunbookError, match="longer than 1024 KiB"):
        read(page, KINDS, CODES)


_WORDS = r"""--- ``` ~~~ ```yaml_check\n ```sql_check\n # == : - > ` { } [ ] & * ! % | " ' \ ... <!-- --> fixes: ://a:b@c
connectivity tables schemas within 2s null 0x .inf \ud800 !!int runbook:_a\n title:_b\n \n _ __"""
_PIECES = st.sampled_from(
    [
        *(word.replace("_", " ").replace("\\n", "\n") for word in _WORDS.split()),
        "\0",
        "\r",
        "\u2028",
        "\x85",
        "\ufeff",
        "\n",
    ]
)


@given(st.one_of(st.text(), st.lists(_PIECES, max_size=40).map("".join), st.lists(_PIECES, max_size=40).map(" ".join)))
def test_any_text_is_a_runbook_or_a_list_of_mistakes(text: str) -> None:
    """Whatever a file holds, reading it raises nothing but RunbookError."""
    for content in (text, f"{FRONT}\n{text}", f"{FRONT}\n# a\n```yaml check\n{text}\n```\n", f"---\n{text}\n---\n"):
        try:
            interpret(Path("page.md"), content.encode(), KINDS, CODES)
        except RunbookError as refusal:
            assert refusal.mistakes  # noqa: PT017 - being refused is one of the two things that may happen


@given(st.binary())
def test_any_bytes_are_a_runbook_or_a_list_of_mistakes(content: bytes) -> None:
    """So it is with bytes that are no text."""
    try:
        interpret(Path("page.md"), content, KINDS, CODES)
    except RunbookError as refusal:
        assert refusal.mistakes  # noqa: PT017 - being refused is one of the two things that may happen
