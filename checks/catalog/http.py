"""A web service over the database answers as the page says: its status, its JSON and its time.

A database can be well while nobody can use it: the service has no connection, the wrong one, or no disk. One that
answers from its tables shows the whole way at once. Where the service is comes from a variable, never from the page, so
that no page can send anybody's machine to an address of its author's choosing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Count, Scalar, Value, show_scalar, shown
from checks.catalog.http_codes import HTTP_CODES
from checks.catalog.json_path import MISSING, find
from checks.check import POSTGRESQL, SQLITE, Asking, Check, Finding
from checks.errors import CouldNotTell, NotApplicable, UsageError
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import form
from checks.units import Duration, show_bytes, show_seconds

if TYPE_CHECKING:
    from checks.targets.web import NoReply, Reply
    from checks.targets.web_address import WebAddress

EXAMPLE = """\
http:
  base: ${PLATFORM_API_DEV_URL}
  path: /app-config/data/sales_report_view
  within: 1s
  json: {success: true, "rows.#": {ge: 1}}"""

OK: Comparison[int] = Comparison(eq=200)
PATIENCE = 8.0  # seconds; within a check's default time, so that the reason is told and not cut off

Variable = Annotated[
    str, form(r"\$\{[A-Za-z_]\w*\}", "must be one variable and nothing else, such as ${API_URL}: no address is literal")
]
Path = Annotated[str, form(r"/(?!/)[^\s\\#]*", "must begin with one `/`, and hold no space, no backslash and no `#`")]
JsonPath = Annotated[str, form(r"[^.\s]+(\.[^.\s]+)*", "must be keys joined by dots, such as data.0.name or rows.#")]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one GET of the service must bring back."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    base: Variable = field(
        metadata={
            "description": "The variable that holds the service's address, as `${API_URL}`: http or https, and never "
            "an address itself. Unset, the check is skipped beside a disposable server."
        }
    )
    path: Path = field(default="/", metadata={"description": "What is asked for, below that address."})
    status: Count | None = field(
        default=None, metadata={"description": "The status it must answer with; 200 where nothing else is said."}
    )
    within: Duration = field(
        default=Duration(2.0),
        metadata={"description": "How long the whole answer may take. For more than 8 s, raise `timeout` too."},
    )
    json: dict[JsonPath, Value] = field(
        default_factory=dict,
        metadata={
            "description": "Values the JSON must hold, by path: `data.0.name`, or `rows.#` for a list's length. Texts "
            "that the page does not name are compared and not shown."
        },
    )

    @property
    def variable(self) -> str:
        """The name of the variable."""
        return self.base[2:-1]

    @property
    def expected_status(self) -> Comparison[int]:
        """What the status is held against."""
        return self.status or OK


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """One GET, and no query.

    Raises NotApplicable beside a disposable server when the variable is not set, and CouldNotTell for a live one.
    """
    # urllib3 costs 80 ms to import, which a page without this check does not owe.
    from checks.targets.web import NoReply, get

    yield from ()
    address = _address(parameters, circumstances)
    patience = max(PATIENCE, float(parameters.within))
    try:
        reply = get(address, parameters.path, patience=patience, settles=parameters.expected_status.holds)
    except NoReply as nothing:
        return [_unanswered(parameters, nothing)]
    asked = f"GET {address.shown}{address.prefix}{parameters.path}"
    findings = [*_status(parameters, reply, asked), *_slow(parameters, reply, asked)]
    if parameters.json and parameters.expected_status.holds(reply.status):
        findings += _content(parameters.json, reply, asked)
    return findings or [_answers(parameters, reply, asked)]


def _address(parameters: Parameters, circumstances: Circumstances) -> WebAddress:
    from checks.targets.web_address import parse_web

    text = circumstances.variables.get(parameters.variable, "")
    if not text and circumstances.disposable:
        raise NotApplicable(f"the variable {parameters.variable}, which says where the service is, is not set")
    if not text:
        raise CouldNotTell(
            f"The variable {parameters.variable}, which says where the service is, is not set.",
            code="http.no_address",
            hint=f"Set it, as in `export {parameters.variable}=https://host`, or in the file --env-file names.",
        )
    try:
        return parse_web(text, source=f"The variable {parameters.variable}")
    except UsageError as mistake:
        raise CouldNotTell(mistake.sentence, code="http.no_address", hint=mistake.hint) from mistake


def _unanswered(parameters: Parameters, nothing: NoReply) -> Finding:
    expected = f"status {parameters.expected_status.describe()}" if nothing.status else "an answer"
    return Finding(f"http.{nothing.cause}", False, nothing.sentence, expected, str(nothing.status or "none"))


def _status(parameters: Parameters, reply: Reply, asked: str) -> list[Finding]:
    wanted = parameters.expected_status
    if wanted.holds(reply.status):
        return []
    return [
        Finding(
            "http.status", False, f"{asked} answers {reply.status}.", f"status {wanted.describe()}", str(reply.status)
        )
    ]


def _slow(parameters: Parameters, reply: Reply, asked: str) -> list[Finding]:
    if reply.seconds <= parameters.within:
        return []
    took = show_seconds(reply.seconds)
    return [Finding("http.slow", False, f"{asked} takes {took}.", f"within {parameters.within}", took)]


def _content(wanted: Mapping[str, Comparison[Scalar]], reply: Reply, asked: str) -> list[Finding]:
    import json

    if not reply.is_whole:
        sentence = f"{asked} answers with more than is read."
        return [Finding("http.too_large", False, sentence, f"at most {show_bytes(len(reply.body))}", "more")]
    try:
        document = json.loads(reply.body)  # a compressed body, which was not asked for, is no JSON either
    except (ValueError, RecursionError):
        observed = f"{show_bytes(len(reply.body))} of something else"
        return [Finding("http.not_json", False, f"{asked} does not answer with JSON.", "JSON", observed)]
    return [finding for path, value in wanted.items() for finding in _value(path, value, find(document, path), asked)]


def _value(path: str, wanted: Comparison[Scalar], found: Any, asked: str) -> list[Finding]:
    expected = wanted.describe(show_scalar)
    if found is MISSING:
        return [Finding("http.json_missing", False, f"{asked} answers without `{path}`.", expected, "not there")]
    if wanted.holds(found):
        return []
    observed = _observed(found, wanted)
    sentence = f"{asked}: `{path}` is {observed}, not {expected}."
    return [Finding("http.json_differs", False, sentence, expected, observed, ({"path": path, "observed": observed},))]


def _observed(found: Any, wanted: Comparison[Scalar]) -> str:
    if isinstance(found, dict | list):
        return "an object" if isinstance(found, dict) else f"a list of {len(found)}"
    return "null" if found is None else shown(found, wanted.operands)


def _answers(parameters: Parameters, reply: Reply, asked: str) -> Finding:
    took = show_seconds(reply.seconds)
    held = {path: value.describe(show_scalar) for path, value in parameters.json.items()}
    return Finding(
        "http.answers",
        True,
        f"{asked} answers {reply.status} in {took}.",
        expected=f"status {parameters.expected_status.describe()} within {parameters.within}",
        observed=f"{reply.status} in {took}",
        evidence=tuple({"path": path, "is": value} for path, value in held.items()),
    )


CHECK = Check(
    kind="http",
    claim="A web service over the database answers as the page says: its status, its JSON and its time.",
    manual="https://www.rfc-editor.org/rfc/rfc9110",
    params=Parameters,
    ask=ask,
    codes=HTTP_CODES,
    privileges="None; no database is asked.",
    engines=frozenset({POSTGRESQL, SQLITE}),
    alone=True,
)
