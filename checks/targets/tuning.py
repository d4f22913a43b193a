"""What a disposable server is configured with: quick to start, honest in behaviour, closed to everybody else.

Nothing here outlives the run, so nothing is forced to disk: https://www.postgresql.org/docs/current/non-durability.html
`synchronous_commit` stays on, since without fsync it costs nothing and a killed server keeps what it committed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from checks.errors import TargetFailed
from checks.targets.account import our_name
from checks.targets.authority import Certificate
from checks.targets.postmaster import HOST
from checks.targets.template import HIDDEN_SUPERUSER, SUPERUSER

Setting = str | int | float | bool

LEAN: Mapping[str, Setting] = {
    "fsync": False,
    "full_page_writes": False,
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_wal_size": "256MB",
    "shared_buffers": "16MB",
    "max_connections": 50,
    "max_logical_replication_workers": 0,
    "dynamic_shared_memory_type": "mmap",
    "autovacuum": False,
    "jit": False,
    "ssl": True,
}
OURS = frozenset(
    {
        "port",
        "listen_addresses",
        "unix_socket_directories",
        "unix_socket_permissions",
        "data_directory",
        "hba_file",
        "ident_file",
        "config_file",
        "external_pid_file",
        "ssl_cert_file",
        "ssl_key_file",
    }
)
_WAL = frozenset({"wal_level", "max_wal_senders", "archive_mode", "summarize_wal"})
_NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_IDENT_MAP = "pgrunbook"


def merged(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """LEAN with `settings` over it. Raises TargetFailed for one that is no setting's name, or that is ours to set."""
    for name, value in settings.items():
        if not _NAME.fullmatch(name) or "\n" in str(value) or "\0" in str(value):
            raise TargetFailed(f"{name!r} = {str(value)!r} cannot be a setting of a PostgreSQL server.")
        if name.lower() in OURS:
            raise TargetFailed(
                f"The setting `{name}` of a disposable server cannot be chosen: pgrunbook reaches the server by it.",
                hint=f"leave `{name}` out of the settings of the disposable server",
            )
    given = {name.lower(): value for name, value in settings.items()}
    # These four must agree with each other, so whoever sets one gets the server's own defaults for the rest.
    lean = {name: value for name, value in LEAN.items() if not (name in _WAL and _WAL & given.keys())}
    return lean | given


def configuration(settings: Mapping[str, Setting]) -> str:
    """Lines of postgresql.conf. They go to the file and not to the command line, so that ALTER SYSTEM still works."""
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def has_tls(settings: Mapping[str, Setting]) -> bool:
    """Whether a server of these settings speaks TLS."""
    return str(settings["ssl"]).lower() in {"on", "true", "yes", "1"}


def command_line(port: int, socket: Path, certificate: Certificate) -> list[str]:
    """The options that only pgrunbook sets, where no file and no ALTER SYSTEM can change them."""
    ours = {
        "port": port,
        "listen_addresses": HOST,
        "unix_socket_directories": '"' + str(socket).replace('"', '""') + '"',
        "ssl_cert_file": certificate.certificate,
        "ssl_key_file": certificate.key,
    }
    return [word for name, value in ours.items() for word in ("-c", f"{name}={value}")]


def access_rules(*, plaintext: bool) -> str:
    """pg_hba.conf: over TCP a password within TLS; on the socket whoever started the server, told by the kernel.

    https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
    """
    hosts = "host" if plaintext else "hostssl"
    refusal = "" if plaintext else "hostnossl all,replication all all reject\n"
    return (
        f"local all,replication {SUPERUSER},{HIDDEN_SUPERUSER} peer map={_IDENT_MAP}\n"
        "local all,replication all scram-sha-256\n"
        f"{hosts} all,replication all {HOST}/32 scram-sha-256\n"
        f"{refusal}"
    )


def identities() -> str:
    """pg_ident.conf: which user of this machine is the superuser on the socket."""
    return "".join(f'{_IDENT_MAP} "{our_name()}" {name}\n' for name in (SUPERUSER, HIDDEN_SUPERUSER))


def _quoted(value: Setting) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
