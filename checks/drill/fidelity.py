"""What a dump cannot bring along, and how it fares on a disposable server: matched, substituted, or not to be seen.

None of it is lost data. It is what somebody would have to provide before the application could use the copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.backup.complaints import Complaint, Weight
from checks.backup.contents import Contents
from checks.backup.copy import Copy
from checks.backup.extensions import why_refused
from checks.catalog.names import some
from checks.drilled import Fidelity, Likeness

MATCHED, SUBSTITUTED, NOT_VERIFIABLE = Likeness.MATCHED, Likeness.SUBSTITUTED, Likeness.NOT_VERIFIABLE
NOT_RECORDED = "not recorded"
# What differs between any two servers, or is ours on a copy.
_OF_THE_SERVER = frozenset({"wal_level", "archive_mode", "max_connections", "max_locks_per_transaction", "lc_messages"})


def fidelity(
    source: Contents | None, contents: Contents, copy: Copy, complaints: tuple[Complaint, ...]
) -> list[Fidelity]:
    """Every surrounding of the database, of the source where it is known."""
    return [
        _alike("PostgreSQL", source.server if source else "", contents.server),
        _alike("encoding", source.encoding if source else "", contents.encoding),
        _alike("locale", source.collation if source else "", contents.collation),
        *_roles(source, copy),
        *_extensions(source, contents, copy),
        *_named("collation", source.collations if source else {}, contents.collations),
        *_tablespaces(source),
        *_preload(source, contents),
        *_settings(source, contents),
        *_complained(complaints),
    ]


def _alike(what: str, was: str, came: str) -> Fidelity:
    if not was:
        return Fidelity(what, NOT_RECORDED, came, NOT_VERIFIABLE)
    return Fidelity(what, was, came, MATCHED if was == came else SUBSTITUTED)


def _roles(source: Contents | None, copy: Copy) -> Iterator[Fidelity]:
    if copy.substituted:
        names = some(sorted(copy.substituted))
        yield Fidelity("roles", names, "roles of the same names, without login or rights", SUBSTITUTED)
    if source is not None and source.roles:
        others = [name for name in source.roles if " in " not in name and name not in copy.substituted]
        if others:
            yield Fidelity("roles of no object", some(sorted(others)), "not there", NOT_VERIFIABLE)
    yield Fidelity("passwords of roles", NOT_RECORDED, "none", NOT_VERIFIABLE)


def _extensions(source: Contents | None, contents: Contents, copy: Copy) -> Iterator[Fidelity]:
    wanted: Mapping[str, str] = source.extensions if source else dict.fromkeys(copy.known.extensions, "")
    for name in sorted(wanted):
        came = contents.extensions.get(name)
        if came is None:
            refused = name in copy.refused_extensions
            why = f"refused: {why_refused(name)}" if refused else "not available here"
            yield Fidelity(f"extension {name}", wanted[name] or NOT_RECORDED, why, NOT_VERIFIABLE)
        elif not wanted[name]:
            yield Fidelity(f"extension {name}", NOT_RECORDED, came, SUBSTITUTED)
        else:
            yield _alike(f"extension {name}", wanted[name], came)


def _named(kind: str, was: Mapping[str, str], came: Mapping[str, str]) -> Iterator[Fidelity]:
    for name, version in sorted(was.items()):
        if name not in came:
            yield Fidelity(f"{kind} {name}", version or NOT_RECORDED, "not there", NOT_VERIFIABLE)
        else:
            yield _alike(f"{kind} {name}", version, came[name])


def _tablespaces(source: Contents | None) -> Iterator[Fidelity]:
    for name, holds in sorted(source.tablespaces.items()) if source else ():
        yield Fidelity(f"tablespace {name}", holds, "in the database's own", SUBSTITUTED)


def _preload(source: Contents | None, contents: Contents) -> Iterator[Fidelity]:
    for name in source.preload if source else ():
        there = name in contents.preload
        yield Fidelity(
            f"preloaded library {name}",
            "loaded",
            "loaded" if there else "not loaded",
            MATCHED if there else NOT_VERIFIABLE,
        )


def _settings(source: Contents | None, contents: Contents) -> Iterator[Fidelity]:
    if source is None:
        yield Fidelity("settings", NOT_RECORDED, "as the page's `server:` has them", NOT_VERIFIABLE)
        return
    for kind, why in source.unknown.items():
        yield Fidelity(f"{kind} the source did not show", why, "not compared", NOT_VERIFIABLE)
    compared = {
        name: was for name, was in source.settings.items() if name not in _OF_THE_SERVER and name in contents.settings
    }
    differing = {name: was for name, was in compared.items() if contents.settings[name] != was}
    if len(compared) > len(differing):
        count = f"{len(compared) - len(differing)} that a restored database depends on"
        yield Fidelity("settings", count, "the same", MATCHED)
    for name, was in sorted(differing.items()):
        yield Fidelity(f"setting {name}", was or "empty", contents.settings[name] or "empty", SUBSTITUTED)


def _complained(complaints: tuple[Complaint, ...]) -> Iterator[Fidelity]:
    """What the client could not do as it was told, and that is no loss of data."""
    for one in dict.fromkeys(one for one in complaints if one.weight is Weight.FIDELITY):
        yield Fidelity(one.command or "restore", "as dumped", one.text, NOT_VERIFIABLE)
