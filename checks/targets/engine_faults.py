"""What goes wrong between us and a Docker engine: each cause has its code, a sentence and what to do.

The engine says what it has to say in English prose, and its versions say it differently; so the kinds of exceptions
come first and its words last. Its errors quote no variables of a container, so no password is in them.
https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from checks.errors import TargetFailed
from checks.secrets import mask

START_IT = (
    "start it (`sudo systemctl start docker`, or Docker Desktop) and try `docker version`; where it is elsewhere, set "
    "DOCKER_HOST. Without one, leave `--on container` out, since the embedded PostgreSQL needs none, and give an "
    "environment a `url` in place of `compose`"
)
JOIN_IT = "add yourself to its group with `sudo usermod -aG docker $USER` and log in again, or use a rootless engine"
MAKE_ROOM = "see what takes the room with `docker system df`, and free it with `docker system prune`"
INSTALL = "pip install 'pgrunbook[container]'"
# https://docs.docker.com/build/building/multi-platform/
OTHER_PLATFORM = "name an image that is built for this engine's processor, or install emulation for the image's"

_BY_WORDS = (
    ("container.disk_full", "no space left on device", MAKE_ROOM),
    (
        "container.port_taken",
        "port is already allocated|address already in use|failed to bind|bind: ",
        "see who listens with `ss -ltn`; the next run tries other ports",
    ),
    (
        "container.architecture",
        "exec format error|no matching manifest|does not match the (specified|detected|host) platform",
        OTHER_PLATFORM,
    ),
    (
        "container.not_postgres",
        "executable file not found|no such file or directory: unknown|no command specified",
        "name an image with PostgreSQL in it, as `--image postgres:17-alpine` does",
    ),
    (
        "container.image_unknown",
        "invalid reference format",
        "correct it: small letters, as in `postgres:17-alpine` or `registry.example:5000/postgres:17`",
    ),
    (
        "container.gone",
        "no such container|is not running|removal of container .* in progress",
        "look who removes containers on this engine; run again",
    ),
)
_SENTENCES = {
    "container.disk_full": "The Docker engine has no disk space left",
    "container.port_taken": "The port chosen for the container is taken by somebody else",
    "container.architecture": "The image is built for another processor or system than this engine's",
    "container.not_postgres": "The image does not start as an image of PostgreSQL does",
    "container.image_unknown": "That is no name of an image",
    "container.gone": "The container is not there any more",
}


@contextmanager
def engine_faults(doing: str, *, reached: bool = True) -> Iterator[None]:
    """Turn whatever the engine's client raises into TargetFailed. `doing` ends the sentence `… while {doing}`.

    `reached` is whether the engine had answered before: then one that is not there now was stopped half-way.
    """
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise fault(error, doing, reached=reached) from error


def fault(error: BaseException, doing: str, *, reached: bool = True) -> TargetFailed:
    """The failure that `error` amounts to."""
    return _by_kind(error, doing, reached=reached) or _by_words(error, doing)


def _by_kind(error: BaseException, doing: str, *, reached: bool) -> TargetFailed | None:
    import requests

    links = list(_links(error))
    if any(isinstance(link, PermissionError) for link in links):
        sentence = f"This user may not use the socket of the Docker engine{_at(links)}."
        return TargetFailed(sentence, code="container.engine_denied", hint=JOIN_IT)
    if any(isinstance(link, requests.Timeout | TimeoutError) for link in links):
        sentence = f"The Docker engine did not answer in time while {doing}."
        hint = "see whether `docker version` answers, and what the engine's log says (`journalctl -u docker`)"
        return TargetFailed(sentence, code="container.engine_silent", hint=hint)
    if not any(isinstance(link, OSError) and not _is_answer(link) for link in links):
        return None
    if reached:
        sentence = f"The Docker engine stopped answering while {doing}."
        return TargetFailed(sentence, code="container.engine_lost", hint=START_IT)
    return TargetFailed(f"No Docker engine answers{_at(links)}.", code="container.no_engine", hint=START_IT)


def _by_words(error: BaseException, doing: str) -> TargetFailed:
    said = words_of(error)
    for code, words, hint in _BY_WORDS:
        if re.search(words, said, re.IGNORECASE):
            return TargetFailed(f"{_SENTENCES[code]}: {said}.", code=code, hint=hint)
    if "Invalid bind address" in said or "base_url" in said:
        sentence = f"The address of the Docker engine cannot be read: {said}."
        return TargetFailed(sentence, code="container.no_engine", hint="correct DOCKER_HOST, or unset it")
    sentence = f"The Docker engine refused while {doing}: {said}."
    hint = "try the same with the `docker` command; `invoke doctor` shows what engine this is"
    return TargetFailed(sentence, code="container.engine_refused", hint=hint)


def words_of(error: BaseException) -> str:
    """What the engine said, on one line, without the HTTP around it and without a full stop."""
    explanation = getattr(error, "explanation", None)
    if isinstance(explanation, bytes):
        explanation = explanation.decode(errors="replace")
    return mask(" ".join(str(explanation or str(error) or type(error).__name__).split())).rstrip(".")


def _is_answer(link: OSError) -> bool:
    """Whether it is an HTTP answer after all, as docker's own errors are."""
    return getattr(link, "response", None) is not None


def _at(links: list[BaseException]) -> str:
    import os

    where = os.environ.get("DOCKER_HOST", "")
    reason = next((link.strerror for link in links if isinstance(link, OSError) and link.strerror), "")
    return (f" at {mask(where)}" if where else "") + (f" ({reason})" if reason else "")


def _links(error: BaseException) -> Iterator[BaseException]:
    """The exception, and all those it was raised from or holds, each once: urllib3 keeps the reason in arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
