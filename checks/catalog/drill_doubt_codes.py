"""The words of what a drill could not prove: findings that warn, and never stand under a plain *passed*."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_TAKE = "Take the backup with `invoke backup`, which writes a manifest beside it in the same snapshot. "

CODES: Mapping[str, Code] = {
    "drill.artifact_unproven": Code(
        "Neither a manifest nor a checksum lies beside the backup.",
        "It can be read to its end, which says nothing of a byte that was changed on the way.",
        f"{_TAKE}For one that another program makes, keep the output of `sha256sum` beside it as `NAME.sha256`.",
    ),
    "drill.objects_unproven": Code(
        "What there was in the source is not known in whole: there is no manifest, or the drill did not let the dump "
        "make what reaches out of the server. The sentence says which.",
        "The copy has tables with rows. A table that the dump never had would not be missed.",
        f"{_TAKE}Note foreign servers, subscriptions and refused extensions by hand: no drill makes them.",
    ),
    "drill.digests_unproven": Code(
        "Tables have a digest on one side only, and were compared by their counts.",
        "A changed cell in one of them would not be seen.",
        f"{_TAKE}The manifest names the tables whose digest it lacks.",
    ),
    "drill.indexes_unproven": Code(
        "amcheck did not look into indexes: it is not installed here, or was refused, or had not ended in time.",
        "They are valid by their own word. One that is out of order loses rows that are there.",
        "Drill with a PostgreSQL that has its own extensions beside it: `apt install postgresql-17`, or another folder "
        "by --postgres-bin. For one that takes too long, run `pg_amcheck` on a copy by hand.",
    ),
    "drill.views_unproven": Code(
        "Views were not read: for want of permission, of time, or because a materialized view holds nothing yet.",
        "Whether what they stand on came back is not known.",
        "Read them by hand on a restored copy: as their owner, without the time limit, after "
        "`REFRESH MATERIALIZED VIEW`.",
    ),
    "drill.head_unproven": Code(
        "The revisions in the copy are ones that this checkout knows, and nothing says which the source had.",
        "A backup taken before the last deployment would look the same.",
        f"{_TAKE}Or compare them with what `invoke check` says of the live database's migrations.",
    ),
    "drill.age_unproven": Code(
        "The age of the backup is that of its file: neither a manifest nor its name dates it.",
        "A file that is copied or touched is new again, so more may be lost than the RPO says.",
        f"{_TAKE}Or have the script that makes it put the date into its name, such as `relay-20261121T090000Z.dump`, "
        "and set `dated: name` in the page's `backups:`.",
    ),
    "drill.wal_unproven": Code(
        "The archive lacks WAL from after the point: what was written then could not be recovered from it.",
        "The point itself was reached. A later one would not be, so more would be lost than the newest file suggests.",
        "See why `archive_command` left a gap, and take another base backup, which begins after it.",
    ),
    "drill.boundary_unproven": Code(
        "The point in time was proven by the server's log alone: the page's drill declares no `marker`.",
        "No row of a table was looked at on either side of it.",
        "Declare a query of times that are written all the time: `drill: {marker: SELECT created_at FROM audit_log}`.",
    ),
}
