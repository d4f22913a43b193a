"""Every file of a base backup against its manifest, by PostgreSQL's own program.

It proves bytes and not that the database can be read, which is why the copy is started afterwards.
https://www.postgresql.org/docs/current/app-pgverifybackup.html
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from checks.check import Finding
from checks.drill.basebackup import MANIFEST
from checks.drill.doubt import doubt
from checks.errors import TargetFailed
from checks.targets.account import options
from checks.targets.binaries import Binaries

MOST_NAMED = 20
_SAID = re.compile(r"^pg_verifybackup: (?:error|fatal): (.*)$", re.MULTILINE)


def verified(data: Path, binaries: Binaries) -> Finding:
    """What `pg_verifybackup` says of the files in `data`. Raises TargetFailed where it cannot be run."""
    if not (data / MANIFEST).exists():
        sentence = "The base backup has no manifest: its files were held against nothing."
        return doubt("drill.pitr_files_unproven", sentence, "a backup_manifest", "none")
    # The WAL is proven by replaying it, and a backup that leaves it to the archive has none to parse.
    command: list[str | Path] = [binaries.program("pg_verifybackup"), "--no-parse-wal", data]
    how = options(binaries.environment)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    except OSError as error:
        raise TargetFailed(
            f"{command[0]} could not be run: {error}.", hint="install the server's own programs, which it is one of"
        ) from error
    if done.returncode == 0:
        return Finding("drill.pitr_intact", True, "Every file of the base backup is as its manifest says.")
    said = _SAID.findall(done.stderr) or done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
    said = [one.replace(f"{data}/", "") for one in said]
    rows = tuple({"wrong": one} for one in said[:MOST_NAMED])
    sentence = f"The base backup is not as its manifest says, in {len(said)} places: {said[0]}."
    return Finding("drill.pitr_manifest_mismatch", False, sentence, "every file as it was", said[0], rows)
