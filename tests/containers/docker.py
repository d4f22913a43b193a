"""The engine as tests use it: what is left on it, and images that are odd in one way."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from checks.targets.container_owner import OWNER_LABEL
from checks.targets.engine import reach

if TYPE_CHECKING:
    import docker

PATIENCE = 60.0  # seconds; on a busy machine an engine takes long


@contextmanager
def client() -> Iterator[docker.DockerClient]:
    """The engine's client."""
    with closing(reach().client) as found:
        yield found


def containers_of(process: int) -> list[Any]:
    """The containers that a process of this number started, as the engine names them."""
    with client() as engine:
        found = engine.api.containers(all=True, filters={"label": OWNER_LABEL})
    return [one["Id"] for one in found if one["Labels"][OWNER_LABEL].split()[0] == str(process)]


def await_container(process: int, *, saying: str = "") -> str:
    """The one container of a process, once it runs and, where asked for, its log says this."""
    give_up = time.monotonic() + PATIENCE
    with client() as engine:
        while (container := _first(engine, containers_of(process))) is None:
            assert time.monotonic() < give_up, f"process {process} has no container"
            time.sleep(0.02)
        while not (container.status == "running" and saying.encode() in container.logs()):
            assert time.monotonic() < give_up, f"the container of process {process} does not say {saying!r}"
            time.sleep(0.02)
            container.reload()
    return str(container.id)


def _first(engine: docker.DockerClient, found: list[Any]) -> Any:
    """The first of these, if it is there already: the engine lists a container before it can be looked at."""
    from docker.errors import NotFound

    try:
        return engine.containers.get(found[0]) if found else None
    except NotFound:
        return None


@contextmanager
def imported(files: Mapping[str, bytes], **changes: str) -> Iterator[str]:
    """An image of just these programs, named by their paths; removed afterwards."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in files.items():
            about = tarfile.TarInfo(path)
            about.size, about.mode = len(content), 0o755
            tar.addfile(about, io.BytesIO(content))
    tag = f"pgrunbook-test-odd:{token_hex(4)}"
    with client() as engine:
        engine.api.import_image_from_data(
            made.getvalue(), *tag.split(":"), changes=[f"{key} {value}" for key, value in changes.items()]
        )
        try:
            yield tag
        finally:
            engine.images.remove(tag, force=True)


@contextmanager
def changed(image: str, command: str = "true", **config: Any) -> Iterator[str]:
    """A copy of an image after a command ran in it, with other settings as the engine writes them (`User`, `Env`).

    It is removed afterwards.
    """
    tag = f"pgrunbook-test-odd:{token_hex(4)}"
    with client() as engine:
        usual = engine.images.get(image).attrs["Config"]
        container = engine.containers.create(image, entrypoint=["sh", "-c", command])
        try:
            container.start()
            container.wait(timeout=PATIENCE)
            container.commit(*tag.split(":"), conf=usual | config)
        finally:
            container.remove(v=True)
        try:
            yield tag
        finally:
            engine.images.remove(tag, force=True)
