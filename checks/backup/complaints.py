"""What a client program complained of while it restored, and what each complaint costs.

pg_restore goes on after an error, ends well and only counts it; psql goes on unless it is told otherwise. So every line
is read. A complaint that is not known to be harmless stands for lost data: nobody has looked at it yet.
https://www.postgresql.org/docs/current/app-pgrestore.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from checks.secrets import mask

KEPT = 200  # complaints kept; a restore that fails for every row says so once


class Weight(StrEnum):
    """What a complaint costs: nothing; something outside the data; a verdict, for want of a server; or data."""

    HARMLESS = "harmless"
    FIDELITY = "fidelity"
    UNFIT = "unfit"
    LOSS = "data loss"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error of the client. `text` has no row's values; `command` is what was being run, in a few words."""

    weight: Weight
    code: str
    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    weight: Weight
    code: str
    text: re.Pattern[str]
    command: re.Pattern[str] | None = None

    def takes(self, text: str, command: str) -> bool:
        return bool(self.text.search(text)) and (self.command is None or bool(self.command.match(command)))


def _rule(weight: Weight, code: str, text: str, command: str = "") -> _Rule:
    return _Rule(weight, code, re.compile(text, re.IGNORECASE), re.compile(command) if command else None)


_H, _F, _U, _L = Weight.HARMLESS, Weight.FIDELITY, Weight.UNFIT, Weight.LOSS
_SPACE = r"no space left on device|could not extend file|disk full"
_GONE = (
    r"server closed the connection|terminating connection|connection to server .*(failed|lost)|could not connect|"
    r"no connection to the server|shutting down|in recovery mode|could not receive data"
)
_TOO_NEW = (
    r"unsupported version \(|does not support compression|not built with|this (build|installation) does not support"
)
_PRIVILEGED = (
    r"COPY (to or from|from|to) (an external program|a file)|permission denied to COPY|access to library|"
    r"permission denied for function (pg_read_|pg_ls_|pg_file_|lo_import|lo_export|pg_stat_file)"
)
_CUT = (
    r"end of file|unexpected EOF|unterminated|could not read from input file|COPY from stdin failed|"
    r"lost synchronization|file is too short|unexpected message type .* during COPY"
)
_CORRUPT = (
    r"magic (string|number)|corrupt|invalid (stream|compressed|block|distance|stored|bit|code|dumpId|OID|line)|"
    r"incorrect (data|header) check|could not (uncompress|decompress)|unrecognized data block|out of range offset|"
    r"could not find (header|block|file)|unexpected (data )?(offset|block|section)|entry ID .* out of range|"
    r"sanity check on integer size|a valid archive|bogus|invalid ENCODING item|unrecognized (archive|file) format|"
    r"no such file or directory|possibly due to out-of-order|directory .* does not appear"
)
_NO_ROLE_CHANGE = (
    r"must be (able to SET ROLE|member of role|owner of)|permission denied to set (session authorization|role)"
)
_OUTSIDE = (
    r"permission denied for foreign(-data wrapper| server)|server \"[^\"]*\" does not exist|user mapping|"
    r"permission denied to create subscription|"
    r"security label provider|must specify provider"
)
_NO_EXTENSION = (
    r"extension \"[^\"]*\" (is not available|must be loaded|has no installation script)|required extension|"
    r"could not open extension control file|could not (access file|load library)|via shared_preload_libraries|"
    r"permission denied to create extension"
)
_ROWS = (
    r"violates|duplicate key|invalid input syntax|out of range|COPY failed for table|missing data for column|"
    r"extra data after last expected column|could not create unique index|is duplicated"
)

