"""A room of its own for a project's Python: env.py, revisions and models are run in it, one project at a time.

They are somebody's code, written for a process that does nothing else. They print, set up logging, extend sys.path, and
five of them may each have a module called `models`. Alembic's own `context` is one for the process too.
"""

from __future__ import annotations

import importlib
import logging.config
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

_one_at_a_time = threading.RLock()


@contextmanager
def alone(paths: Sequence[Path], environment: Mapping[str, str]) -> Iterator[StringIO]:
    """While this lasts: `paths` are importable first, `environment` is set, and what this thread prints is collected.

    Afterwards the process is as it was: streams, path, environment, logging, and no module of the project stays. Other
    threads wait for their turn in here, and elsewhere print as ever.
    """
    said = StringIO()
    with _one_at_a_time, ExitStack() as stack:
        stack.enter_context(_environment(environment))
        stack.enter_context(_logging())
        stack.enter_context(_collected(said))
        stack.enter_context(_imports(paths))
        yield said


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _logging() -> Iterator[None]:
    """Alembic's usual env.py calls fileConfig, which closes all handlers and silences all loggers of the process."""
    root = logging.getLogger()
    before = logging.config.fileConfig, logging.config.dictConfig, root.handlers[:], root.level
    logging.config.fileConfig = logging.config.dictConfig = _ignored
    try:
        yield
    finally:
        logging.config.fileConfig, logging.config.dictConfig, root.handlers[:], level = before
        root.setLevel(level)


def _ignored(*_arguments: Any, **_options: Any) -> None:
    return None


class _Muted:
    """A stream that collects what one thread writes, and passes on what the others do."""

    def __init__(self, stream: Any, said: StringIO) -> None:
        self._stream, self._said, self._thread = stream, said, threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return self._said.write(text)
        return int(self._stream.write(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _collected(said: StringIO) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Muted(stream, said) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def _imports(paths: Sequence[Path]) -> Iterator[None]:
    path, modules = sys.path[:], dict(sys.modules)
    hidden = {name: module for name, module in modules.items() if _stands_in_the_way(name, module, paths)}
    for name in hidden:
        del sys.modules[name]
    sys.path[:0] = [str(one) for one in paths]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        known = {name.partition(".")[0] for name in modules.keys() - hidden.keys()}
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in known and not _is_installed(module):
                del sys.modules[name]
        sys.modules.update(hidden)


def _stands_in_the_way(name: str, module: Any, paths: Sequence[Path]) -> bool:
    """Whether a module loaded before, from somewhere else, would be taken for one of the project's."""
    top = name.partition(".")[0]
    if top in {"checks", "__main__"} or _is_installed(module):
        return False
    return any((path / f"{top}.py").is_file() or (path / top / "__init__.py").is_file() for path in paths)


def _is_installed(module: Any) -> bool:
    """Whether it belongs to Python or its packages. What has no file is built in."""
    file = getattr(module, "__file__", None)
    if file is None or "site-packages" in file or "dist-packages" in file:
        return True
    return Path(file).is_relative_to(Path(os.__file__).parent)
