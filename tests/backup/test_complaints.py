"""What clients say while they restore, judged line by line."""

from __future__ import annotations

import pytest

from checks.backup.complaints import Weight, complaints, judged


def said(text: str) -> list[tuple[Weight, str]]:
    """The weights and codes of what a client said."""
    return [(one.weight, one.code) for one in complaints(text.splitlines())]


def test_notices_and_context_are_no_complaints() -> None:
    """Only errors count, however many lines surround them."""
    assert (
        said('psql:<stdin>:7: NOTICE:  extension "x" already exists, skipping\nCONTEXT:  COPY t, line 3\nDETAIL: d')
        == []
    )


def test_what_is_not_known_stands_for_lost_data() -> None:
    """Nobody has looked at it yet, so nobody may call it harmless."""
    assert said("pg_restore: error: something nobody ever saw") == [(Weight.LOSS, "drill.restore_error")]
    assert said("psql:<stdin>:9: ERROR:  something nobody ever saw") == [(Weight.LOSS, "drill.restore_error")]


def test_pg_restore_names_the_command_it_was_at() -> None:
    """The same error is harmless for a comment and not for a table."""
    comment = (
        "pg_restore: while PROCESSING TOC:\n"
        "pg_restore: from TOC entry 9; 0 0 COMMENT EXTENSION hstore\n"
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension hstore\n"
        "Command was: COMMENT ON EXTENSION hstore IS 'pairs';\n"
        "pg_restore: warning: errors ignored on restore: 1"
    )
    assert {weight for weight, _ in said(comment)} == {Weight.HARMLESS}
    [first, *_] = complaints(comment.splitlines())
    assert first.command == "COMMENT ON EXTENSION hstore IS"


@pytest.mark.parametrize(
    ("line", "weight", "code"),
    [
        ('ERROR:  role "app" does not exist', Weight.FIDELITY, "drill.role_missing"),
        ('ERROR:  tablespace "fast" does not exist', Weight.FIDELITY, "drill.tablespace_missing"),
        ("ERROR:  permission denied for foreign-data wrapper postgres_fdw", Weight.FIDELITY, "drill.contained"),
        ('ERROR:  must be able to SET ROLE "boss"', Weight.FIDELITY, "drill.ownership"),
        ('ERROR:  extension "postgis" is not available', Weight.UNFIT, "drill.extension_unavailable"),
        ('ERROR:  collation "de_DE" for encoding "UTF8" does not exist', Weight.UNFIT, "drill.collation_unavailable"),
        ('ERROR:  could not extend file "base/1/2": No space left on device', Weight.UNFIT, "drill.no_space"),
        ("server closed the connection unexpectedly", Weight.UNFIT, "drill.copy_lost"),
        ("out of shared memory", Weight.UNFIT, "drill.no_memory"),
        ("unsupported version (1.99) in file header", Weight.UNFIT, "drill.no_fitting_server"),
        ("ERROR:  permission denied to create event trigger", Weight.UNFIT, "drill.needs_superuser"),
        ("could not read from input file: end of file", Weight.LOSS, "drill.cut_short"),
        ("could not uncompress data: incorrect data check", Weight.LOSS, "drill.damaged"),
        ('ERROR:  duplicate key value violates unique constraint "pk"', Weight.LOSS, "drill.rows_refused"),
        ('ERROR:  invalid byte sequence for encoding "UTF8": 0xff', Weight.LOSS, "drill.encoding"),
        ("backslash commands are restricted; only \\unrestrict is allowed", Weight.LOSS, "drill.meta_command"),
        ("ERROR:  permission denied to COPY to or from an external program", Weight.LOSS, "drill.privileged_program"),
    ],
)
def test_each_error_has_its_weight_and_code(line: str, weight: Weight, code: str) -> None:
    """By what the server or the client says."""
    assert said(f"pg_restore: error: {line}") == [(weight, code)]


def test_a_row_is_never_repeated() -> None:
    """Servers quote values in their errors, and a report must not."""
    text = judged('invalid input syntax for type integer: "4111 1111 1111 1111"').text
    assert "4111" not in text
    assert "4111" not in judged('syntax error at or near "4111"').text
    assert "secret" not in judged("x", "INSERT INTO cards VALUES ('secret')").command


def test_a_drop_of_what_is_not_there_costs_nothing() -> None:
    """`pg_dump --clean` begins with these."""
    assert said(
        'psql:<stdin>:3: ERROR:  table "x" does not exist\npsql:<stdin>:3: STATEMENT:  DROP TABLE public.x;'
    ) == [(Weight.HARMLESS, "drill.restore_harmless")]
