"""What a dump would do besides bringing tables back: run programs, connect elsewhere, reach for files, gain rights.

A dump is a program, and whoever wrote it decides what it does. This is the static part: it is read, and nothing is run.
What is found here is refused, or contained by a disposable server without secrets and a role that is no superuser.
https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from checks.backup import archive
from checks.backup.artifact import Format, Header
from checks.backup.formats import read_toc
from checks.backup.packed import opened
from checks.backup.sql_stream import Piece, pieces, pieces_of
from checks.backup.tars import archive_of
from checks.check import Cell, Finding, Severity

SHOWN = 5
_HARMLESS = re.compile(r"\\(restrict|unrestrict)\b")
_CODE = re.compile(r"(?i)\b(COPY|EXECUTE|ALTER SYSTEM|CREATE|LOAD|pg_read|pg_ls|lo_import|dblink)")


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a statement or meta-command begins with, its code, and what it does."""

    begins: re.Pattern[str]
    code: str
    does: str
    severity: Severity = Severity.FAIL


def _rule(begins: str, code: str, does: str, severity: Severity = Severity.FAIL) -> _Rule:
    return _Rule(re.compile(begins, re.IGNORECASE | re.DOTALL), code, does, severity)


_ELSEWHERE = "backup.connects_elsewhere"
_EXTENSION = re.compile(r'(?i)CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([\w-]+)')
_FUNCTION = re.compile(r"(?i)CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE)\b")
_LANGUAGE = re.compile(r"""(?i)\bLANGUAGE\s+['"]?(\w+)""")
_UNTRUSTED = r"'?(c|internal|\w+u)'?\b"
# The first that takes a piece decides. Commands of psql that only write to its own output are of no concern.
_META = (
    _rule(r"\\(c|connect)\b", _ELSEWHERE, "has psql connect to another database or server"),
    _rule(r"\\!|\\(o|out|g|gx|w|write)\s*\|", "backup.runs_program", "has psql run a program on this machine"),
    _rule(r"\\copy\b.*\bprogram\b", "backup.runs_program", "has psql run a program on this machine"),
    _rule(r"\\[a-z]+[^\n]*`", "backup.runs_program", "has psql run a program on this machine"),
    _rule(r"\\(i|ir|include|include_relative|copy|o|out|w|write|g|gx|lo_import|lo_export|cd|s)\b",
          "backup.reads_files", "has psql read or write a file of this machine"),
    _rule(r"\\", "backup.meta_command", "has psql do what pg_dump never asks of it"),
)  # fmt: skip
_STATEMENTS = (
    _rule(r"COPY\b.*\b(TO|FROM)\s+PROGRAM\b", "backup.runs_program", "has the server run a program"),
    _rule(r"COPY\b.*\b(TO|FROM)\s+'", "backup.reads_files", "has the server read or write a file of its own"),
    _rule(r"(SELECT|WITH|VALUES|PERFORM|CALL)\b.*\b(pg_read_(binary_)?file|pg_ls_\w+|lo_import|lo_export|pg_file_\w+)\s*\(",
          "backup.reads_files", "has the server read or write a file of its own"),
    _rule(r"LOAD\b", "backup.untrusted_code", "has the server load a library"),
    _rule(r"CREATE\b.*\bLANGUAGE\s+" + _UNTRUSTED, "backup.untrusted_code", "makes code that no server confines"),
    _rule(r"CREATE\s+EXTENSION\b.*?\b\"?(pl(python\d?|perl|tcl|java)u|plsh|file_fdw|adminpack)\b",
          "backup.untrusted_code", "makes code that no server confines"),
    _rule(r"ALTER\s+SYSTEM\b", "backup.alter_system", "changes the server's settings"),
    _rule(r"(CREATE|ALTER)\s+(ROLE|USER)\b.*\bSUPERUSER\b(?<!NOSUPERUSER)", "backup.makes_superuser",
          "makes a superuser", Severity.WARN),
    _rule(r"(CREATE|ALTER)\s+SUBSCRIPTION\b", "backup.reaches_out", "has the server connect to another",
          Severity.WARN),
    _rule(r"CREATE\s+(SERVER|FOREIGN\s+DATA\s+WRAPPER|USER\s+MAPPING)\b|CREATE\s+EXTENSION\b.*\b(dblink|postgres_fdw)\b",
          "backup.reaches_out", "can have the server connect to another", Severity.WARN),
    _rule(r"(SELECT|WITH|VALUES|PERFORM|CALL)\b.*\bdblink\w*\s*\(", "backup.reaches_out",
          "has the server connect to another"),
)  # fmt: skip


