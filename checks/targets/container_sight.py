"""What the engine sees of one container: the end of its log, and what ails it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks import secrets
from checks.errors import TargetFailed
from checks.targets.container_health import LEAVE_IT, ailment_of, last_words
from checks.targets.engine_faults import engine_faults

if TYPE_CHECKING:
    from checks.targets.container_box import Box

GLANCE, READ = 20, 500  # lines of the log: for a glance, and to find the cause of a failure


def log_tail(box: Box, lines: int = GLANCE) -> str:
    """The last lines of the container's log, without secrets; nothing where there is no container."""
    if not box.is_made:
        return ""
    try:
        with engine_faults("reading a container's log"):
            said: bytes = box.get_wrapped_container().logs(tail=lines)
    except TargetFailed:
        return ""
    return secrets.mask(said.decode(errors="replace").rstrip())


def what_ails(box: Box, lines: int = GLANCE) -> TargetFailed | None:
    """Why it cannot answer, as the engine sees it now and so many lines of its log have it; None for one that can."""
    if not box.is_made:
        return TargetFailed("The container has been removed.", code="container.gone", hint=LEAVE_IT)
    try:
        with engine_faults("looking after a container"):
            said = box.engine.client.api.inspect_container(box.get_container_id())
    except TargetFailed as failed:
        return failed
    return ailment_of(said, log_tail(box, lines), box.image, box.platform)


def not_ready(box: Box, timeout: float) -> TargetFailed:
    """The server answered nothing within `timeout` seconds; what its log ends with may say why."""
    return TargetFailed(
        f"The server in the container of {box.image} answered no query within {timeout:g} s; "
        f"its log ends: {last_words(log_tail(box))}.",
        code="container.not_ready",
        hint="see whether the image starts with `docker run`, and whether this machine is overloaded",
    )
