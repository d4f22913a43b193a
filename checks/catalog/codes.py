"""What every code means, why it matters and how to fix it: the words of `invoke explain CODE` and of docs/checks.md.

The codes of a check stand with the check. Here are those that belong to no single one: the causes of a failed
connection, which every check can meet, the reasons for which a run gives no verdict, and why an environment cannot be
asked at all. Those of servers in containers have a file of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.backup.codes import DUMP_CODES, STORE_CODES
from checks.catalog import CATALOG
from checks.catalog.container_codes import CONTAINER_CODES
from checks.check import Code

CONNECTION_CODES: Mapping[str, Code] = {
    "connectivity.host_not_found": Code(
        "The host name of the URL does not resolve to an address.",
        "Nothing that uses this URL can connect: a wrong name, a private name looked up from outside its network, or "
        "DNS that fails.",
        "Look the name up with `getent hosts NAME`. From a laptop, use the provider's public host: names such as "
        "`*.railway.internal` resolve only inside the platform.",
    ),
    "connectivity.refused": Code(
        "The host answered that nothing listens on this port.",
        "The server is down, listens on another address or port, or the Unix socket lies in another folder.",
        "Start the server, then compare host and port with `SHOW port` and `SHOW listen_addresses`. A public endpoint "
        "of a hosted database usually has another port than 5432.",
    ),
    "connectivity.timeout": Code(
        "No answer to the attempt to connect within the time allowed.",
        "Packets are dropped rather than refused: a firewall, an IP allow list, a wrong address or a host that is off.",
        "Add this machine's address to the database's allow list, check the firewall, and try `nc -vz HOST PORT`.",
    ),
    "connectivity.silent": Code(
        "The connection stands, but the peer does not answer on it: it never did, or it stopped.",
        "A hung server, a saturated disk or a pooler without a free server connection looks like this, and clients "
        "without a deadline of their own wait for ever.",
        "Look at the server's load and at `pg_stat_activity`; behind a pooler, look at its waiting clients. If it "
        "never answered, see whether it is PostgreSQL that listens on that port.",
    ),
    "connectivity.lost": Code(
        "The connection was closed while the run was using it.",
        "The server crashed or was restarted, an administrator ended the session, or a proxy cut it off.",
        "Read the server's log at that minute (`terminating connection`, `server process … was terminated`), then run "
        "the check again.",
    ),
    "connectivity.password_rejected": Code(
        "The server knows how to ask this role for a password, and does not accept the one it was given.",
        "A rotated password that did not reach this client will lock the application out at its next connection.",
        "Fetch the current URL from where the password is kept, and update the variable. The server gives the same "
        "answer for a role that does not exist.",
    ),
    "connectivity.password_missing": Code(
        "The server asks for a password, and none was given.",
        "The URL has no password part, and neither PGPASSWORD nor a password file supplies one.",
        "Set the whole URL in the environment's variable, or add a line to `~/.pgpass` (mode 0600).",
    ),
    "connectivity.not_in_hba": Code(
        "No line of pg_hba.conf admits this role, from this address, to this database, with this kind of encryption.",
        "The server refuses before it looks at the password, so no other password will help.",
        "Read the words after `no pg_hba.conf entry`: if they end in `no encryption`, use `sslmode=require`; else add "
        "the line, and reload with `SELECT pg_reload_conf()`.",
    ),
    "connectivity.tls_required": Code(
        "The server takes only encrypted connections, and this one was not.",
        "Every client without `sslmode=require` is refused.",
        "Append `?sslmode=require`, or better `sslmode=verify-full`, to the URL.",
    ),
    "connectivity.tls_not_offered": Code(
        "The URL demands encryption, and the server does not offer it.",
        "Either the server's `ssl` is off, or something between answers in its place. Passwords would travel in clear.",
        "Set `ssl = on` with a certificate on the server. For a trusted local one, `sslmode=prefer` will do.",
    ),
    "connectivity.certificate_unknown": Code(
        "The server's certificate is signed by no authority that this client trusts.",
        "A client with `verify-ca` or `verify-full` refuses to connect; another would not know whom it talks to.",
        "Point `sslrootcert` at the authority's certificate (hosted databases offer it for download), or "
        "use `sslrootcert=system` for a publicly signed one.",
    ),
    "connectivity.certificate_expired": Code(
        "The server's certificate is past its end date.",
        "Clients that verify it are locked out now.",
        "Renew the certificate and reload the server: `SELECT pg_reload_conf()` takes it up without a restart.",
    ),
    "connectivity.certificate_host": Code(
        "The server's certificate is not made out to the host name of the URL.",
        "Clients with `verify-full` are refused; it may also be another server than the one that was meant.",
        "Connect by a name the certificate holds, or have it issued again with this name among its alternative names.",
    ),
    "connectivity.no_container": Code(
        "The Compose project has no container of the service that the environment names.",
        "It was never started, or removed by `docker compose down`; or the project or the service has another name.",
        "Start it with `docker compose up -d SERVICE`, in the project's folder. `docker compose ls` shows the names of "
        "projects, `docker compose ps -a` their services; COMPOSE_PROJECT_NAME names another project.",
    ),
    "connectivity.container_stopped": Code(
        "The container of the environment's compose service is there and does not run.",
        "Its PostgreSQL ended, or never got as far as to start.",
        "`docker logs CONTAINER` says why: an upgraded image on old data, no POSTGRES_PASSWORD, no room. Then "
        "`docker compose up -d SERVICE`.",
    ),
    "connectivity.port_not_published": Code(
        "The container runs, and its port 5432 is not published on this machine's loopback address.",
        "Other containers of its network reach it, and nothing on this machine does. Other addresses are not followed.",
        'Add `ports: ["127.0.0.1:5432:5432"]` to the service, then `docker compose up -d SERVICE`.',
    ),
    "connectivity.database_missing": Code(
        "The server has no database of this name.",
        "The name is misspelt, the URL leads to another server, or the database was never created or was dropped.",
        "List the databases with `psql -l`, then correct the URL or create the database.",
    ),
    "connectivity.role_missing": Code(
        "The server has no role of this name.",
        "The URL leads to another server, or the role was never created there.",
        "List the roles with `\\du` in psql, then correct the URL or `CREATE ROLE … LOGIN`.",
    ),
    "connectivity.too_many_connections": Code(
        "The server, the database or the role has no connection left to give to anyone.",
        "The application meets the same refusal. Pools that are too large, or sessions that were never closed, are the "
        "usual cause.",
        "Count them: `SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3`. Close "
        "what is idle, and keep the sum of all pool sizes below `max_connections`.",
    ),
    "connectivity.slots_scarce": Code(
        "The server has so few connection slots left that this run would leave the application less than a tenth.",
        "The application is close to being refused connections. A check that took the last ones would cause what it is "
        "there to find, so nothing was asked.",
        "Count them: `SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3`. Close "
        "what is idle, or raise `max_connections`; then run the check again.",
    ),
    "connectivity.only_reserved_slots": Code(
        "The only connection slots left are those kept for superusers, and for members of pg_use_reserved_connections.",
        "The application is refused now, and an administrator can still get in to see why: not for long, if more come.",
        "Connect as a superuser at once, count as under `connectivity.too_many_connections`, and end what is idle with "
        "`SELECT pg_terminate_backend(pid)`.",
    ),
    "connectivity.pool_exhausted": Code(
        "A service's own connection pool had no connection to give in time; the server was not asked.",
        "Requests wait and fail although the server may be idle. Code that keeps a connection too long is the usual "
        "cause, a pool that is too small the less usual one.",
        "Look in `pg_stat_activity` for the service's sessions: many `idle in transaction` are leaks, many `active` "
        "are slow queries, few of both are a pool that is too small.",
    ),
    "connectivity.in_recovery": Code(
        "The server recovers after a crash, or is a standby that takes no connections (yet).",
        "After a crash, clients are refused until it is done. A standby that shall be read stays closed without "
        "`hot_standby`.",
        "Wait, and follow the server's log; look there for what crashed. On a standby set `hot_standby = on`, and see "
        "that its WAL arrives.",
    ),
    "connectivity.starting_up": Code(
        "The server is starting and takes no connections yet.",
        "It can last minutes when much is to be replayed; clients see errors until it is done.",
        "Wait, and follow the server's log. If it lasts, compare `redo done` lines with the amount of WAL to replay.",
    ),
    "connectivity.shutting_down": Code(
        "The server is shutting down.",
        "Someone or something stopped it; clients will be refused.",
        "If it was not meant, find out who stopped it in the server's log, and start it.",
    ),
    "connectivity.unreachable": Code(
        "This machine knows no way to the server's address, or may not use it.",
        "The network, the route or the address is wrong: a VPN that is down, IPv6 without a route, a closed "
        "socket folder.",
        "Try `ip route get ADDRESS`, bring the VPN up, or use the host name of the provider's public endpoint.",
    ),
    "connectivity.not_permitted": Code(
        "The server knows the role and its password, and does not let it into this database.",
        "The role lacks CONNECT on the database, or the database takes no connections.",
        "`GRANT CONNECT ON DATABASE … TO …`; look at `datallowconn` in pg_database.",
    ),
    "connectivity.tls_failed": Code(
        "The server offers TLS, and client and server agree on no version or cipher of it.",
        "Clients of this age cannot connect at all.",
        "Compare `ssl_min_protocol_version`, `ssl_max_protocol_version` and `ssl_ciphers` with the client's OpenSSL.",
    ),
    "connectivity.too_old": Code(
        "The server's major version, or the protocol it speaks, is older than what the client needs.",
        "Questions about columns that an old server lacks would fail one by one, and its major is out of maintenance.",
        "Upgrade the server. If the URL sets `min_protocol_version`, take it out.",
    ),
    "connectivity.misconfigured": Code(
        "A connection parameter cannot be used, or asks for another kind of server: one of the URL, of a service file, "
        "or of a PG… variable.",
        "Nothing was asked; the mistake is on this side.",
        "Correct the parameter that the sentence repeats. `env | grep ^PG` shows the variables.",
    ),
    "connectivity.guards_missing": Code(
        "The session was opened, but the settings that keep it from doing harm did not take effect.",
        "A pooler or proxy in between drops or rewrites statements; without the guards, nothing is asked.",
        "Connect to the server directly, or use a pooler in transaction mode.",
    ),
    "connectivity.failed": Code(
        "The connection failed for a reason that none of the other codes names; the sentence repeats it.",
        "No client with this URL can connect.",
        "Try `psql` with the same URL, and look in the server's log for that minute.",
    ),
}

RUN_CODES: Mapping[str, Code] = {
    "run.skipped": Code(
        "The check was not asked, and the result says why.",
        "A skipped check proves nothing, and is never counted as one that holds.",
        "Nothing, if the reason is meant: another environment, another engine, a target that must not be written to.",
    ),
    "run.interrupted": Code(
        "The run was stopped before this check had its verdict.",
        "What is reported is only what was known until then.",
        "Run again.",
    ),
    "run.timeout": Code(
        "The check's own time ran out, or the run's, and its connection was closed.",
        "The answer is not known. On a busy server the reason is often a lock or a sequential scan.",
        "Look at `pg_stat_activity` for what the query waits for; if it is merely long, give the check a `timeout`, "
        "and the command a longer `--deadline` where that was the shorter one.",
    ),
    "run.not_permitted": Code(
        "The role of this environment may not read what the check asks for.",
        "The check could not be answered; it did not fail.",
        "Run the GRANT that stands in the hint. `invoke grants --runbook NAME` prints all that the page's checks need, "
        "for a role that can do nothing else.",
    ),
    "run.canceled": Code(
        "The query was cancelled from outside: by `pg_cancel_backend`, or by a client that gave up.",
        "There is no verdict, and it is not the server's time limit that ended it.",
        "Run again; if it recurs, look in the server's log for who cancels, and for a watchdog that ends long queries.",
    ),
    "run.in_recovery": Code(
        "The server is a standby, and cannot do what the query asks, or had to cancel it to replay what arrived.",
        "The answer of a primary may differ; and an application that writes here fails.",
        "Point the environment at the primary (`target_session_attrs=read-write`), or raise "
        "`max_standby_streaming_delay` on the standby.",
    ),
    "run.read_only": Code(
        "The query wanted to write, and the session is read-only.",
        "Sessions on live servers are always read-only, so that looking can never change anything.",
        "Rewrite the check so that it only reads. What must write belongs into a `smoke` check on a disposable server.",
    ),
    "run.lock_timeout": Code(
        "The query waited for a lock longer than the session allows itself.",
        "Somebody holds a strong lock on that table, such as a migration or `VACUUM FULL`; the application waits too.",
        "Find who waits for whom: "
        "`SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.",
    ),
    "run.relation_missing": Code(
        "The query names a table, view, column, function or schema that does not exist.",
        "Either the database lacks a migration, or the page is wrong.",
        "Apply the migrations, or correct the name. Names outside `public` are written with their schema.",
    ),
    "run.column_missing": Code(
        "The query names a column that does not exist.",
        "Either the database lacks a migration, or the page is wrong.",
        "Apply the migrations, or compare with `\\d TABLE` in psql.",
    ),
    "run.function_missing": Code(
        "The query calls a function or operator that does not exist for these types.",
        "An extension is not installed, the server is older than the page, or a type is another than was thought.",
        "Look with `\\df NAME` and `\\dx` in psql; a cast (`…::text`) tells the types apart.",
    ),
    "run.not_a_query": Code(
        "The statement is one that a check cannot ask, such as COPY to or from the client.",
        "There is no answer to judge.",
        "Write a SELECT.",
    ),
    "run.syntax": Code(
        "The server cannot parse the query.",
        "The check has never run, on any server.",
        "Try the query in psql. `invoke lint --sql` finds this without touching a live server.",
    ),
    "run.query_failed": Code(
        "The server refused the query for the reason repeated in the sentence.",
        "There is no verdict.",
        "Look the five-character SQLSTATE up in appendix A of the PostgreSQL manual, and run the query in psql.",
    ),
    "run.could_not_tell": Code(
        "The question was asked, and its answer could not be judged; the sentence says why.",
        "There is no verdict, and no verdict is not a good one.",
        "Do what the hint under the result says.",
    ),
    "run.not_prepared": Code(
        "The disposable database could not be brought to the page's state: a migration or a fixture failed.",
        "Every check of the data would fail for that one reason, so none was asked.",
        "Read the server's words in the sentence, correct that file, and run again.",
    ),
    "run.no_target": Code(
        "The server that was to be asked could not be had.",
        "Nothing was checked.",
        "`invoke doctor` lists what this machine can start; for a live environment, check its variable.",
    ),
    "run.bug": Code(
        "pgrunbook itself failed while asking or judging.",
        "There is no verdict, and the fault is not the database's.",
        "Please report it with the traceback of the log; it holds no secrets.",
    ),
}

ENVIRONMENT_CODES: Mapping[str, Code] = {
    "environment.unset": Code(
        "The variable, or the libpq service, that the environment takes its URL from is not there.",
        "Where the database is, is not known, so nothing was asked of any.",
        "Set the variable in this shell, or name a file that sets it by `--env-file`. A service is a section of "
        "`~/.pg_service.conf`, or of the file that PGSERVICEFILE names.",
    ),
    "environment.empty": Code(
        "The variable that the environment takes its URL from is set, and nothing is in it.",
        "A secret that CI does not hand to this job, or a reference that leads nowhere, arrives as an empty text.",
        "Look where it is set. GitHub, for one, hands no secrets to pull requests of forks.",
    ),
    "environment.unresolved": Code(
        "The URL is or holds a reference, such as `${{Postgres.DATABASE_URL}}`, that nothing has replaced by a value.",
        "Platforms replace references inside the platform only, and leave one as it is whose name is misspelt or was "
        "renamed.",
        "Copy the resolved value from the platform's dashboard, or run inside the platform. There, compare the name in "
        "the reference with the service's, letter by letter.",
    ),
    "environment.malformed": Code(
        "The URL, or the libpq service, cannot be read as the address of a database.",
        "A quotation mark that was kept, a placeholder, or a special character of a password as it stands: no client "
        "can connect by it.",
        "Correct what the sentence names. A URL reads `postgresql://user:password@host:5432/database`, with special "
        "characters of user and password as %XX.",
    ),
    "environment.unknown_service": Code(
        "The project's compose file has no service of the name that the environment gives.",
        "Where the database is, is not known, so nothing was asked of any.",
        "`docker compose config --services` lists them. Correct `compose` under the environment in the front matter.",
    ),
    "environment.unknown": Code(
        "No page that was selected names an environment of this name.",
        "Where the database is, is not known, so nothing was asked of any.",
        "`invoke list` shows the environments of each page. Add one under `environments` in the front matter.",
    ),
}


class Documented(Mapping[str, Code]):
    """Every code there is, of every check, of the run, of containers and environments, in the catalogue's order.

    Only the module of the code's own kind is imported to look one up.
    """

    def __getitem__(self, code: str) -> Code:
        kind = code.partition(".")[0]
        known = _OF_NO_KIND.get(kind) or (CATALOG[kind].codes if kind in CATALOG else {})
        return known[code]

    def __iter__(self) -> Iterator[str]:
        for check in CATALOG.values():
            yield from check.codes
        for codes in _OF_NO_KIND.values():
            yield from codes

    def __len__(self) -> int:
        return sum(1 for _ in self)


_OF_NO_KIND: Mapping[str, Mapping[str, Code]] = {
    "run": RUN_CODES,
    "container": CONTAINER_CODES,
    "environment": ENVIRONMENT_CODES,
    "dump": DUMP_CODES,
    "store": STORE_CODES,
}


def documented() -> Mapping[str, Code]:
    """Every code there is, by its name."""
    return Documented()
