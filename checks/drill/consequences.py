"""What follows from a refusal of our own is no loss of data: complaints, weighed again by what came before them.

Where a drill refuses an extension, the types and functions of it are not there, nor are the tables that have columns of
them. Whether the backup holds these cannot be told here: neither that it does, nor that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from checks.backup.complaints import Complaint, Weight
from checks.backup.extensions import why_refused

CODE = "drill.depends_on_refused"
_EXTENSION = re.compile(r'extension "([^"]+)"')
_REFUSALS = frozenset({"drill.contained", "drill.extension_refused", "drill.extension_unavailable"})
_NOT_THERE = re.compile(
    r"does not exist|has no default operator class|no schema has been selected|is not a foreign table|"
    r"there is no unique constraint matching"
)
_FOREIGN = re.compile(
    r"(CREATE|ALTER|DROP|COMMENT ON|GRANT|REVOKE)\b.*\b(FOREIGN (TABLE|SERVER|DATA)|SERVER|USER MAPPING)\b"
)
_FOREIGN_TABLE = re.compile(r"(?:CREATE|ALTER) FOREIGN TABLE (?:ONLY )?(\S+)")
_RELATION = re.compile(r'relation "([^"]+)" does not exist')
_ON_IT = re.compile(r"GRANT|REVOKE|COMMENT|ALTER")
# psql takes the rows of a table that could not be made for SQL, and stumbles over all of them.
_STUMBLED = frozenset({"drill.restore_error", "drill.rows_refused", "drill.meta_command", "drill.encoding"})


def weighed(complaints: Iterable[Complaint], refused: Collection[str], *, psql: bool) -> Iterator[Complaint]:
    """The complaints in their order: those on `refused` extensions as what they are, and what may follow from them."""
    after, distant = False, set[str]()
    for one in complaints:
        told = _of_elsewhere(_told(one, refused), distant) if after else _told(one, refused)
        if after and told.weight is Weight.LOSS and _may_follow(one, psql=psql):
            told = replace(one, weight=Weight.UNFIT, code=CODE)
        after = after or told.code in _REFUSALS or told.weight is Weight.UNFIT
        yield told


def _told(complaint: Complaint, refused: Collection[str]) -> Complaint:
    named = _EXTENSION.search(complaint.text)
    if named is None or named[1] not in refused:
        return complaint
    text = f'extension "{named[1]}" is refused: {why_refused(named[1])}'
    return replace(complaint, weight=Weight.FIDELITY, code="drill.extension_refused", text=text)


def _of_elsewhere(complaint: Complaint, distant: set[str]) -> Complaint:
    """What is about a foreign server or table, none of which is made here; `distant` gathers the names of tables."""
    if complaint.weight is not Weight.LOSS or not complaint.text.endswith("does not exist"):
        return complaint
    if table := _FOREIGN_TABLE.match(complaint.command):
        distant.add(table[1].replace('"', ""))
    named = _RELATION.search(complaint.text)
    about = named is not None and named[1] in distant and _ON_IT.match(complaint.command)
    if not (about or _FOREIGN.match(complaint.command)):
        return complaint
    return replace(complaint, weight=Weight.FIDELITY, code="drill.contained")


def _may_follow(complaint: Complaint, *, psql: bool) -> bool:
    if psql and complaint.code in _STUMBLED:
        return True
    return complaint.code == "drill.restore_error" and bool(_NOT_THERE.search(complaint.text))
