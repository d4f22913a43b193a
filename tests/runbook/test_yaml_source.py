"""YAML as runbooks have it: plain values, and the place of each."""

from __future__ import annotations

from typing import Any

import pytest

from checks.runbook.mistakes import Mistakes, Place
from checks.runbook.yaml_source import Document, Source, load


def loaded(text: str) -> Document:
    """The document, which must have no mistake."""
    mistakes = Mistakes("page.md")
    document = load(Source(text, 1), mistakes)
    assert document is not None, mistakes.found
    return document


def refused(text: str) -> str:
    """The message of the one mistake there must be."""
    mistakes = Mistakes("page.md")
    load(Source(text, 1), mistakes)
    [mistake] = mistakes.found
    return mistake.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("22:30", "22:30"),
        ("012", 12),
        ("0x1F", 31),
        ("-0o17", -15),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("", None),
        ("=", "="),
        ("-_", "-_"),
        ("'5'", "5"),
        ("256MB", "256MB"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """`no` is Norway, not false, and a date is text: nothing is guessed that JSON could not say."""
    found = loaded(f"a: {text}\n").data["a"]
    assert (type(found), found) == (type(value), value)


def test_values_are_plain() -> None:
    """A pickled runbook must load where no YAML library is imported."""

    def types(value: Any) -> set[type]:
        inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        return {type(value)}.union(*map(types, inner))

    assert types(loaded('a: [1, 1.5, true, null, "x", {b: |\n c\n}]'.replace("|\n c\n", "c")).data) <= {
        dict,
        list,
        str,
        int,
        float,
        bool,
        type(None),
    }


def test_keys_are_text() -> None:
    """A schema may be called `on`, a table `2024`."""
    assert loaded("{on: 1, 2024: 2, null: 3, true: 4}").data == {"on": 1, "2024": 2, "null": 3, "true": 4}


def test_every_key_and_value_has_a_place() -> None:
    """In the page's lines and columns, with the indent that Markdown took off."""
    document = load(Source("a:\n- b: c\n- d\n", 10, (2, 2, 2, 0)), Mistakes("page.md"))
    assert document is not None
    assert document.keys == {("a",): Place(10, 3), ("a", 0, "b"): Place(11, 5)}
    assert document.values[("a", 0, "b")] == Place(11, 8)
    assert document.values[("a", 1)] == Place(12, 5)


def test_a_place_that_is_not_there_is_that_of_what_it_would_be_part_of() -> None:
    """A mistake about something missing still has somewhere to stand."""
    document = loaded("a:\n  b: {c: 1}\n")
    assert document.place(("a", "b", "x", "y")) == document.values[("a", "b")]
    assert document.resolve(("a", "dict[str,any]", "b", "c")) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%YAML 1.1\n---\na: yes\n", "no YAML directives"),
        ("a: 1\n---\nb: 2\n", "this is not YAML"),
        ("? [a]\n: 1\n", "a key must be a single word"),
        ('a: "\\ud800"\n', "half of a surrogate pair"),
        ("a: \x07\n", "this character cannot stand in YAML"),
        ('a: "\\U00110000"\n', "this is not YAML"),
        ("a: *b\n", "this is not YAML"),
        ("a: !!set {b, c}\n", "the tag `!!set`"),
        ("<<: &a {b: 1}\n", "the anchor `&a`"),
        ("a: " + "[" * 1000, "nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60, "nested too deeply"),
        ("a: 1\n" * 20_000, "longer than 64 KiB"),
    ],
)
def test_what_no_runbook_needs_is_refused(text: str, words: str) -> None:
    """Each in words of its own, and none with a traceback."""
    assert words in refused(text)


def test_what_cannot_be_read_hides_nothing_beside_it() -> None:
    """The rest is read, and it is known which part is not."""
    document = load(Source("a: 1\nb: &x {c: 2}\nd: [!!set {e}, 3]\na: 4\n", 1), Mistakes("page.md"))
    assert document is not None
    assert document.data == {"a": 1, "b": None, "d": [None, 3]}
    assert [document.is_known(loc) for loc in (("a",), ("b",), ("b", "c"), ("d",), ("d", 0), ("d", 1))] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert [document.is_whole(loc) for loc in ((), ("a",), ("d",), ("d", 1))] == [False, False, False, True]
