"""The Docker engine of this machine: what it is, and what it holds that we can start."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.errors import TargetFailed
from checks.targets.engine_faults import INSTALL, engine_faults

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

TIMEOUT = 30.0  # seconds for one answer of the engine; a busy one takes long to remove a container


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image of PostgreSQL that is here already: its tag, the version it names, and the platform it is built for."""

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
    """The engine and its PostgreSQL images. Raises TargetFailed, which has a code and a hint."""
    found = reach(timeout)
    with closing(found.client), engine_faults("looking at its images"):
        said = found.client.version()
        images = {image.tag: image for one in found.client.images.list() for image in _postgres(one.attrs)}
    platform = f"{said.get('Os', 'linux')}/{said.get('Arch', 'unknown')}"
    where = found.client.api.base_url.replace("http+docker://localhost", "its local socket")
    return DockerEngine(str(said.get("Version", "")), where, platform, tuple(images[tag] for tag in sorted(images)))


def reach(timeout: float = TIMEOUT) -> DockerClient:
    """A client that has had an answer. Raises TargetFailed where the engine, or the library, is not there."""
    client = library()
    with engine_faults("being greeted", reached=False):
        found = client(timeout=timeout)
        try:
            found.client.ping()
        except BaseException:
            found.client.close()
            raise
        return found


def library() -> type[DockerClient]:
    """The client's class, which takes 200 ms to import. Raises TargetFailed where the library is not installed."""
    try:
        from testcontainers.core.docker_client import DockerClient
    except ModuleNotFoundError as missing:
        raise TargetFailed(
            f"Servers in containers need the library {missing.name}, which is not installed.",
            code="container.no_library",
            hint=INSTALL,
        ) from missing
    return DockerClient


def _postgres(image: dict[str, Any]) -> list[LocalImage]:
    """The image under each of its tags, if its variables say that it is one of PostgreSQL."""
    variables = dict(entry.partition("=")[::2] for entry in (image.get("Config") or {}).get("Env") or [])
    version = variables.get("PG_VERSION", "").partition("-")[0] or variables.get("PG_MAJOR", "")
    if "PGDATA" not in variables and not version:
        return []
    platform = f"{image.get('Os', '')}/{image.get('Architecture', '')}"
    return [LocalImage(tag, version, platform) for tag in image.get("RepoTags") or []]
