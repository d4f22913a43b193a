"""The image a container is made from: at hand, or fetched within a bounded time.

Nothing is fetched that is here: an image that was tested stays the one that is tested, until somebody pulls another.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.errors import TargetFailed
from checks.targets.engine_faults import OTHER_PLATFORM, engine_faults, fault, words_of

if TYPE_CHECKING:
    import docker

PULL = 600.0  # seconds; an image of PostgreSQL has 100 to 450 MB
SILENCE = 60.0  # seconds without a word of progress
_pulling: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_VOLUME = "/var/lib/postgresql/data"


@dataclass(frozen=True, slots=True)
class Image:
    """What the image says of itself. `identity` is its hash, `folder` where it wants a volume for its data."""

    tag: str
    identity: str
    entrypoint: tuple[str, ...]
    folder: str
    platform: str

    @classmethod
    def of(cls, tag: str, said: dict[str, Any]) -> Image:
        """The image as the engine describes it."""
        config = said.get("Config") or {}
        variables = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
        data = variables.get("PGDATA") or _VOLUME
        volumes = [path for path in config.get("Volumes") or {} if f"{data}/".startswith(f"{path.rstrip('/')}/")]
        entrypoint = config.get("Entrypoint") or []
        platform = f"{said.get('Os', '')}/{said.get('Architecture', '')}"
        return cls(tag, str(said.get("Id", "")), tuple(entrypoint), max(volumes, key=len, default=data), platform)


def obtain(client: docker.DockerClient, tag: str, *, limit: float = PULL, silence: float = SILENCE) -> Image:
    """The image, pulled if it is not here. Raises TargetFailed, after `limit` seconds at the latest."""
    with _pulling[tag]:  # several pages may want the same
        found = _here(client, tag)
        if found is None:
            _pull(client, tag, limit, silence)
            found = _here(client, tag)
    if found is None:
        raise TargetFailed(f"The image {tag} was pulled, and is not here.", code="container.image_unknown")
    return found


def _here(client: docker.DockerClient, tag: str) -> Image | None:
    import docker.errors

    with engine_faults(f"looking for the image {tag}"):
        try:
            return Image.of(tag, client.images.get(tag).attrs)
        except docker.errors.ImageNotFound:
            return None


def _pull(client: docker.DockerClient, tag: str, limit: float, silence: float) -> None:
    until = time.monotonic() + limit
    for said in _within(_progress(client, tag), silence, until, tag):
        if "error" in said:
            raise _not_pulled(tag, " ".join(str(said["error"]).split()))


def _progress(client: docker.DockerClient, tag: str) -> Iterator[dict[str, Any]]:
    from docker.utils import parse_repository_tag

    repository, version = parse_repository_tag(tag)
    yield from client.api.pull(repository, tag=version or "latest", stream=True, decode=True)


def _within(lines: Iterator[dict[str, Any]], silence: float, until: float, tag: str) -> Iterator[dict[str, Any]]:
    """The lines, each waited for in another thread: the client itself waits for ever on an engine that says nothing."""
    import docker.errors
    import requests

    heard: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()

    def listen() -> None:
        try:
            for line in lines:
                heard.put(line)
            heard.put(None)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            heard.put(error)

    threading.Thread(target=listen, name="pull", daemon=True).start()
    while True:
        try:
            said = heard.get(timeout=max(0.0, min(silence, until - time.monotonic())))
        except queue.Empty:
            raise _not_pulled(tag, "nothing was heard from the registry in time") from None
        if said is None:
            return
        if isinstance(said, docker.errors.APIError):
            raise _not_pulled(tag, words_of(said)) from said
        if isinstance(said, BaseException):
            raise fault(said, f"pulling the image {tag}") from said
        yield said


def _not_pulled(tag: str, said: str) -> TargetFailed:
    words = said.lower()
    if "no space left" in words:
        return fault(Exception(said), f"pulling the image {tag}")
    if "no matching manifest" in words or "image operating system" in words:
        sentence = f"The registry has no image {tag} for this engine's processor: {said}."
        return TargetFailed(sentence, code="container.architecture", hint=OTHER_PLATFORM)
    if any(unknown in words for unknown in ("not found", "denied", "manifest unknown", "invalid reference")):
        sentence = f"The image {tag} is not here, and its registry does not give it to us: {said}."
        hint = f"look for a misspelt name; for a private registry, `docker login` and `docker pull {tag}` first"
        return TargetFailed(sentence, code="container.image_unknown", hint=hint)
    sentence = f"The image {tag} is not here, and its registry cannot be reached: {said}."
    hint = (
        f"on a machine that can reach it, `docker pull {tag}` and `docker save {tag}`; here, `docker load`. Or name by "
        "`--image` one that `invoke doctor` lists, or leave `--on container` out"
    )
    return TargetFailed(sentence, code="container.image_unreachable", hint=hint)
