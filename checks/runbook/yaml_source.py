"""YAML to plain values, with the place of every key and value, so that a mistake can be shown where it stands.

Stricter than YAML on purpose: no anchors or aliases (a small text can stand for a huge value), no tags, no key twice,
and keys are always text (`on:` and `2024:` are names here). The values are plain Python, never the YAML library's own
types, because runbooks are pickled and read back without that library.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from checks.runbook.mistakes import Mistakes, Place

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.nodes import MappingNode, Node

Loc = tuple[str | int, ...]

LARGEST = 64 * 1024
_DEEPEST = 50
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value"}


@dataclass(slots=True)
class Source:
    """A piece of YAML cut out of a page. `line` is where it starts; `indents` are the columns cut off each line."""

    text: str
    line: int
    indents: Sequence[int] = ()
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._starts = [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    def place(self, index: int) -> Place:
        """Where in the page the piece's character `index` stands."""
        # The YAML library's own line numbers count U+2028 and U+0085 as line ends, which editors do not.
        row = bisect_right(self._starts, index) - 1
        indent = self.indents[row] if row < len(self.indents) else 0
        return Place(self.line + row, index - self._starts[row] + 1 + indent)


@dataclass(slots=True)
class Document:
    """A piece of YAML as plain values, and the places of its keys and values by their path from the top.

    `unread` are the paths whose value is not all that stands there, since a mistake kept it from being read: None where
    nothing is known, and of a key that stands twice the first value. Further mistakes are told of the others only.
    """

    top: Place
    data: Any = None
    keys: dict[Loc, Place] = field(default_factory=dict)
    values: dict[Loc, Place] = field(default_factory=dict)
    unread: set[Loc] = field(default_factory=set)

    def is_known(self, loc: Loc) -> bool:
        """Whether what stands at `loc` could be read, or at least some of it."""
        return not any(loc[: len(path)] == path and self.value(path) is None for path in self.unread)

    def is_whole(self, loc: Loc) -> bool:
        """Whether everything at and below `loc` could be read."""
        return self.is_known(loc) and not any(path[: len(loc)] == loc for path in self.unread)

    def resolve(self, loc: Loc) -> Loc:
        """`loc` without the elements that are not in the document: a validator's names for branches of a union."""
        path: Loc = ()
        for element in loc:
            if (*path, element) in self.values:
                path = (*path, element)
        return path

    def value(self, loc: Loc) -> Any:
        """What stands at `loc`."""
        found = self.data
        for element in loc:
            found = found[element]
        return found

    def place(self, loc: Loc) -> Place:
        """Where the value at `loc` stands, or what it is part of."""
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, self.top)

    def key_place(self, loc: Loc) -> Place:
        """Where the key at `loc` stands; of a list's item, the item."""
        return self.keys.get(loc) or self.place(loc)


def load(source: Source, mistakes: Mistakes) -> Document | None:
    """The values in `source`, as far as they can be read; None where a mistake keeps all of them from it."""
    top = Place(source.line, 1 + (source.indents[0] if source.indents else 0))
    if len(source.text.encode(errors="replace")) > LARGEST:
        mistakes.add(top, f"this YAML is longer than {LARGEST // 1024} KiB", "a page that long is no longer read")
        return None
    directive = re.match(r"(?:[ \t]*(?:#[^\n]*)?\n)*%", source.text)
    if directive:
        mistakes.add(source.place(directive.end() - 1), "a runbook has no YAML directives", "remove this line")
        return None
    document = Document(top)
    before = len(mistakes.found)
    try:
        node = _compose(source, mistakes)
        if node is not None:
            document.data = _Walk(source, document, mistakes).plain(node, ())
    except RecursionError:
        mistakes.add(top, "this YAML is nested too deeply to read", "write it with fewer brackets")
        return None
    return document if document.data or len(mistakes.found) == before else None


