"""The environment's container runs, is healthy, and is asked for its health as the page says.

What waits for a healthy container in Compose (`depends_on`, a deployment) hangs or goes ahead by this one word. Without
a health check it goes ahead too early; with one that asks too seldom, a dead database counts as healthy for minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from checks.catalog.circumstances import Circumstances
from checks.check import Asking, Cell, Check, Code, Finding, Severity
from checks.errors import CouldNotTell, NotApplicable, TargetFailed
from checks.runbook.model import REFUSE_UNKNOWN_KEYS
from checks.runbook.rules import Positive
from checks.units import Duration, show_seconds

if TYPE_CHECKING:
    from checks.targets.compose_container import Container, Probe
    from checks.targets.session import ComposeService

EXAMPLE = """\
compose:
  healthcheck: {interval: 10s, timeout: 5s, retries: 5}"""


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """The settings of a health check, as the compose file has them. What is left out is not compared."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    interval: Duration | None = None
    timeout: Duration | None = None
    retries: Positive | None = None
    start_period: Duration | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """How the container must be asked for its health. Without any it must be healthy, however it is asked."""

    __pydantic_config__: ClassVar[dict[str, Any]] = REFUSE_UNKNOWN_KEYS

    healthcheck: Healthcheck = field(
        default_factory=Healthcheck,
        metadata={
            "description": "What the container's health check must be set to, as in the compose file: `interval`, "
            "`timeout`, `retries`, `start_period`."
        },
    )


def ask(parameters: Parameters, circumstances: Circumstances) -> Asking:
    """Two questions to the container engine, and no query.

    Raises NotApplicable where the target is no compose service, and CouldNotTell where no engine answers.
    """
    from checks.targets.compose_container import NoContainer, container_of

    yield from ()
    wanted = circumstances.endpoint.compose
    if wanted is None:
        raise NotApplicable("this database is no service of Compose")
    try:
        container = container_of(wanted)
    except NoContainer as missing:
        sentence = f"{missing.sentence} {missing.hint}"
        return [Finding("compose.not_found", False, sentence, missing.expected, "none")]
    except TargetFailed as failure:
        raise CouldNotTell(failure.sentence, code="compose.no_engine", hint=failure.hint) from failure
    if not container.is_running:
        return [_stopped(container, wanted)]
    findings = [*_health(container), *_differing(parameters.healthcheck, container)]
    return findings or [_healthy(container)]


def _stopped(container: Container, wanted: ComposeService) -> Finding:
    from checks.targets.compose_container import state_of

    sentence = f"The container {container.name} of the service {wanted.service} does not run."
    return Finding("compose.not_running", False, sentence, "running", state_of(container))


def _health(container: Container) -> Iterator[Finding]:
    from checks.targets.compose_container import state_of

    state = state_of(container)
    if container.probe is None or not container.health:
        sentence = f"The container {container.name} runs, and nobody asks it for its health."
        yield Finding("compose.no_healthcheck", False, sentence, "a health check", "none")
    elif container.health == "starting":
        sentence = f"The container {container.name} has not been found healthy since it started."
        yield Finding("compose.starting", False, sentence, "healthy", state, severity=Severity.WARN)
    elif container.health != "healthy":
        evidence: Mapping[str, Cell] = {"container": container.name, "failures in a row": container.failures}
        sentence = f"The container {container.name} is unhealthy."
        yield Finding("compose.unhealthy", False, sentence, "healthy", state, (evidence,))


def _differing(wanted: Healthcheck, container: Container) -> Iterator[Finding]:
    if container.probe is None:
        return
    rows = tuple(_rows(wanted, container.probe))
    wrong = [row for row in rows if row["wanted"] != row["is"]]
    if wrong:
        names = ", ".join(str(row["setting"]) for row in wrong)
        yield Finding(
            "compose.healthcheck_differs",
            False,
            f"The health check of the container {container.name} is set otherwise than the page says: {names}.",
            ", ".join(f"{row['setting']} {row['wanted']}" for row in wrong),
            ", ".join(f"{row['setting']} {row['is']}" for row in wrong),
            tuple(wrong),
        )


