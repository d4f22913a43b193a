"""What the rest of the project knows of a database: an endpoint, a target that opens sessions, a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from checks.check import POSTGRESQL, Answer, Engine, Query


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an endpoint's URL was found, for hints when it leads nowhere. `repr` shows no value.

    `names` are the variables the URL is made with, `driver` what it names after a `+`, `folder` the project's, where a
    `.env` may lie, `env_file` the file a person named, and `variables` those of the process.
    """

    names: tuple[str, ...]
    driver: str
    folder: Path
    env_file: Path | None
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ComposeService:
    """A service of a Compose project on this machine's container engine, and what it goes by here.

    `profile` is empty where none starts it. `container` is empty until it was found.
    """

    project: str
    service: str
    profile: str = ""
    container: str = ""

    @property
    def up(self) -> str:
        """The command that starts it."""
        profile = f"--profile {self.profile} " if self.profile else ""
        return f"docker compose {profile}up -d {self.service}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a database listens and how to get in. `repr` shows no password.

    `host` is a name, an address or a socket folder; `options` are further libpq parameters (`sslmode`, `sslrootcert`,
    `service`, …). For SQLite only `path` is set. `origin` is known of an environment's. With `compose` the
    rest is empty until the service's container was found.
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    """

    engine: Engine = POSTGRESQL
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    origin: Origin | None = field(default=None, repr=False, compare=False)
    compose: ComposeService | None = None

    @property
    def is_socket(self) -> bool:
        """Whether `host` is a Unix socket folder, so that TLS and host names have no part in it."""
        return self.host is not None and self.host.startswith("/")


@dataclass(frozen=True, slots=True)
class Server:
    """Which server answered. `version` is as the server says it (`17.10`), `obtained` how we came by it."""

    engine: Engine
    version: str
    major: int
    obtained: str


Arrived = Callable[[Answer], None]


def unheard(answer: Answer) -> None:
    """Nobody waits for single answers."""


class Session(Protocol):
    """One connection. Queries of one call share a flight: one network round trip where the protocol allows it."""

    def ask(self, queries: Sequence[Query], *, patience: float, arrived: Arrived = unheard) -> list[Answer]:
        """One answer for each query, in order; a refused query is an answer with `error`, and harms no other.

        `arrived` is called with each answer as it comes in. `patience` is how many seconds may pass with no answer
        arriving. When they have, the session is closed and the answers that did arrive are returned: fewer than were
        asked, and the first one missing is the one that hangs.
        Raises ConnectionFailed (`connectivity.lost`) when the peer goes away.
        """
        ...

    def script(self, sql: str) -> None:
        """Run a script of several statements in one transaction, on a writable session. Raises QueryFailed."""
        ...

    @property
    def server(self) -> Server:
        """The server as it introduced itself when the session opened."""
        ...

    @property
    def guards(self) -> Mapping[str, str]:
        """The safety settings as the server read them back after connecting (`transaction_read_only`: `on`, …)."""
        ...

    @property
    def round_trip(self) -> float:
        """Seconds of one bare round trip, measured while the guards were read back."""
        ...

    def abort(self) -> None:
        """Close from another thread, now: whoever waits on this session gets ConnectionFailed at once."""
        ...

    def close(self) -> None:
        """Close in good order. Closing twice is harmless."""
        ...


class Target(Protocol):
    """A database to ask: started here and thrown away, or live."""

    @property
    def name(self) -> str:
        """`embedded`, or the environment's name."""
        ...

    @property
    def engine(self) -> Engine: ...

    @property
    def disposable(self) -> bool:
        """Whether it was started by us, holds nothing of worth, and may be written to."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """Where a client over the network reaches it: what the `tls` check dials."""
        ...

    def open(self, *, writable: bool = False, timeout: float = 5.0) -> Session:
        """A new session, read-only unless `writable` (refused on a live target). Raises ConnectionFailed."""
        ...

    def close(self) -> None:
        """Stop what was started for this target, and remove what it left."""
        ...
