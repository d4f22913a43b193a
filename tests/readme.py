"""The excerpts in README.md: passages of a shipped runbook and of the sample reports, copied, never retyped."""

from __future__ import annotations

import re
from pathlib import Path

RUNBOOK = "runbooks/relay.md"
REPORT = "reports/samples/report.md"
DRILL = "reports/samples/drill.md"
CHECK = "Every live token belongs to somebody with a role"


def with_excerpts(root: Path) -> str:
    """README.md as it must be: what stands between the markers taken from the runbook and the reports of today."""
    text = (root / "README.md").read_text(encoding="utf-8")
    excerpts = {
        "runbook": _of_runbook(root / RUNBOOK),
        "report": _of_report(root / REPORT),
        "drill": _of_drill(root / DRILL),
    }
    for name, excerpt in excerpts.items():
        before, begin, rest = text.partition(f"<!-- excerpt: {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}{begin}{excerpt}{end}{after}"
    return text


def commands(readme: str) -> list[str]:
    """Every `./inv …` line of README.md, in its `sh` blocks and in the first column of its table."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [*lines, *re.findall(r"^\| `(\./inv [^`]*)` \|", readme, flags=re.MULTILINE)]


def _of_runbook(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    front = text[: text.index("\n# ")]
    fix = next(line for line in text.splitlines() if line.startswith("#") and f'"{CHECK}"' in line)
    shown = [front.rstrip(), _section(text, f"### {CHECK}"), _section(text, fix)]
    return "````markdown\n" + "\n\n…\n\n".join(shown) + "\n````\n"


def _of_report(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    head = text[: text.index("\n## ")].replace("# ", "### ", 1)
    passage = f"{head.rstrip()}\n\n…\n\n{_section(text, f'#### {CHECK}')}"
    unlinked = re.sub(r"\[([^\]]*)\]\(#[^)]*\)", r"\1", passage)
    return "".join(f"> {line}".rstrip() + "\n" for line in unlinked.split("\n"))


def _of_drill(path: Path) -> str:
    """Verdict, measures and ladder: what an auditor sees first."""
    text = path.read_text(encoding="utf-8")
    passage = text[: text.index("\n## Timeline")].partition("\n> ")[0]
    head = passage.replace("## The ladder\n\n", "").replace("# ", "### ", 1)
    return "".join(f"> {line}".rstrip() + "\n" for line in head.rstrip().split("\n"))


def _section(text: str, heading: str) -> str:
    start = text.index(f"\n{heading}") + 1
    end = re.compile(r"^#{1,6} ", re.MULTILINE).search(text, start + len(heading))
    return text[start : end.start() if end else len(text)].rstrip()