def _rows(wanted: Healthcheck, probe: Probe) -> Iterator[Mapping[str, str]]:
    for one in fields(wanted):
        value = getattr(wanted, one.name)
        if value is not None:
            yield {"setting": one.name, "wanted": _shown(value), "is": _shown(getattr(probe, one.name))}


def _shown(value: float) -> str:
    return str(value) if type(value) is int else show_seconds(float(value))


def _healthy(container: Container) -> Finding:
    probe = container.probe
    if probe is None:
        raise AssertionError("who has no health check is not healthy")
    return Finding(
        "compose.healthy",
        True,
        f"The container {container.name} is healthy; it is asked every {show_seconds(probe.interval)}.",
        "healthy",
        container.health,
        (_settings_of(probe),),
    )


def _settings_of(probe: Probe) -> Mapping[str, str]:
    return {one.name: _shown(getattr(probe, one.name)) for one in fields(Healthcheck)}


CODES: Mapping[str, Code] = {
    "compose.healthy": Code("The container runs, is healthy, and is asked for its health as the page says."),
    "compose.unhealthy": Code(
        "As many health checks as `retries` says failed in a row.",
        "What Compose starts after it does not start, and what restarts unhealthy containers will do so.",
        "`docker inspect --format '{{json .State.Health}}' CONTAINER` shows what the last checks said, and "
        "`docker logs CONTAINER` what PostgreSQL did.",
    ),
    "compose.starting": Code(
        "The container was started, and no health check has succeeded so far.",
        "PostgreSQL recovers after a crash, runs its scripts of the first start, or does not get as far.",
        "Wait as long as `start_period` and `retries` allow: `--wait 60s` does. Then read `docker logs CONTAINER`.",
    ),
    "compose.no_healthcheck": Code(
        "The container runs without a health check, or with one that is disabled.",
        "What Compose starts after it starts too early, and nobody notices a PostgreSQL that hangs.",
        'Add to the service: `healthcheck: {test: ["CMD-SHELL", "pg_isready -U USER -d DATABASE"], interval: 10s, '
        "timeout: 5s, retries: 5}`, then `docker compose up -d SERVICE`.",
    ),
    "compose.healthcheck_differs": Code(
        "The container is asked for its health at other intervals, or given up after another number of failures.",
        "It takes longer, or shorter, than the page says until a dead database is noticed.",
        "Correct `healthcheck` in the compose file and run `docker compose up -d SERVICE`: a container keeps what it "
        "was created with. Or correct the page.",
    ),
    "compose.not_running": Code(
        "The container is there and does not run: it exited, is paused, or is restarted over and over.",
        "There is no database to ask.",
        "`docker logs CONTAINER` says why it ended; 137 and `out of memory` is the kernel's doing. Then "
        "`docker compose up -d SERVICE`, or `docker unpause CONTAINER`.",
    ),
    "compose.not_found": Code(
        "The Compose project has no container of the service.",
        "It was never started, or removed by `docker compose down`; or the project or the service has another name.",
        "Start it with `docker compose up -d SERVICE`, in the project's folder. `docker compose ls` shows the names of "
        "projects; COMPOSE_PROJECT_NAME names another one.",
    ),
    "compose.no_engine": Code(
        "No container engine answered, so nothing is known of the container.",
        "There is no verdict; the database may be well.",
        "Start the engine, or let this user in: `invoke doctor` says which it is.",
    ),
}

CHECK = Check(
    kind="compose",
    claim="The environment's container runs, is healthy, and is asked for its health as the page says.",
    manual="https://docs.docker.com/reference/compose-file/services/#healthcheck",
    params=Parameters,
    ask=ask,
    codes=CODES,
    privileges="None, since no database is asked; this user's access to the container engine.",
    alone=True,
)
