"""What is derived from the code and committed is what the code derives today."""

from __future__ import annotations

import pytest

from tests.command import ROOT
from tests.generated import contents


@pytest.mark.parametrize("path", sorted(contents()))
def test_derived_files_are_current(path: str) -> None:
    """`invoke generate` would change nothing."""
    assert (ROOT / path).read_text(encoding="utf-8") == contents()[path], "run ./inv generate and commit what it wrote"
