"""What the codes of `replication` mean, why they matter and how to fix them."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "replication.in_step": Code(
        "As many standbys follow as the page expects, closely enough, and no slot is left over."
    ),
    "replication.role": Code(
        "The server is a standby where the page expects the primary, or the other way round.",
        "After a failover nobody told the clients: writes fail on a standby, and two primaries diverge.",
        "Find out which server is the primary now (`SELECT pg_is_in_recovery()` on each), correct the URL or "
        "the proxy, and make sure that the old primary is off.",
    ),
    "replication.standbys": Code(
        "Another number of standbys streams from this server than the page expects.",
        "When the primary is lost now, there is nothing to fail over to, or less than was planned.",
        "Look at the standby's log: it is down, cannot reach the primary, or lacks WAL that is gone (`requested WAL "
        "segment … has already been removed`), and then it must be made anew with `pg_basebackup`.",
    ),
    "replication.lagging": Code(
        "A standby, or a subscriber, is further behind the primary than the page allows.",
        "Reads there are out of date, a failover takes as long as the rest takes to replay, and loses what has not "
        "arrived.",
        "See on the standby what replay waits for: a long query (`max_standby_streaming_delay`), a slow disk, "
        "`recovery_min_apply_delay`; else look at the network between the two.",
    ),
    "replication.paused": Code(
        "Somebody has paused replay on this standby.",
        "It falls behind from that moment on, and its WAL fills the disk.",
        "`SELECT pg_wal_replay_resume()`. A standby pauses by itself when the primary's `max_connections` or a similar "
        "setting was raised above its own: then raise its own, and restart it.",
    ),
    "replication.not_streaming": Code(
        "This standby receives nothing from its primary.",
        "It looks healthy, answers queries, and shows the past.",
        "Its log says why: the primary cannot be reached, the password in `primary_conninfo` was changed, a slot is "
        "missing, or the WAL it needs is gone. One that is fed from an archive only is meant by `streaming: false`.",
    ),
    "replication.not_synchronous": Code(
        "`synchronous_standby_names` demands more synchronous standbys than are there.",
        "Every commit on the primary waits, without an end and without an error, until one comes back.",
        "Bring the standby back. To go on without it, `ALTER SYSTEM SET synchronous_standby_names = ''` and "
        "`SELECT pg_reload_conf()`; commits that wait are let go.",
    ),
    "replication.slot_missing": Code(
        "A replication slot that the page names does not exist.",
        "The standby or subscriber that should use it cannot connect, or finds its WAL gone when it next does.",
        "After a failover slots must be made anew, unless they are synchronised (17 and later). "
        "`SELECT pg_create_physical_replication_slot('…')`; a lost subscriber must be filled anew.",
    ),
    "replication.slot_inactive": Code(
        "Nobody reads from a replication slot.",
        "The primary keeps all WAL since then, until its disk is full and it stops.",
        "Bring back who reads from it. If nobody ever will, `SELECT pg_drop_replication_slot('…')`. One that is idle "
        "by design is listed under `may_be_inactive`; `max_slot_wal_keep_size` limits the harm.",
    ),
    "replication.slot_lost": Code(
        "A slot was invalidated: what its reader needs next is gone.",
        "The standby or subscriber cannot go on from where it was, and does not know it before it tries.",
        "Drop the slot, and make the standby anew (`pg_basebackup`) or fill the subscriber again. Then look at "
        "`max_slot_wal_keep_size` and `idle_replication_slot_timeout`.",
    ),
    "replication.slot_retains": Code(
        "A slot holds back more WAL than the page allows, or is about to lose what it holds.",
        "The WAL's disk fills, and a primary whose disk is full stops.",
        "See why its reader is slow or absent. In need of room, drop the slot: its reader must then be made anew.",
    ),
    "replication.slot_holds_rows": Code(
        "A slot keeps dead rows, or those of the catalog, from being removed for more transactions than allowed.",
        "Tables grow and slow down, vacuum works in vain, and in the end transaction numbers run out.",
        "See why its reader is absent, or on the standby end the long query that `hot_standby_feedback` reports. Else "
        "drop the slot.",
    ),
}
