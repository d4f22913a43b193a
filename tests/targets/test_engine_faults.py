"""What the engine says when it cannot go on, where no test can bring it about: its disk full, its platform another."""

from __future__ import annotations

import docker.errors
import pytest
import requests

from checks.targets.engine_faults import fault


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "container.disk_full"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "container.architecture"),
        ("image with reference postgres:17 does not match the specified platform", "container.architecture"),
        ("driver failed programming external connectivity: Bind for 127.0.0.1:5432 failed: port is already allocated",
         "container.port_taken"),
        ("no such image: UPPER/x: invalid reference format: must be lowercase", "container.image_unknown"),
        ("something that nobody has seen so far", "container.engine_refused"),
    ],
)  # fmt: skip
def test_the_engines_words_have_their_codes(said: str, code: str) -> None:
    """The words are those of Docker 20 to 28; what is not known is repeated as it is."""
    answer = requests.Response()
    answer.status_code = 500
    failed = fault(docker.errors.APIError("500 Server Error", answer, said), "doing so")
    assert failed.code == code
    assert said in failed.sentence
    assert failed.hint


def test_an_exception_that_holds_itself_is_read_once() -> None:
    """Libraries chain exceptions in circles."""
    error = docker.errors.DockerException("it is down")
    error.__context__ = ConnectionRefusedError(111, "Connection refused")
    error.__context__.__cause__ = error
    assert fault(error, "doing so", reached=False).code == "container.no_engine"