def _compose(source: Source, mistakes: Mistakes) -> Node | None:
    # Imported here and not above: a page that is in the cache is read without the library.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        return YAML(typ="safe", pure=True).compose(source.text)  # type: ignore[no-any-return]  # untyped in ruamel
    except ReaderError as error:
        mistakes.add(source.place(error.position), "this character cannot stand in YAML", "remove it, or escape it")
    except MarkedYAMLError as error:
        mistakes.add(_marked(source, error), f"this is not YAML: {_problem(error)}", _advice(error))
    except (YAMLError, ValueError, IndexError, AttributeError, AssertionError, NotImplementedError) as error:
        # Some malformed escapes and directives make the library fail without saying where.
        mistakes.add(source.place(0), f"this is not YAML ({type(error).__name__})", "compare it with docs/checks.md")
    return None


def _marked(source: Source, error: MarkedYAMLError) -> Place:
    mark = error.problem_mark or error.context_mark
    return source.place(min(mark.index, len(source.text)) if mark else 0)


def _problem(error: MarkedYAMLError) -> str:
    words = [str(part).strip().partition("\n")[0] for part in (error.context, error.problem) if part]
    return ", ".join(words) or "it cannot be parsed"


def _advice(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "undefined alias" in problem or "another document" in str(error.context) + problem:
        return "a value that starts with `*` or `&` needs quotes, and one block holds one document"
    if "start any token" in problem:
        return "a value that starts with a tab, `@`, a backtick or `%` needs quotes"
    if "mapping values" in problem:
        return "a value that holds a colon and a space needs quotes"
    return "check indents, brackets and quotes just before this place"


@dataclass(frozen=True, slots=True)
class _Walk:
    """Turns nodes into plain values, noting where each stands and what may not stand here."""

    source: Source
    document: Document
    mistakes: Mistakes

    def plain(self, node: Node, path: Loc) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        place = self.source.place(node.start_mark.index)
        self.document.values[path] = place
        if len(path) > _DEEPEST:
            raise RecursionError
        if node.anchor:
            hint = "write the value out where it is used; quote a text that starts with `&` or `*`"
            self.mistakes.add(place, f"the anchor `&{node.anchor}`: a runbook has no YAML anchors or aliases", hint)
            return self._unread(path)  # what lies below may contain itself
        if str(node.tag).removeprefix(_TAG) not in _PLAIN_TAGS:
            tag = str(node.tag).replace(_TAG, "!!")
            self.mistakes.add(place, f"the tag `{tag}`: a runbook has no YAML tags", "leave it out")
            return self._unread(path)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place, path)

    def _unread(self, path: Loc) -> None:
        self.document.unread.add(path)

    def _mapping(self, node: MappingNode, path: Loc) -> dict[str, Any]:
        from ruamel.yaml.nodes import ScalarNode

        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self.source.place(key_node.start_mark.index)
            if not isinstance(key_node, ScalarNode):
                self.mistakes.add(place, "a key must be a single word or text", "quote it")
                continue
            key = str(key_node.value)
            if key in found:
                first = self.document.keys[(*path, key)]
                self.mistakes.add(place, f"the key `{key}` is here a second time; the first is on line {first.line}")
                self._unread((*path, key))
                continue
            self.document.keys[(*path, key)] = place
            found[key] = self.plain(value_node, (*path, key))
        return found

    def _scalar(self, node: Node, place: Place, path: Loc) -> Any:
        text = str(node.value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self.mistakes.add(place, "half of a surrogate pair is not a character", "write the character itself")
            return self._unread(path)
        return _value(str(node.tag).removeprefix(_TAG), text)


def _value(tag: str, text: str) -> Any:
    """The value YAML 1.2 gives a scalar. What only looks like a number, such as `-_`, and any date, stays text."""
    try:
        match tag:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _whole_number(text.replace("_", ""))
            case "float":
                return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        # What looks like a number and is none stays the text it is; the parameter's own type judges it.
        return text
    return text


def _whole_number(text: str) -> int:
    digits = text.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    number = int(digits[2:] if base != 10 else digits, base)
    return -number if text.startswith("-") else number
