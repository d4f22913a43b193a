"""Replication: a real primary and a standby that streams from it, as each of them sees the other, and its slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from checks.errors import CouldNotTell, NotApplicable
from checks.targets.binaries import Binaries
from checks.targets.embedded import EmbeddedServer, EmbeddedTarget
from tests.catalog.tools import Elsewhere, check_fails, check_holds, findings_of
from tests.clusters import FOR_REPLICATION, Standby, wait_until
from tests.majors import start

WRITE = "INSERT INTO log SELECT generate_series(1, 3000)"
REPLAYED = "(SELECT bool_and(replay_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication)"
FOLLOWED = f"EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming') AND {REPLAYED}"


@dataclass
class Pair:
    """A primary and its standby."""

    primary: EmbeddedServer
    standby: Standby

    @property
    def at_primary(self) -> Elsewhere:
        return Elsewhere(self.primary.socket_endpoint())

    @property
    def at_standby(self) -> Elsewhere:
        return self.standby.target

    def catch_up(self) -> None:
        with self.primary.connect() as connection:
            wait_until(connection, FOLLOWED)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Replay stands still, and more WAL arrives."""
        with self.standby.connect() as there:
            there.execute("SELECT pg_wal_replay_pause()")
            wait_until(there, "pg_get_wal_replay_pause_state() = 'paused'")
            self.primary.execute(WRITE)
            wait_until(there, "pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()")
            try:
                yield
            finally:
                there.execute("SELECT pg_wal_replay_resume()")
        self.catch_up()


@pytest.fixture(scope="module")
def pair(every_major: Binaries) -> Iterator[Pair]:
    """One pair of servers of each major in turn, in step with each other."""
    primary = start(every_major, settings=FOR_REPLICATION)
    try:
        primary.execute("CREATE TABLE log (n integer)")
        primary.execute("SELECT pg_create_physical_replication_slot('standby_1')")
        standby = Standby.of(primary, slot="standby_1")
        try:
            yield Pair(primary, standby)
        finally:
            standby.stop()
    finally:
        primary.stop()


@pytest.fixture
def in_step(pair: Pair) -> Pair:
    """The pair, with everything replayed."""
    pair.catch_up()
    return pair


@pytest.fixture
def slot(pair: Pair) -> Iterator[Callable[[str], None]]:
    """Make a slot of a test's own from the call that makes it; it is dropped after the test."""
    with pair.primary.connect() as connection:

        def make(call: str) -> None:
            connection.execute(f"SELECT {call}".encode())

        yield make
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")


def test_a_pair_in_step_holds(in_step: Pair) -> None:
    """The primary sees a standby that streams through its slot, and the standby sees that it does."""
    written = "{role: primary, standbys: 1, slots: [standby_1]}"
    findings = check_holds("replication", written, in_step.at_primary, disposable=False)
    assert [finding.code for finding in findings] == ["replication.in_step"]
    assert findings[0].sentence == "A primary, 1 standby streaming; 1 slot."
    assert str(findings[0].evidence[0]["what"]).startswith("standby follower, process ")
    [finding] = check_holds("replication", "{role: standby}", in_step.at_standby, disposable=False)
    assert finding.sentence == "A standby, streaming, with 0 B to replay; no slot."


def test_the_wrong_server_does_not_hold(in_step: Pair) -> None:
    """Where the page means the primary and a standby answers, or the other way round, that is said first."""
    finding = check_fails("replication", "{role: primary}", in_step.at_standby, code="replication.role")
    assert finding.sentence == "The server is a standby, not the primary."
    check_fails("replication", "{role: standby}", in_step.at_primary, code="replication.role")


def test_a_paused_standby_does_not_hold(in_step: Pair) -> None:
    """A paused standby falls behind: the primary sees by how much, and the standby why."""
    with in_step.paused():
        finding = check_fails("replication", "{lag_bytes: 8kB}", in_step.at_primary, code="replication.lagging")
        assert finding.sentence.startswith("follower, process ")
        assert finding.expected == "at most 30.0 s and 8 kB"
        check_holds("replication", "{}", in_step.at_primary)
        finding = check_fails("replication", "{}", in_step.at_standby, code="replication.paused")
        assert finding.sentence.startswith("Replay is paused on this standby, ")
    check_holds("replication", "{lag_bytes: 8kB}", in_step.at_primary)
    check_holds("replication", "{lag_bytes: 8kB}", in_step.at_standby)


