"""What the codes of `roles` mean, why they matter and how to fix them."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

_WRONG = "Somebody granted or revoked by hand, or a script that makes the roles was not run here."

CODES: Mapping[str, Code] = {
    "roles.as_declared": Code("Roles are as the page declares them, and every claim about privileges held."),
    "roles.role_missing": Code(
        "A role the page declares does not exist.",
        "What logs in as it cannot, and what is granted to it is granted to nobody. Roles belong to the server and are "
        "in no dump of a database.",
        "`CREATE ROLE …`, from the script that makes them, or `pg_dumpall --roles-only` of the old server.",
    ),
    "roles.attribute": Code(
        "A role has, or lacks, an attribute against what the page declares.",
        "SUPERUSER, CREATEROLE, BYPASSRLS and REPLICATION each lead to all data; a role without LOGIN locks its user "
        "out.",
        "`ALTER ROLE … NOSUPERUSER`, with the words that the finding expects.",
    ),
    "roles.not_a_member": Code(
        "A role is not a member of another one that the page says it belongs to.",
        "What it may do only through that membership is refused.",
        "`GRANT group TO role`.",
    ),
    "roles.member": Code(
        "A role is a member, directly or through others, of one the page says it does not belong to.",
        "It may do all that the other may, at once or after SET ROLE.",
        "`REVOKE group FROM role`; where it comes through another role, revoke that.",
    ),
    "roles.privilege_missing": Code(
        "A role lacks a privilege that the page says it has.",
        "The first query that needs it fails with `permission denied`, perhaps in a job that runs once a month. "
        + _WRONG,
        "`GRANT … ON … TO role`, and `GRANT USAGE ON SCHEMA …` for what is in a schema. For tables yet to come, "
        "`ALTER DEFAULT PRIVILEGES … GRANT`, as the role that creates them.",
    ),
    "roles.privilege_held": Code(
        "A role holds a privilege that the page says it does not have, itself or as a role it can become.",
        "What it should not be able to do, it can: by mistake, or by whoever takes it over. " + _WRONG,
        "`REVOKE … ON … FROM role`, or `FROM PUBLIC` if everybody has it; owners hold every privilege on what is "
        "theirs, so give it another owner with `ALTER … OWNER TO`. A superuser holds all: let another role log in.",
    ),
    "roles.object_missing": Code(
        "A claim is about a table, column, schema, function or other object that does not exist here.",
        "Nothing can be said of it, and that nobody may touch what is not there proves nothing.",
        "Correct the name, with its schema where that is not `public` and a function's types, or apply the migrations.",
    ),
    "roles.privilege_unknown": Code(
        "A claim names a privilege that this major of PostgreSQL does not know; MAINTAIN came with 17.",
        "The claim can be neither true nor false here.",
        "Confine the check to the `environments` that have the newer major, or take the claim out.",
    ),
    "roles.superuser": Code(
        "The role of the environment's URL is a superuser.",
        "Whoever gets hold of the URL, or of one line of SQL in the application, has the whole server: every database, "
        "the files, the programs.",
        "Make a role that owns what the application needs, and no more, and put it in the URL. `invoke grants` prints "
        "one for these checks. Where the provider gives only a superuser, say `superuser: true`.",
    ),
    "roles.password_encryption": Code(
        "Passwords that are set from now on are not kept as SCRAM.",
        "MD5 verifiers can be used to log in by whoever reads them, and are broken quickly; PostgreSQL 18 warns of "
        "them.",
        "`ALTER SYSTEM SET password_encryption = 'scram-sha-256'` and reload, then set each password again: the old "
        "ones stay as they are.",
    ),
    "roles.password_default": Code(
        "The URL's password is a known default: of an image, of documentation, or the name of the user or database.",
        "It is the first that anybody tries, and a database reachable from the internet is tried every hour.",
        "`openssl rand -base64 32` makes one; `\\password` in psql sets it without leaving it in a log. Then update "
        "the variable.",
    ),
    "roles.password_short": Code(
        "The URL's password is shorter than the page allows.",
        "Short passwords are found by trying, given the verifiers or enough time.",
        "`openssl rand -base64 32` makes one; `\\password` in psql sets it without leaving it in a log. Then update "
        "the variable.",
    ),
}
