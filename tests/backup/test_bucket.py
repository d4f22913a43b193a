"""Backups in a bucket of S3 and of Google, against moto's server: put, listed, fetched, removed; and what is wrong."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from checks.backup import manifest
from checks.backup.artifact import Format
from checks.backup.bucket import Bucket
from checks.backup.bucket_client import failure
from checks.backup.faults import BackupFault
from checks.backup.found import found
from checks.errors import CouldNotTell, UsageError
from checks.secrets import MASK, mask
from tests.backup.google import Account
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


def test_a_backup_goes_there_and_comes_back(tmp_path: Path, store: str) -> None:
    """A file larger than one request, and a folder; listed newest first, fetched with their manifests, and removed."""
    bucket = Bucket.of(store)
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


def test_what_was_changed_in_the_bucket_is_not_taken_for_good(tmp_path: Path, store: str) -> None:
    """One other byte, and the manifest's SHA-256 tells; what others put there without a manifest is only fetched."""
    import obstore

    bucket = Bucket.of(store)
    put(bucket, NAME, {NAME: b"rows"})
    obstore.put(bucket._store, NAME, b"rowz")
    with pytest.raises(BackupFault) as failed:
        bucket.fetch(NAME, tmp_path)
    assert failed.value.code == "backup.checksum"
    obstore.put(bucket._store, "nightly/a.sql.gz", b"other")
    assert bucket.fetch("nightly/a.sql.gz", tmp_path).read_bytes() == b"other"


