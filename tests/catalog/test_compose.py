"""The `compose` check: the environment's container runs and is asked for its health as the page says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.check import Finding, Severity
from checks.errors import CouldNotTell, NotApplicable
from checks.targets.composed import ComposeTarget
from checks.targets.embedded import EmbeddedTarget
from checks.targets.session import ComposeService
from tests.catalog.tools import check_fails, check_holds, findings_of
from tests.composing import ILL, WELL, Composed, composed, probe, without_engine

AS_MADE = "healthcheck: {interval: 1s, timeout: 5s, retries: 5}"


def target_of(container: Composed) -> ComposeTarget:
    """The environment whose service it is."""
    return ComposeTarget("dev", container.wanted)


@pytest.fixture(scope="module")
def well() -> Iterator[Composed]:
    """A container whose health check succeeds."""
    with composed(healthcheck=probe(*WELL)) as container:
        yield container.until("healthy")


def test_a_healthy_container_holds(well: Composed) -> None:
    """Healthy, and asked as the page says; what is left out is not compared."""
    [finding] = check_holds("compose", AS_MADE, target_of(well))
    assert (finding.code, finding.observed) == ("compose.healthy", "healthy")
    assert finding.evidence == ({"interval": "1.0 s", "timeout": "5.0 s", "retries": "5", "start_period": "0.0 ms"},)
    check_holds("compose", None, target_of(well))


def test_another_health_check_fails(well: Composed) -> None:
    """Every setting that differs is named, with what it is and what it should be."""
    wanted = "healthcheck: {interval: 10s, timeout: 5s, retries: 3, start_period: 1min}"
    finding = check_fails("compose", wanted, target_of(well), code="compose.healthcheck_differs")
    assert finding.sentence.endswith("the page says: interval, retries, start_period.")
    assert [row["setting"] for row in finding.evidence] == ["interval", "retries", "start_period"]


def test_an_unhealthy_container_fails() -> None:
    """As many failures in a row as `retries` says."""
    with composed(healthcheck=probe(*ILL, retries=1)) as container:
        container.until("unhealthy")
        finding = check_fails("compose", None, target_of(container), code="compose.unhealthy")
        assert finding.evidence[0]["container"] == container.name
        assert int(str(finding.evidence[0]["failures in a row"])) >= 1


def test_a_starting_container_warns() -> None:
    """Not asked yet is neither well nor ill."""
    with composed(healthcheck=probe(*WELL, interval=3600)) as container:
        finding = check_fails("compose", None, target_of(container), code="compose.starting")
        assert (finding.severity, finding.observed) == (Severity.WARN, "starting")


def test_a_container_nobody_asks_fails() -> None:
    """A container without a health check counts as started at once, whatever it does."""
    with composed() as container:
        check_fails("compose", None, target_of(container), code="compose.no_healthcheck")
        container.container.pause()
        finding = check_fails("compose", None, target_of(container), code="compose.not_running")
        assert finding.observed == "paused"


def test_an_exited_container_fails_with_its_status() -> None:
    """What its first process ended with is the first thing one wants to know."""
    with composed(command=("sh", "-c", "exit 7")) as container:
        container.container.wait()
        finding = check_fails("compose", None, target_of(container), code="compose.not_running")
        assert finding.observed == "exited (7)"


def test_a_service_without_a_container_fails(well: Composed) -> None:
    """It was never started, or is misspelt, or is another project's: each has its hint."""
    project = well.wanted.project
    finding = missing(ComposeService(project, "postgers"))
    assert finding.sentence.startswith(f"The compose project {project} has no container of a service postgers.")
    assert "did you mean `postgres`?" in finding.sentence
    elsewhere = missing(ComposeService("other", "postgres", "dev"))
    assert project in elsewhere.sentence
    assert elsewhere.sentence.endswith("`docker compose --profile dev up -d postgres` starts it.")


def missing(wanted: ComposeService) -> Finding:
    """The finding on a service that has no container."""
    return check_fails("compose", None, ComposeTarget("dev", wanted), code="compose.not_found")


def test_a_container_of_compose_run_is_not_the_services(well: Composed) -> None:
    """`docker compose run` makes one beside the service, for one command."""
    one_off = {"com.docker.compose.oneoff": "True"}
    with composed(project=well.wanted.project, service="once", labels=one_off):
        assert missing(ComposeService(well.wanted.project, "once")).code == "compose.not_found"


def test_without_an_engine_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine being down says nothing of the database."""
    without_engine(monkeypatch)
    with pytest.raises(CouldNotTell, match="No Docker engine answers") as told:
        findings_of("compose", None, ComposeTarget("dev", ComposeService("gaia", "postgres")))
    assert told.value.code == "compose.no_engine"


def test_another_database_is_not_asked(target: EmbeddedTarget) -> None:
    """A database that is no compose service has no container to look at."""
    with pytest.raises(NotApplicable, match="no service of Compose"):
        findings_of("compose", None, target)