def test_a_standby_that_replays_late_does_not_hold(in_step: Pair) -> None:
    """A standby told to apply an hour later is behind in time as it sees it itself; an idle primary is no lag."""
    with in_step.standby.connect() as there, in_step.primary.connect() as here:
        there.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        there.execute("SELECT pg_reload_conf()")
        try:
            wait_until(there, "current_setting('recovery_min_apply_delay') = '1h'")
            here.execute(WRITE)
            wait_until(there, "pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()")
            check_fails("replication", "{lag: 1ms}", in_step.at_standby, code="replication.lagging")
            check_holds("replication", "{}", in_step.at_standby)
        finally:
            there.execute("ALTER SYSTEM RESET recovery_min_apply_delay")
            there.execute("SELECT pg_reload_conf()")
    in_step.catch_up()
    check_holds("replication", "{lag: 1ms}", in_step.at_standby)


def test_a_lost_standby_does_not_hold(in_step: Pair) -> None:
    """A standby that is down is missed by its number and by its slot, which nobody reads any more."""
    in_step.standby.halt()
    try:
        with in_step.primary.connect() as here:
            wait_until(here, "NOT EXISTS (SELECT FROM pg_stat_replication)")
        findings = findings_of("replication", "{}", in_step.at_primary, disposable=False)
        assert [finding.code for finding in findings] == ["replication.standbys", "replication.slot_inactive"]
        assert findings[0].sentence == "No standbys stream from this server, not at least 1."
        assert findings[1].sentence.startswith("Replication slot standby_1 has no reader: ")
        check_fails("replication", "{may_be_inactive: [standby_1]}", in_step.at_primary, code="replication.standbys")
        check_holds("replication", "{standbys: 0, may_be_inactive: [standby_1]}", in_step.at_primary)
    finally:
        in_step.standby.start()
    in_step.catch_up()


