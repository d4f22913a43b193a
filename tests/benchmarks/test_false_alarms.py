"""Claims: of fifty healthy drills under writers not one raises an alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.targets.embedded import EmbeddedTarget
from tests.drill.test_writers import check_no_false_alarm


@pytest.mark.benchmark_ratio
@pytest.mark.timeout(900)
def test_fifty_drills_under_writers_raise_no_false_alarm(target: EmbeddedTarget, tmp_path: Path) -> None:
    """Live, and of a backup in either format, in turn: every rung holds, each time of another content."""
    check_no_false_alarm(target, tmp_path, drills=50)
