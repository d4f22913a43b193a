"""Everything that can go wrong outside a check's own verdict, and the exit code each ends with.

    PgrunbookError                 one sentence, and a hint that says what to do
    ├── UsageError          (2)    the command line, the environment or a setting is wrong
    │   ├── UrlMalformed    (2)    a database URL cannot be read; has a finding's code
    │   └── RunbookError    (2)    the page is wrong; carries every mistake of the file
    ├── NothingSelected     (5)    the selection matches no check
    ├── CouldNotTell        (3)    the question could not be asked, or its answer not be judged
    │   ├── TargetFailed    (3)    a disposable server or a local tool could not be had
    │   ├── ConnectionFailed(3)    no session; `code` is the connectivity finding it amounts to
    │   └── QueryFailed     (3)    the server refused one query; `sqlstate` says why
    └── NotApplicable       (-)    the question makes no sense of this target; the check is skipped

A check that does not hold is a value (`Finding`), never an exception. Anything else that escapes is a bug of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


class PgrunbookError(Exception):
    """One sentence for a person, a hint that says what to do, and the exit code of a run that ends with it."""

    exit_code = 3

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence}\nHINT: {self.hint}" if self.hint else self.sentence


class UsageError(PgrunbookError):
    """The command line, an environment variable or a setting is wrong; no server was touched.

    `code` names the documented mistake, such as `environment.unset`, where a page may have a section on it.
    """

    exit_code = 2

    def __init__(self, sentence: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.code = code


class UrlMalformed(UsageError):
    """A database URL, or a parameter in it, cannot be read; `code` is the documented finding for it."""

    def __init__(self, sentence: str, *, hint: str = "", code: str = "environment.malformed") -> None:
        super().__init__(sentence, hint=hint, code=code)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in a runbook. Lines and columns count from 1, as editors do."""

    path: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}: {self.message}"
        return f"{where}\n    HINT: {self.hint}" if self.hint else where


class RunbookError(UsageError):
    """A runbook that cannot be planned, with every mistake of the file in the order of its lines."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class NothingSelected(PgrunbookError):
    """The selection matches no check: a run of nothing proves nothing."""

    exit_code = 5


class CouldNotTell(PgrunbookError):
    """No verdict: `code` is the documented finding code that names the reason."""

    exit_code = 3

    def __init__(self, sentence: str, *, code: str = "run.could_not_tell", hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.code = code


class TargetFailed(CouldNotTell):
    """A disposable server, or a program it needs, could not be had on this machine."""

    def __init__(self, sentence: str, *, code: str = "run.no_target", hint: str = "") -> None:
        super().__init__(sentence, code=code, hint=hint)


class ConnectionFailed(CouldNotTell):
    """No session could be opened; `code` is the `connectivity.…` finding that names the cause.

    `expected` is what there should have been, in a few words.
    """

    def __init__(
        self, sentence: str, *, code: str = "connectivity.failed", hint: str = "", expected: str = "a connection"
    ) -> None:
        super().__init__(sentence, code=code, hint=hint)
        self.expected = expected


class QueryFailed(CouldNotTell):
    """The server refused one query. `sqlstate` is the five-character code of the PostgreSQL manual's appendix A.

    `place` is the line and column of the query's text the server points at, from 1, where it points at one.
    """

    def __init__(
        self,
        sentence: str,
        *,
        sqlstate: str,
        code: str = "run.query_failed",
        hint: str = "",
        place: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(sentence, code=code, hint=hint)
        self.sqlstate = sqlstate
        self.place = place


class NotApplicable(PgrunbookError):
    """The question makes no sense of this target, and the sentence says why; the check is skipped, not passed."""
