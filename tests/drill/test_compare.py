"""A source held against its copy, as values."""

from __future__ import annotations

from dataclasses import replace

from checks.backup.contents import Contents, Sequence, Table
from checks.check import Finding, Severity
from checks.drill import compare
from checks.drill.objects import Surroundings, objects
from checks.result import Status, judge

SOURCE = Contents(
    server="17.10",
    encoding="UTF8",
    collation="C.UTF-8",
    tables={"public.a": Table(3, "aa"), "public.b": Table(5, "bb")},
    sequences={"public.s": Sequence(7, "public.a.id")},
    objects={
        "schema": {"public": "schema"},
        "table": {"public.a": "table", "public.b": "table"},
        "column": {"public.a.id": "integer", "public.b.id": "integer"},
        "index": {"public.a_pkey": "btree (id)"},
    },
    extensions={"hstore": "1.8"},
    grants={"table public.a": "owner app; app=arwdDxt reader=r"},
    head=("001",),
    unready=("constraint public.a.old",),
)
NOTHING = Surroundings()


def broken(findings: list[Finding]) -> set[str]:
    """The codes of what does not hold."""
    return {finding.code for finding in findings if not finding.holds}


def test_a_copy_that_is_its_source_has_no_finding() -> None:
    """On any rung."""
    rungs = [compare.counts, compare.digests, compare.sequences, compare.not_ready]
    assert broken(objects(SOURCE, SOURCE, NOTHING)) == set()
    assert [broken(rung(SOURCE, SOURCE)) for rung in rungs] == [set()] * len(rungs)
    assert compare.head(SOURCE, SOURCE).holds


def test_what_belongs_to_a_missing_table_is_not_told_again() -> None:
    """One loss is one finding."""
    kinds = {**SOURCE.objects, "table": {"public.a": "table"}, "column": {"public.a.id": "integer"}}
    copy = replace(SOURCE, objects=kinds, tables={"public.a": Table(3, "aa")})
    assert broken(objects(SOURCE, copy, NOTHING)) == {"drill.table_missing"}


def test_each_kind_of_change_has_its_code() -> None:
    """Missing, changed and added."""
    kinds = {"schema": {"public": "another"}, "table": SOURCE.objects["table"], "column": SOURCE.objects["column"]}
    copy = replace(SOURCE, objects={**kinds, "trigger": {"public.a.t": "new"}})
    assert broken(objects(SOURCE, copy, NOTHING)) == {
        "drill.schema_changed",
        "drill.index_missing",
        "drill.object_added",
    }


def test_rarer_kinds_share_a_code() -> None:
    """Their names are in the sentence."""
    source = replace(SOURCE, objects={"statistics": {"public.x": "one", "public.y": "two"}})
    copy = replace(SOURCE, objects={"statistics": {"public.x": "other"}})
    assert broken(objects(source, copy, NOTHING)) == {"drill.object_missing", "drill.object_changed"}


def test_an_owner_and_a_privilege_are_part_of_an_object() -> None:
    """A dump without owners has the role that restored in their place, which is no finding."""
    other = replace(SOURCE, grants={"table public.a": "owner boss; app=arwdDxt"})
    assert broken(objects(SOURCE, other, NOTHING)) == {"drill.owner_changed", "drill.grant_lost"}
    ours = replace(SOURCE, grants={"table public.a": "owner us; us=arwdDxt reader=r"})
    assert broken(objects(SOURCE, ours, Surroundings("us"))) == set()
    more = replace(SOURCE, grants={"table public.a": "owner app; app=arwdDxt reader=rw"})
    assert broken(objects(SOURCE, more, NOTHING)) == {"drill.grant_lost", "drill.grant_added"}


def test_an_extension_nobody_has_here_is_not_proven() -> None:
    """One that could be had is a loss."""
    copy = replace(SOURCE, extensions={})
    assert broken(objects(SOURCE, copy, NOTHING)) == {"drill.extension_missing"}
    assert broken(objects(SOURCE, copy, Surroundings(unavailable=frozenset({"hstore"})))) == {"drill.objects_unproven"}


