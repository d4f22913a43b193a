"""Backups in a bucket, against moto's server: put, listed, fetched, removed; and what is wrong, by its code."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.artifact import Format
from checks.backup.bucket import Bucket
from checks.backup.faults import BackupFault
from checks.backup.found import found
from checks.errors import CouldNotTell, UsageError
from tests.backup.test_manifest import MADE

NAME = MADE.artifact
FOLDER = "shop-prod-20261122T090000Z.dir"


def put(bucket: Bucket, name: str, files: dict[str, bytes]) -> None:
    """Publish a backup of these files."""
    with bucket.workshop() as workshop:
        for path, content in files.items():
            whole = workshop.path / path
            whole.parent.mkdir(exist_ok=True)
            whole.write_bytes(content)
        hashes = {path.removeprefix(f"{name}/"): hashlib.sha256(content).hexdigest() for path, content in files.items()}
        kind = Format.CUSTOM if name in files else Format.DIRECTORY
        taken = "2026-11-21T09:00:00+00:00" if name == NAME else "2026-11-22T09:00:00+00:00"
        bucket.publish(workshop, name, replace(MADE, artifact=name, format=kind, files=hashes, taken=taken))
    assert not workshop.path.exists()


@pytest.mark.usefixtures("credentials")
def test_a_backup_goes_there_and_comes_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A file larger than one request, and a folder; listed newest first, fetched with their manifests, and removed."""
    bucket = Bucket.of(f"s3://backups/{request.node.name}")
    content = bytes(range(256)) * 70_000
    put(bucket, NAME, {NAME: content})
    put(bucket, FOLDER, {f"{FOLDER}/toc.dat": b"toc", f"{FOLDER}/1.dat.gz": b"rows"})
    listed = found(bucket, pattern=None, runbook="shop")
    assert [(one.name, one.bytes, one.has_manifest) for one in listed] == [
        (FOLDER, 7, True),
        (NAME, len(content), True),
    ]
    assert bucket.fetch(NAME, tmp_path).read_bytes() == content
    assert manifest.read(tmp_path / f"{NAME}{manifest.SUFFIX}").artifact == NAME
    assert sorted(path.name for path in bucket.fetch(FOLDER, tmp_path).iterdir()) == ["1.dat.gz", "toc.dat"]
    bucket.delete(NAME)
    assert [one.name for one in found(bucket, pattern=None, runbook="shop")] == [FOLDER]
    bucket.delete(FOLDER)
    assert list(bucket.items("*")) == []


@pytest.mark.usefixtures("credentials")
def test_what_was_changed_in_the_bucket_is_not_taken_for_good(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """One other byte, and the manifest's SHA-256 tells; what others put there without a manifest is only fetched."""
    import obstore

    bucket = Bucket.of(f"s3://backups/{request.node.name}")
    put(bucket, NAME, {NAME: b"rows"})
    obstore.put(bucket._store, NAME, b"rowz")
    with pytest.raises(BackupFault) as failed:
        bucket.fetch(NAME, tmp_path)
    assert failed.value.code == "backup.checksum"
    obstore.put(bucket._store, "nightly/a.sql.gz", b"other")
    assert bucket.fetch("nightly/a.sql.gz", tmp_path).read_bytes() == b"other"


@pytest.mark.usefixtures("credentials")
def test_a_backup_takes_no_others_place(request: pytest.FixtureRequest) -> None:
    """One of the same second is there, so this one is refused, and the first is what it was."""
    bucket = Bucket.of(f"s3://backups/{request.node.name}")
    put(bucket, NAME, {NAME: b"rows"})
    with pytest.raises(CouldNotTell) as failed:
        put(bucket, NAME, {NAME: b"others"})
    assert failed.value.code == "dump.exists"
    assert [one.bytes for one in found(bucket, pattern=None, runbook="shop")] == [4]


def code_of(location: str) -> tuple[str, str]:
    """The code of what listing it ends with, and all that is said."""
    with pytest.raises(CouldNotTell) as failed:
        list(Bucket.of(location).items("*"))
    return failed.value.code, str(failed.value)


@pytest.mark.usefixtures("credentials")
def test_a_bucket_that_is_not_there(tmp_path: Path) -> None:
    """Told when it is listed, and before a backup is begun; an object that is gone has a code of its own."""
    assert code_of("s3://nowhere/x")[0] == "store.no_bucket"
    with pytest.raises(CouldNotTell) as failed, Bucket.of("s3://nowhere").workshop():
        pass
    assert failed.value.code == "store.no_bucket"
    with pytest.raises(CouldNotTell) as failed:
        Bucket.of("s3://backups/x").fetch("gone.dump", tmp_path)
    assert failed.value.code == "store.missing"


@pytest.mark.usefixtures("credentials")
def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A closed port, told in one sentence without the key."""
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        code, said = code_of("s3://backups/x")
    assert code == "store.unreachable"
    assert "swordfish9" not in said
    assert "swordfish9" not in repr(Bucket.of("s3://backups/x"))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error", "store.no_credentials"),
        ("Error performing GET http://x/b - 403 Forbidden: <Code>InvalidAccessKeyId</Code>", "store.no_credentials"),
        ("Error performing GET http://x/b - 403 Forbidden: <Code>AccessDenied</Code>", "store.not_permitted"),
    ],
)
@pytest.mark.usefixtures("credentials")
def test_what_the_service_refuses(said: str, code: str) -> None:
    """In the words of obstore, which moto does not speak: it believes every key."""
    assert Bucket.of("s3://backups/x")._failure(ValueError(said)).code == code


@pytest.mark.parametrize("location", ["s3://", "s3:///x", "s3://Bucket/x", "s3://b?key=swordfish9", "gs://a b/c"])
def test_what_is_no_address_is_refused_unread(location: str) -> None:
    """A person wrote it, so it is a mistake of usage; it is not repeated, as a key may be in it."""
    with pytest.raises(UsageError) as failed:
        Bucket.of(location)
    assert "swordfish9" not in str(failed.value)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(CouldNotTell) as failed:
        Bucket.of("s3://backups/x")
    assert (failed.value.code, "pgrunbook[storage]" in failed.value.hint) == ("store.no_library", True)
