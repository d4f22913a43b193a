"""A value that a pickle carries unopened: loading the pickle imports nothing for it.

A page names kinds that a run does not ask. What it says to those is of their modules' classes, and stays closed.
"""

from __future__ import annotations

import pickle
from typing import Any


class Parcel:
    """A value, or its pickle until it is first looked at."""

    __slots__ = ("_closed", "_content")

    _closed: bytes | None
    _content: Any

    def __init__(self, content: Any) -> None:
        self._closed, self._content = None, content

    @property
    def content(self) -> Any:
        """The value. Only what comes from a pickle is opened, so it is to be trusted as much as that was."""
        closed = self._closed
        if closed is not None:  # two threads may both open it, to the same end
            self._content = pickle.loads(closed)  # noqa: S301 - see above
            self._closed = None
        return self._content

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        closed = self._closed
        return _arrived, (pickle.dumps(self._content, pickle.HIGHEST_PROTOCOL) if closed is None else closed,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parcel) and bool(self.content == other.content)

    def __hash__(self) -> int:
        return hash(self.content)

    def __repr__(self) -> str:
        return f"Parcel({self.content!r})"


def _arrived(closed: bytes) -> Parcel:
    parcel = Parcel(None)
    parcel._closed = closed
    return parcel
