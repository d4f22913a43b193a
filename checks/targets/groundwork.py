"""Everything a disposable server needs on disk before its first start: data folder, settings, rules, certificate.

What is cached is looked at closely only when a start fails, since looking takes as long as starting.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping

from checks.errors import TargetFailed
from checks.targets import authority, cache, tuning
from checks.targets.account import Account
from checks.targets.authority import Certificate
from checks.targets.binaries import Binaries
from checks.targets.files import write_into
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
        self._given = certificate
        self._used: Certificate | None = None

    def lay(self, folder: RunFolder) -> Certificate:
        """Fill `folder` and let the server's user in. Returns the certificate as installed. Raises TargetFailed."""
        self._used = self._given or self._usual_certificate(folder)
        try:
            installed = self._used.install(folder.tls, self.account)
        except OSError as error:
            raise TargetFailed(f"The certificate of the disposable server cannot be read: {error}.") from error
        prepare(self._template, self.programs, folder, self.account)
        write_into(folder.data / "postgresql.conf", tuning.configuration(self.settings), append=True)
        write_into(folder.data / "pg_hba.conf", tuning.access_rules(plaintext=self.plaintext))
        write_into(folder.data / "pg_ident.conf", tuning.identities())
        folder.let_in()
        return installed

    def discard_damaged(self) -> bool:
        """Whether something cached turned out damaged and is gone now, so that a second try makes sense."""
        template = self._template is not None and self._template.discard_if_damaged()
        certificate = self._used is not None and self._discard_if_unsound(self._used)
        return template or certificate

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
