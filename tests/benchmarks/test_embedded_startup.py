"""What a disposable server costs, against `initdb` and `pg_ctl start` as a person would type them.

Both are on the same file system and take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from checks import cachefolder
from checks.targets.account import server_account
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer
from checks.targets.reach import within_reach
from checks.targets.runfolder import RunFolder
from tests.benchmarks.ratios import Ratio, record

pytestmark = pytest.mark.benchmark_ratio


def by_hand(binaries: Binaries) -> float:
    """Seconds of `initdb` and `pg_ctl start` with nothing but what makes them quick and quiet."""
    account = server_account()
    programs = within_reach(binaries, account)
    folder = RunFolder.make(account)
    folder.let_in()
    folder.data.mkdir(mode=0o700)
    account.own(folder.data)
    how = {"stdout": subprocess.DEVNULL, **account.process_options()}
    pg_ctl: list[str | Path] = [programs.program("pg_ctl"), "-D", folder.data, "-s", "-w"]
    try:
        started = time.perf_counter()
        subprocess.run([programs.program("initdb"), "-D", folder.data, "-A", "trust", "--no-sync"], check=True, **how)
        listening = f"-c listen_addresses='' -k {folder.socket}"
        subprocess.run([*pg_ctl, "-l", folder.socket / "log", "-o", listening, "start"], check=True, **how)
        return time.perf_counter() - started
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=True, **how)
        folder.remove()


def in_turns(benchmark: Any, binaries: Binaries, rounds: int, before: Callable[[], object]) -> tuple[float, float]:
    """The median seconds of a start of ours and of one by hand; `before` is called before each of ours, untimed."""
    ours: list[float] = []
    theirs: list[float] = []
    servers: list[EmbeddedServer] = []

    def prepare() -> None:
        theirs.append(by_hand(binaries))
        before()

    def start() -> None:
        started = time.perf_counter()
        servers.append(EmbeddedServer.start(binaries))
        ours.append(time.perf_counter() - started)

    def stop() -> None:
        servers.pop().stop()

    benchmark.pedantic(start, setup=prepare, teardown=stop, rounds=rounds)
    return median(ours), median(theirs)


def described(name: str, seconds: tuple[float, float], claim: str, binaries: Binaries) -> Ratio:
    """The row, saying which PostgreSQL it was."""
    return record(f"{name}, PostgreSQL {binaries.major}, against `initdb` and `pg_ctl start`", *seconds, claim)


def test_a_start_from_the_cache(benchmark: Any, every_whole_major: Binaries) -> None:
    """Copying a template is several times quicker than making one, and takes less than 100 ms on tmpfs."""
    EmbeddedServer.start(every_whole_major).stop()
    seconds = in_turns(benchmark, every_whole_major, 9, lambda: None)
    row = described("disposable server from the cache", seconds, "under 100 ms; ratio under 0.33", every_whole_major)
    assert row.ratio < 0.33


def test_a_start_from_nothing(
    benchmark: Any, every_whole_major: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start on a machine makes the template and the certificate besides, in less than a second."""
    numbers = itertools.count()

    def with_an_empty_cache() -> None:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        monkeypatch.setenv(cachefolder.NAMED_BY, str(tmp_path / f"cache-{next(numbers)}"))

    seconds = in_turns(benchmark, every_whole_major, 5, with_an_empty_cache)
    row = described("disposable server from nothing", seconds, "under 1 s; ratio under 2", every_whole_major)
    assert row.ratio < 2
