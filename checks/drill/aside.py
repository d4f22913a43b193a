"""Work that is waited for only until somebody wants the drill stopped.

Reading a terabyte takes an hour, and nothing frees who reads it. So it is done in threads that end with the process, as
those of an executor do not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import ParamSpec, TypeVar

from checks.errors import CouldNotTell
from checks.run import INTERRUPTED

GLANCE = 0.1  # seconds
Given = ParamSpec("Given")
Made = TypeVar("Made")


def aside(work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Future[Made]:
    """Begin it in a thread of its own."""
    future: Future[Made] = Future()

    def body() -> None:
        try:
            future.set_result(work(*given, **named))
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result raises it
            future.set_exception(error)

    threading.Thread(target=body, name="aside", daemon=True).start()
    return future


def waited(future: Future[Made], stop: threading.Event) -> Made:
    """Its result, or what it raised. Raises CouldNotTell where the drill is to stop before there is one."""
    while not stop.is_set():
        if wait([future], timeout=GLANCE).done:
            return future.result()
    raise CouldNotTell("interrupted before it was done", code=INTERRUPTED)
