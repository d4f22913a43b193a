"""Manifests on disk: read back as they were written, and a damaged one is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.artifact import Format
from checks.backup.contents import Contents, Sequence, Table
from checks.backup.faults import BackupFault
from checks.backup.manifest import Manifest

MADE = Manifest(
    runbook="shop",
    environment="prod",
    taken="2026-11-21T09:00:00.000+00:00",
    artifact="shop-prod-20261121T090000Z.dump",
    format=Format.CUSTOM,
    compression="gzip:1",
    bytes=3,
    files={"shop-prod-20261121T090000Z.dump": "ab" * 32},
    dumper="17.10",
    digest="rows-2",
    contents=Contents(
        server="17.10",
        encoding="UTF8",
        collation="C",
        tables={'public."é"': Table(2, "0" * 32)},
        sequences={"public.s": Sequence(None, "public.t.id")},
        objects={"table": {"public.t": "table"}},
        extensions={"plpgsql": "1.0"},
        preload=("pg_stat_statements",),
        head=("a", "b"),
    ),
)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every field, in its own type, and nothing else is left in the folder."""
    path = tmp_path / f"x{manifest.SUFFIX}"
    manifest.write(MADE, path)
    assert manifest.read(path) == MADE
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:100],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace("pgrunbook manifest", "another manifest"),
        lambda text: text.replace('"rows": 2', '"rows": "swordfish9"'),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "files"}),
        lambda text: "\x00" * 40,
    ],
)
def test_a_damaged_manifest_is_one_sentence(tmp_path: Path, damage: object) -> None:
    """Cut off, emptied, of another kind or version, with a field gone or of another type; its values are not quoted."""
    path = tmp_path / f"x{manifest.SUFFIX}"
    manifest.write(MADE, path)
    path.write_text(damage(path.read_text()))  # type: ignore[operator]  # one of the functions above
    with pytest.raises(BackupFault) as failed:
        manifest.read(path)
    assert failed.value.code == "backup.manifest"
    assert "swordfish9" not in str(failed.value)
    assert "\n" not in failed.value.sentence


def test_a_manifest_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    """No traceback of a missing file."""
    with pytest.raises(BackupFault, match="No such file"):
        manifest.read(tmp_path / "gone.manifest.json")


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """No half of a manifest, under any name."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        manifest.write(MADE, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
