"""The whole outcome of a command as one document, for stdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from checks.report.model import Report


def drawn(reports: Sequence[Report], output: str) -> str:
    """`reports` as one document in the format `output` names, with a final newline. KeyError for another name."""
    return DOCUMENTS[output](reports)


def _json(reports: Sequence[Report]) -> str:
    """A list, also of one: whoever reads it need not ask how many runbooks were selected."""
    from checks.report.jsonfile import to_json

    documents = ",\n".join(to_json(report).rstrip() for report in reports)
    return f"[\n{documents}\n]\n"


def _markdown(reports: Sequence[Report]) -> str:
    from checks.report.markdown import markdown

    return "\n".join(markdown(report) for report in reports)


def _junit(reports: Sequence[Report]) -> str:
    from checks.report.junit import junit

    return junit(reports)


def _github(reports: Sequence[Report]) -> str:
    from checks.report.summary import annotation_lines

    return "".join(f"{line}\n" for line in annotation_lines(reports))


DOCUMENTS: dict[str, Callable[[Sequence[Report]], str]] = {
    "json": _json,
    "markdown": _markdown,
    "junit": _junit,
    "github": _github,
}
