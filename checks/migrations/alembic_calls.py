"""What an Alembic revision's `upgrade()` would destroy, read from its syntax tree.

Operations are recognised by their names (`op.drop_table`, `batch_op.drop_column`), SQL by being passed to something
called `execute`. Functions of the same file are followed when `upgrade()` calls them.
https://alembic.sqlalchemy.org/en/latest/ops.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.migrations.destructive import Columns

_TABLE_FIRST = {"drop_table", "drop_column", "alter_column", "add_column", "create_table"}


def destroying_calls(path: Path, columns: Columns) -> Iterator[tuple[int, str]]:
    """The line and the text of each operation or SQL statement that destroys data on the way up."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError):
        return  # the history has it among its mistakes already
    module = _Module(tree)
    for call in module.calls("upgrade"):
        yield from _judged(call, module, columns)


class _Module:
    """One revision file: its functions, its text constants, and what each `with` block names a table's operations."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._texts = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._batches = dict(_batches(tree))

    def calls(self, name: str, seen: frozenset[str] = frozenset()) -> Iterator[ast.Call]:
        """Every call made by the function `name`, and by functions of this file that it calls, in the file's order."""
        if name not in self._functions or name in seen:
            return
        calls = [node for node in ast.walk(self._functions[name]) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            yield call
            if isinstance(call.func, ast.Name):
                yield from self.calls(call.func.id, seen | {name})

    def text(self, node: ast.expr | None) -> str:
        """The text an expression amounts to, as far as it is written there; `{}` stands for what is computed."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if isinstance(node, ast.Call) and node.args:  # sa.text("…"), textwrap.dedent("…")
            return self.text(node.args[0])
        if isinstance(node, ast.BinOp):
            return self.text(node.left) + self.text(node.right)
        if isinstance(node, ast.Name) and not isinstance(self._texts.get(node.id), (ast.Name, type(None))):
            return self.text(self._texts[node.id])
        return ""

    def table(self, call: ast.Call) -> str:
        """The table an operation is about: its first argument, or that of the batch it belongs to."""
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(receiver, ast.Name) and receiver.id in self._batches:
            return self.text(self._batches[receiver.id])
        return self.text(_argument(call, 0, "table_name"))

    def column(self, call: ast.Call) -> str:
        """The column an operation is about, which comes first in a batch and second elsewhere."""
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        in_batch = isinstance(receiver, ast.Name) and receiver.id in self._batches
        return self.text(_argument(call, 0 if in_batch else 1, "column_name"))


def _judged(call: ast.Call, module: _Module, columns: Columns) -> Iterator[tuple[int, str]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name == "drop_table":
        yield call.lineno, f"drop_table {module.table(call)}"
    elif name == "drop_column":
        yield call.lineno, f"drop_column {module.table(call)}.{module.column(call)}"
    elif name == "alter_column":
        yield from _altered(call, module, columns)
    elif name == "execute" and call.args:
        yield from _executed(call, module, columns)
    elif name in {"create_table", "add_column"}:
        _learn(call, module, columns)


def _altered(call: ast.Call, module: _Module, columns: Columns) -> Iterator[tuple[int, str]]:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if "type_" not in keywords:
        return
    old = _spelt(keywords["existing_type"]) if "existing_type" in keywords else None
    new = _spelt(keywords["type_"])
    table, column = module.table(call), module.column(call)
    if columns.narrowed(table, column, new, old):
        yield call.lineno, f"alter_column {table}.{column}: {f'{old} to ' if old else ''}{new}"


def _executed(call: ast.Call, module: _Module, columns: Columns) -> Iterator[tuple[int, str]]:
    from checks.migrations.destructive import destroying

    argument = call.args[0]
    inner = argument.args[0] if isinstance(argument, ast.Call) and argument.args else argument
    line = inner.lineno if isinstance(inner, (ast.Constant, ast.JoinedStr)) else call.lineno
    yield from destroying(module.text(argument), columns, line=line)


def _learn(call: ast.Call, module: _Module, columns: Columns) -> None:
    for node in call.args:
        if isinstance(node, ast.Call) and _called(node) == "Column" and len(node.args) > 1:
            columns.add(module.table(call), module.text(node.args[0]), _spelt(node.args[1]))


def _spelt(node: ast.expr) -> str:
    """`sa.String(length=40)` as `String(40)`: the type's name and its numbers, as SQL would have them."""
    if not isinstance(node, ast.Call):
        return _last(node)
    numbers = [*node.args, *(k.value for k in node.keywords if k.arg in {"length", "precision", "scale"})]
    bounds = [str(one.value) for one in numbers if isinstance(one, ast.Constant) and type(one.value) is int]
    zoned = any(k.arg == "timezone" and getattr(k.value, "value", False) for k in node.keywords)
    return "timestamptz" if zoned else _called(node) + (f"({', '.join(bounds)})" if bounds else "")


def _batches(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        for item in node.items if isinstance(node, ast.With) else ():
            call, name = item.context_expr, item.optional_vars
            if isinstance(call, ast.Call) and _called(call) == "batch_alter_table" and isinstance(name, ast.Name):
                table = _argument(call, 0, "table_name")
                if table is not None:
                    yield name.id, table


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return call.args[position] if len(call.args) > position else next(iter(named), None)


def _called(call: ast.Call) -> str:
    return _last(call.func)


def _last(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")
