"""What a disposable container is made with: the image's own entrypoint, our settings, and nothing left when it goes.

The data folder is in memory, the key and the rules of access are copied in before the start (no folder of this machine
is mounted, since the engine may be on another), and the password is in the container's variables only, as the image
wants it. https://hub.docker.com/_/postgres
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docker.errors import APIError, NotFound
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.docker_client import DockerClient

from checks.targets.authority import Certificate
from checks.targets.container_image import Image
from checks.targets.container_owner import labels
from checks.targets.container_way import PORT
from checks.targets.engine import TIMEOUT as ANSWERS_WITHIN
from checks.targets.template import SUPERUSER
from checks.targets.tuning import Setting

SHARED_MEMORY = "256m"  # of /dev/shm; the engine gives 64 MB, which one parallel query can fill
_INSIDE = "/pgrunbook"
_THEIRS = "/dev/shm/pgrunbook"  # noqa: S108 - of the container, and the folder is made for the server alone


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the engine's memory a server may take, as the engine writes it (`64m`): in all, and for its data."""

    memory: str = ""
    data: str = ""


class Box(PostgresContainer):
    """One container. `start` creates it and starts it, and does not wait for the server in it."""

    def __init__(self, image: str, password: str, *, timeout: float) -> None:
        super().__init__(
            image, username=SUPERUSER, password=password, dbname=SUPERUSER, driver=None,
            docker_client_kw={"timeout": timeout},
        )  # fmt: skip
        self.with_name(f"pgrunbook-{random.token_hex(6)}")
        self.platform = ""
        self.identity = "unknown"

    @property
    def is_made(self) -> bool:
        """Whether there is a container, or was, that nobody has cleared away."""
        return self._container is not None

    @property
    def engine(self) -> DockerClient:
        """The engine's client; it is closed by `stop`."""
        return self.get_docker_client()

    def furnish(
        self,
        image: Image,
        settings: Mapping[str, Setting],
        certificate: Certificate,
        *,
        plaintext: bool,
        limits: Limits,
        network: str,
    ) -> None:
        """Say how it is to be made: all but the port."""
        self.platform = image.platform
        self.identity = image.identity.removeprefix("sha256:")[:12]
        self.with_env("PGDATA", f"{image.folder}/pgrunbook").with_env("POSTGRES_INITDB_ARGS", "--no-sync")
        size = f",size={limits.data}" if limits.data else ""
        self.with_tmpfs_mount(image.folder, f"mode=1777{size}")  # whoever the image runs as makes a folder in it
        self.with_command([*image.entrypoint, "postgres", *_options(settings)])
        for name, content in _files(certificate, plaintext=plaintext).items():
            self.with_copy_into_container(content, f"{_INSIDE}/{name}")
        memory = {"mem_limit": limits.memory, "memswap_limit": limits.memory} if limits.memory else {}
        self.with_kwargs(
            entrypoint=["sh", "-c", _script(), "pgrunbook"],
            labels=labels(),
            shm_size=SHARED_MEMORY,
            network=network or "bridge",
            **memory,
        )

    def publish(self, address: str, port: int) -> None:
        """Have the server's port published on this one of the engine's machine, for the container's whole life."""
        self.ports = {f"{PORT}/tcp": (address, port)}  # type: ignore[dict-item]  # the engine's client takes an address too

    def clear(self) -> None:
        """Remove the container, if one was made, with its volumes; another can be started."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            container.remove(force=True, v=True)
        except NotFound:
            return  # somebody was quicker
        except APIError as error:
            if "already in progress" not in str(error):
                self._container = container
                raise
            container.wait(condition="removed", timeout=ANSWERS_WITHIN)

    def _connect(self) -> None:
        """Not here: the caller waits, and hears why it is in vain."""


def access_rules(*, plaintext: bool) -> str:
    """pg_hba.conf: over TCP a password within TLS. Inside the container the image's entrypoint has the password too.

    https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
    """
    hosts = "host" if plaintext else "hostssl"
    return f"local all,replication all scram-sha-256\n{hosts} all,replication all all scram-sha-256\n"


def _options(settings: Mapping[str, Setting]) -> list[str]:
    ours: dict[str, Setting] = {
        "listen_addresses": "*",
        "port": PORT,
        "hba_file": f"{_THEIRS}/pg_hba.conf",
        "ssl_cert_file": f"{_THEIRS}/server.pem",
        "ssl_key_file": f"{_THEIRS}/server.key",
    }
    return [word for name, value in {**settings, **ours}.items() for word in ("-c", f"{name}={_written(value)}")]


def _written(value: Setting) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _files(certificate: Certificate, *, plaintext: bool) -> dict[str, bytes]:
    return {
        "server.pem": certificate.certificate.read_bytes(),
        "server.key": certificate.key.read_bytes(),
        "pg_hba.conf": access_rules(plaintext=plaintext).encode(),
    }


@cache
def _script() -> str:
    return Path(__file__).with_name("container_start.sh").read_text(encoding="utf-8")
