"""The Docker engine of this machine: what it is, and what it holds that we can start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image of PostgreSQL that is here already: its tag, PostgreSQL's version as the image names it, its platform."""

    tag: str
    version: str
    platform: str


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """An engine that answered. `where` is how it was reached, `platform` what it runs (`linux/amd64`)."""

    version: str
    where: str
    platform: str
    images: tuple[LocalImage, ...]


def engine(timeout: float = 5.0) -> DockerEngine:
    """The engine and its PostgreSQL images. Raises TargetFailed, a CouldNotTell with code and hint."""
    raise NotImplementedError