def test_what_reaches_out_is_not_missed_where_it_was_contained() -> None:
    """A foreign server is not the dump's to make on a disposable one, so it is no loss; nor is it proven."""
    source = replace(SOURCE, objects={"other": {"server far": "server"}, "table": {"public.f": "foreign table"}})
    copy = replace(SOURCE, objects={})
    assert broken(objects(source, copy, Surroundings(contained=True))) == {"drill.objects_unproven"}
    assert broken(objects(source, copy, NOTHING)) == {"drill.object_missing", "drill.table_missing"}


def test_rows_and_contents_are_told_apart() -> None:
    """A table whose count differs is not told by its digest too."""
    copy = replace(SOURCE, tables={"public.a": Table(2, "xx"), "public.b": Table(5, "yy")})
    assert broken(compare.counts(SOURCE, copy)) == {"drill.rows_lost"}
    assert broken(compare.counts(copy, SOURCE)) == {"drill.rows_added"}
    [finding] = compare.digests(SOURCE, copy)
    assert (finding.code, [row["table"] for row in finding.evidence]) == ("drill.content", ["public.b"])


def test_a_sequence_may_be_further_on() -> None:
    """A dump reads sequences last; one that never gave a number is behind one that did."""
    ahead = replace(SOURCE, sequences={"public.s": Sequence(9, "public.a.id")})
    behind = replace(SOURCE, sequences={"public.s": Sequence(None, "public.a.id")})
    assert broken(compare.sequences(SOURCE, ahead)) == set()
    assert broken(compare.sequences(SOURCE, behind)) == {"drill.sequence_behind"}


def test_a_copy_is_not_blamed_for_what_its_source_has_too() -> None:
    """Only what is invalid in the copy alone."""
    copy = replace(SOURCE, unready=("constraint public.a.old", "index public.a_pkey", "constraint public.b.new"))
    assert broken(compare.not_ready(SOURCE, copy)) == {"drill.index_invalid", "drill.constraint_not_valid"}


def test_a_head_that_differs_is_told() -> None:
    """Whichever is further."""
    assert broken([compare.head(SOURCE, replace(SOURCE, head=("002",)))]) == {"drill.head"}


def test_a_table_without_a_digest_on_one_side_is_not_proven() -> None:
    """It warns beside those that match, and does not hide one that differs."""
    tables = {**SOURCE.tables, "public.b": Table(5, "")}
    for source, copy in ((replace(SOURCE, tables=tables), SOURCE), (SOURCE, replace(SOURCE, tables=tables))):
        found = compare.digests(source, copy)
        assert broken(found) == {"drill.digests_unproven"}
        assert judge(found, Severity.FAIL) is Status.WARNED
        assert "The content of 1 table is what it was." in found[-1].sentence
    differs = replace(SOURCE, tables={**tables, "public.a": Table(3, "cc")})
    assert broken(compare.digests(SOURCE, differs)) == {"drill.content", "drill.digests_unproven"}


def test_what_was_contained_is_not_proven() -> None:
    """A foreign table and an extension that were not let come back are told of, and the rest is."""
    source = replace(
        SOURCE,
        objects={**SOURCE.objects, "table": {**SOURCE.objects["table"], "public.f": "foreign table"},
                 "other": {"server elsewhere": "fdw"}},
        extensions={"hstore": "1.8", "dblink": "1.2"},
    )  # fmt: skip
    found = objects(source, SOURCE, Surroundings("", frozenset({"dblink"}), contained=True))
    assert broken(found) == {"drill.objects_unproven"}
    assert "extension dblink, table public.f, server elsewhere" in found[0].sentence
    assert broken(objects(SOURCE, SOURCE, Surroundings("", frozenset({"dblink"}), contained=True))) == set()
