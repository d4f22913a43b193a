"""The server runs with the settings the page names, and none waits for a restart to take effect.

A setting changed by hand, by a provider or by an upgrade shows only when the load comes. One that waits for a restart
is a surprise kept for the next one, which is usually not planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from checks.catalog.circumstances import Circumstances
from checks.catalog.expectation import Comparison, Scalar, ScalarMeansEq
from checks.catalog.guc import Incomparable, Setting, is_amount
from checks.catalog.names import plural, some
from checks.catalog.sql import literal, statements
from checks.check import Answer, Asking, Cell, Check, Code, Finding, Query
from checks.runbook.rules import Where
from checks.suggest import did_you_mean

EXAMPLE = """\
settings:
  max_connections: 100
  shared_buffers: {ge: 256MB}
  work_mem: 4MB
  idle_in_transaction_session_timeout: 10min
  wal_level: {one_of: [replica, logical]}"""

RESERVED = "pending_restart"
NOT_PERMITTED = "42501"


def _can_be_ordered(wanted: Comparison[Scalar]) -> bool:
    return all(is_amount(value) for value in wanted.ordered)


# Which units a setting takes only its server knows; more or less than what is no amount at all is asked of none.
Wanted = Annotated[
    Comparison[Scalar],
    ScalarMeansEq(),
    Where(
        _can_be_ordered,
        "must be more or less than a number, alone or with one of the units B, kB, MB, GB, TB, us, ms, s, min, h and d",
    ),
]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Settings by name, each a value or a comparison, as `{max_connections: 100, shared_buffers: {ge: 256MB}}`.

    Values are written as in postgresql.conf; a bare number is in the setting's own unit. Every page also expects that
    no setting waits for a restart, unless it says `pending_restart: false`, a key that is no setting's name.
    """

    expected: Mapping[str, Comparison[Scalar]] = field(
        default_factory=dict,
        metadata={"description": "A value or a comparison, in PostgreSQL's units.", "written": "*any setting*"},
    )
    pending_restart: bool = field(
        default=True, metadata={"description": "`true`: no setting at all may wait for a restart."}
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # The page's mapping is the parameters, without a key between, so that it reads as postgresql.conf does.
        from pydantic_core import core_schema

        given = core_schema.dict_schema(core_schema.str_schema(), handler.generate_schema(Wanted))
        return core_schema.no_info_after_validator_function(cls.of, given)

    @classmethod
    def of(cls, given: Mapping[str, Comparison[Scalar]]) -> Parameters:
        """The parameters from a page's mapping.

        Raises ValueError for a `pending_restart` that is not a boolean, and where nothing is asked.
        """
        expected = dict(given)
        waits = expected.pop(RESERVED, Comparison(eq=True)).eq
        if not isinstance(waits, bool):
            raise ValueError(f"{RESERVED} is true (no setting may wait for a restart) or false")
        if not expected and not (waits and given):
            raise ValueError(f"a settings check names at least one setting, or says `{RESERVED}: true`")
        return cls(expected, waits)


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:  # noqa: ARG001 - every check is given both
    """All settings in one round; a second one only for names that the server did not list."""
    [answer] = yield [Query(statements("settings")["settings"])]
    listed = {row["name"].lower(): _setting(row) for row in answer.dicts()}
    found = {name: listed[name.lower()] for name in parameters.expected if name.lower() in listed}
    findings: list[Finding] = []
    unlisted = [name for name in parameters.expected if name not in found]
    if unlisted:
        shown = yield [Query(f"SELECT current_setting({literal(name)}, true)") for name in unlisted]
        for name, value in zip(unlisted, shown, strict=True):
            problem = _not_listed(name, value, listed)
            if problem is None:
                found[name] = Setting(name, str(value.value), custom=True)
            else:
                findings.append(problem)
    findings += _differing(parameters.expected, found)
    if parameters.pending_restart:
        findings += _waiting(listed.values())
    return findings or [_as_expected(parameters, found)]


def _setting(row: Mapping[str, Any]) -> Setting:
    return Setting(
        row["name"], row["reset"] or "", row["unit"] or None, row["vartype"], row["context"], row["pending_restart"]
    )


def _not_listed(name: str, answer: Answer, known: Iterable[str]) -> Finding | None:
    """Why pg_settings has no such row: no such setting, or one this role may not see. None if it has a value yet."""
    if answer.error is not None:
        if answer.error.sqlstate != NOT_PERMITTED:
            raise answer.error
        return Finding("settings.not_visible", False, f"This role may not see {name}.", observed="not visible")
    if answer.value is None:
        hint = did_you_mean(name.lower(), known)
        sentence = f"The server knows no setting {name}" + (f"; {hint}" if hint else ".")
        return Finding("settings.unknown", False, sentence, observed="no such setting")
    return None


def _differing(expected: Mapping[str, Comparison[Scalar]], found: Mapping[str, Setting]) -> list[Finding]:
    findings = []
    for name, setting in found.items():
        wanted = expected[name].describe(_written)
        try:
            holds = setting.holds(expected[name])
        except Incomparable as why:
            findings.append(Finding("settings.incomparable", False, f"{why}.", wanted, str(setting)))
            continue
        if not holds:
            findings.append(
                Finding(
                    "settings.differs",
                    False,
                    f"{name} is {str(setting) or 'empty'}, not {wanted}{_how_it_changes(setting)}.",
                    expected=wanted,
                    observed=str(setting),
                    evidence=({"setting": name, "expected": wanted, "observed": str(setting)},),
                )
            )
    return findings


def _written(value: Scalar) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _how_it_changes(setting: Setting) -> str:
    ways = {
        "postmaster": "; changing it takes a restart",
        "sighup": "; changing it takes a reload",
        "internal": "; it was fixed when the server was built or initialised",
    }
    return ways.get(setting.context, "")


def _waiting(settings: Iterable[Setting]) -> list[Finding]:
    waiting = [setting.name for setting in settings if setting.pending_restart]
    if not waiting:
        return []
    sentence = f"{plural(len(waiting), 'setting')} will change at the next restart: {some(waiting)}."
    evidence: tuple[Mapping[str, Cell], ...] = tuple({"setting": name} for name in waiting)
    return [Finding("settings.pending_restart", False, sentence, "none pending", some(waiting), evidence)]


def _as_expected(parameters: Parameters, found: Mapping[str, Setting]) -> Finding:
    looked_at = plural(len(found), "setting") + (" is" if len(found) == 1 else " are") + " as expected"
    restart = (
        "none waits for a restart" if parameters.pending_restart else "whether any waits for a restart was not asked"
    )
    return Finding(
        "settings.as_expected",
        True,
        f"{looked_at if found else 'No setting is named'}; {restart}.",
        expected=", ".join(f"{name} {wanted.describe(_written)}" for name, wanted in parameters.expected.items()),
        observed=", ".join(f"{name} {setting}" for name, setting in found.items()),
        evidence=tuple({"setting": name, "observed": str(setting)} for name, setting in found.items()),
    )


CODES: Mapping[str, Code] = {
    "settings.as_expected": Code("Every setting the page names is as it expects, and none waits for a restart."),
    "settings.differs": Code(
        "A setting has another value than the page expects, as a new session of this role in this database sees it.",
        "The page's figures were chosen for the machine and the pools; another value means other limits under load.",
        "`SELECT source, sourcefile FROM pg_settings WHERE name = '…'` says where it comes from. Change it there, or "
        "by `ALTER SYSTEM SET`, then reload or restart as the sentence says; on a hosted server, in its console.",
    ),
    "settings.unknown": Code(
        "The server has no setting of this name.",
        "It is misspelt, belongs to another major version, or to an extension that is not loaded.",
        "Compare with `SHOW ALL`; for an extension's setting, look at `shared_preload_libraries`.",
    ),
    "settings.incomparable": Code(
        "What the page expects can never be a value of this setting.",
        "The comparison would fail on every server, so it says nothing of this one.",
        "Write the value as postgresql.conf does: sizes in kB, MB, GB or TB, times in us, ms, s, min, h or d, "
        "booleans as on or off; `lt`, `le`, `gt` and `ge` only for numbers.",
    ),
    "settings.pending_restart": Code(
        "The configuration files hold a value that takes effect only when the server restarts.",
        "The next restart, perhaps after a crash, changes the server's behaviour, or keeps it from starting at all.",
        "Restart at a time of your choosing, or take the change back. "
        "`SELECT name, setting, sourcefile FROM pg_settings WHERE pending_restart` names them.",
    ),
    "settings.not_visible": Code(
        "The setting exists, and this role may not see it.",
        "File locations and similar settings are shown to few, so the check can say nothing of them.",
        "`GRANT pg_read_all_settings TO role` (or `pg_monitor`).",
    ),
}

CHECK = Check(
    kind="settings",
    claim="The server runs with the settings the page names, and none waits for a restart.",
    manual="https://www.postgresql.org/docs/current/view-pg-settings.html",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None for most settings; pg_read_all_settings (or pg_monitor) for file locations and libraries, and to "
    "see whether one of those waits for a restart.",
    needs=("pg_read_all_settings",),
)
