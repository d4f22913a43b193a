"""What is written to a terminal is colour where that is wanted, and never a command."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper

import pytest

from checks import secrets
from checks.report.console import Console, plain, wants_colour
from checks.result import Status
from tests.report.nasty import NASTY


class Terminal(StringIO):
    """Stands in for a terminal, as far as asking goes."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_a_terminal", "in_a_pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_colour_follows_the_conventions(environ: dict[str, str], on_a_terminal: bool, in_a_pipe: bool) -> None:
    """NO_COLOR beats FORCE_COLOR beats TERM beats the kind of stream."""
    assert wants_colour(Terminal(), environ) == on_a_terminal
    assert wants_colour(StringIO(), environ) == in_a_pipe


def test_without_colour_there_is_no_escape_at_all() -> None:
    """Not even bold: a log is plain text."""
    console = Console(StringIO(), {})
    assert console.status(Status.FAILED) + console.good("a") + console.bad("b") + console.faint("c") == "FAILED abc"


def test_with_colour_the_word_stays() -> None:
    """Who cannot see red reads FAILED."""
    assert Console(Terminal(), {}).status(Status.FAILED) == "\x1b[31mFAILED \x1b[0m"


@pytest.mark.parametrize("text", ["::error::owned", "  ::add-mask::x", "a ##[error]owned"])
def test_no_line_is_a_command_to_github(text: str) -> None:
    """The runner obeys lines that begin with `::`, and `##[` anywhere."""
    stream = StringIO()
    Console(stream, {}).line(text)
    assert not stream.getvalue().lstrip().startswith("::")
    assert "##[" not in stream.getvalue()


@pytest.mark.parametrize("nasty", NASTY)
def test_data_stays_on_its_line(nasty: str) -> None:
    """Whatever a name holds, one line is one line, and no escape reaches the terminal."""
    stream = StringIO()
    Console(stream, {}).line(f"name: {plain(nasty)}")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_an_old_encoding_loses_no_line() -> None:
    """A machine set to ASCII gets the letters spelt out, not a traceback."""
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="ascii")
    Console(stream, {}).line("Grüße …")
    assert raw.getvalue() == b"Gr\\xfc\\xdfe \\u2026\n"


def test_a_secret_is_masked_on_its_way_out() -> None:
    """Also one that was first seen after the report was composed."""
    secrets.remember("hunter2")
    assert plain("it is hunter2") == "it is ****"
