"""The causes for which no session is opened, or one is lost: what each is called, what was expected, what to do.

`{at}` stands for the place, as in ` at host db, port 5432`; `{user}`, `{database}` and `{file}` for a name after a
space, each empty where it is not known. A further cause is a row more here, in
`checks.targets.wordings` and among the codes of `connectivity`.
"""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """How the sentence begins, what there should have been, and what to do about it.

    `shares` is the cause whose code it has, where it has a sentence of its own but no code.
    """

    sentence: str
    expected: str
    hint: str
    shares: str = ""


def code_of(cause: str) -> str:
    """The documented code of a cause, as `connectivity.refused`."""
    return f"connectivity.{CAUSES[cause].shares or cause}"


CAUSES: dict[str, Cause] = {
    "host_not_found": Cause(
        "The host name of the server{at} is not known to this machine's resolver",
        "a host name that resolves",
        "Look for a misspelt host, a missing search domain, or a VPN that is not up.",
    ),
    "refused": Cause(
        "Nothing listens{at}",
        "a server that listens there",
        "Start the server, or look for another port, `listen_addresses`, or a container whose port is not published.",
    ),
    "timeout": Cause(
        "The server{at} did not answer in the time allowed",
        "a connection within the time allowed",
        "Look for a firewall that drops packets, a wrong address, or a server too busy to accept connections.",
    ),
    "silent": Cause(
        "The peer{at} takes connections and then says nothing",
        "an answer within the time allowed",
        "Look whether the server, or the proxy or pooler before it, hangs or is overloaded, and whether it is "
        "PostgreSQL that listens there.",
    ),
    "unreachable": Cause(
        "The server{at} cannot be reached from this machine",
        "a way to the server",
        "Look at the network, the route and the address; a socket folder must exist and be readable.",
    ),
    "lost": Cause(
        "The connection with the server{at} was closed by the other side",
        "a connection that stands",
        "Look in the server's log for a restart, a crash, or an administrator who ended the session; something that is "
        "not PostgreSQL may be listening on that port.",
    ),
    "password_rejected": Cause(
        "The server{at} rejected the password of the role{user}",
        "a password that the server accepts",
        "Compare the password with the one the server has: special characters of a URL must be percent-encoded.",
    ),
    "password_missing": Cause(
        "The server{at} asks for a password for the role{user}, and none was given",
        "a password",
        "Put the password in the URL's variable, or a line for this server in ~/.pgpass (mode 0600).",
    ),
    "not_in_hba": Cause(
        "The server{at} has no pg_hba.conf line that lets the role{user} into the database{database}",
        "a line of pg_hba.conf that lets this role in",
        "Add a `hostssl` line for this role, database and client address to pg_hba.conf, and reload the server.",
    ),
    "tls_required": Cause(
        "The server{at} accepts only connections with TLS, and this one came without",
        "a connection with TLS",
        "Set `sslmode=require`, or better `verify-full`, in the URL.",
    ),
    "tls_not_offered": Cause(
        "The server{at} does not offer TLS, and the URL demands it",
        "a server that offers TLS",
        "Switch `ssl` on in the server, or look whether a proxy before it ends TLS.",
    ),
    "certificate_unknown": Cause(
        "The certificate of the server{at} is signed by an authority this machine does not trust",
        "a certificate signed by an authority this machine trusts",
        "Name the authority's certificate by `sslrootcert` in the URL.",
    ),
    "certificate_expired": Cause(
        "The certificate of the server{at} has expired or is not valid yet",
        "a certificate valid today",
        "Renew the server's certificate and reload the server; look at this machine's clock, too.",
    ),
    "certificate_host": Cause(
        "The certificate of the server{at} is for another host name",
        "a certificate for the host of the URL",
        "Connect by a name the certificate holds, or issue one for this name.",
    ),
    "tls_failed": Cause(
        "The server{at} offers TLS, but the handshake failed",
        "a version and a cipher of TLS that both sides speak",
        "Compare the TLS versions and ciphers of both sides; `ssl_min_protocol_version` is the server's.",
    ),
    "database_missing": Cause(
        "The server{at} has no database{database}",
        "a database of that name",
        "Look for a misspelt name, or create the database.",
    ),
    "role_missing": Cause(
        "The server{at} has no role{user} that may log in",
        "a role of that name with LOGIN",
        "Look for a misspelt name, or create the role with LOGIN.",
    ),
    "too_many_connections": Cause(
        "The server{at} has no connection slot left",
        "a free connection slot",
        "Look in pg_stat_activity for who holds them; a pool that leaks, or `max_connections` too low for its clients.",
    ),
    "only_reserved_slots": Cause(
        "The server{at} has only those connection slots left that are reserved for administrators",
        "a free connection slot",
        "Connect as a superuser, or a member of pg_use_reserved_connections, while there still is a slot, and look in "
        "pg_stat_activity for who holds the others.",
    ),
    "pool_exhausted": Cause(
        "The client's own pool had no connection to give in the time allowed; the server{at} was not asked",
        "a free connection of the pool",
        "Look for code that keeps a connection while it does something else; a larger pool only moves the limit.",
    ),
    "starting_up": Cause(
        "The server{at} is starting up, and takes no connections yet",
        "a server that has started",
        "Wait; the server's log shows how far it has come.",
    ),
    "in_recovery": Cause(
        "The server{at} is in recovery, and takes no connections",
        "a server that has recovered, or a standby with `hot_standby`",
        "Wait while the server's log shows progress. After a crash, look there for what crashed; for a standby that is "
        "to be read, set `hot_standby = on`.",
    ),
    "shutting_down": Cause(
        "The server{at} is shutting down",
        "a server that runs",
        "Find out who stopped it, and start it again.",
    ),
    "not_permitted": Cause(
        "The server{at} does not let the role{user} into the database{database}",
        "CONNECT on the database",
        "Grant CONNECT on the database, or LOGIN to the role.",
    ),
    "too_old": Cause(
        "The server{at} is too old for this client",
        "a server of a major that is still maintained",
        "Upgrade the server; where the URL sets `min_protocol_version`, take that out.",
    ),
    "misconfigured": Cause(
        "The connection parameters for the server{at} are wrong",
        "parameters that libpq knows",
        "Correct the URL, the service file or the PG… variable the sentence speaks of.",
    ),
    "root_certificate_missing": Cause(
        "The file{file} of the authorities to trust is missing or holds no certificate, so the certificate of the "
        "server{at} was not looked at",
        "a file with the certificate of the server's authority",
        "Name the authority's certificate by `sslrootcert` in the URL, or write `sslrootcert=system` for a publicly "
        "signed one (libpq 16 or newer).",
        shares="misconfigured",
    ),
    "another_kind": Cause(
        "The server{at} let a session in, but is not of the kind that `target_session_attrs` asks for",
        "a server of the kind that `target_session_attrs` asks for",
        "Name a server of that kind in the URL, or take `target_session_attrs` out; after a failover the servers have "
        "changed places.",
        shares="misconfigured",
    ),
    "failed": Cause(
        "The server{at} let no session begin",
        "a connection",
        "Look in the server's log for the reason.",
    ),
}
