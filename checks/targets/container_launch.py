"""Starting a container on a port of this machine that is free, though others look for free ports as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import TargetFailed
from checks.targets.container_way import Way
from checks.targets.engine_faults import engine_faults
from checks.targets.postmaster import Port

if TYPE_CHECKING:
    from checks.targets.container_box import Box

PORTS_TRIED = 5


def launch(box: Box, way: Way) -> Port | None:
    """Start it, on another port when somebody else has the first; the port that was published, if any was.

    Raises TargetFailed. What was made of a container until then is the box's, which removes it.
    """
    if not way.publish:
        _start(box)
        return None
    for _ in range(PORTS_TRIED - 1):
        try:
            return _published(box, way)
        except TargetFailed as failed:
            if failed.code != "container.port_taken":
                raise
            with engine_faults("removing a container"):
                box.clear()
    return _published(box, way)


def _published(box: Box, way: Way) -> Port:
    port = Port()
    box.publish(way.publish, port.number)
    try:
        _start(box)
    except BaseException:
        port.release()
        raise
    return port


def _start(box: Box) -> None:
    with engine_faults(f"starting a container of {box.image}"):
        box.start()
