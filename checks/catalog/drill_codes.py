"""The words of the findings of a drill's ladder: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_AGAIN = "Take another backup with `invoke backup` and drill that; if it recurs, "
_WHOLE = (
    "Select what is dumped as a whole: `--table`, `--schema` and `--exclude-…` options leave out what they leave out."
)


def _lost(kind: str, why: str, more: str = "") -> dict[str, Code]:
    """The two codes that every kind of object has."""
    a_kind = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
    return {
        f"drill.{kind}_missing": Code(
            f"{a_kind.capitalize()} that the source had did not come back.", why, f"{_AGAIN}{more or _WHOLE}"
        ),
        f"drill.{kind}_changed": Code(
            f"{a_kind.capitalize()} came back with another definition than the source's.",
            why,
            "Compare both definitions, which the evidence shows or tells by a hash: `pg_restore --schema-only --file=- "
            "BACKUP` prints what was dumped. If the backup was edited, take another.",
        ),
    }


_HOLDS: Mapping[str, Code] = {
    "drill.artifact_whole": Code("The backup goes on to its end, and is what its side files vouch for."),
    "drill.restored": Code("The client restored it, and no error it met stands for lost data."),
    "drill.restore_harmless": Code(
        "An error of the restore that costs nothing, such as a schema that was there already."
    ),
    "drill.objects_match": Code("Every object of the source is in the copy, with its definition, owner and grants."),
    "drill.objects_of_files": Code(
        "The copy has tables with rows, in files which are all what the base backup's own manifest says."
    ),
    "drill.counts_match": Code("Every table of the copy has as many rows as the source had in the backup's snapshot."),
    "drill.digests_match": Code("Every table's content has the digest that the source's had in the backup's snapshot."),
    "drill.sequences_ahead": Code("No sequence of the copy would hand out a number that its column has."),
    "drill.all_valid": Code("Every index and constraint that was valid at the source is valid in the copy."),
    "drill.indexes_whole": Code("amcheck finds every B-tree index of the copy in order."),
    "drill.views_readable": Code("Every view of the copy can be read."),
    "drill.head_matches": Code("The copy's migrations stand where the source's stood."),
    "drill.head_known": Code("The revisions that the copy has applied are ones that this checkout knows."),
    "drill.none_pending": Code("The copy stands at the head of this checkout's migrations."),
    "drill.pending_applied": Code("The migrations that the copy has not applied yet apply to it."),
    "drill.rto_met": Code("The copy was proven within the time that the page allows."),
    "drill.rpo_met": Code("The backup is no older than the page allows."),
}

_RESTORE: Mapping[str, Code] = {
    "drill.restore_error": Code(
        "The client met an error while it restored that is not known to be harmless.",
        "pg_restore goes on after errors and ends as if all were well; what the failed command would have made is not "
        "there.",
        "Read the sentence and its command, then run the restore by hand to see it in full. If the source is at fault "
        "(a constraint its rows break, a function that needs a path), mend it there and take another backup.",
    ),
    "drill.cut_short": Code(
        "The backup ended before the client had read all of it.",
        "What comes after that point is lost.",
        "Take another backup; see whether the disk was full or a copy was cut off.",
    ),
    "drill.damaged": Code(
        "The client could not read the backup: its bytes are not what was written.",
        "A damaged block takes with it the table it is in, and often those after it.",
        "Fetch the backup again from where it was made; if that one is damaged too, use another and look at the disk.",
    ),
    "drill.rows_refused": Code(
        "The copy refused rows: they break a constraint, or cannot be read as their column's type.",
        "One bad row keeps its whole table empty, since a table is loaded by one command.",
        "Find the rows at the source with the constraint that the sentence names, mend them there, and take another "
        "backup. A constraint added NOT VALID is the usual way such rows get in.",
    ),
    "drill.encoding": Code(
        "The copy refused text: its bytes are not valid in the encoding they are declared in.",
        "A table with one such row comes back empty.",
        "See that dump and database have the same encoding (`SHOW server_encoding`), and that nothing rewrote it.",
    ),
    "drill.meta_command": Code(
        "The dump holds commands for psql beyond SQL, which were refused.",
        "`\\!` runs a program and `\\connect` goes to another server: whoever restored it by hand would have obeyed.",
        "Find out who wrote the dump. If it was made with `pg_dump --create`, make it without.",
    ),
    "drill.privileged_program": Code(
        "The dump tried to run a program or to reach a file on the server, and was refused.",
        "No dump of pg_dump does that. Restored as a superuser, it would have been done.",
        "Do not restore this file anywhere else. Find out who wrote it, or changed it.",
    ),
    "drill.role_missing": Code(
        "The restore needed a role that was not there.",
        "Owners and grants of that role are not in the copy.",
        "Nothing is lost of the data. Before a restore in earnest, create the roles: `pg_dumpall --roles-only` of the "
        "source has them.",
    ),
    "drill.tablespace_missing": Code(
        "The dump puts tables into a tablespace that the copy does not have.",
        "They are in the database's own instead; on a real server the disk they were meant for may be missing too.",
        "Create the tablespaces before a restore in earnest, or restore with `--no-tablespaces`.",
    ),
    "drill.ownership": Code(
        "The restore could not give an object to its owner.",
        "Who owns it decides who may change it.",
        "Nothing is lost of the data. Restore in earnest as a superuser, with the roles made before.",
    ),
    "drill.contained": Code(
        "The dump reaches out of the server, to a foreign server, a subscription or a program, and was not let.",
        "A drill must never reach a live system. What was refused is not proven.",
        "Nothing is lost of the data. Note the foreign servers and subscriptions of the source, and make them by hand.",
    ),
    "drill.extension_refused": Code(
        "The dump makes an extension that needs a superuser and is not known to be harmless, and was not let.",
        "By its functions a dump could run programs, reach files or other servers. What depends on it is not proven.",
        "Nothing is lost of the data. Where you trust whoever can write the backups, allow it by name in the page: "
        "`drill: {extensions: [NAME]}`. A drill of the base backup, `--pitr`, shows such a database as well.",
    ),
    "drill.depends_on_refused": Code(
        "An error of the restore that may follow from an extension which is refused, contained or not installed here.",
        "What depends on it could not be restored here, so whether the backup holds it is not known: neither a pass "
        "nor a loss.",
        "Allow the extension by name in the page, `drill: {extensions: [NAME]}`, or install it beside the PostgreSQL "
        "in use; the sentence says which it is. Then drill again.",
    ),
    "drill.extension_unavailable": Code(
        "The dump needs an extension that the disposable server does not have, or cannot load.",
        "What depends on it could not be restored here, which says nothing of the backup.",
        "Install the extension's package beside the PostgreSQL in use, name another by --postgres-bin, or put its "
        "library into `server: {shared_preload_libraries: …}` of the page.",
    ),
    "drill.collation_unavailable": Code(
        "The dump needs a collation or locale that this machine does not have.",
        "What is sorted by it could not be restored here.",
        "Install the locale (`locale -a` lists those there are), or use a PostgreSQL with ICU.",
    ),
    "drill.needs_superuser": Code(
        "The dump does what only a superuser may: an event trigger, an operator class, a function in C.",
        "Drills restore as a role that is no superuser, since a dump is a program. So it could not be restored whole.",
        "Move what needs a superuser into a script of its own that is kept with the code, or drill the base backup: "
        "`--pitr`.",
    ),
    "drill.no_fitting_server": Code(
        "No PostgreSQL of this machine can restore the backup: all are older than what wrote it.",
        "A dump goes into the major it was written by, and newer ones only.",
        "Install the major that the sentence names, or name its folder by --postgres-bin.",
    ),
    "drill.no_space": Code(
        "A disk filled up while the backup was dumped, fetched, restored or looked at.",
        "This says nothing of the backup; but whoever restores in earnest needs that room as well.",
        "Free some space, or set TMPDIR to a folder that has more.",
    ),
    "drill.no_memory": Code(
        "The disposable server ran out of memory or of lock slots.",
        "This says nothing of the backup.",
        "Set `max_locks_per_transaction` in `server:` of the page to more, or drill on a larger machine.",
    ),
    "drill.copy_lost": Code(
        "The disposable server, or the connection to it, went away.",
        "There is no verdict.",
        "Drill again; if it recurs, look for a process that ends others for want of memory (`dmesg`).",
    ),
    "drill.restore_too_long": Code(
        "The restore had not ended when its time was up.",
        "A restore that takes this long takes as long in earnest.",
        "Allow more by --limit, or see what is slow: the phases of the report say.",
    ),
    "drill.no_copy": Code(
        "The drill came to no restored copy, so there is nothing to ask the page's checks of.",
        "What they would say of the backup is not known.",
        "The ladder of the report says which rung it ended at, and what to do.",
    ),
    "drill.nothing_restored": Code(
        "The copy has no table, or no row.",
        "The backup is of another database, of an empty one, or of definitions only.",
        "See which database the backup script names, and that it has no `--schema-only`.",
    ),
}

_CONTENT: Mapping[str, Code] = {
    "drill.rows_lost": Code(
        "A table came back with fewer rows than the source had in the backup's snapshot.",
        "Rows that were there when the backup was taken are gone.",
        _AGAIN + "look for whatever edits the artifact, and for row security: pg_dump run by a role that policies "
        "apply to leaves out what it may not see (`--enable-row-security`).",
    ),
    "drill.rows_added": Code(
        "A table came back with more rows than the source had in the backup's snapshot.",
        "Rows were added to the backup, or restored twice.",
        _AGAIN + "find out who may write to where backups lie.",
    ),
    "drill.content": Code(
        "A table came back with as many rows, and at least one cell is not what it was.",
        "Nobody would notice until somebody needs that value.",
        _AGAIN + "compare the table of two copies, and find out who may write to where backups lie.",
    ),
    "drill.sequence_behind": Code(
        "A sequence came back before where the source's stood.",
        "Its next numbers were handed out once already: inserts fail, or old links lead to new rows.",
        _AGAIN + "set it after a restore by `setval('SEQUENCE', …)`, to the highest value of its column.",
    ),
    "drill.sequence_behind_column": Code(
        "A sequence of the copy would hand out a number that its column has already.",
        "The first insert after a restore fails with a duplicate key.",
        "Set it by `setval('SEQUENCE', …)` to the highest value of the column; at the source too, if need be.",
    ),
    "drill.index_invalid": Code(
        "An index of the copy is invalid, and was valid at the source.",
        "No query uses it, and a unique one lets duplicates in.",
        "`REINDEX INDEX NAME` after the restore; if that fails on duplicates, the rows are wrong.",
    ),
    "drill.constraint_not_valid": Code(
        "A constraint of the copy is not validated, and was at the source.",
        "Rows that break it may be in the table.",
        "`ALTER TABLE NAME VALIDATE CONSTRAINT NAME` after the restore; then look why the dump has it NOT VALID.",
    ),
    "drill.index_corrupt": Code(
        "amcheck found a B-tree index of the copy broken.",
        "Queries by it miss rows that are there. On a fresh copy the reason is mostly a collation or an operator class "
        "that does not sort the same way twice.",
        "`REINDEX INDEX NAME`, and look at the functions the index is made with.",
    ),
    "drill.view_unreadable": Code(
        "A view of the copy cannot be read.",
        "It stands on something that did not come back, or that a search_path found at the source.",
        "Select from it on a copy to see the server's words; write names in its functions with their schema.",
    ),
    "drill.head": Code(
        "The copy's migrations do not stand where the source's stood.",
        "The application would meet another schema than the one that the backup is of.",
        _AGAIN + "see that the version table is dumped with its rows.",
    ),
    "drill.head_unknown": Code(
        "The copy has applied no migration, or some that this checkout does not know.",
        "The code here does not fit the backup.",
        "Check out the commit that was deployed when the backup was taken, and drill from there.",
    ),
    "drill.head_unreadable": Code(
        "The version table of the copy could not be read.",
        "What is pending is not known.",
        "Name its schema in the page's `migrations: {table_schema: …}`.",
    ),
    "drill.pending_failed": Code(
        "Migrations of this checkout that the copy has not applied yet do not apply to it.",
        "After a restore the next deployment would fail, on the very day nothing else may.",
        "Read the database's words in the sentence. The same migration will fail on the live database if its rows are "
        "alike: try it on this copy first.",
    ),
    "drill.rto": Code(
        "It took longer to restore and prove the backup than the page allows.",
        "That is how long the service would be down, and more.",
        "The phases say what takes the time. Restore with more jobs, on faster disks, or from a base backup; or allow "
        "more in `drill: {rto: …}`.",
    ),
    "drill.rpo": Code(
        "The newest backup is older than the page allows.",
        "What was written since would be lost.",
        "See why the schedule did not take one, and take one now: `invoke backup`. If it is as old as is meant, back "
        "up more often, or archive WAL.",
    ),
    "drill.slower": Code(
        "The drill took half as long again as the good ones before it.",
        "A time that grows like this will break its budget on a date that can be foreseen.",
        "Compare the phases of both reports: a database that grew, an index more, or a slower machine.",
    ),
}

CODES: Mapping[str, Code] = {
    **_HOLDS,
    **_RESTORE,
    **_lost("schema", "Everything in it is gone with it."),
    **_lost("table", "Its rows are gone with it."),
    **_lost("view", "Queries that use it fail."),
    **_lost("column", "Its values are gone with it, or are read as something else."),
    **_lost("index", "Queries by it are slow, and what only it kept unique is no longer kept so."),
    **_lost("constraint", "Rows that must not be there can get in."),
    **_lost("trigger", "What it did on every write is no longer done."),
    **_lost("policy", "Who may see which rows is decided by it."),
    **_lost("function", "Whatever calls it fails, or does something else."),
    **_lost("type", "Columns of it cannot be read as before."),
    **_lost("sequence", "The column it feeds gets no number."),
    "drill.object_missing": Code(
        "An object of a rarer kind that the source had did not come back; the sentence names it.",
        "Whatever stands on it fails.", _AGAIN + _WHOLE,
    ),
    "drill.object_changed": Code(
        "An object of a rarer kind came back with another definition.", "Whatever stands on it does something else.",
        "Compare both; the evidence shows the definitions, or their hashes.",
    ),
    "drill.object_added": Code(
        "The copy has an object that the source did not have.",
        "The backup holds more than was dumped: it was edited, or the manifest is of another one.",
        _AGAIN + "find out who may write to where backups lie.",
    ),
    "drill.comment_lost": Code(
        "A comment on an object was lost, added or changed.", "Nothing depends on it but people and some tools.",
        "Dump without `--no-comments`.",
    ),
    "drill.extension_missing": Code(
        "An extension that the source had did not come back, although it can be had here.",
        "Its functions and types are gone.", _AGAIN + "see that the dump has no `--exclude-extension`.",
    ),
    "drill.owner_changed": Code(
        "An object came back with another owner.", "Who owns it may drop it, and lets others in.",
        "Restore without `--no-owner`, with the roles made before.",
    ),
    "drill.grant_lost": Code(
        "A privilege that the source granted is not in the copy.",
        "After a restore the application is refused what it did the day before.",
        "Dump and restore without `--no-privileges` (`-x`). `invoke grants` prints what the page's checks need.",
    ),
    "drill.grant_added": Code(
        "A privilege is in the copy that the source did not grant.", "Somebody may do what they could not before.",
        _AGAIN + "find out who may write to where backups lie.",
    ),
    **_CONTENT,
}  # fmt: skip
