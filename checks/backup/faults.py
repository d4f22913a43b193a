"""What is wrong with a backup that cannot be taken for one: a documented code, a sentence, and what to do.

A drill and the `backup` check make a finding of it; only a command that was pointed at one artifact ends with it.
"""

from __future__ import annotations

from checks.check import Finding, Severity
from checks.errors import PgrunbookError


class BackupFault(PgrunbookError):
    """An artifact that cannot be restored as it is, or not be looked into. `code` is a `backup.…` code."""

    exit_code = 1

    def __init__(
        self, sentence: str, *, code: str, hint: str = "", observed: str = "", severity: Severity = Severity.FAIL
    ) -> None:
        super().__init__(sentence, hint=hint)
        self.code = code
        self.observed = observed
        self.severity = severity

    @property
    def finding(self) -> Finding:
        """The same as a finding that does not hold."""
        said = f"{self.sentence} {self.hint}".strip()
        return Finding(self.code, False, said, "a PostgreSQL backup", self.observed, severity=self.severity)
