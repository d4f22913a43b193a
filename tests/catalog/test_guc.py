"""Settings as the server and people write them."""

from __future__ import annotations

import pytest

from checks.catalog.expectation import Comparison, Scalar
from checks.catalog.guc import Incomparable, Setting
from checks.check import Query
from checks.targets.embedded import EmbeddedTarget

SHARED_BUFFERS = Setting("shared_buffers", "32768", "8kB", "integer")
IDLE_TIMEOUT = Setting("idle_in_transaction_session_timeout", "600000", "ms", "integer")
PAGE_COST = Setting("random_page_cost", "1.1", None, "real")
COMMIT = Setting("synchronous_commit", "on", None, "enum")
FSYNC = Setting("fsync", "on", None, "bool")


@pytest.mark.parametrize(
    ("setting", "comparison"),
    [
        (SHARED_BUFFERS, Comparison(eq="256MB")),
        (SHARED_BUFFERS, Comparison(eq="262144 kB")),
        (SHARED_BUFFERS, Comparison(eq=32768)),
        (SHARED_BUFFERS, Comparison(lt="0.5GB", ge="256MB")),
        (IDLE_TIMEOUT, Comparison(eq="10min")),
        (IDLE_TIMEOUT, Comparison(gt="599s")),
        (PAGE_COST, Comparison(eq=1.1)),
        (PAGE_COST, Comparison(eq="1.1")),
        (COMMIT, Comparison(eq=True)),
        (COMMIT, Comparison(one_of=("local", "ON"))),
        (FSYNC, Comparison(eq="yes")),
        (FSYNC, Comparison(ne=False)),
        (Setting("log_min_duration_statement", "-1", "ms", "integer"), Comparison(eq=-1)),
    ],
)
def test_a_setting_holds_in_every_spelling(setting: Setting, comparison: Comparison[Scalar]) -> None:
    """Whatever unit and spelling a page uses, it is the value that is compared."""
    assert setting.holds(comparison)


@pytest.mark.parametrize(
    ("setting", "comparison", "why"),
    [
        (SHARED_BUFFERS, Comparison(eq="10min"), "takes the units B, kB, MB, GB, TB"),
        (PAGE_COST, Comparison(eq="1MB"), "has no unit"),
        (SHARED_BUFFERS, Comparison(eq=True), "is a number"),
        (FSYNC, Comparison(eq="maybe"), "is on or off"),
        (COMMIT, Comparison(ge="local"), "has no order"),
    ],
)
def test_what_can_never_be_is_said(setting: Setting, comparison: Comparison[Scalar], why: str) -> None:
    """A value of another kind is not merely different: no server could have it."""
    with pytest.raises(Incomparable, match=why):
        setting.holds(comparison)


def test_settings_are_shown_as_show_does(target: EmbeddedTarget) -> None:
    """Every numeric setting of a server is written here as the server's own SHOW writes it."""
    session = target.open()
    listed = "SELECT name, setting, unit, vartype, current_setting(name) FROM pg_settings"
    sql = f"{listed} WHERE vartype IN ('integer', 'real')"
    [answer] = session.ask([Query(sql)], patience=10)
    session.close()
    shown = {name: str(Setting(name, text, unit, kind)) for name, text, unit, kind, _ in answer.rows}
    wanted = {row[0]: row[4] for row in answer.rows if not row[0].endswith("_mode")}  # file modes are shown in octal
    assert {name: shown[name] for name in wanted} == wanted
