"""What `verify --on container` of all five runbooks costs, against the embedded default, with the image at hand."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from checks.servers import NAMED_BY
from tests.benchmarks.ratios import record
from tests.command import BIN, ROOT, environment

ROUNDS = 3
BOUND = 30.0  # seconds

pytestmark = pytest.mark.benchmark_ratio


def verify(out: Path, image: str, *arguments: str) -> float:
    """Seconds of verifying all five."""
    command = [str(BIN / "pgrunbook"), "verify", *arguments, "--out", str(out)]
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment({NAMED_BY: image}), capture_output=True, check=True)
    return time.perf_counter() - started


def test_five_runbooks_on_containers_stay_below_their_bound(
    tmp_path: Path, postgres_image: str, benchmark: Any
) -> None:
    """All five are started, migrated, filled, asked and reported on; pages with the same settings share a container."""
    verify(tmp_path, postgres_image, "--on", "container")
    rounds = benchmark.pedantic(
        lambda: [
            (verify(tmp_path, postgres_image, "--on", "container"), verify(tmp_path, postgres_image))
            for _ in range(ROUNDS)
        ]
    )
    ours, embedded = (median(column) for column in zip(*rounds, strict=True))
    record("`verify --on container` of all five, against the embedded servers", ours, embedded, "under 30 s")
    assert ours < BOUND
