"""Where the environment of each selected page is, found before any connection; or everything that keeps it from that.

Whoever has no URL yet needs the page most, so each mistake is told with the section the page has on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from checks.errors import UsageError
from checks.runbook.model import Runbook
from checks.targets.session import Endpoint


def endpoints(
    runbooks: Sequence[Runbook], environment: str, *, env_file: Path | None = None
) -> list[tuple[Runbook, Endpoint]]:
    """The pages that have the environment, and where it is. Raises UsageError with the mistakes of all of them."""
    from checks.targets.environment import resolve

    found, mistakes = [], []
    for page in _having(runbooks, environment):
        front = page.front
        try:
            endpoint = resolve(
                environment, front.environments, folder=page.folder, runbook=front.runbook, env_file=env_file
            )
        except UsageError as mistake:
            if not mistake.code:  # about the command line, and so the same for every page
                raise
            mistakes.append(_told(mistake, [page]))
        else:
            found.append((page, endpoint))
    if mistakes:
        raise UsageError("\n\n".join(mistakes))
    return found


def _having(runbooks: Sequence[Runbook], environment: str) -> list[Runbook]:
    """The pages that have the environment. Raises UsageError, with what there is, when none has."""
    having = [page for page in runbooks if environment in page.front.environments]
    if having:
        return having
    known = "; ".join(f"{page.front.runbook}: {', '.join(page.front.environments) or 'none'}" for page in runbooks)
    hint = f"the environments are, {known}"
    if not environment:
        raise UsageError("--env is missing.", hint=hint)
    sentence = f"--env {environment}: no selected runbook has that environment."
    raise UsageError(_told(UsageError(sentence, hint=hint, code="environment.unknown"), runbooks))


def _told(mistake: UsageError, pages: Iterable[Runbook]) -> str:
    """The sentence with its code, the hint, and what those of the pages that have a section on it say."""
    lines = [f"{mistake.sentence}  ({mistake.code})"]
    lines += [f"HINT: {mistake.hint}"] if mistake.hint else []
    return "\n".join([*lines, *(line for page in pages for line in _fix(page, mistake.code))])


def _fix(page: Runbook, code: str) -> list[str]:
    """The page's own section, drawn as under a check that does not hold; nothing where it has none."""
    # Imported here and not above: what draws reports is not wanted before a server is waited for.
    from checks.check import Code
    from checks.report.compose import fix_of
    from checks.report.terminal import INDENT, fix_lines

    fix = fix_of(page, code, Code(meaning=""))
    if not fix.line:
        return []
    return [
        f"{INDENT}{line}".rstrip() for line in (f"{'fix':<8}  {fix.title}  ({page.path}:{fix.line})", *fix_lines(fix))
    ]
