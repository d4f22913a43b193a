"""Plain values to the project's own frozen dataclasses, with every mistake put at its line.

pydantic validates as strictly as it does JSON: text is no number, `yes` is no truth value, and a list is a list.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from checks.runbook.known_keys import known_keys
from checks.runbook.mistakes import Mistakes
from checks.runbook.passwords import is_password_key
from checks.runbook.sentences import expected, sentence, wrong_type
from checks.runbook.yaml_source import Document, Loc
from checks.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
_Errors = list[Mapping[str, Any]]


def validate(
    wanted: type[T],
    data: Any,
    mistakes: Mistakes,
    *,
    document: Document,
    at: Loc = (),
    name: str,
    also: Iterable[str] = (),
) -> T | None:
    """`data`, which stands at `at` of the document, as a `wanted`; or None, with the mistakes told.

    `name` is what messages call the whole. `also` are keys that are known there, though not to `wanted`.
    """
    # Imported here and not above: a page that is in the cache is read without pydantic.
    from pydantic import ValidationError

    try:
        return cast("T", adapter(cast("Any", wanted)).validate_json(json.dumps(data), strict=True))
    except ValidationError as error:
        errors: _Errors = [dict(one) for one in error.errors(include_url=False, include_input=False)]
    _Telling(wanted, mistakes, document, at, name, frozenset(also)).tell(errors)
    return None


@cache
def adapter(wanted: Any) -> TypeAdapter[Any]:
    """pydantic's validator of a parameters class, built once: building takes longer than validating."""
    from pydantic import TypeAdapter

    return TypeAdapter(wanted)


@dataclass(frozen=True, slots=True)
class _Telling:
    """Turns pydantic's errors about one value into mistakes of the page."""

    wanted: type
    mistakes: Mistakes
    document: Document
    at: Loc
    name: str
    also: frozenset[str]

    def tell(self, errors: _Errors) -> None:
        """Every error once. Of a union, the branches that the value was never meant for say nothing."""
        by_place: defaultdict[Loc, _Errors] = defaultdict(list)
        for error in errors:
            by_place[self.document.resolve((*self.at, *error["loc"]))].append(error)
        for place, found in by_place.items():
            telling = [error for error in found if not expected(error)]
            deeper = any(len(other) > len(place) and other[: len(place)] == place for other in by_place)
            for error in telling:
                if self._is_certain(place, error):
                    self._one(place, error)
            if not telling and not deeper and self.document.is_known(place):
                message = wrong_type(self._called(place), found, self.document.value(place))
                self.mistakes.add(self.document.place(place), message)

    def _is_certain(self, place: Loc, error: Mapping[str, Any]) -> bool:
        """Not of what could not be read, nor of a rule about a whole of which a part could not."""
        about_the_whole = error["type"] in {"value_error", "assertion_error"}
        return self.document.is_whole(place) if about_the_whole else self.document.is_known(place)

    def _one(self, place: Loc, error: Mapping[str, Any]) -> None:
        if error["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            self._unknown_key(place)
            return
        message, hint = sentence(self._called(place), error, self.document.value(place))
        place = self._blamed(place, message)
        about_the_key = error["type"] == "missing" or error["loc"][-1:] == ("[key]",)
        where = self.document.key_place(place) if about_the_key else self.document.place(place)
        self.mistakes.add(where, message, hint)

    def _blamed(self, place: Loc, message: str) -> Loc:
        """A rule about a whole that names one of its keys is shown at that key: "`timeout` must be …"."""
        named = (*place, *re.findall(r": `(\w+)` ", message)[:1])
        return named if named in self.document.values else place

    def _unknown_key(self, place: Loc) -> None:
        key = str(place[-1])
        known = known_keys(self.wanted, place[len(self.at) : -1])
        if len(place) == len(self.at) + 1:
            known |= self.also
        hint = did_you_mean(key, known) or (f"it knows {', '.join(sorted(known))}" if known else "remove it")
        if is_password_key(key):
            hint = "a password has no place in a runbook: name an environment variable in a URL instead"
        self.mistakes.add(self.document.key_place(place), f"{self._called(place[:-1])} has no key `{key}`", hint)

    def _called(self, place: Loc) -> str:
        """How messages name the value at `place`: `schema.tables.auth[2]`."""
        inner = place[len(self.at) :]
        if not inner:
            return self.name
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
        whole = self.name.strip("`") + path if self.name.startswith("`") else path.removeprefix(".")
        return f"`{whole}`"
