"""The source of a backup held against its restored copy: rows, contents, sequences, head and what is not ready.

Pure: two descriptions in, findings out, rung by rung. A description is what `checks.backup.describe` asked of a server.
Their objects are compared in `checks.drill.objects`.
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.backup.contents import Contents
from checks.catalog.names import plural
from checks.check import Finding
from checks.drill.difference import KEPT, Row, difference, some_of
from checks.drill.doubt import doubt


def counts(source: Contents, copy: Contents) -> list[Finding]:
    """Rows lost and rows added, of the tables that both have."""
    both = [(name, source.tables[name].rows, copy.tables[name].rows) for name in source.tables if name in copy.tables]
    lost: list[Row] = [{"table": name, "source": was, "copy": came} for name, was, came in both if came < was]
    added: list[Row] = [{"table": name, "source": was, "copy": came} for name, was, came in both if came > was]
    findings = []
    if lost:
        number = sum(was - came for _, was, came in both if came < was)
        findings.append(
            difference(
                "drill.rows_lost", f"{plural(number, 'row')} of {_tables(lost)} did not come back", "every row", lost
            )
        )
    if added:
        number = sum(came - was for _, was, came in both if came > was)
        sentence = f"{plural(number, 'row')} of {_tables(added)} came back that the source did not have"
        findings.append(difference("drill.rows_added", sentence, "no row more", added))
    total = sum(table.rows for table in source.tables.values())
    held = f"All {plural(total, 'row')} of {plural(len(source.tables), 'table')} came back."
    return findings or [Finding("drill.counts_match", True, held)]


def digests(source: Contents, copy: Contents) -> list[Finding]:
    """Tables with as many rows and other content. Those whose count differs are told by it."""
    differs: list[Row] = [
        {"table": name, "rows": table.rows, "source": table.digest, "copy": copy.tables[name].digest}
        for name, table in source.tables.items()
        if name in copy.tables and table.digest and copy.tables[name].rows == table.rows
        and copy.tables[name].digest and copy.tables[name].digest != table.digest
    ]  # fmt: skip
    without: list[Row] = [
        {"table": name, "source": table.digest, "copy": copy.tables[name].digest}
        for name, table in source.tables.items()
        if name in copy.tables and not (table.digest and copy.tables[name].digest)
    ]
    unproven = []
    if without:
        sentence = f"The content of {_tables(without)} has no digest on one side, and was not compared."
        unproven.append(doubt("drill.digests_unproven", sentence, "a digest of each table", evidence=without[:KEPT]))
    if differs:
        sentence = f"The content of {_tables(differs)} is not what it was, with as many rows"
        return [difference("drill.content", sentence, "the same digest", differs), *unproven]
    compared = sum(1 for name in source.tables if name in copy.tables) - len(without)
    match = Finding("drill.digests_match", True, f"The content of {plural(compared, 'table')} is what it was.")
    return [*unproven, match]


def sequences(source: Contents, copy: Contents) -> list[Finding]:
    """Sequences that stand before where the source's stood. A dump reads them last, so further on is in order."""
    behind: list[Row] = [
        {"sequence": name, "feeds": one.owner, "source": one.last, "copy": there.last}
        for name, one in source.sequences.items()
        if (there := copy.sequences.get(name)) is not None and one.last is not None and _is_behind(one.last, there.last)
    ]
    if not behind:
        return []
    names = some_of([str(row["sequence"]) for row in behind])
    sentence = f"{plural(len(behind), 'sequence')} came back behind the source's: {names}"
    return [difference("drill.sequence_behind", sentence, "where the source's stood, or further", behind)]


def head(source: Contents, copy: Contents) -> Finding:
    """Whether the migrations stand where they stood."""
    if set(source.head) == set(copy.head):
        shown = ", ".join(copy.head) or "none was ever applied"
        return Finding("drill.head_matches", True, f"The migrations stand where they stood: {shown}.")
    was, came = ", ".join(sorted(source.head)) or "none", ", ".join(sorted(copy.head)) or "none"
    sentence = f"The migrations of the source stood at {was}, the copy's at {came}."
    return Finding("drill.head", False, sentence, was, came)


def not_ready(source: Contents | None, copy: Contents) -> list[Finding]:
    """Indexes that are invalid and constraints that are not validated in the copy alone."""
    before = set(source.unready) if source is not None else set()
    new = [name for name in copy.unready if name not in before]
    findings = []
    for kind, code, what in (
        ("index", "drill.index_invalid", "invalid, so that no query uses it"),
        ("constraint", "drill.constraint_not_valid", "not validated, so that rows may break it"),
    ):
        names = [name.partition(" ")[2] for name in new if name.startswith(f"{kind} ")]
        if names:
            verb = "is" if len(names) == 1 else "are"
            sentence = f"{plural(len(names), kind)} of the copy {verb} {what}: {some_of(names)}"
            findings.append(difference(code, sentence, f"every {kind} valid", [{kind: name} for name in names]))
    return findings


def _is_behind(was: int, came: int | None) -> bool:
    return came is None or came < was


def _tables(rows: Sequence[Row]) -> str:
    return f"{plural(len(rows), 'table')} ({some_of([str(row['table']) for row in rows])})"
