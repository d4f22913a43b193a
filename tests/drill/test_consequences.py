"""What follows from a refusal of ours, and what does not."""

from __future__ import annotations

import pytest

from checks.backup.complaints import Weight, judged
from checks.drill.consequences import CODE, weighed

REFUSED = judged('permission denied to create extension "madeup"', "CREATE EXTENSION madeup")
MISSING_TYPE = judged('type "public.pair" does not exist', "CREATE TABLE public.pairs")


def codes(*texts: str, refused: str = "madeup", psql: bool = False) -> list[tuple[str, Weight]]:
    """How these weigh after an extension was refused."""
    told = [REFUSED, *(judged(text) for text in texts)]
    return [(one.code, one.weight) for one in weighed(told, {refused}, psql=psql)][1:]


def test_a_refused_extension_is_fidelity_and_says_why() -> None:
    """One that is merely not to be had is an unfit server, as before."""
    [told] = weighed([REFUSED], {"madeup"}, psql=False)
    assert (told.weight, told.code) == (Weight.FIDELITY, "drill.extension_refused")
    assert told.text == 'extension "madeup" is refused: it is not known to be harmless'
    comment = judged('extension "madeup" does not exist', "COMMENT ON EXTENSION madeup")
    assert [one.weight for one in weighed([REFUSED, comment], {"madeup"}, psql=False)] == [Weight.FIDELITY] * 2
    [other] = weighed([REFUSED], {"another"}, psql=False)
    assert (other.weight, other.code) == (Weight.UNFIT, "drill.extension_unavailable")


def test_what_may_follow_from_it_could_not_tell() -> None:
    """Alone, or before it, the same error is a loss."""
    assert codes('type "public.pair" does not exist') == [(CODE, Weight.UNFIT)]
    assert [one.weight for one in weighed([MISSING_TYPE], {"madeup"}, psql=False)] == [Weight.LOSS]
    assert next(weighed([MISSING_TYPE, REFUSED], {"madeup"}, psql=False)).weight is Weight.LOSS


@pytest.mark.parametrize(
    "text",
    ["could not uncompress data", "permission denied to COPY to or from an external program", "unexpected end of file"],
)
def test_what_cannot_follow_from_it_is_a_loss_still(text: str) -> None:
    """Damage is damage, and an attack an attack."""
    for psql in (False, True):
        [(_, weight)] = codes(text, psql=psql)
        assert weight is Weight.LOSS


def test_only_psql_stumbles_over_rows() -> None:
    """pg_restore knows what is rows."""
    assert codes("syntax error at or near 1", psql=True) == [(CODE, Weight.UNFIT)]
    assert [weight for _, weight in codes("syntax error at or near 1")] == [Weight.LOSS]


def test_what_is_about_a_foreign_table_is_contained() -> None:
    """Its owner and its grants; a view that stands on it may be a table of ours, and could not tell."""
    refused = judged("permission denied for foreign-data wrapper postgres_fdw", "CREATE SERVER far")
    missing = 'relation "public.distant" does not exist'
    told = [
        refused,
        judged('server "far" does not exist', "CREATE FOREIGN TABLE public.distant ("),
        judged(missing, "ALTER FOREIGN TABLE public.distant OWNER TO app;"),
        judged(missing, "GRANT SELECT ON TABLE public.distant TO reader;"),
        judged(missing, "CREATE VIEW public.over_it AS"),
        judged('relation "public.ours" does not exist', "GRANT SELECT ON TABLE public.ours TO reader;"),
    ]
    found = [one.code for one in weighed(told, (), psql=False)]
    assert found == ["drill.contained"] * 4 + [CODE] * 2
    assert [one.weight for one in weighed(told[1:], (), psql=False)][2] is Weight.FIDELITY
    assert next(weighed(told[2:], (), psql=False)).weight is Weight.LOSS
