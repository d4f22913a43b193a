"""`verify` on containers and on several majors, from outside: what a person types and what comes back."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from checks.targets.binaries import available
from tests.command import BIN, HOLDS, environment, heeds_interrupts, page, pgrunbook, sql_check
from tests.composing import NO_ENGINE
from tests.containers.docker import client, containers_of


@pytest.mark.parametrize(
    "arguments",
    [
        ["--on", "boat"],
        ["--image", "postgres:16"],
        ["--on", "container", "--postgres-bin", "/usr"],
        ["--on", "container", "--image", "postgres:16", "--postgres", "15,16"],
        ["--on", "container", "--image", "postgres:{major}"],
        ["--on", "container", "--image", "post gres"],
        ["--on", "container", "--image", "registry.example/Postgres"],
        ["--postgres", "sixteen"],
    ],
)
def test_a_wrong_command_line_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing was started, and the hint says what to write."""
    page(tmp_path, "small", HOLDS)
    ended = pgrunbook("verify", *arguments, folder=tmp_path, variables={"DOCKER_HOST": NO_ENGINE})
    assert (ended.code, ended.out) == (2, ""), ended
    assert "HINT: " in ended.err
    assert not (tmp_path / "reports").exists()


def test_a_page_whose_image_is_no_image_is_a_mistake_of_the_page(tmp_path: Path) -> None:
    """It is told at its line, as every mistake is."""
    page(tmp_path, "small", HOLDS, "image: -e PASSWORD=x postgres\n")
    ended = pgrunbook("lint", folder=tmp_path)
    assert ended.code == 2
    assert "runbooks/small.md:4:8: `image` must be the name of an image" in ended.out


def test_without_an_engine_nothing_can_be_told(tmp_path: Path) -> None:
    """3 and the reason, for a report too; the embedded default is named as the way out."""
    page(tmp_path, "small", HOLDS)
    ended = pgrunbook("verify", "--on", "container", folder=tmp_path, variables={"DOCKER_HOST": NO_ENGINE})
    assert ended.code == 3, ended
    assert "No Docker engine answers" in ended.out
    assert "leave `--on container` out" in ended.out
    assert "Traceback" not in ended.out + ended.err
    assert list((tmp_path / "reports").glob("*small-verify.json"))


@pytest.mark.parametrize("way", ["variable", "page"])
def test_a_page_is_verified_in_a_container(tmp_path: Path, postgres_image: str, way: str) -> None:
    """The report says what answered and how it was come by."""
    variables = {"PGRUNBOOK_POSTGRES_IMAGE": postgres_image} if way == "variable" else {}
    page(tmp_path, "small", HOLDS, f"image: {postgres_image}\n" if way == "page" else "")
    ended = pgrunbook("verify", "--on", "container", "--format", "json", folder=tmp_path, variables=variables)
    assert ended.code == 0, ended
    report = json.loads(ended.out)[0]
    assert report["run"]["target"] == "container"
    assert report["server"]["obtained"].startswith(f"container, image {postgres_image}")


def test_majors_of_this_machine_make_a_matrix(tmp_path: Path) -> None:
    """One report a major; what fails on one fails the command; what is not here is there as such, and never green."""
    here = sorted({one.major for one in available()})
    old, *newer = here
    fails = sql_check("It is new", f"SELECT 1 WHERE current_setting('server_version_num')::int / 10000 = {old}")
    page(tmp_path, "small", HOLDS + fails)
    page(tmp_path, "other", HOLDS)
    ended = pgrunbook("verify", "--postgres", ",".join(map(str, [*here, 98])), folder=tmp_path)
    assert ended.code == 1, ended
    table = [line.split() for line in ended.out.splitlines()[-3:]]
    unknown = ["could", "not", "tell"]
    assert table == [
        [*map(str, here), "98"],
        ["other", *("held" for _ in here), *unknown],
        ["small", "failed", *("held" for _ in newer), *unknown],
    ]
    held = len(here) + len(newer)
    assert f"2 runbooks on {len(here) + 1} majors: {held} held, 1 failed, 2 could not tell." in ended.out
    assert f"PostgreSQL 98 is not at hand: this machine has {old}" in ended.out
    assert len(list((tmp_path / "reports").glob("*-verify-on*.json"))) == 2 * (len(here) + 1)
    [kept] = (tmp_path / "reports").glob("*.matrix.json")
    assert json.loads(kept.read_text())["exit_code"] == 1
    assert "Each page on each major" in (tmp_path / "reports" / "index.md").read_text()


def test_a_major_that_is_not_here_is_not_green(tmp_path: Path) -> None:
    """Nor is it replaced by one that is, as a page's own major is where nobody asked for it."""
    page(tmp_path, "small", HOLDS, "postgres: 98\n")
    assert pgrunbook("verify", folder=tmp_path).code == 0
    ended = pgrunbook("verify", "--postgres", "98", "--format", "json", folder=tmp_path)
    assert ended.code == 3
    [report] = json.loads(ended.out)
    assert report["run"]["verdict"] == "could not tell"