# The first that takes a complaint decides.
_RULES = (
    _rule(_U, "drill.no_space", _SPACE),
    _rule(_U, "drill.copy_lost", _GONE),
    _rule(_U, "drill.no_memory", r"\bout of (shared )?memory\b|max_locks_per_transaction"),
    _rule(_U, "drill.no_fitting_server", _TOO_NEW),
    _rule(_L, "drill.meta_command", r"backslash commands are restricted|unrestrict: "),
    _rule(_L, "drill.privileged_program", _PRIVILEGED),
    _rule(_L, "drill.cut_short", _CUT),
    _rule(_L, "drill.damaged", _CORRUPT),
    _rule(_H, "drill.restore_harmless", r"errors ignored on restore"),
    _rule(_H, "drill.restore_harmless", r"schema \"public\" already exists"),
    _rule(
        _H, "drill.restore_harmless", r"must be owner of (extension|language|schema public)", r"(COMMENT|DROP|ALTER)"
    ),
    _rule(_H, "drill.restore_harmless", r"(extension|language) \"[^\"]+\" already exists"),
    _rule(_H, "drill.restore_harmless", r"does not exist", r"(DROP|ALTER TABLE (IF EXISTS )?(ONLY )?\S+ DROP)\b"),
    _rule(_H, "drill.restore_harmless", r"cannot drop (schema public|extension)", r"DROP\b"),
    _rule(
        _H, "drill.restore_harmless", r"unrecognized configuration parameter", r"(SET|SELECT pg_catalog\.set_config)\b"
    ),
    _rule(_F, "drill.tablespace_missing", r"tablespace .* does not exist|parameter \"default_tablespace\""),
    _rule(_F, "drill.role_missing", r"role \"[^\"]*\" does not exist|unrecognized role"),
    _rule(_F, "drill.ownership", _NO_ROLE_CHANGE),
    _rule(_F, "drill.contained", _OUTSIDE),
    _rule(
        _F, "drill.contained", r"must be|not allowed|does not exist|permission denied", r"(COMMENT ON|ALTER) DATABASE"
    ),
    _rule(_U, "drill.extension_unavailable", _NO_EXTENSION),
    _rule(
        _U, "drill.collation_unavailable", r"collation .* does not exist|could not create locale|no encoding conversion"
    ),
    _rule(
        _U, "drill.needs_superuser", r"permission denied|must be superuser|only superusers?|must have (privileges|the)"
    ),
    _rule(_L, "drill.encoding", r"invalid byte sequence|has no equivalent in encoding|conversion between"),
    _rule(_L, "drill.rows_refused", _ROWS),
)

_PSQL = re.compile(r"^psql:[^:]*:(\d+): (?:(ERROR|FATAL|PANIC|error|fatal): ?\s*)(?:([0-9A-Z]{5}): )?(.*)$")
_RESTORE = re.compile(r"^pg_restore: (?:\[[^\]]*\] )?(error|fatal|warning): (?:\[[^\]]*\] )?(.*)$")
_SERVER = re.compile(r"^(?:.*?(?:could not execute query|failed): )?(?:ERROR|FATAL|PANIC):\s+(.*)$")
_BARE = re.compile(r"^(?:\S*?(?:psql|pg_restore): )?(?:error|fatal|ERROR|FATAL|PANIC):\s+(.*)$")
_COMMAND = re.compile(r"^(?:psql:[^:]*:\d+: STATEMENT:\s+|Command was: )(.*)$")
_WORDS = re.compile(r"^(?:--[^\n]*\n|\s)*((?:[A-Z]+ ?){1,5}(?:[\w.\"$]+ ?){0,2}(?:DROP \w+)?)")
_QUOTED_VALUE = re.compile(
    r"(syntax(?: for type [\w ]+)?:|at or near|value|sequence for encoding \"\w+\":|column \S+ ?:) "
    r"(?:\"[^\"]*\"?|0x[0-9a-f ]+)"
)


def complaints(lines: Iterable[str]) -> Iterator[Complaint]:
    """What of the client's lines is an error, with its weight. Notices, context and details are left out."""
    waiting = ""
    for line in lines:
        command = _COMMAND.match(line)
        if command:
            if waiting:
                yield judged(waiting, command[1])
            waiting = ""
            continue
        text = _error(line)
        if text:
            if waiting:
                yield judged(waiting)
            waiting = text
    if waiting:
        yield judged(waiting)


def judged(text: str, command: str = "") -> Complaint:
    """One error with what it costs, without the values it quotes."""
    rule = next((rule for rule in _RULES if rule.takes(text, command)), None)
    weight, code = (rule.weight, rule.code) if rule else (Weight.LOSS, "drill.restore_error")
    return Complaint(weight, code, shown(text), _named(command))


def shown(text: str) -> str:
    """An error without the values of rows that servers quote in them."""
    return mask(_QUOTED_VALUE.sub(r"\1 (a value)", text))[:300]


def _error(line: str) -> str:
    """The message of a line that reports an error, else nothing."""
    if match := _PSQL.match(line):
        return match[4]
    if match := _RESTORE.match(line):
        if match[1] == "warning" and "errors ignored" not in match[2] and "could not" not in match[2]:
            return ""
        inner = _SERVER.match(match[2])
        return inner[1] if inner else match[2]
    match = _BARE.match(line)
    return match[1] if match else ""


def _named(command: str) -> str:
    match = _WORDS.match(command)
    return mask(match[1].strip())[:120] if match else ""
