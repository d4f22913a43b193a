"""What the container engine knows of a Compose service: its container, its health, and where it listens.

Nothing is changed, and no `docker` program is needed. The container's password is remembered as a secret as soon as it
is read. https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from checks.errors import ConnectionFailed
from checks.secrets import mask
from checks.suggest import did_you_mean
from checks.targets.container_way import way_to
from checks.targets.engine import reach
from checks.targets.engine_faults import engine_faults
from checks.targets.session import ComposeService, Endpoint
from checks.targets.url import remember_password

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

PATIENCE = 5.0  # seconds for one question to the engine
PORT = "5432/tcp"
LOOPBACK = "127.0.0.1"
_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF, _NUMBER = "com.docker.compose.oneoff", "com.docker.compose.container-number"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::", LOOPBACK, "localhost"})  # noqa: S104 - read, and not listened on
_NANOSECONDS = 1e9
_DEFAULTS = {"Interval": 30.0, "Timeout": 30.0, "Retries": 3, "StartPeriod": 0.0}


@dataclass(frozen=True, slots=True)
class Probe:
    """How the engine asks a container for its health. Times are in seconds.

    https://docs.docker.com/reference/dockerfile/#healthcheck
    """

    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine describes it. `health` is empty without a health check; `failures` are in a row.

    `host` is the engine's machine, and `published` where port 5432 is published on it: pairs of an address and a port.
    """

    name: str
    state: str
    exit_code: int
    out_of_memory: bool
    health: str
    failures: int
    probe: Probe | None
    host: str
    published: tuple[tuple[str, int], ...]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def is_running(self) -> bool:
        """Whether its programs run."""
        return self.state == "running"


class NoContainer(ConnectionFailed):
    """The project has no container of the service."""

    def __init__(self, sentence: str, *, hint: str) -> None:
        super().__init__(sentence, code="connectivity.no_container", hint=hint, expected="a container of the service")


def container_of(wanted: ComposeService) -> Container:
    """The service's container, a running one first. Raises NoContainer, and TargetFailed where no engine answers."""
    engine = reach(PATIENCE)
    with closing(engine.client) as client, engine_faults("looking for the container of a compose service"):
        found = client.api.containers(all=True, filters={"label": f"{_SERVICE}={wanted.service}"})
        ours = [one for one in found if one["Labels"].get(_PROJECT) == wanted.project and not _is_one_off(one)]
        if not ours:
            raise _missing(client, wanted, {one["Labels"].get(_PROJECT, "") for one in found})
        ours.sort(key=lambda one: (one["State"] != "running", one["Labels"].get(_NUMBER, "")))
        return _described(client.api.inspect_container(ours[0]["Id"]), _engine_host(engine))


def located(wanted: ComposeService) -> Endpoint:
    """Where the service's PostgreSQL listens, and how its container's own variables let one in.

    Raises ConnectionFailed where there is no way in, and TargetFailed where no engine answers.
    """
    container = container_of(wanted)
    if not container.is_running:
        raise ConnectionFailed(
            f"The container {container.name} of the compose service {wanted.service} does not run: "
            f"{state_of(container)}.",
            code="connectivity.container_stopped",
            hint=f"`{wanted.up}` starts it; `docker logs {container.name}` says why it ended.",
            expected="a running container",
        )
    host, port = _address(container, wanted)
    user = container.environment.get("POSTGRES_USER") or "postgres"
    password = container.environment.get("POSTGRES_PASSWORD") or None
    database = container.environment.get("POSTGRES_DB") or user
    compose = replace(wanted, container=container.name)
    return Endpoint(host=host, port=port, user=user, password=password, database=database, compose=compose)


def remarks(container: Container) -> str:
    """What is peculiar about a container that lets nobody in, or nothing."""
    if container.health in {"unhealthy", "starting"}:
        return f"Its container {container.name} is {state_of(container)}."
    if "POSTGRES_PASSWORD_FILE" in container.environment and "POSTGRES_PASSWORD" not in container.environment:
        return (
            f"The password of its container {container.name} is in a file (POSTGRES_PASSWORD_FILE), which is not "
            "read: give the environment a `url`."
        )
    return ""


