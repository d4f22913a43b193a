"""The throwaway certificate: cached, renewed in time, and right for every local name."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.targets import authority
from checks.targets.authority import Certificate, cached, issue


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    """The second run finds the first one's, and the key is closed to others."""
    made = cached(tmp_path)
    assert cached(tmp_path) == made
    assert made.is_sound()
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


@pytest.mark.parametrize(("left", "kept"), [(timedelta(days=61), True), (timedelta(days=59), False)])
def test_it_is_renewed_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: timedelta, kept: bool
) -> None:
    """With less than 60 days left a new one is made, and the old one stays for who uses it."""
    monkeypatch.setattr(authority, "LASTS", left)
    first = cached(tmp_path)
    monkeypatch.undo()
    assert (cached(tmp_path) == first) is kept
    assert first.is_sound()


def test_an_ended_one_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old certificates do not pile up."""
    monkeypatch.setattr(authority, "LASTS", timedelta(seconds=-1))
    first = cached(tmp_path)
    monkeypatch.undo()
    assert cached(tmp_path) != first
    assert not first.folder.exists()


def test_it_is_good_for_the_names_it_was_issued_for(tmp_path: Path) -> None:
    """Tests of host names need a certificate for another name."""
    context = ssl.create_default_context(cafile=issue(tmp_path, names=["db.example"]).ca)
    [trusted] = context.get_ca_certs()
    assert trusted["issuer"] == trusted["subject"]


def test_what_is_torn_is_not_sound(tmp_path: Path) -> None:
    """A key of another certificate is as useless as none."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = issue(tmp_path / "a"), issue(tmp_path / "b", until=datetime.now(UTC) + timedelta(days=5))
    one.key.write_bytes(other.key.read_bytes())
    assert not one.is_sound()
    assert not Certificate(tmp_path / "c").is_sound()
