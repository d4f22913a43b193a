"""The words of the findings of a drill to a point in time: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "drill.pitr_intact": Code("Every file of the base backup has the size and the checksum that its manifest says."),
    "drill.pitr_manifest_mismatch": Code(
        "pg_verifybackup found files of the base backup missing, added or changed since it was made.",
        "A changed page restores without a word, and is read as data.",
        "Do not use this backup. Take another at once with `pg_basebackup`, then look at what wrote to the folder.",
    ),
    "drill.pitr_files_unproven": Code(
        "The base backup has no `backup_manifest`, so that its files were held against nothing.",
        "Whether a file was changed or lost since cannot be told.",
        "Take base backups without `--no-manifest`.",
    ),
    "drill.pitr_incremental": Code(
        "The base backup is an incremental one, which cannot be started by itself.",
        "A restore needs every backup of its chain, and `pg_combinebackup` of the server's major.",
        "Combine the chain, oldest first: `pg_combinebackup FULL INCREMENTAL … -o WHOLE`, then drill WHOLE.",
    ),
    "drill.pitr_wal_missing": Code(
        "The archive lacks WAL that recovery needs: a segment between two others, or those that make the backup whole.",
        "Recovery ends at the first gap, however much was archived after it.",
        "Look for the segment that the sentence names on the server, in `pg_wal`, and copy it to the archive. Where it "
        "is gone, only a base backup made after the gap helps: take one now. `pg_stat_archiver` says what failed.",
    ),
    "drill.pitr_wal_damaged": Code(
        "A segment of the archive is there and cannot be replayed: cut short, overwritten or of another server.",
        "Recovery ends there, and nothing after it can be had back.",
        "Copy the segment again from the server or from another copy of the archive. An `archive_command` must not "
        "overwrite, and must return only when the file is whole on disk: `test ! -f A && cp %p A.part && mv A.part A`.",
    ),
    "drill.pitr_reached": Code("Recovery stopped at the point that was named, and the copy answers."),
    "drill.pitr_not_reached": Code(
        "All WAL of the archive was replayed, and the point that was named never came.",
        "What was committed between the end of the archive and that point is lost.",
        "If the time is right, WAL has not been archived yet: `SELECT pg_switch_wal()` on the server, and look at "
        "`pg_stat_archiver`. Note that a time is read as UTC unless it names its zone.",
    ),
    "drill.pitr_too_early": Code(
        "The point that was named lies before the end of the base backup, which cannot be taken back further.",
        "This backup cannot show that moment.",
        "Drill an older base backup, or name a later point.",
    ),
    "drill.pitr_timeline": Code(
        "The archive's newest timeline does not come from this base backup.",
        "After a failover or an earlier recovery a server goes on on a timeline of its own. Its WAL does not continue "
        "a backup that was made on another one.",
        "Look at the `.history` files of the archive. Drill a base backup made since the fork, or name the backup's "
        "own timeline with `--timeline current`. An archive must never be written to by two servers.",
    ),
    "drill.pitr_recovery_failed": Code(
        "The copy would not recover, for a reason that none of the other codes names; the sentence repeats it.",
        "This backup cannot be restored.",
        "Look the server's words up; they are the last lines of its log.",
    ),
    "drill.pitr_boundary": Code("What was written before the point is there, and what was written after it is not."),
    "drill.pitr_marker_lost": Code(
        "A row that was written before the point is not in the copy.",
        "Recovery stopped earlier than it says: data that should be there is lost.",
        "Compare the marker's clock with the server's. Where they agree, take a new base backup and drill again.",
    ),
    "drill.pitr_past_boundary": Code(
        "Rows of a time after the point are in the copy.",
        "Recovery went further than was asked: the mistake one goes back from would be there again.",
        "See that the marker's times are set by the server (`now()`), not by clients, and that `--to-time` names its "
        "time zone.",
    ),
    "drill.pitr_isolated": Code(
        "The copy archives nothing, follows nobody, and loads no library, job or subscription of the source's."
    ),
    "drill.pitr_not_isolated": Code(
        "The copy says of a setting that reaches outside that it is not off.",
        "A copy that archives writes into production's archive, and one that follows a primary is no copy any more.",
        "Nothing was run against the copy. Please report it with the setting that the sentence names.",
    ),
}
