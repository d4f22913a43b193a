"""Everything a disposable server needs on disk before its first start: data folder, settings, rules, certificate.

What is cached is looked at closely only when a start fails, since looking takes as long as starting.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping

from checks.errors import TargetFailed
from checks.targets import authority, cache, overlay, tuning
from checks.targets.account import Account
from checks.targets.authority import Certificate
from checks.targets.binaries import Binaries
from checks.targets.files import write_into
from checks.targets.postmaster import NeverStarted
from checks.targets.runfolder import RunFolder
from checks.targets.template import Template, prepare


class Groundwork:
    """How to lay out run folders for one server. `certificate` None stands for the cached, good one."""

    def __init__(
        self,
        programs: Binaries,
        account: Account,
        settings: Mapping[str, tuning.Setting],
        certificate: Certificate | None,
        *,
        plaintext: bool,
    ) -> None:
        self.programs = programs
        self.account = account
        self.settings = settings
        self.plaintext = plaintext
        self._kept = cache.folder()
        self._template = Template(self._kept, programs, account) if self._kept else None
        self._overlaid = self._template is not None and overlay.possible(account, self._template.path)
        self._given = certificate
        self._used: Certificate | None = None

    def lay(self, folder: RunFolder) -> Certificate:
        """Fill `folder` and let the server's user in. Returns the certificate as installed. Raises TargetFailed."""
        try:
            self._used = self._given or self._usual_certificate(folder)
            installed = self._used.install(folder.tls, self.account)
            prepare(self._template, self.programs, folder, self.account, overlaid=self._overlaid)
            self._configure(folder)
            folder.let_in()
        except OSError as error:
            raise TargetFailed(f"The files of a disposable server could not be laid out: {error}.") from error
        return installed

    def another_way(self, failed: TargetFailed) -> bool:
        """Whether a second try makes sense after `failed`: something cached was damaged, or no overlay can be had."""
        if self._overlaid and isinstance(failed, NeverStarted):
            self._overlaid = False
            return True
        template = self._template is not None and self._template.discard_if_damaged()
        certificate = self._used is not None and self._discard_if_unsound(self._used)
        return template or certificate

    def _configure(self, folder: RunFolder) -> None:
        usual = ((folder.lower or folder.data) / "postgresql.conf").read_text(encoding="utf-8")
        for name, text in (
            ("postgresql.conf", usual + tuning.configuration(self.settings)),
            ("pg_hba.conf", tuning.access_rules(plaintext=self.plaintext or not tuning.has_tls(self.settings))),
            ("pg_ident.conf", tuning.identities()),
        ):
            write_into(folder.written / name, text, self.account)

    def _usual_certificate(self, folder: RunFolder) -> Certificate:
        if self._kept is not None:
            with contextlib.suppress(OSError):  # a cache that fails costs the time of making another one
                return authority.cached(self._kept)
        own = folder.path / "authority"
        own.mkdir(mode=0o700)
        return authority.issue(own)

    def _discard_if_unsound(self, certificate: Certificate) -> bool:
        if certificate.folder.parent != self._kept or certificate.is_sound():
            return False
        shutil.rmtree(certificate.folder, ignore_errors=True)
        return True