def suspicious(path: Path, header: Header, *, allowed: Collection[str] = ()) -> list[Finding]:
    """What a backup would do besides bringing tables back, one finding a code; none holds. Plain SQL is read whole.

    Those that fail are to be refused; those that warn are what honest dumps hold too, and are to be contained. The
    `allowed` extensions and code in their languages are neither. Raises BackupFault where the backup cannot be read to
    its end.
    """
    if header.format is Format.PHYSICAL:
        return []
    if header.format is Format.PLAIN:
        with opened(path, header.packed) as stream:
            return _findings(path.name, _judged(pieces(stream), allowed))
    return _findings(path.name, _of_entries(_contents(path, header), allowed))


def _contents(path: Path, header: Header) -> archive.Archive:
    if header.format is Format.DIRECTORY:
        return read_toc(path / "toc.dat")
    if header.format is Format.TAR:
        return archive_of(path, header.packed)
    with opened(path, header.packed) as stream:
        return archive.read(stream, path.name)


_Seen = tuple[_Rule, str, int]


def _of_entries(found: archive.Archive, allowed: Collection[str]) -> Iterator[_Seen]:
    """The pieces of an archive's entries. Where text has a line, they have the number of their entry."""
    for number, entry in enumerate(found.entries, 1):
        for text in (entry.definition, entry.copy):
            yield from ((rule, said, number) for rule, said, _ in _judged(pieces_of(text), allowed))
        if "\n" in entry.tag or "\n" in entry.schema or "\n" in entry.owner:
            # Written into a comment by `pg_restore --file`, the rest of such a name would be a command of its own.
            yield _NEWLINE, entry.kind.lower(), number


_NEWLINE = _Rule(re.compile(""), "backup.meta_command", "has a name of several lines, which a script would obey")


def _judged(found: Iterable[Piece], allowed: Collection[str]) -> Iterator[_Seen]:
    for piece in found:
        if allowed and _is_allowed(piece.text, allowed):
            continue
        if piece.text.startswith("\\"):
            if not _HARMLESS.match(piece.text):
                yield from _first(_META, piece.text, piece.line)
            continue
        yield from _first(_STATEMENTS, piece.text, piece.line)
        if piece.text[:3].upper() == "DO " and _CODE.search(piece.body):
            yield from _in_block(piece)


def _is_allowed(text: str, allowed: Collection[str]) -> bool:
    """Whether it makes an extension that the page allows, or code in the language of one."""
    extension = _EXTENSION.match(text)
    named = [extension[1]] if extension else _LANGUAGE.findall(text) if _FUNCTION.match(text) else []
    return bool(named) and all(name in allowed for name in named)


def _in_block(piece: Piece) -> Iterator[_Seen]:
    """A DO block's statements. They follow BEGIN, THEN and the like, and text that is executed is not seen into."""
    for inner in pieces_of(piece.body):
        words = re.sub(r"(?is)^.*?\b(?:BEGIN|THEN|ELSE|LOOP|EXECUTE)\b\s*", "", inner.text) or inner.text
        for text in {inner.text, words}:
            yield from _first(_STATEMENTS, text, piece.line + inner.line - 1)


def _first(rules: Iterable[_Rule], text: str, line: int) -> Iterator[_Seen]:
    rule = next((rule for rule in rules if rule.begins.match(text)), None)
    if rule is not None:
        yield rule, _named(text), line


def _named(text: str) -> str:
    """The command alone: what follows may hold what nobody wants in a report."""
    if text.startswith("\\"):
        return text.split(maxsplit=1)[0]
    return " ".join(re.findall(r"[A-Za-z]+", text)[:2]).upper()


def _findings(name: str, seen: Iterable[_Seen]) -> list[Finding]:
    by_code: dict[str, list[_Seen]] = {}
    counts: dict[str, int] = {}
    for one in seen:
        code = one[0].code
        counts[code] = counts.get(code, 0) + 1
        if len(kept := by_code.setdefault(code, [])) < SHOWN:
            kept.append(one)
    return [_finding(name, code, found, counts[code]) for code, found in by_code.items()]


def _finding(name: str, code: str, found: list[_Seen], count: int) -> Finding:
    rule, said, line = found[0]
    more = f", and {count - 1} more like it" if count > 1 else ""
    evidence: list[dict[str, Cell]] = [{"at": line, "command": said, "which": rule.does} for rule, said, line in found]
    fails = any(rule.severity is Severity.FAIL for rule, _, _ in found)
    return Finding(
        code,
        False,
        f"{name} {rule.does}: `{said}` at {line}{more}.",
        "what pg_dump writes of one database",
        said,
        tuple(evidence),
        Severity.FAIL if fails else Severity.WARN,
    )
