"""What a server keeps with columns for itself, an older pg_dump writes out: it must keep nobody from a restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checks.backup.internal import LEFT_OUT, has_internal, without_internal
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from tests.backup.shop import Shop
from tests.backup.test_restore import one, restored
from tests.majors import reduced

ALONE = b"ALTER TABLE ONLY public.a ALTER COLUMN i SET (pg_attver=29701360);\n"
# As a server of November 2026 marks every column; none here is as new, so the catalog is written to by hand.
MARKED = """
SET allow_system_table_mods = on;
UPDATE pg_attribute SET attoptions = array_append(coalesce(attoptions, '{}'), 'pg_attver=29701360')
WHERE attnum > 0 AND NOT attisdropped AND attrelid IN (
    SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
);
"""


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (ALONE, b"\n"),
        (ALONE.replace(b"\n", b"\r\n"), b"\r\n"),
        (
            b"ALTER TABLE ONLY public.a ALTER COLUMN t SET (n_distinct=3, pg_attver=22);\n",
            b"ALTER TABLE ONLY public.a ALTER COLUMN t SET (n_distinct=3);\n",
        ),
        (b"COMMENT ON TABLE public.a IS 'pg_attver=5';\n", b"COMMENT ON TABLE public.a IS 'pg_attver=5';\n"),
        (b"ALTER TABLE ONLY public.a ALTER COLUMN t SET (n_distinct=3);\n", None),
    ],
)
def test_only_that_option_is_taken_out(line: bytes, left: bytes | None) -> None:
    """Whatever else a statement sets stays, and so does a comment that only speaks of it."""
    assert without_internal(b"SELECT 1;\n" + line) == b"SELECT 1;\n" + (line if left is None else left)
    assert has_internal(line) is (left is not None and left != line)


@pytest.mark.parametrize("kind", ["custom", "directory", "tar", "plain"])
def test_a_dump_with_it_comes_back_whole(
    kind: str, server_from: Callable[[Binaries], EmbeddedServer], tmp_path: Path
) -> None:
    """In every format, and it is told why the same dump does not restore by hand."""
    old = next(binaries for binaries in reduced() if binaries.major == 16)
    shop = Shop.on(server_from(old))
    shop.run(MARKED)
    artifact = tmp_path / {"custom": "shop.dump", "directory": "shop.dir", "tar": "shop.tar", "plain": "shop.sql"}[kind]
    shop.dump(f"--format={kind}", f"--file={artifact}")
    shop.close()
    with restored(artifact, old) as (copy, outcome):
        assert (outcome.complaints, outcome.status, outcome.notes) == ((), 0, (LEFT_OUT,))
        assert one(copy, "SELECT count(*) FROM orders") == 3000
        assert one(copy, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
