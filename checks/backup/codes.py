"""Why a backup could not be taken or fetched: the words of `invoke explain CODE`."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

DUMP_CODES: Mapping[str, Code] = {
    "dump.no_client": Code(
        "This machine has no pg_dump.",
        "Only PostgreSQL's own program takes a backup that every version can restore.",
        "Install the client programs of the server's major, as with `apt install postgresql-client-17`, or run "
        "`pip install 'pgrunbook[embedded]'`.",
    ),
    "dump.client_too_old": Code(
        "Every pg_dump here is of an older major than the server.",
        "pg_dump refuses a server newer than itself, since it does not know what that can hold.",
        "Install the client programs of the server's major. `invoke doctor` lists what this machine has.",
    ),
    "dump.no_space": Code(
        "There is too little room for the backup where it is made, or the disk was full before it was whole.",
        "What was begun was removed: half a backup looks like one until it is needed.",
        "Free some space, keep fewer backups by `keep`, or name another place by --to.",
    ),
    "dump.unwritable": Code(
        "The folder of the backups cannot be made, entered or written to.",
        "No backup was taken.",
        "Create or mount the folder, and give it to the user who takes the backups.",
    ),
    "dump.exists": Code(
        "Another run took a backup of the same environment in the same second, and the two have one name.",
        "Nothing is lost: the first is there, whole, and this one was removed.",
        "Use that one, or run it again. A schedule that runs twice at a time wants to run once.",
    ),
    "dump.failed": Code(
        "pg_dump ended with an error, and what it had written was removed.",
        "No backup was taken, and it will fail in the same way until the cause is gone.",
        "Read the sentence; then run pg_dump by hand against the same database to see all it says.",
    ),
}

STORE_CODES: Mapping[str, Code] = {
    "store.no_library": Code(
        "Backups lie in a bucket, and the library that speaks to buckets is not installed.",
        "Nothing was asked of the bucket.",
        "Run `pip install 'pgrunbook[storage]'`.",
    ),
    "store.no_bucket": Code(
        "There is no bucket of that name at the service.",
        "No backup can be put there or fetched from there.",
        "Create it, or correct the address in the variable or behind --to.",
    ),
    "store.no_credentials": Code(
        "No credentials for the bucket were found, or the service does not know them.",
        "A key that was rotated takes the backups with it.",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://, GOOGLE_APPLICATION_CREDENTIALS for gs://.",
    ),
    "store.not_permitted": Code(
        "The service knows the credentials, and they may not do this there.",
        "A backup that cannot be listed, written or removed is not kept as the page says.",
        "Let them list, read, write and delete what is under the prefix.",
    ),
    "store.missing": Code(
        "The bucket does not have the object that was looked for.",
        "It was removed meanwhile, or never finished.",
        "List the bucket, and see what its lifecycle rules remove.",
    ),
    "store.unreachable": Code(
        "The service of the bucket does not answer.",
        "Nothing is known of the backups in it.",
        "Look at AWS_ENDPOINT_URL and AWS_REGION where they are set, for gs:// at GOOGLE_BASE_URL, and at the network; "
        "then try again.",
    ),
}
