"""A live database in a container of Compose: found by its labels, let in by its variables, and no further."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from checks.errors import ConnectionFailed, TargetFailed
from checks.secrets import mask
from checks.targets.composed import ComposeTarget
from checks.targets.session import ComposeService
from tests.command import BIN, HOLDS, ROOT, environment, page, pgrunbook, run
from tests.composing import NO_ENGINE, PASSWORD, Composed, composed, composed_postgres, without_engine

ASKED = """\
```yaml check
connectivity: {}
compose: {healthcheck: {interval: 500ms, timeout: 5s, retries: 5}}
```
"""


@pytest.fixture(scope="module")
def gaia() -> Iterator[Composed]:
    """The container of a project `gaia-…`, with a PostgreSQL that answers."""
    with composed_postgres() as container:
        yield container


def front(wanted: ComposeService) -> str:
    """A page's front matter with the service as its environment `dev`."""
    named = f"{{service: {wanted.service}, project: {wanted.project}, profile: dev}}"
    return f"environments:\n  dev: {{compose: {named}}}\n"


def refused(target: ComposeTarget) -> ConnectionFailed:
    """Why no session could be opened."""
    with pytest.raises(ConnectionFailed) as told:
        target.open()
    return told.value


def test_a_page_is_checked_in_its_container(gaia: Composed, tmp_path: Path) -> None:
    """No variable is set and no docker program is asked; the report names the container and shows no password."""
    page(tmp_path, "small", ASKED + HOLDS, front(gaia.wanted))
    ended = pgrunbook("check", "--env", "dev", "--format", "json", folder=tmp_path, variables={"PATH": "/nonexistent"})
    report = json.loads(ended.out)[0]
    assert ended.code == 0, ended
    assert report["server"]["obtained"].startswith(f"environment dev, container {gaia.name}, host 127.0.0.1 port ")
    assert report["server"]["obtained"].endswith(" database gaia")
    everything = "".join(file.read_text() for file in (tmp_path / "reports").iterdir())
    assert PASSWORD not in ended.out + ended.err + everything


def test_a_container_that_is_not_there_fails_and_leaves_the_rest_without_verdict(tmp_path: Path) -> None:
    """The two checks that ask about it fail with what to do; nobody else is asked."""
    with composed(service="other") as container:
        page(tmp_path, "small", ASKED + HOLDS, front(ComposeService(container.wanted.project, "postgres")))
        ended = pgrunbook("check", "--env", "dev", "--format", "json", folder=tmp_path)
    checks = json.loads(ended.out)[0]["checks"]
    assert ended.code == 1
    assert [(check["status"], check["code"]) for check in checks] == [
        ("failed", ""),
        ("failed", ""),
        ("errored", "connectivity.no_container"),
    ]
    assert [check["findings"][0]["code"] for check in checks[:2]] == ["connectivity.no_container", "compose.not_found"]


def test_without_an_engine_nothing_can_be_told(tmp_path: Path) -> None:
    """The exit code is 3, and the database is not blamed."""
    page(tmp_path, "small", ASKED + HOLDS, front(ComposeService("gaia", "postgres")))
    ended = pgrunbook("check", "--env", "dev", folder=tmp_path, variables={"DOCKER_HOST": NO_ENGINE})
    assert ended.code == 3, ended
    assert "No Docker engine answers" in ended.out
    assert "Traceback" not in ended.out + ended.err


def test_a_misspelt_service_is_a_mistake_of_the_page(tmp_path: Path) -> None:
    """The compose file lists the services, so no engine need be asked; the page's own section is shown."""
    (tmp_path / "compose.yaml").write_text("services: {postgres: {}}\n")
    fix = "## No such service <!-- fixes: environment.unknown_service -->\n\nAsk Ada.\n"
    page(tmp_path, "small", HOLDS + fix, front(ComposeService("gaia", "postgrse")))
    ended = pgrunbook("check", "--env", "dev", folder=tmp_path, variables={"DOCKER_HOST": NO_ENGINE})
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean `postgres`?" in ended.err
    assert ended.err.endswith("Ask Ada.\n")


def test_a_container_that_is_started_late_is_waited_for(tmp_path: Path) -> None:
    """`--wait` begins before there is an address, and finds it when there is one."""
    with composed_postgres() as container:
        container.container.stop(timeout=5)
        page(tmp_path, "small", ASKED, front(container.wanted))
        command = [str(BIN / "pgrunbook"), "check", "--env", "dev", "--wait", "20s", "--only", "connectivity"]
        waiting = subprocess.Popen(
            command, cwd=tmp_path, env=environment({"PYTHONUNBUFFERED": "1"}), stdout=subprocess.PIPE, text=True
        )
        assert waiting.stdout is not None
        first = waiting.stdout.readline()
        container.container.start()
        rest, _ = waiting.communicate(timeout=40)
    assert "does not run: exited" in first
    assert waiting.returncode == 0, rest


