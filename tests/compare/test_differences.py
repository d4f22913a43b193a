"""Two inventories side by side: every difference once, and what was not seen is no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from checks.check import POSTGRESQL
from checks.compare.differences import Comparison, Difference, compare
from checks.compare.inventory import HIDDEN, KINDS, OF_THE_SERVER, Inventory, Item
from checks.compare.show import as_json, as_markdown, as_text
from checks.targets.session import Server


def side(
    name: str,
    items: Mapping[str, Mapping[str, tuple[str, str]]],
    *,
    unknown: Mapping[str, str] | None = None,
    major: int = 17,
) -> Inventory:
    """An inventory of names with parents and definitions; every kind that is not given is empty."""
    made = {
        kind: {one: Item(parent, text, text) for one, (parent, text) in items.get(kind, {}).items()} for kind in KINDS
    }
    known = {kind: found for kind, found in made.items() if kind not in (unknown or {})}
    return Inventory(name, Server(POSTGRESQL, f"{major}.1", major, "a test"), known, unknown or {})


def compared(left: Inventory, right: Inventory) -> Comparison:
    return compare("page", left, right)


USERS = {"table": {"public.users": ("public", "table")}, "column": {"public.users.id": ("public.users", "bigint")}}


def test_alike_is_no_difference() -> None:
    """Nothing differs, nothing is unknown."""
    one = compared(side("dev", USERS), side("prod", USERS))
    assert (one.differences, one.unknown) == ((), ())
    assert as_text(one) == "page: dev (PostgreSQL 17.1) with prod (PostgreSQL 17.1): no difference\n"


def test_a_missing_table_is_told_once() -> None:
    """Its columns went with it, and are not told again; nor is anything of a missing schema, or of a missing role."""
    empty = side("prod", {})
    assert compared(side("dev", USERS), empty).differences == (Difference("table", "public.users", "table", None),)
    schema = {"schema": {"public": ("", "schema")}} | USERS
    assert compared(empty, side("dev", schema)).differences == (Difference("schema", "public", None, "schema"),)
    roles = {"role": {"ann": ("", "login")}, "membership": {"ann in all": ("ann", "member")}}
    assert [one.kind for one in compared(side("dev", roles), empty).differences] == ["role"]


def test_both_definitions_are_shown_in_the_order_of_kinds_and_names() -> None:
    """What is on both sides and not alike is told with both definitions."""
    left = USERS | {"extension": {"citext": ("", "1.6")}, "schema": {"b": ("", "schema"), "a": ("", "schema")}}
    right = {**USERS, "column": {"public.users.id": ("public.users", "integer")}}
    found = compared(side("dev", left), side("prod", right))
    assert [(one.kind, one.name, one.left, one.right) for one in found.differences] == [
        ("schema", "a", "schema", None),
        ("schema", "b", "schema", None),
        ("column", "public.users.id", "bigint", "integer"),
        ("extension", "citext", "1.6", None),
    ]
    assert "  public.users.id: bigint in dev; integer in prod\n" in as_text(found)
    assert "  citext: only in dev (1.6)\n" in as_text(found)
    assert "| column    | public.users.id | bigint | integer |" in as_markdown(found)
    assert as_json(found)["differences"][-1] == {"kind": "extension", "name": "citext", "left": "1.6", "right": None}


def test_what_one_side_could_not_tell_is_no_difference_and_is_said() -> None:
    """A refused look is neither the same nor different."""
    found = compared(side("dev", USERS), side("prod", USERS, unknown={"role": "not permitted"}))
    assert (found.differences, found.unknown) == ((), ("prod: role: not permitted",))
    assert as_text(found).startswith(
        "page: dev (PostgreSQL 17.1) with prod (PostgreSQL 17.1): no difference that could"
    )


def test_a_setting_the_role_may_not_see_is_not_missing() -> None:
    """Only settings that both sides show are compared where one side hides some."""
    left = {"setting": {"data_sync_retry": ("", "off"), "work_mem": ("", "4096 kB")}}
    right = {"setting": {"work_mem": ("", "8192 kB"), "more": ("", "on")}}
    found = compared(side("dev", left), side("prod", right, unknown={HIDDEN: "hidden"}))
    assert [one.name for one in found.differences] == ["more", "work_mem"]
    assert found.unknown == ("prod: hidden",)


def test_kinds_may_be_left_out_and_a_note_says_so() -> None:
    """A disposable server has settings and roles of its own, and its major is worth a word."""
    left = side("dev", {"setting": {"work_mem": ("", "1")}}, unknown={HIDDEN: "hidden"}, major=16)
    found = compare("page", left, side("disposable", {}), without=OF_THE_SERVER)
    assert (found.differences, found.unknown, found.left_out) == ((), (), ("setting", "role", "membership"))
    assert "Not compared, since a disposable server has its own: setting, role, membership." in as_text(found)
    assert "The majors differ" in as_markdown(found)


def test_settings_that_one_major_does_not_have_are_one_line() -> None:
    """They are counted, after what really differs; an extension's setting, and one of the same major, are told."""
    left = side("dev", {"setting": {"old_one": ("", "1"), "work_mem": ("", "1"), "a.b": ("", "1")}}, major=16)
    newer = {"setting": {"new_one": ("", "2"), "new_two": ("", "2"), "work_mem": ("", "2")}}
    found = compared(left, side("prod", newer))
    assert [one.name for one in found.differences] == ["a.b", "work_mem"]
    assert [one.name for one in found.of_the_majors] == ["new_one", "new_two", "old_one"]
    text = as_text(found)
    assert text.startswith(
        "page: dev (PostgreSQL 16.1) with prod (PostgreSQL 17.1): 2 differences, and 3 settings of one major alone\n"
    )
    assert (
        "Settings that the other major does not have: 1 only in PostgreSQL 16 (dev) and 2 only in PostgreSQL 17 (prod)"
        in text
    )
    assert "new_one" not in text + as_markdown(found)
    assert [one["name"] for one in as_json(found)["of_the_majors"]] == ["new_one", "new_two", "old_one"]
    same = compared(replace(left, server=side("dev", {}).server), side("prod", newer))
    assert (len(same.differences), same.of_the_majors) == (5, ())
