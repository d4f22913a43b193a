"""PostgreSQL's own full look at an archive: pg_restore reads and decompresses every block, and writes to nowhere.

https://www.postgresql.org/docs/current/app-pgrestore.html
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from checks.backup.faults import BackupFault
from checks.check import Finding
from checks.errors import CouldNotTell
from checks.targets.binaries import Binaries

_TOO_NEW = re.compile(r"unsupported version \(([\d.]+)\) in file header")
_NOT_BUILT = re.compile(r"(does not support compression with|compression not supported|compression is not supported)")
_CUT_OFF = re.compile(
    r"end of file|unexpected end|incomplete|could not find header|could not seek|found unexpected block"
)
_MISSING = re.compile(r"could not open (?:input|TOC|large object TOC)? ?file|No such file")
_TOC = re.compile(
    r"corrupt TOC|input file does not appear to be a valid|out of range|corrupt tar header|too (short|many)"
)


def verify_archive(path: Path, binaries: Binaries) -> list[Finding]:
    """What `pg_restore` says of an archive (custom, directory or tar) when it reads all of it; empty where nothing.

    Raises CouldNotTell where there is no pg_restore, or it is too old or was built without the archive's compression.
    """
    program = binaries.program("pg_restore")
    try:
        done = subprocess.run(
            [program, f"--file={os.devnull}", "--", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **binaries.environment, "LC_ALL": "C"},
            check=False,
        )
    except OSError as reason:
        raise CouldNotTell(
            f"{program} could not be run to read {path.name}: {reason.strerror or reason}.",
            code="backup.no_program",
            hint="Install PostgreSQL's client programs, or name their folder with `--postgres-bin`.",
        ) from None
    said = done.stderr.decode("utf-8", "replace").replace("pg_restore: ", "").strip()
    return [_fault(path.name, said, binaries.version).finding] if done.returncode or said else []


def _fault(name: str, said: str, version: str) -> BackupFault:
    if (too_new := _TOO_NEW.search(said)) or _NOT_BUILT.search(said):
        what = f"its version is {too_new[1]}" if too_new else "it was built without the compression"
        raise CouldNotTell(
            f"pg_restore {version} cannot read {name}: {what}.",
            code="backup.no_program",
            hint="Name the programs of the PostgreSQL that wrote it, or of a newer one, with `--postgres-bin`.",
        )
    first = said.splitlines()[0].removeprefix("error: ") if said else "it failed without a word"
    code = next(
        (
            code
            for code, wording in (
                ("backup.part_missing", _MISSING),
                ("backup.truncated", _CUT_OFF),
                ("backup.toc_damaged", _TOC),
            )
            if wording.search(said)
        ),
        "backup.data_damaged",
    )
    return BackupFault(
        f"pg_restore {version} cannot read {name} to its end: {first}.",
        code=code,
        hint="Fetch it again from where it was copied, or use another backup.",
        observed=first,
    )
