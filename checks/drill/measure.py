"""Measure: how long the restore took and how much would be lost, against what the page allows and earlier drills."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from checks.check import Finding, Severity
from checks.drill.doubt import doubt
from checks.drilled import Budgets, Earlier
from checks.units import show_seconds

SLOWER = 1.5  # times the median of the good drills before
BY_THE_FILE = "The backup's age is that of its file: neither a manifest nor its name says when it was taken."
SHORT = 5.0  # seconds below which a drill's time is mostly the machine's mood


def budgets(
    allowed: Budgets, *, usable: float | None, verified: float | None, rpo: float | None, trend: Sequence[Earlier]
) -> list[Finding]:
    """RTO and RPO against their budgets, and the time against earlier drills. Empty where nothing is budgeted."""
    findings = []
    if allowed.rto is not None and verified is not None:
        findings.append(
            _held("drill.rto", "The copy was verified", verified, allowed.rto, when="after the drill began")
        )
    if allowed.rpo is not None and rpo is not None:
        findings.append(_held("drill.rpo", "The backup was taken", rpo, allowed.rpo, when="before the drill"))
    findings += _against(trend, verified if verified is not None else usable)
    return findings


def age_of_the_file(found: float, allowed: float) -> Finding:
    """Of a backup that neither a manifest nor its name dates: a copy of an old file is as new as the copying."""
    observed = f"{show_seconds(found)} by the file's time"
    return doubt("drill.age_unproven", BY_THE_FILE, f"at most {show_seconds(allowed)}", observed)


def _held(code: str, what: str, found: float, allowed: float, *, when: str) -> Finding:
    shown, limit = show_seconds(found), show_seconds(allowed)
    if found <= allowed:
        return Finding(f"{code}_met", True, f"{what} {shown} {when}; {limit} are allowed.", f"at most {limit}", shown)
    over = show_seconds(found - allowed)
    return Finding(code, False, f"{what} {shown} {when}: {over} more than is allowed.", f"at most {limit}", shown)


def _against(trend: Sequence[Earlier], seconds: float | None) -> list[Finding]:
    before = [one.seconds for one in trend if one.held and one.seconds is not None]
    if not before or seconds is None:
        return []
    usual = median(before)
    if seconds <= usual * SLOWER or seconds < SHORT:
        return []
    sentence = (
        f"This drill took {show_seconds(seconds)}; the good ones before took {show_seconds(usual)} in the middle."
    )
    expected = f"at most {show_seconds(usual * SLOWER)}"
    return [Finding("drill.slower", False, sentence, expected, show_seconds(seconds), severity=Severity.WARN)]
