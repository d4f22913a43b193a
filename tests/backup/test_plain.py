"""A plain dump on its way into psql."""

from __future__ import annotations

import io

import pytest

from checks.backup import plain
from checks.backup.faults import BackupFault
from checks.backup.mentions import Mentions
from checks.backup.plain import PlainStream

HEAD = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict KEY\n\nSET x = 1;\n"
ROWS = b"COPY public.t (a) FROM stdin;\nALTER TABLE x OWNER TO nobody_at_all;\n\\\\restrict\n\\N\n\\.\n\n"
TAIL = b"ALTER TABLE public.t OWNER TO app;\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict KEY\n\n"


def passed(dump: bytes) -> tuple[bytes, set[str]]:
    """What reaches the client, and the roles that were made on the way."""
    roles: set[str] = set()
    sink = io.BytesIO()
    PlainStream(io.BytesIO(dump), sink, lambda found: roles.update(found.roles)).pass_on("shop.sql")
    return sink.getvalue(), roles


@pytest.mark.parametrize("piece", [7, 64, 2**20])
def test_everything_passes_but_the_keys_of_restricted_mode(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the pieces fall, and rows are never read as statements."""
    monkeypatch.setattr(plain, "PIECE", piece)
    out, roles = passed(HEAD + ROWS + TAIL)
    assert out == (HEAD + ROWS + TAIL).replace(b"\\restrict KEY", b"").replace(b"\\unrestrict KEY", b"")
    assert roles == {"app"}


def test_a_key_that_the_dump_did_not_begin_with_is_not_taken_out() -> None:
    """psql is to see it, and to refuse."""
    out, _ = passed(HEAD + b"\\unrestrict OTHER\n" + TAIL)
    assert b"\\unrestrict OTHER" in out


@pytest.mark.parametrize("cut", [len(HEAD + ROWS) - 6, len(HEAD) + 40, len(HEAD + ROWS), len(HEAD)])
def test_an_end_that_is_too_soon_is_told(cut: int) -> None:
    """psql would take it for the end of the rows."""
    with pytest.raises(BackupFault, match="the rest is missing"):
        passed((HEAD + ROWS + TAIL)[:cut])


def test_roles_are_made_before_their_statement_passes() -> None:
    """Else it would fail."""
    seen: list[tuple[bool, Mentions]] = []
    sink = io.BytesIO()
    stream = PlainStream(io.BytesIO(HEAD + TAIL), sink, lambda found: seen.append((b"OWNER" in sink.getvalue(), found)))
    stream.pass_on("shop.sql")
    assert [(passed_on, found.roles) for passed_on, found in seen if found.roles] == [(False, frozenset({"app"}))]