def test_a_standby_without_its_primary_does_not_hold(in_step: Pair) -> None:
    """A standby that receives nothing shows no lag of its own, and does not hold all the same."""
    with in_step.standby.connect() as there:
        there.execute("ALTER SYSTEM SET primary_conninfo = ''")
        there.execute("SELECT pg_reload_conf()")
        try:
            wait_until(there, "NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
            finding = check_fails("replication", "{}", in_step.at_standby, code="replication.not_streaming")
            assert finding.sentence == "This standby does not stream from its primary (no receiver)."
            check_holds("replication", "{streaming: false}", in_step.at_standby)
        finally:
            there.execute("ALTER SYSTEM RESET primary_conninfo")
            there.execute("SELECT pg_reload_conf()")
    in_step.catch_up()


def test_too_few_standbys_do_not_hold(in_step: Pair) -> None:
    """One standby is not two, and not none either."""
    finding = check_fails("replication", "{standbys: {ge: 2}}", in_step.at_primary, code="replication.standbys")
    assert finding.sentence == "1 standby streams from this server, not at least 2."
    check_fails("replication", "{standbys: 0}", in_step.at_primary, code="replication.standbys")


@pytest.mark.parametrize("names", ["nobody", "FIRST 2 (follower, nobody)", "any 1 (nobody)"])
def test_commits_that_wait_for_a_standby_do_not_hold(in_step: Pair, names: str) -> None:
    """A primary that waits for more synchronous standbys than there are hangs at its next commit."""
    with in_step.primary.connect() as here:
        here.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'".encode())
        here.execute("SELECT pg_reload_conf()")
        try:
            wait_until(here, f"current_setting('synchronous_standby_names') = '{names}'")
            check_fails("replication", "{}", in_step.at_primary, code="replication.not_synchronous")
        finally:
            here.execute("ALTER SYSTEM RESET synchronous_standby_names")
            here.execute("SELECT pg_reload_conf()")


def test_a_synchronous_standby_holds(in_step: Pair) -> None:
    """A primary whose synchronous standby is there holds."""
    with in_step.primary.connect() as here:
        here.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        here.execute("SELECT pg_reload_conf()")
        try:
            wait_until(here, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
            check_holds("replication", "{}", in_step.at_primary)
        finally:
            here.execute("ALTER SYSTEM RESET synchronous_standby_names")
            here.execute("SELECT pg_reload_conf()")
            wait_until(here, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'async')")


def test_an_inactive_slot_does_not_hold(in_step: Pair, slot: Callable[[str], None]) -> None:
    """A slot nobody reads from is named, unless the page says it may be idle."""
    slot("pg_create_physical_replication_slot('left_over', true)")
    finding = check_fails("replication", "{}", in_step.at_primary, code="replication.slot_inactive")
    assert finding.sentence.startswith("Replication slot left_over has no reader: ")
    assert finding.evidence[0]["what"] == "physical slot left_over"
    check_holds("replication", "{may_be_inactive: [left_over]}", in_step.at_primary)


def test_a_slot_that_holds_back_too_much_does_not_hold(in_step: Pair, slot: Callable[[str], None]) -> None:
    """A slot that keeps more WAL, or older rows, than the page allows is named with what it keeps."""
    slot("pg_create_logical_replication_slot('feed', 'pgoutput')")
    in_step.primary.execute(WRITE)
    written = "{may_be_inactive: [feed], retained: 1kB}"
    finding = check_fails("replication", written, in_step.at_primary, code="replication.slot_retains")
    assert "kB of WAL" in finding.sentence
    in_step.primary.execute("DO $$ BEGIN FOR i IN 1..3 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    written = "{may_be_inactive: [feed], xmin_age: 2}"
    finding = check_fails("replication", written, in_step.at_primary, code="replication.slot_holds_rows")
    assert "transactions" in finding.sentence
    check_holds("replication", "{may_be_inactive: [feed]}", in_step.at_primary)


def test_a_slot_that_was_invalidated_does_not_hold(in_step: Pair, slot: Callable[[str], None]) -> None:
    """A slot whose WAL was removed in spite of it is lost, which its reader does not know yet."""
    with in_step.primary.connect() as here:
        here.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        here.execute("SELECT pg_reload_conf()")
        slot("pg_create_physical_replication_slot('left_over', true)")
        try:
            for _ in range(3):
                here.execute(WRITE)
                here.execute("SELECT pg_switch_wal()")
            wait_until(here, FOLLOWED)
            here.execute("CHECKPOINT")
            finding = check_fails(
                "replication", "{may_be_inactive: [left_over]}", in_step.at_primary, code="replication.slot_lost"
            )
            assert finding.sentence.startswith("Replication slot left_over was invalidated")
        finally:
            here.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            here.execute("SELECT pg_reload_conf()")


def test_a_slot_that_is_missing_does_not_hold(in_step: Pair) -> None:
    """A slot the page names and the server has not is told, with the one that was meant."""
    finding = check_fails("replication", "{slots: [standby_2]}", in_step.at_primary, code="replication.slot_missing")
    assert finding.sentence == "There is no replication slot standby_2; did you mean `standby_1`?"


def test_a_role_that_sees_nothing_has_no_verdict(in_step: Pair) -> None:
    """A role that cannot see the other server gets no verdict from either, but the name of the grant it lacks."""
    in_step.primary.execute("CREATE ROLE stranger LOGIN PASSWORD 'only for this test'")
    in_step.catch_up()
    try:
        for here in (in_step.at_primary, in_step.at_standby):
            over_tcp = replace(here.endpoint, host="127.0.0.1", options={"sslmode": "prefer"})
            there = Elsewhere(replace(over_tcp, user="stranger", password="only for this test"))
            with pytest.raises(CouldNotTell) as reason:
                findings_of("replication", "{}", there, disposable=False)
            assert reason.value.code == "run.not_permitted"
            assert "GRANT pg_read_all_stats" in reason.value.hint
        in_step.primary.execute("GRANT pg_monitor TO stranger")
        in_step.catch_up()
        check_holds("replication", "{}", Elsewhere(replace(there.endpoint, port=in_step.primary.port)))
    finally:
        in_step.primary.execute("DROP ROLE stranger")


def test_a_server_alone_does_not_hold(target_of_every_major: EmbeddedTarget) -> None:
    """A page that asks for replication is not green on a server that has none, unless it says that none is meant."""
    finding = check_fails("replication", "{}", target_of_every_major, code="replication.standbys", disposable=False)
    assert finding.observed == "0"
    [finding] = check_holds("replication", "{standbys: 0}", target_of_every_major, disposable=False)
    assert finding.sentence == "A primary, no standby streaming from it, as the page expects; no slot."


def test_a_disposable_server_is_not_judged(target: EmbeddedTarget) -> None:
    """A server started for the run has no standby, which says nothing of the page's own; what expects none is asked."""
    for written in ("{}", "{standbys: {ge: 2}}", "{role: standby}", "{standbys: 0, slots: [standby_1]}"):
        with pytest.raises(NotApplicable):
            findings_of("replication", written, target)
    check_holds("replication", "{standbys: 0}", target)
