"""The wheel carries everything the `pgrunbook` command needs away from the checkout."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from tests.command import HOLDS, ROOT, page, run


def test_the_wheel_runs_on_any_folder_of_runbooks(tmp_path: Path) -> None:
    """Templates, SQL and tasks come with it; nothing of the checkout is needed."""
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], ROOT)
    assert built.code == 0, built
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    page(elsewhere, "small", "```yaml check\nconnectivity: {}\nsize: {}\n```\n" + HOLDS)
    variables = {"PYTHONPATH": str(tmp_path / "installed")}
    where = run([sys.executable, "-c", "import checks; print(checks.__file__)"], elsewhere, variables)
    assert where.out.strip() == str(tmp_path / "installed" / "checks" / "__init__.py")
    ended = run([sys.executable, "-m", "checks.program", "verify", "--format", "markdown"], elsewhere, variables)
    assert ended.code == 0, ended
    assert ended.out.startswith("# Small: HELD")
