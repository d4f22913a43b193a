"""The words of the findings on when the last drill was: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "drill.recent": Code("The last good drill was no longer ago than the page allows."),
    "drill.rehearsed": Code(
        "A backup of the disposable database was taken, restored and held against it, rung by rung: see the evidence."
    ),
    "drill.due_soon": Code(
        "The last good drill is nearly as old as the page allows: nine tenths of `every` have passed.",
        "Nothing is wrong yet. The next drill wants a time when somebody can look at what it finds.",
        "Run it: `invoke drill --runbook NAME --env ENVIRONMENT`. A schedule does it unattended.",
    ),
    "drill.contents_unproven": Code(
        "The last drill restored the backup and met no fault, but there was nothing to hold its contents against.",
        "That it can be restored is known, and how long it takes. A row or a table that the backup never had would not "
        "have been missed.",
        "Drill a backup that `invoke backup` took, whose manifest has a digest of each table, or the live database: "
        "`invoke drill --from live`. One such drill within `every` is enough, whatever the ones after it proved.",
    ),
    "drill.overdue": Code(
        "The last good drill is older than the page allows.",
        "Since then the schema, the data, the server and the way backups are made have changed. Whether the newest "
        "backup can be restored, and how long it takes, is not known.",
        "Run one: `invoke drill --runbook NAME --env ENVIRONMENT`. If a schedule was to do it, look why it did not.",
    ),
    "drill.never": Code(
        "No drill of this page and environment stands in the history.",
        "A backup nobody restored is a hope.",
        "Run the first: `invoke drill --runbook NAME --env ENVIRONMENT`. If drills run on another machine, have the "
        "check read their history: `--out FOLDER` names the folder that holds `drills.jsonl`.",
    ),
    "drill.failed_last": Code(
        "The last drill failed, and none has held since.",
        "If the database were lost today, this is what its restore would look like.",
        "Open its report: the ladder says which rung broke, with what to do. Then drill again.",
    ),
    "drill.inconclusive_last": Code(
        "The last drill came to no verdict, or was interrupted; the one before it that held is recent enough.",
        "It may have met what will stop a restore too: a missing program, a full disk, a location out of reach.",
        "Open its report for the reason, and drill again.",
    ),
    "drill.history_damaged": Code(
        "Lines of the history of drills cannot be read, or are of times to come.",
        "A drill that cannot be read does not count, neither for nor against.",
        "Look at the lines named: a full disk cuts one short, and a merge by hand can mix two. Delete those that are "
        "no JSON; the reports beside the file have what they said.",
    ),
}