def state_of(container: Container) -> str:
    """The container's state in a few words: `exited (137, out of memory)`, or `unhealthy, 7 failures in a row`."""
    if container.is_running:
        row = f", {container.failures} failure{'s' * (container.failures != 1)} in a row" if container.failures else ""
        return f"{container.health or 'running'}{row}"
    memory = ", out of memory" if container.out_of_memory else ""
    return f"{container.state} ({container.exit_code}{memory})" if container.state == "exited" else container.state


def _address(container: Container, wanted: ComposeService) -> tuple[str, int]:
    """Of this machine alone: a port published on another address is not followed."""
    for host, port in container.published:
        if host in _EVERYWHERE:
            return container.host, port
    there = ", ".join(sorted({host for host, _ in container.published}))
    sentence = f"on {there} alone, and not on {LOOPBACK}" if there else "nowhere"
    raise ConnectionFailed(
        f"The container {container.name} of the compose service {wanted.service} publishes its port 5432 {sentence}.",
        code="connectivity.port_not_published",
        hint=f'Add `ports: ["{LOOPBACK}:5432:5432"]` to the service in the compose file, then `{wanted.up}`.',
        expected=f"port 5432 published on {LOOPBACK}",
    )


def _missing(client: Any, wanted: ComposeService, elsewhere: set[str]) -> NoContainer:
    """Perhaps it was never started, perhaps it is misspelt, perhaps it is another project's."""
    labels = [one["Labels"] for one in client.api.containers(all=True, filters={"label": _SERVICE})]
    services = {one[_SERVICE] for one in labels if one.get(_PROJECT) == wanted.project}
    hints = [did_you_mean(wanted.service, services) if services else ""]
    if elsewhere:
        named = ", ".join(sorted(elsewhere))
        hints.append(f"There is a service of that name in {named}: set COMPOSE_PROJECT_NAME, or `project`, to mean it.")
    hints.append(f"`{wanted.up}` starts it.")
    return NoContainer(
        f"The compose project {wanted.project} has no container of a service {wanted.service}.",
        hint=" ".join(hint for hint in hints if hint),
    )


def _described(found: Mapping[str, Any], host: str) -> Container:
    state, config = found["State"], found["Config"]
    environment = dict(word.partition("=")[::2] for word in config.get("Env") or ())
    remember_password(environment.get("POSTGRES_PASSWORD", ""), environment.get("POSTGRES_USER", ""))
    health = state.get("Health") or {}
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    return Container(
        name=mask(found["Name"].lstrip("/")),
        state=state["Status"],
        exit_code=state.get("ExitCode", 0),
        out_of_memory=bool(state.get("OOMKilled")),
        health=health.get("Status", "").removeprefix("none"),
        failures=health.get("FailingStreak", 0),
        probe=_probe(config.get("Healthcheck") or {}),
        host=host,
        published=tuple((one["HostIp"], int(one["HostPort"])) for one in ports.get(PORT) or ()),
        environment=environment,
    )


def _probe(found: Mapping[str, Any]) -> Probe | None:
    """What is left out, or 0, is the engine's default."""
    if (found.get("Test") or ["NONE"])[0] == "NONE":
        return None
    seconds = [
        (found.get(name) or 0) / _NANOSECONDS or _DEFAULTS[name] for name in ("Interval", "Timeout", "StartPeriod")
    ]
    return Probe(seconds[0], seconds[1], found.get("Retries") or int(_DEFAULTS["Retries"]), seconds[2])


def _is_one_off(one: Mapping[str, Any]) -> bool:
    """Whether `docker compose run` made it, beside the service."""
    return str(one["Labels"].get(_ONE_OFF, "")).lower() == "true"


def _engine_host(client: DockerClient) -> str:
    """Where the engine publishes ports: this machine, the engine's own, or, from inside a container, its gateway."""
    return way_to(client).host or client.host()
