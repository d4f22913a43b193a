"""A throwaway certificate authority and the server certificate it signed, so that TLS is real on disposable servers.

The certificate is good for `localhost`, 127.0.0.1 and ::1. It is cached with the templates, since making one costs more
than starting a server, and a new authority is made when less than 60 days are left of it: a page may ask how long a
certificate is still good, and a healthy server must not fail that for its age in the cache. The authority's own key is
never written anywhere.
https://www.postgresql.org/docs/current/ssl-tcp.html
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.targets.account import Account

NAMES = ("localhost", "127.0.0.1", "::1")
LASTS = timedelta(days=90)
RENEWED_WITH = timedelta(days=60)
_STAMP = "%Y%m%dT%H%M%SZ"
_PATTERN = f"authority-{'[0-9]' * 8}T{'[0-9]' * 6}Z-*"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Three PEM files of one folder: `ca.pem` that clients trust, and the server's certificate and private key."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"

    @property
    def files(self) -> tuple[Path, Path, Path]:
        return self.ca, self.certificate, self.key

    def is_sound(self) -> bool:
        """Whether the files are there, and key and certificate belong together."""
        import ssl

        try:
            ssl.create_default_context(cafile=self.ca)
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        except OSError:  # SSLError is one
            return False
        return True

    def install(self, folder: Path, account: Account) -> Certificate:
        """A copy in `folder` for a server run by `account`; PostgreSQL insists on owning its key, with mode 0600.

        The folder is handed over last, so that nobody but us can have put anything in our way.
        """
        for source in self.files:
            copy = folder / source.name
            copy.write_bytes(source.read_bytes())
            copy.chmod(0o600)
            account.own(copy)
        account.own(folder)
        return Certificate(folder)


def issue(folder: Path, *, names: Sequence[str] = NAMES, until: datetime | None = None) -> Certificate:
    """Make an authority and a certificate for `names` in `folder`. Tests give odd names, or an end in the past."""
    import trustme

    until = until or datetime.now(UTC) + LASTS
    authority = trustme.CA(organization_name="pgrunbook", organization_unit_name="disposable")
    leaf = authority.issue_cert(
        *names, common_name=names[0], not_after=until, not_before=until - LASTS - timedelta(days=1)
    )
    made = Certificate(folder)
    made.key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(made.key)
    made.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    authority.cert_pem.write_to_path(made.ca)
    return made


def cached(cache: Path) -> Certificate:
    """The certificate kept in `cache`, made or renewed as needed. Safe beside other runs. Raises OSError."""
    now = datetime.now(UTC)
    for path in sorted(cache.glob(_PATTERN), reverse=True):
        kept = Certificate(path)
        if _end(path) > now + RENEWED_WITH and all(file.exists() for file in kept.files):
            return kept
        if _end(path) < now:
            shutil.rmtree(path, ignore_errors=True)
    return _issue_into(cache, now + LASTS)


def _issue_into(cache: Path, until: datetime) -> Certificate:
    making = Path(tempfile.mkdtemp(prefix=".authority-", dir=cache))
    try:
        issue(making, until=until)
        ready = cache / f"authority-{until.strftime(_STAMP)}-{making.name.rpartition('-')[2]}"
        making.rename(ready)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return Certificate(ready)


def _end(path: Path) -> datetime:
    return datetime.fromisoformat(path.name.split("-")[1])
