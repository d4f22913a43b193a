"""Whose container is whose: only those whose owner is known to be gone are removed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checks.targets.container_owner import BOOT_LABEL, HOST_LABEL, OWNER_LABEL, SPACE_LABEL, is_gone, labels, sweep
from tests.containers.docker import client


@pytest.fixture(scope="module")
def dead() -> dict[str, str]:
    """The labels of a process that has ended."""
    asked = "from checks.targets.container_owner import labels; print(labels())"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    return dict(eval(said))


def test_a_living_owner_is_not_gone() -> None:
    """A container of a run that still runs, such as this one, is left alone."""
    assert not is_gone(labels())


def test_an_ended_owner_is_gone(dead: dict[str, str]) -> None:
    """A process that has ended owns nothing."""
    assert is_gone(dead)


def test_a_number_used_again_is_another_process() -> None:
    """The same number with another time of starting is not the owner."""
    assert is_gone(labels() | {OWNER_LABEL: f"{os.getpid()} 1"})


def test_nobody_outlives_a_reboot() -> None:
    """Before this machine's last start nobody lived who lives now."""
    assert is_gone(labels() | {BOOT_LABEL: "another"})


@pytest.mark.parametrize("label", [HOST_LABEL, SPACE_LABEL])
def test_who_cannot_be_seen_is_not_gone(dead: dict[str, str], label: str) -> None:
    """Of another machine, or another container's numbers, nothing is known from here."""
    assert not is_gone(dead | {label: "another"})


@pytest.mark.parametrize("found", [{}, {OWNER_LABEL: "nonsense"}])
def test_what_is_not_labelled_by_us_is_left_alone(found: dict[str, str]) -> None:
    """A container without our labels, or with some that make no sense, is somebody else's."""
    assert not is_gone({**labels(), **found} if found else {})


def test_the_sweep_removes_what_is_left_and_nothing_else(postgres_image: str, dead: dict[str, str]) -> None:
    """Of two containers, the one whose owner is gone is removed."""
    with client() as engine:
        alive = engine.containers.create(postgres_image, labels=labels())
        left = engine.containers.create(postgres_image, labels=dead)
        try:
            removed = sweep(engine)
            found = {one["Id"] for one in engine.api.containers(all=True)}
            assert alive.name not in removed
            assert alive.id in found
            assert left.id not in found
        finally:
            alive.remove(force=True, v=True)


def test_processes_are_told_apart_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, as on macOS, `ps` says when a process began."""
    monkeypatch.setattr("sys.platform", "darwin")
    assert not is_gone(labels())
    assert is_gone(labels() | {OWNER_LABEL: f"{os.getpid()} yesterday"})