def test_a_stopped_container_is_told_from_one_that_is_gone() -> None:
    """Its state and its log are the next things to look at."""
    with composed() as container:
        container.container.kill()
        failure = refused(ComposeTarget("dev", container.wanted))
    assert (failure.code, failure.expected) == ("connectivity.container_stopped", "a running container")
    assert failure.sentence.endswith("does not run: exited (137).")
    assert f"`docker logs {container.name}`" in failure.hint


@pytest.mark.parametrize(
    ("published_on", "says"),
    [("", "publishes its port 5432 nowhere"), ("127.0.0.2", "on 127.0.0.2 alone, and not on 127.0.0.1")],
)
def test_only_a_port_of_this_machine_is_followed(published_on: str, says: str) -> None:
    """Nobody's container can send us to another address."""
    with composed(published_on=published_on) as container:
        failure = refused(ComposeTarget("dev", container.wanted))
    assert failure.code == "connectivity.port_not_published"
    assert says in failure.sentence


def test_a_container_that_comes_back_on_another_port_is_found_again() -> None:
    """The engine chooses a new port at every start, where the compose file names none."""
    with composed_postgres() as container:
        target = ComposeTarget("dev", container.wanted)
        target.open().close()
        before = target.endpoint.port
        container.container.restart(timeout=5)
        container.until("healthy")
        if target.endpoint.port == before:  # as it was known before the restart
            refused(target)
        with closing(target.open()) as session:
            assert session.server.obtained.startswith(f"environment dev, container {container.name}")


def test_a_database_that_lets_nobody_in_is_told_with_its_containers_health() -> None:
    """`starting` explains a refused connection better than the refusal does."""
    never = {"test": ["CMD", "true"], "interval": 3600 * 10**9}
    with composed(healthcheck=never) as container:
        failure = refused(ComposeTarget("dev", container.wanted))
    assert failure.sentence.endswith(f"Its container {container.name} is starting.")


def test_a_password_that_is_no_secret_hides_no_words() -> None:
    """On many a laptop it is the user's name: masked, the word would be gone from every message."""
    with composed(
        variables={"POSTGRES_USER": "gaia-of-a-laptop", "POSTGRES_PASSWORD": "gaia-of-a-laptop"}
    ) as container:
        refused(ComposeTarget("dev", container.wanted))
    assert mask("gaia-of-a-laptop") == "gaia-of-a-laptop"


def test_a_password_in_a_file_is_not_read() -> None:
    """What the variable names lies inside the container; who has no password is told why."""
    variables = {"POSTGRES_PASSWORD_FILE": "/run/secrets/password"}
    with composed(variables=variables) as container:
        failure = refused(ComposeTarget("dev", container.wanted))
    assert "is in a file (POSTGRES_PASSWORD_FILE), which is not read" in failure.sentence


def test_the_place_is_asked_of_the_engine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an engine there is no guess at localhost:5432, where somebody else's database may listen."""
    without_engine(monkeypatch)
    target = ComposeTarget("dev", ComposeService("gaia", "postgres"))
    with pytest.raises(TargetFailed, match="No Docker engine answers"):
        target.locate()
    assert refused(target).code == "connectivity.lost"


def test_whoever_needs_no_container_does_not_pay_for_one(tmp_path: Path) -> None:
    """A look at a URL's database, from the page that has a compose service too, imports no engine's client."""
    page(tmp_path, "small", ASKED, front(ComposeService("gaia", "postgres")) + '  url: {url: "${SMALL_URL}"}\n')
    nobody = {"SMALL_URL": "postgresql://user@127.0.0.1:9/db"}
    pgrunbook("check", "--env", "url", folder=tmp_path, variables=nobody)  # the page is read once, with all it takes
    program = (
        "import atexit, sys; from checks.program import main; "
        "atexit.register(lambda: print({'docker', 'testcontainers', 'requests', 'ruamel.yaml'} & set(sys.modules))); "
        "sys.argv[1:] = ['check', '--env', 'url']; main()"
    )
    ended = run([sys.executable, "-c", program], tmp_path, {**nobody, "PYTHONPATH": str(ROOT)})
    assert ended.out.splitlines()[-1] == "set()", ended
