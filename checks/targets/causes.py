"""The causes for which no session is opened: their words, and the tables by which they are told.

A further cause is a row more, here and among the codes of `connectivity`.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

# What each cause is called in a sentence, `{where}`, `{user}` and `{database}` filled in, and what to do about it.
CAUSES: dict[str, tuple[str, str]] = {
    "host_not_found": (
        "The name of {where} is not known to this machine's resolver",
        "Look for a misspelt host, a missing search domain, or a VPN that is not up.",
    ),
    "refused": (
        "Nothing listens at {where}",
        "Start the server, or look for another port, `listen_addresses`, or a container whose port is not published.",
    ),
    "timeout": (
        "The server at {where} did not answer in the time allowed",
        "Look for a firewall that drops packets, a wrong address, or a server too busy to accept connections.",
    ),
    "unreachable": (
        "The server at {where} cannot be reached from this machine",
        "Look at the network, the route and the address; a socket folder must exist and be readable.",
    ),
    "lost": (
        "The server at {where} closed the connection before a session was open",
        "Look in the server's log; something that is not PostgreSQL may be listening on that port.",
    ),
    "password_rejected": (
        "The server at {where} rejected the password of the role `{user}`",
        "Compare the password with the one the server has: special characters of a URL must be percent-encoded.",
    ),
    "password_missing": (
        "The server at {where} asks for a password for the role `{user}`, and none was given",
        "Put the password in the URL's variable, or a line for this server in ~/.pgpass (mode 0600).",
    ),
    "not_in_hba": (
        "The server at {where} has no pg_hba.conf line that lets the role `{user}` into the database `{database}`",
        "Add a `hostssl` line for this role, database and client address to pg_hba.conf, and reload the server.",
    ),
    "tls_required": (
        "The server at {where} accepts only connections with TLS, and this one came without",
        "Set `sslmode=require`, or better `verify-full`, in the URL.",
    ),
    "tls_not_offered": (
        "The server at {where} does not offer TLS, and the URL demands it",
        "Switch `ssl` on in the server, or look whether a proxy before it ends TLS.",
    ),
    "certificate_unknown": (
        "The certificate of the server at {where} is signed by an authority this machine does not trust",
        "Name the authority's certificate by `sslrootcert` in the URL.",
    ),
    "certificate_expired": (
        "The certificate of the server at {where} has expired or is not valid yet",
        "Renew the server's certificate and reload the server; look at this machine's clock, too.",
    ),
    "certificate_host": (
        "The certificate of the server at {where} is for another host name",
        "Connect by a name the certificate holds, or issue one for this name.",
    ),
    "database_missing": (
        "The server at {where} has no database `{database}`",
        "Look for a misspelt name, or create the database.",
    ),
    "role_missing": (
        "The server at {where} has no role `{user}` that may log in",
        "Look for a misspelt name, or create the role with LOGIN.",
    ),
    "too_many_connections": (
        "The server at {where} has no connection slot left",
        "Look in pg_stat_activity for who holds them; a pool that leaks, or `max_connections` too low for its clients.",
    ),
    "starting_up": (
        "The server at {where} is starting up or recovering, and takes no connections yet",
        "Wait; the server's log shows how far recovery has come.",
    ),
    "shutting_down": (
        "The server at {where} is shutting down",
        "Find out who stopped it, and start it again.",
    ),
    "not_permitted": (
        "The server at {where} does not let the role `{user}` into the database `{database}`",
        "Grant CONNECT on the database, or LOGIN to the role.",
    ),
    "misconfigured": (
        "The connection parameters for {where} are wrong",
        "Correct the URL, the service file or the PG… variable the sentence speaks of.",
    ),
    "failed": (
        "The server at {where} let no session begin",
        "Look in the server's log for the reason.",
    ),
}

BY_SQLSTATE = {
    "28P01": "password_rejected",
    "28000": "not_in_hba",
    "3D000": "database_missing",
    "53300": "too_many_connections",
    "57P01": "shutting_down",
    "57P02": "shutting_down",
    "57P03": "starting_up",
    "42501": "not_permitted",
    "55000": "not_permitted",
    "08P01": "lost",
}

# Looked through from the top. The first column is what a server in English, libpq or OpenSSL says.
BY_WORDING: tuple[tuple[str, str], ...] = (
    (r"no password supplied|empty password returned", "password_missing"),
    (r"password authentication failed|authentication failed for user", "password_rejected"),
    (r"role \".*\" (does not exist|is not permitted to log in)", "role_missing"),
    (r"pg_hba\.conf[^\n]*, SSL encryption", "not_in_hba"),
    (r"pg_hba\.conf[^\n]*, no encryption", "tls_required"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "not_in_hba"),
    (r"server does not support SSL", "tls_not_offered"),
    (r"certificate has expired|certificate is not yet valid", "certificate_expired"),
    (r"server certificate for .* does not match host name|host name mismatch|IP address mismatch", "certificate_host"),
    (r"certificate verify failed|self.signed certificate|unable to get (local )?issuer", "certificate_unknown"),
    (r"root certificate file .* (does not exist|could not)|could not read root certificate", "certificate_unknown"),
    (r"database \".*\" does not exist", "database_missing"),
    (r"too many clients|remaining connection slots|too many connections", "too_many_connections"),
    (r"shutting down", "shutting_down"),
    (r"starting up|not yet accepting connections|in recovery mode", "starting_up"),
    (r"permission denied for database|not currently accepting connections", "not_permitted"),
    (r"could not translate host name|could not look up|Name or service not known", "host_not_found"),
    (r"Connection refused", "refused"),
    (r"No such file or directory", "refused"),
    (r"timeout expired|timed out", "timeout"),
    (r"No route to host|[Nn]etwork is unreachable|Permission denied|Cannot assign requested address", "unreachable"),
    (r"invalid (sslmode|port|integer|connection option|value|[a-z_]+ value)|service file|must be", "misconfigured"),
    (r"closed the connection|received invalid response|[Cc]onnection reset|unexpected(ly)?|EOF", "lost"),
)