def test_images_of_several_majors_make_a_matrix(tmp_path: Path, postgres_images: list[str]) -> None:
    """The name of the image has the major in it; JSON ends with the matrix."""
    first = postgres_images[0]
    pattern = first.rpartition(":")[0] + ":{major}" + "".join(first.rpartition(":")[2].partition("-")[1:])
    known = [image.rpartition(":")[2].partition("-")[0] for image in postgres_images]
    page(tmp_path, "small", HOLDS, "server: {max_connections: 20}\n")
    ended = pgrunbook(
        "verify", "--on", "container", "--image", pattern, "--postgres", ",".join(known), "--format", "json",
        folder=tmp_path,
    )  # fmt: skip
    *reports, matrix = json.loads(ended.out)
    assert ended.code == 0, ended
    assert [str(report["server"]["major"]) for report in reports] == known
    assert [cell["verdict"] for cell in matrix["rows"][0]["cells"]] == ["held"] * len(known)


def test_doctor_shows_the_engine_its_images_and_what_is_missing(tmp_path: Path, postgres_image: str) -> None:
    """What a page here would be run on and is not here is named, with the command that fetches it."""
    page(tmp_path, "small", HOLDS, "postgres: 98\n")
    ended = pgrunbook("doctor", "--format", "json", folder=tmp_path)
    found = {ability["name"]: ability for ability in json.loads(ended.out)}
    assert ended.code == 0
    assert found["container engine"]["present"]
    assert postgres_image in found["images of PostgreSQL"]["found"]
    assert found["image postgres:98-alpine"]["found"] == "not here, and wanted by small"
    assert found["image postgres:98-alpine"]["hint"] == "`docker pull postgres:98-alpine`"


def test_doctor_needs_no_engine(tmp_path: Path) -> None:
    """Without one it says so, and that nothing but containers needs it."""
    ended = pgrunbook("doctor", folder=tmp_path, variables={"DOCKER_HOST": NO_ENGINE})
    assert ended.code == 0
    assert "no   container engine       No Docker engine answers at tcp://127.0.0.1:9" in ended.out


def test_an_interrupted_matrix_leaves_no_container(tmp_path: Path, postgres_image: str) -> None:
    """Ctrl-C while containers start: 130, a report of each run, and nothing on the engine."""
    page(tmp_path, "small", sql_check("Sleeps", "SELECT pg_sleep(50)"), "server: {work_mem: 5MB}\n")
    page(tmp_path, "other", sql_check("Sleeps", "SELECT pg_sleep(50)"))
    command = [str(BIN / "pgrunbook"), "verify", "--on", "container", "--image", postgres_image]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip
    for _ in range(600):
        assert running.poll() is None, running.communicate()
        if containers_of(running.pid):
            break
        time.sleep(0.05)
    assert containers_of(running.pid)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert containers_of(running.pid) == []
    assert len(list((tmp_path / "reports").glob("*-verify.json"))) == 2


def test_nobody_waits_for_an_image_after_an_interrupt(tmp_path: Path, postgres_image: str) -> None:
    """Ctrl-C while a registry says nothing ends the command, not the registry's time limit."""
    page(tmp_path, "small", HOLDS)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        image = f"127.0.0.1:{mute.getsockname()[1]}/postgres:17"
        running = subprocess.Popen(
            [str(BIN / "pgrunbook"), "verify", "--on", "container", "--image", image], cwd=tmp_path,
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
        )  # fmt: skip
        engine, _ = mute.accept()
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=12)  # seconds; the engine gives a registry 15 for each of its tries
        engine.close()
    assert running.returncode == 130, said
    assert "Traceback" not in said


def test_a_container_that_dies_is_everybodys_reason(tmp_path: Path, postgres_image: str) -> None:
    """Pages that shared it keep what they know, have no verdict on the rest, and say why: 3."""
    for name in ("small", "other"):
        page(tmp_path, name, HOLDS + sql_check("Is asked when it dies", "SELECT pg_sleep(50)"))
    command = [str(BIN / "pgrunbook"), "verify", "--on", "container", "--image", postgres_image, "--format", "json"]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    begun = [running.stderr.readline(), running.stderr.readline()]
    [container] = containers_of(running.pid)
    with client() as engine:
        engine.containers.get(container).kill()
    out, err = running.communicate(timeout=30)
    assert all(line.startswith("PASSED") for line in begun), begun
    assert running.returncode == 3, out + err
    statuses = [(check["status"], check["code"]) for report in json.loads(out) for check in report["checks"]]
    assert statuses == [("passed", ""), ("errored", "container.died")] * 2
    assert "was killed from outside (exit status 137)" in out
    assert containers_of(running.pid) == []
