"""The words of the findings on one backup: what it is instead, what is missing, and what it would do besides."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_AGAIN = "Take another backup, and look at the messages and the exit code of the job that took this one."
_FETCH = "Fetch it again from where it was made, and compare with `sha256sum`. If it is the same there, use another."

CODES: Mapping[str, Code] = {
    "backup.missing": Code(
        "There is nothing at the path of the backup.",
        "What is not there cannot be restored.",
        "List the folder with `ls -l`, and correct the path.",
    ),
    "backup.unreadable": Code(
        "The backup may not be read by whoever runs pgrunbook.",
        "Nothing can be said of it; at night, whoever is to restore it may meet the same.",
        "See its owner and mode with `ls -l`, and give the role that restores the right to read.",
    ),
    "backup.empty": Code(
        "The backup has no content at all.",
        "A script whose `pg_dump` failed leaves an empty file, and goes on as if all were well.",
        _AGAIN + " In shell scripts begin with `set -euo pipefail`.",
    ),
    "backup.truncated": Code(
        "The backup ends before its end.",
        "The rows that come last, indexes and constraints are missing, and psql restores what is there without a word.",
        _AGAIN + " A full disk and a copy that was cut off are the usual causes.",
    ),
    "backup.part_missing": Code(
        "A file or block that the backup's own table of contents names is not in it.",
        "The rows of that table do not come back.",
        _FETCH,
    ),
    "backup.toc_damaged": Code(
        "The table of contents of the archive makes no sense at some byte.",
        "pg_restore reads it first, and restores nothing without it.",
        _FETCH,
    ),
    "backup.data_damaged": Code(
        "The data within the archive cannot be read or decompressed.",
        "pg_restore stops there; what follows is lost.",
        _FETCH,
    ),
    "backup.compression": Code(
        "The compressed file cannot be decompressed.",
        "Its bytes are not those that were written, and everything from there on is lost.",
        _FETCH,
    ),
    "backup.compressed_twice": Code(
        "Within the compressed file is another compressed file.",
        "The restore that the page describes unpacks it once, and feeds compressed bytes to psql.",
        "Unpack it once by hand, and take one of the two compressions out of the script.",
    ),
    "backup.version": Code(
        "The archive says that it is of a version that this pgrunbook does not know.",
        "A newer pg_dump wrote it, or its header is damaged.",
        "Read it with `pg_restore --list` of the PostgreSQL that wrote it. If that refuses it too, it is damaged.",
    ),
    "backup.not_a_backup": Code(
        "The file is no backup of PostgreSQL.",
        "A web page, an error message or something else lies where the backup should be, under its name.",
        _AGAIN,
    ),
    "backup.other_database": Code(
        "The file is a backup of another database system.",
        "PostgreSQL restores nothing of it.",
        "Correct the page's `pattern`, or what the job dumps.",
    ),
    "backup.lfs_pointer": Code(
        "The file is a pointer of Git LFS, a hundred bytes that name the backup.",
        "The backup itself is elsewhere, if it still is.",
        "Fetch it with `git lfs pull`, and keep backups out of Git.",
    ),
    "backup.encoding": Code(
        "The backup was rewritten as UTF-16.",
        "PowerShell's `>` does this to every program's output; neither psql nor pg_restore reads it.",
        "Take it again with `pg_dump --file=NAME`. Plain SQL can be saved: `iconv -f UTF-16 -t UTF-8`.",
    ),
    "backup.encrypted": Code(
        "The backup is encrypted, so that nothing can be said of what is in it.",
        "Its age and size are known, and whether it can be restored is not.",
        "Decrypt a copy and drill that: `invoke drill --from PATH`.",
    ),
    "backup.misnamed": Code(
        "The name says another format than the content is of.",
        "It can be restored, but not by the command that goes with the name: psql refuses an archive, and pg_restore "
        "refuses SQL.",
        "Rename it, and correct the name or the format in the script that makes it.",
    ),
    "backup.no_tables": Code(
        "The backup is whole, and has no table.",
        "It is of an empty database, or of the wrong one.",
        "See which database the job dumps, and whether its role sees the tables.",
    ),
    "backup.no_data": Code(
        "The backup defines tables and has no rows.",
        "It was made with `--schema-only`, or of a database that was just created.",
        "Take that option out of the job.",
    ),
    "backup.no_program": Code(
        "A program that is needed to read the backup is not on this machine, or too old for it.",
        "Nothing can be said of what is in the backup.",
        "Install it (`zstd`, `lz4`, or PostgreSQL's client programs of the major that wrote it).",
    ),
    "backup.runs_program": Code(
        "The backup would run a program while it is restored.",
        "A dump is a program, and pg_dump writes nothing of the kind: somebody put it there.",
        "Do not restore it anywhere that matters. Find out who wrote to the place where backups lie.",
    ),
    "backup.connects_elsewhere": Code(
        "The backup has psql connect to a database of its own choice.",
        "It would be restored there. pg_dumpall, and pg_dump with `--create`, write this honestly.",
        "Take it with `pg_dump` and without `--create`. In one from elsewhere, look at the line that is named.",
    ),
    "backup.reads_files": Code(
        "The backup would read or write files while it is restored.",
        "It could bring secrets of the server into a table, or overwrite something.",
        "Do not restore it anywhere that matters, and look at the line that is named.",
    ),
    "backup.meta_command": Code(
        "The backup gives psql a command that pg_dump never writes.",
        "Text that was meant as data, such as a name with a line break in it, or somebody's own addition, is obeyed.",
        "Look at the line that is named. Use a psql of August 2025 or later, whose restricted mode refuses it.",
    ),
    "backup.untrusted_code": Code(
        "The backup defines functions that no server confines: in C, or in an untrusted language.",
        "They do as superuser whatever the server's account may.",
        "Restore it only as a role that is no superuser, where they are refused, or read them first.",
    ),
    "backup.alter_system": Code(
        "The backup would change the settings of the server.",
        "pg_dump does not write this. Settings can load libraries and run programs.",
        "Take the line out, or do not restore it.",
    ),
    "backup.makes_superuser": Code(
        "The backup makes a superuser.",
        "pg_dumpall writes this honestly; in a dump from elsewhere it is a way in.",
        "Take it with `pg_dump`, which leaves roles out, and create roles by hand.",
    ),
    "backup.reaches_out": Code(
        "The backup makes the server able to connect to another: a subscription, a foreign server, dblink.",
        "A restored copy could write to production, or take its changes away.",
        "Restore it where there is no way to other servers. pg_dump writes subscriptions so that they do not connect.",
    ),
}
