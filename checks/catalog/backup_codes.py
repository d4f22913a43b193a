"""The words of the findings on backups as a series: their age, number, sizes, and what lies beside them."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "backup.measured": Code("How many backups there are, and the newest one's age and size. What is wrong has a code."),
    "backup.none": Code(
        "There is no backup where the page says that they lie.",
        "Whatever happens to the database now cannot be undone.",
        "Take one at once: `invoke backup --env NAME --to LOCATION`. Then see whether the job runs, and whether "
        "`backups: {location: …, pattern: …}` is where it writes and what it calls them.",
    ),
    "backup.stale": Code(
        "The newest backup is older than the page allows.",
        "Everything written since is lost with the database. The job that takes them has most likely stopped.",
        "Look at the job's last run: its log, its schedule, the disk, an expired password. Then take one by hand.",
    ),
    "backup.future": Code(
        "A backup is dated later than now.",
        "It hides how old the newest one really is, and retention deletes the wrong ones.",
        "Compare the clocks of both machines (`date -u`). Write times of names in UTC, as in "
        "`$(date -u +%Y%m%dT%H%M%SZ)`.",
    ),
    "backup.few": Code(
        "Fewer backups are kept than the page says.",
        "Damage that is noticed late is in all of them, and the one from before it is gone.",
        "See what deletes them, and whether every run of the job leaves one. A new system has fewer for a while.",
    ),
    "backup.span": Code(
        "The oldest backup is younger than the page says.",
        "Damage that is noticed late is in all of them, and the one from before it is gone.",
        "See what deletes them. A new system reaches less far back for a while.",
    ),
    "backup.shrunk": Code(
        "The newest backup is much smaller than those before it.",
        "Rows or whole tables may be missing: deleted by mistake, or no longer visible to the role that dumps.",
        "Compare the tables of both with `pg_restore --list`, and the rows with a drill. If the data did shrink, raise "
        "`shrinks` until there are some of the new size.",
    ),
    "backup.grown": Code(
        "The newest backup is much larger than those before it.",
        "A table that grows without end fills the disk, and makes every restore slower. Compression that was switched "
        "off looks the same.",
        "Look for the largest tables with `\\dt+` in psql. If it is to be so, raise `grows`.",
    ),
    "backup.checksum": Code(
        "The backup is not byte for byte what was written, or nothing can be compared.",
        "A copy that was cut off, a disk that fails or a file that was written over restores to something else, or "
        "not at all.",
        "Fetch it again from where it was made, and check with `sha256sum -c`. If it differs there too, take another.",
    ),
    "backup.no_manifest": Code(
        "No manifest lies beside the backup.",
        "It can be restored, and nobody can say whether what came back is what was there.",
        "Take backups with `invoke backup`, which writes one. For those of other programs say `manifest: ignore`.",
    ),
    "backup.manifest": Code(
        "The manifest beside the backup cannot be read.",
        "What was in the database when it was taken is not known, nor whether the file is whole.",
        "Read it with the pgrunbook that wrote it, fetch it again, or take another backup.",
    ),
    "backup.dumper": Code(
        "The backup was written by a pg_dump older than the server.",
        "It does not know what the newer server has, and leaves it out or writes what does not restore.",
        "Install the client programs of the server's major where the backup is taken.",
    ),
    "backup.other_major": Code(
        "The backup is of another major of PostgreSQL than the page names.",
        "It may be of another server, or of the time before an upgrade.",
        "See which server the job dumps, or correct `postgres` in the front matter.",
    ),
    "backup.no_location": Code(
        "Where the backups lie is not known, or the place cannot be reached.",
        "Nothing can be said of the backups, which is not to say that they are there.",
        "Name it in the front matter, `backups: {location: …}`, set its variable, or mount the folder.",
    ),
    "backup.not_fetched": Code(
        "The backup lies in a bucket and is too large to be fetched for a look.",
        "Its age and size are known, and whether it can be read is not.",
        "Raise `fetch` and `timeout`, or leave it to a drill, which fetches it anyway.",
    ),
}