def test_a_checksum_file_is_fetched_with_what_it_vouches_for(tmp_path: Path, store: str) -> None:
    """As others leave it beside a backup, or one for a whole folder; those of other backups stay where they are."""
    import obstore

    bucket = Bucket.of(store)
    for name in ("nightly/a.sql", "nightly/a.sql.sha256", "nightly/SHA256SUMS", "nightly/b.sql.sha256", "SHA256SUMS"):
        obstore.put(bucket._store, name, name.encode())
    bucket.fetch("nightly/a.sql", tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.sql", "a.sql.sha256"]
    assert (tmp_path / "nightly/SHA256SUMS").read_bytes() == b"nightly/SHA256SUMS"
    assert not (tmp_path / "SHA256SUMS").exists()


def test_what_has_no_manifest_is_removed_too(store: str) -> None:
    """As a removal that was cut short leaves it; Google refuses to remove a manifest that is not there."""
    import obstore

    bucket = Bucket.of(store)
    for name in (f"{FOLDER}/toc.dat", f"{FOLDER}/1.dat.gz", NAME):
        obstore.put(bucket._store, name, b"rows")
    bucket.delete(FOLDER)
    bucket.delete(FOLDER)
    assert [one.name for one in bucket.items("*")] == [NAME]


def test_the_manifest_is_removed_first(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a request of its own: if what follows is not removed, what is left has none, and was never finished."""
    import obstore

    removed: list[list[str]] = []
    monkeypatch.setattr(obstore, "delete", lambda _, names: removed.append(sorted(names)))
    bucket = Bucket.of(store)
    put(bucket, FOLDER, {f"{FOLDER}/toc.dat": b"toc", f"{FOLDER}/1.dat.gz": b"rows"})
    bucket.delete(FOLDER)
    assert removed == [[f"{FOLDER}{manifest.SUFFIX}"], [f"{FOLDER}/1.dat.gz", f"{FOLDER}/toc.dat"]]


def test_a_backup_takes_no_others_place(store: str) -> None:
    """One of the same second is there, so this one is refused, and the first is what it was."""
    bucket = Bucket.of(store)
    put(bucket, NAME, {NAME: b"rows"})
    with pytest.raises(CouldNotTell) as failed:
        put(bucket, NAME, {NAME: b"others"})
    assert failed.value.code == "dump.exists"
    assert [one.bytes for one in found(bucket, pattern=None, runbook="shop")] == [4]


def code_of(location: str) -> tuple[str, str]:
    """The code of what listing it ends with, and all that is said."""
    with pytest.raises(CouldNotTell) as failed:
        list(Bucket.of(location).items("*"))
    assert str(failed.value).count("\n") <= 1  # a sentence, and what to do
    return failed.value.code, str(failed.value)


def test_a_bucket_that_is_not_there(tmp_path: Path, store: str) -> None:
    """Told when it is listed, and before a backup is begun; an object that is gone has a code of its own."""
    nowhere = store.replace("backups", "nowhere")
    assert code_of(nowhere)[0] == "store.no_bucket"
    with pytest.raises(CouldNotTell) as failed, Bucket.of(nowhere).workshop():
        pass
    assert failed.value.code == "store.no_bucket"
    with pytest.raises(CouldNotTell) as failed:
        Bucket.of(store).fetch("gone.dump", tmp_path)
    assert failed.value.code == "store.missing"


def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    """A closed port, told in one sentence without the key, with the variable that may be wrong."""
    import socket

    variable = "AWS_ENDPOINT_URL" if store.startswith("s3") else "GOOGLE_BASE_URL"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed.getsockname()[1]}")
        code, said = code_of(store)
    assert code == "store.unreachable"
    assert variable in said
    assert "swordfish9" not in said
    assert "swordfish9" not in repr(Bucket.of(store))


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"])
@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_an_address_without_tls_is_used_whatever_its_variable(
    variable: str, store: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store in the same network often has none; whoever writes http:// means it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv(variable, address)
    assert list(Bucket.of(store).items("*")) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error", "store.no_credentials"),
        ("Error performing GET http://x/b - 403 Forbidden: <Code>InvalidAccessKeyId</Code>", "store.no_credentials"),
        ("Error performing GET http://x/b - 403 Forbidden: <Code>AccessDenied</Code>", "store.not_permitted"),
    ],
)
@pytest.mark.parametrize("where", ["s3://backups/x", "gs://backups/x"])
def test_what_the_service_refuses(where: str, said: str, code: str) -> None:
    """In the words of obstore, which moto does not speak: it believes every key."""
    told = failure(where, ValueError(said))
    assert told.code == code
    assert ("AWS" in told.hint, "GOOGLE" in told.hint) == (
        (where.startswith("s3"), where.startswith("gs")) if code == "store.no_credentials" else (False, False)
    )


@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_google_does_not_know_the_account(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another's key is well-formed, signs, and is refused."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(Account().write(tmp_path / "other.json")))
    assert code_of(store)[0] == "store.no_credentials"


@pytest.mark.parametrize("variable", ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"])
@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_an_account_that_is_named_otherwise(variable: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By obstore's own variables; what goes wrong names the one that is set."""
    monkeypatch.setenv(variable, os.environ["GOOGLE_APPLICATION_CREDENTIALS"])
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    assert list(Bucket.of(store).items("*")) == []
    monkeypatch.setenv(variable, "/nowhere/account.json")
    assert f"the file that {variable} names, /nowhere/account.json, cannot be opened" in code_of(store)[1]


@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_an_account_that_is_given_whole(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a variable, whose content is a secret and never told."""
    content = Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text(encoding="utf-8")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", content)
    assert list(Bucket.of(store).items("*")) == []
    assert mask(content) == MASK
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", '"swordfish9"')
    code, said = code_of(store)
    assert (code, "swordfish9" in said) == ("store.no_credentials", False)
    assert "what GOOGLE_SERVICE_ACCOUNT_KEY holds" in said


WRONG_ACCOUNTS: dict[str, tuple[str | dict[str, object], str]] = {
    "no JSON": ("swordfish9", "is no service account's in JSON"),
    "JSON of another kind": ('"swordfish9"', "is no service account's in JSON"),
    "a type of another": ({"type": "swordfish9"}, "is no service account's in JSON"),
    "no key": ({"private_key": None}, "is no service account's in JSON"),
    "without its mail": ('{"type": "service_account", "private_key": "swordfish9"}', "has no `"),
    "a key that is none": ({"private_key": "swordfish9"}, "has no private key in PEM that can be read"),
    "a key that is broken": (
        {"private_key": "-----BEGIN PRIVATE KEY-----\nc3dvcmRmaXNoOQ==\n-----END PRIVATE KEY-----\n"},
        "has no private key in PEM that can be read",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ACCOUNTS)
@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_an_account_that_is_written_wrongly(
    wrong: str, store: str, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One sentence with the variable and the file, and nothing of what stands in it."""
    content, what = WRONG_ACCOUNTS[wrong]
    path = tmp_path / "account.json"
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        account.write(path, **content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    code, said = code_of(store)
    assert code == "store.no_credentials"
    assert f"the file that GOOGLE_APPLICATION_CREDENTIALS names, {path}, {what}" in said
    assert "swordfish9" not in said


@pytest.mark.parametrize(
    ("name", "what"),
    [("gone.json", "cannot be opened (no such file or directory)"), ("", "cannot be read (is a directory)")],
)
@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_an_account_that_cannot_be_read(
    name: str, what: str, store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is not there, or is a folder: no verdict, and what to set."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / name))
    code, said = code_of(store)
    assert code == "store.no_credentials"
    assert what in said
    assert "HINT: Set GOOGLE_APPLICATION_CREDENTIALS" in said


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
