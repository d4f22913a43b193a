"""Which images of PostgreSQL the tests run on: those `build.sh` makes, else official ones that are here already.

Of the official ones those of Alpine, as most pages want: a tag such as `latest` does not say its major.
"""

from __future__ import annotations

import re
from functools import cache

from checks.errors import TargetFailed
from checks.targets.engine import LocalImage, engine

BUILT = "pgrunbook-test-postgres:"
OFFICIAL = re.compile(r"postgres:[0-9]+-alpine")


@cache
def images() -> list[str]:
    """Their tags, one of each major, Debian's own first; the first is the one most tests use. Raises TargetFailed."""
    here = engine().images
    ours = [one for one in here if one.tag.startswith(BUILT)] or [one for one in here if OFFICIAL.fullmatch(one.tag)]
    return [one.tag for one in sorted({_major(one): one for one in ours}.values(), key=_major)]


@cache
def why_none() -> str:
    """Why no container test can run here, or nothing."""
    try:
        found = images()
    except TargetFailed as failed:
        return f"{failed.sentence} ({failed.code})"
    return "" if found else "no image of PostgreSQL is here: run tests/containers/build.sh, or pull postgres:17-alpine"


def _major(image: LocalImage) -> int:
    return int(image.version.partition(".")[0] or 0)
