"""The client programs of a copy: where they can be run, and what they know."""

from __future__ import annotations

from pathlib import Path

from checks.backup.copy import Copy


def within_reach_of(copy: Copy, program: str) -> Path:
    """The copy's own client program, where the server's user can run it."""
    from checks.targets.account import server_account
    from checks.targets.reach import within_reach

    return within_reach(copy.server.binaries, server_account()).program(program)


def has_restricted_mode(copy: Copy) -> bool:
    """Whether psql knows `\\restrict`: since 18.0, 17.6, 16.10, 15.14, 14.19 and 13.22."""
    first = {17: 6, 16: 10, 15: 14, 14: 19, 13: 22}
    major, _, minor = copy.server.binaries.version.partition(".")
    number = int(minor) if minor.isdigit() else 0
    return int(major) >= 18 or number >= first.get(int(major), 10**6)
