"""What is derived from the code and committed is what the code derives today."""

from __future__ import annotations

import pytest

from tests import sample_drill, sample_run
from tests.command import ROOT
from tests.generated import contents


@pytest.mark.parametrize("path", sorted(contents()))
def test_derived_files_are_current(path: str) -> None:
    """`invoke generate` would change nothing."""
    assert (ROOT / path).read_text(encoding="utf-8") == contents()[path], "run ./inv generate and commit what it wrote"


def test_the_samples_are_what_a_run_writes_today() -> None:
    """A sample shows what one would get: a real run on a spoilt database says the same, but for the figures."""
    for path, content in sample_run.samples().items():
        committed = (ROOT / path).read_text(encoding="utf-8")
        assert sample_run.shape(committed) == sample_run.shape(content), f"{path}: run ./inv generate and commit it"


def test_the_sample_of_a_drill_is_what_one_writes_today() -> None:
    """A backup of a real database, taken and restored by the commands of the README, says the same of itself."""
    for path, content in sample_drill.samples().items():
        committed = (ROOT / path).read_text(encoding="utf-8")
        assert sample_drill.shape(committed) == sample_drill.shape(content), f"{path}: run ./inv generate and commit it"
