"""Invoke's entry in a checkout: the tasks of the `pgrunbook` command, and those for working on the project itself."""

import gc
import sys

sys.dont_write_bytecode = False  # Invoke turns bytecode off before it imports this; on, a start takes half the time
gc.set_threshold(50_000)  # imports make objects by the ten thousand, and none of them garbage

import subprocess
from pathlib import Path

from invoke.context import Context

from checks.program import teach_invoke
from checks.tasks import namespace, shown_task

ROOT = Path(__file__).parent


@shown_task(
    {
        "benchmarks": "Measure the speed claims instead, and write their ratios to docs/performance.md.",
        "only": "Run tests whose name matches this pytest expression.",
        "workers": "Processes to spread the tests over. Default: one a core.",
    }
)
def test(_: Context, benchmarks: bool = False, only: str = "", workers: str = "auto") -> int:
    """Run the project's own tests, on real servers started for them. No Docker is needed."""
    chosen = ["-k", only] if only else []
    if benchmarks:
        return _measure(chosen)
    return _module("pytest", "-n", workers, "-m", "not benchmark_ratio", *chosen)


@shown_task({})
def style(_: Context) -> int:
    """Check formatting, lint, types and the import contracts."""
    return max(
        _module("ruff", "format", "--check", "."),
        _module("ruff", "check", "."),
        _module("mypy"),
        _command("lint-imports"),
    )


@shown_task({})
def generate(_: Context) -> int:
    """Write what is derived from the code again: JSON Schemas, docs/checks.md, the sample reports."""
    from tests.generated import write_all

    for path in write_all(ROOT):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


def _measure(chosen: list[str]) -> int:
    from tests.benchmarks.ratios import rows_of_last_run, write_table

    code = _module("pytest", "-n", "0", "-m", "benchmark_ratio", "--timeout", "0", *chosen)
    if code == 0:
        write_table(rows_of_last_run(), ROOT / "docs" / "performance.md")
    return code


def _module(name: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", name, *arguments], cwd=ROOT, check=False).returncode


def _command(name: str) -> int:
    return subprocess.run([Path(sys.executable).parent / name], cwd=ROOT, check=False).returncode


teach_invoke()
ns = namespace(test, style, generate)
