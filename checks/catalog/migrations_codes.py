"""What each outcome of the `migrations` check means, why it matters, and how to fix it.

Beside the check rather than in it: there are as many outcomes as ways in which files and a database can disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "migrations.at_head": Code("Every migration there is a file for was applied to this database, and no other."),
    "migrations.behind": Code(
        "Migrations exist as files that were not applied to this database; the finding names them in order.",
        "Code that expects the new schema fails on its first query, or the deployment forgot a step.",
        "Read the statements under `migrations.destroys_data`, take a backup, then apply them: `alembic upgrade head`, "
        "`npx prisma migrate deploy`, or the project's own command.",
    ),
    "migrations.ahead": Code(
        "Migrations were applied whose names sort after every file here: the database is newer than this checkout.",
        "Older code on a newer schema may write what the new one forbids. It also happens during a rolling deployment.",
        "Check out the commit that is deployed and ask again; if the deployment was taken back, decide whether its "
        "migrations must be taken back too. Alembic's revisions do not sort, so there it is `unknown_revision`.",
    ),
    "migrations.missing": Code(
        "Migrations were applied whose files are gone from the middle of the history.",
        "A new database built from these files will lack what they did, and Prisma asks to reset this one.",
        "Restore the files from version control (`git log --diff-filter=D -- PATH`), and never delete an applied one.",
    ),
    "migrations.unknown_revision": Code(
        "The version table names a revision that no Alembic file here defines.",
        "Alembic can go neither up nor down from it: `Can't locate revision identified by …`.",
        "Check out the commit that is deployed. If the file was deleted or squashed, restore it; only when the schema "
        "is known to match a revision, record that one with `alembic stamp --purge REVISION`.",
    ),
    "migrations.several_heads": Code(
        "The files branch into several heads that nothing merges.",
        "`alembic upgrade head` refuses to guess which one is meant, so the next deployment stops there.",
        "Merge them with `alembic merge heads -m 'merge'`, or rebase one branch. Where several are meant, set "
        "`heads: several`.",
    ),
    "migrations.overlapping_rows": Code(
        "The version table records a revision beside another that already includes it.",
        "Alembic keeps one row for each branch, and with more it refuses every upgrade: `Requested revision … overlaps "
        "with other requested revisions …`.",
        "Somebody wrote to the table, or two deployments ran at once. Find out what the schema has, then "
        "`alembic stamp --purge REVISION`.",
    ),
    "migrations.unmanaged": Code(
        "The database has no version table of this tool.",
        "Nobody can say what was applied, and a deployment will try to create every table again.",
        "Look at the tables the finding names: with `table` and `table_schema` the front matter says where the version "
        "table is. If the schema was made by hand, record its state: `alembic stamp REVISION`, "
        "`prisma migrate resolve --applied NAME`.",
    ),
    "migrations.out_of_sight": Code(
        "A version table of this name is there, in a schema that this role's search_path does not name.",
        "The tool, run as this role, would not see it either: it would take the database for a new one and create "
        "every table again.",
        "If that table is the one meant, say where it is with `table_schema` in the front matter, or put its schema "
        "back: `ALTER ROLE role IN DATABASE name SET search_path = …`. Apply nothing before that is clear.",
    ),
    "migrations.empty_version_table": Code(
        "The version table is there, and says that nothing was applied.",
        "Either the database is new, or everything was taken back, or somebody emptied the table over a live schema.",
        "If the tables are there, record their state as for `migrations.unmanaged`; else apply the migrations.",
    ),
    "migrations.failed": Code(
        "A migration was started and never finished.",
        "Part of its statements may have been applied, and Prisma refuses every later deployment (P3009).",
        "Read the column `logs` of its row, complete or undo what it did by hand, then tell the tool: "
        "`prisma migrate resolve --applied NAME` or `--rolled-back NAME`. For golang-migrate, `migrate force VERSION`.",
    ),
    "migrations.edited": Code(
        "The file of an applied migration is not what it was when it was applied.",
        "A database built from the files now differs from this one, though both say they are at the same migration.",
        "Restore the file from version control, and put the change into a new migration.",
    ),
    "migrations.broken_files": Code(
        "The migration files contradict each other, or cannot be read as what they should be.",
        "The tool will refuse them, or apply them in an order nobody intended.",
        "Correct the file the finding names: two of the same revision, a predecessor that does not exist, a folder "
        "without its script, a revision that is computed and not written.",
    ),
    "migrations.unreadable": Code(
        "The migration files are not where the page says.",
        "Nothing can be compared, so nothing is known of the database.",
        "Correct `migrations.path` in the front matter: it is relative to the project's folder.",
    ),
    "migrations.undeclared": Code(
        "The page has a migrations check and does not say which tool it is about.",
        "Nothing can be compared.",
        "Add `migrations: {tool: alembic, path: migrations/NAME}` to the front matter.",
    ),
    "migrations.rehearsed": Code(
        "On an empty disposable database the migrations went up, down where there is a way down, and up again."
    ),
    "migrations.apply_failed": Code(
        "The migrations could not be applied to an empty database.",
        "No new environment can be built from these files, and the rest of the page cannot be verified.",
        "The finding repeats the server's words. Run the tool against an empty database of the same major.",
    ),
    "migrations.downgrade_failed": Code(
        "Taking the migrations back, one at a time, failed at the revision named.",
        "Whoever relies on the way back during a failed deployment will find it blocked half-way.",
        "Correct that `downgrade()`. Where there is to be no way back, say so and set `down: ignore`.",
    ),
    "migrations.reapply_failed": Code(
        "After a full way down the migrations could not be applied a second time.",
        "The way down leaves something in the way, often an enum type: a deployment that was taken back cannot be "
        "repeated.",
        "Drop in `downgrade()` what `upgrade()` created; `migrations.left_behind` names it.",
    ),
    "migrations.left_behind": Code(
        "After a full way down there are objects in the database that were not there before.",
        "They stay in every database that is ever downgraded, and may block the next upgrade.",
        "Drop them in `downgrade()`. An enum that a column brought along needs its own "
        "`sa.Enum(name=…).drop(op.get_bind())`. Extensions are not counted: they may serve others.",
    ),
    "migrations.no_drift": Code("The migrated database has the tables, columns and indexes the models declare."),
    "migrations.drift": Code(
        "The database built by the migrations differs from the models the application uses.",
        "A change of the models has no migration yet, or a migration does something else: the application will ask for "
        "what is not there.",
        "`alembic revision --autogenerate` writes what is missing; review it. Enum values and server defaults are not "
        "compared.",
    ),
    "migrations.models_unreadable": Code(
        "The metadata the page declares could not be imported or compared.",
        "Whether models and migrations agree is not known.",
        "`metadata` is `module:attribute`, importable from the migrations' folder with what is installed here.",
    ),
    "migrations.reviewed_unknown": Code(
        "`reviewed` names a revision that no migration file has.",
        "Which statements that destroy data were reviewed is not known, so all are listed again.",
        "Write the revision as the finding of `migrations.at_head` spells it.",
    ),
    "migrations.destroys_data": Code(
        "Statements of the migrations delete rows, columns or tables, or make a column narrower.",
        "On a live database they cannot be undone; a backup is then the only way back.",
        "Review each, take a backup before applying, then set `reviewed: REVISION`. The list knows common statements "
        "only: that it is empty proves nothing.",
    ),
}
