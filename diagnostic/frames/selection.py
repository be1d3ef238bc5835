"""Which structures and atoms: ``element == 'O' and structure < 100``, read by a small grammar and never evaluated as Python.

Comparisons ``== != < <= > >= in``, ``not in``, joined by ``and``, ``or``, ``not`` and parentheses, over the names

==============  ==================================================================================
``structure``   place of the structure in its file, from 0
``atom``        place of the atom in its structure, from 0
``element``     symbol, such as ``'O'``
``formula``     formula in Hill order, such as ``'C2H6O'``
``n_atoms``     atoms of the structure
``periodic``    whether any direction is periodic
``energy``      energy of the structure (eV), where it is known
anything else   what the file says of the structure, such as ``config_type == 'bulk'``
==============  ==================================================================================

A structure that says nothing under a name is unequal to everything, and neither above nor below.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.formula import Formula
from numpy.typing import NDArray

from ...theory.errors import InputError

#: Names that every structure has a value for.
NAMES = ("structure", "atom", "element", "formula", "n_atoms", "periodic")
_KINDS = {
    "structure": "number", "atom": "number", "element": "text", "formula": "text", "n_atoms": "number", "periodic": "truth",
}  # fmt: skip
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_EXAMPLE = "\"element == 'O' and structure < 100\""
_LONGEST = 2000
_SYMBOLS = np.array(chemical_symbols)


@dataclass(frozen=True)
class _Column:
    """Values of one name or literal over rows; ``kind`` is number, text, truth, or free: what the file says."""

    kind: str
    values: Any
    known: Any = True


@dataclass(frozen=True)
class Selection:
    """A condition on structures and their atoms; made by :meth:`parse`.

    Attributes
    ----------
    text : str
        The condition as it was given.
    """

    text: str
    _tree: ast.expr

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Read a condition.

        Raises
        ------
        InputError
            It is no condition of the grammar; the sentence names the part that is not understood.
        """
        if len(text) > _LONGEST:
            raise InputError(
                f"select has {len(text)} characters: expected at most {_LONGEST}, so shorten it."
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # escapes that Python would warn of
                tree = ast.parse(text.strip(), mode="eval").body
            _check_truth(tree)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            if isinstance(error, InputError):
                raise InputError(f"select={text!r}: {error}") from error
            raise InputError(
                f"select={text!r} cannot be read: expected comparisons joined by and, or, not, for example {_EXAMPLE}."
            ) from error
        return cls(text, tree)

    @property
    def names(self) -> frozenset[str]:
        """The names that the condition uses."""
        return frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name))

    @property
    def of_atoms(self) -> bool:
        """Whether it can tell atoms of one structure apart."""
        return bool(self.names & {"atom", "element"})

    def check_names(self, known: Iterable[str]) -> None:
        """Refuse names that nothing has; ``known`` are those that structures of the file have beside ``NAMES``.

        Raises
        ------
        InputError
            A name is not known; the sentence lists those that are.
        """
        usable = [*NAMES, *sorted(set(known) - set(NAMES))]
        for name in sorted(self.names - set(usable)):
            quoted = f"; a text stands in quotes, '{name}'" if name in chemical_symbols else ""
            raise InputError(
                f"select={self.text!r}: the name {name} is not known: expected {', '.join(usable)}{quoted}."
            )

    def atoms(
        self,
        index: int,
        numbers: NDArray[np.int64],
        info: Mapping[str, Any] | None = None,
        *,
        periodic: bool = False,
    ) -> NDArray[np.bool_]:
        """Return for each atom of one structure whether it is selected, shape ``(A,)``.

        Parameters
        ----------
        index
            Place of the structure in its file.
        numbers
            Atomic numbers.
        info
            What else is known of the structure: ``energy``, ``config_type``, ...
        periodic
            Whether any direction is periodic.
        """
        said = {} if info is None else info
        count = len(numbers)
        columns = {
            "structure": _Column("number", float(index)),
            "atom": _Column("number", np.arange(count, dtype=float)),
            "element": _Column("text", _SYMBOLS[numbers]),
            "formula": _Column("text", formula_of(numbers) if "formula" in self.names else ""),
            "n_atoms": _Column("number", float(count)),
            "periodic": _Column("truth", bool(periodic)),
        } | {
            name: _Column("free", [said[name]] if name in said else [None])
            for name in self.names - set(NAMES)
        }
        return np.array(np.broadcast_to(_truth(self._tree, columns, self.text), (count,)))

    def structures(
        self,
        numbers: Sequence[NDArray[np.int64]],
        info: Sequence[Mapping[str, Any]] | None = None,
        *,
        periodic: Sequence[bool] | NDArray[np.bool_] | None = None,
        indices: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> NDArray[np.bool_]:
        """Return for each structure whether any of its atoms is selected, shape ``(N,)``.

        Parameters
        ----------
        numbers, info, periodic
            As in :meth:`atoms`, one for each structure.
        indices
            Their places in the file; None: 0, 1, 2, ...

        Raises
        ------
        InputError
            No structure knows one of the names.
        """
        count = len(numbers)
        said: Sequence[Mapping[str, Any]] = [{}] * count if info is None else info
        self.check_names({name for name in self.names if any(name in each for each in said)})
        places = np.arange(count) if indices is None else np.asarray(indices)
        wrapped = np.zeros(count, dtype=bool) if periodic is None else np.asarray(periodic, dtype=bool)
        if self.of_atoms:
            return np.array(
                [
                    self.atoms(int(places[k]), numbers[k], said[k], periodic=bool(wrapped[k])).any()
                    for k in range(count)
                ],
                dtype=bool,
            )
        formulas = [formula_of(z) for z in numbers] if "formula" in self.names else [""] * count
        columns = {
            "structure": _Column("number", places.astype(float)),
            "formula": _Column("text", np.array(formulas)),
            "n_atoms": _Column("number", np.array([len(z) for z in numbers], dtype=float)),
            "periodic": _Column("truth", wrapped),
        } | {name: _Column("free", [each.get(name) for each in said]) for name in self.names - set(NAMES)}
        return np.array(np.broadcast_to(_truth(self._tree, columns, self.text), (count,)))


def asks_more(texts: Iterable[str]) -> bool:
    """Whether any of these conditions uses a name beside ``NAMES``: what only a file, or ``info`` of ASE Atoms, can tell."""
    return any(Selection.parse(text).names - set(NAMES) for text in texts)


def formula_of(numbers: NDArray[np.int64]) -> str:
    """Return the formula of atomic numbers in Hill order."""
    symbols, counts = np.unique(_SYMBOLS[numbers], return_counts=True)
    return str(Formula.from_dict(dict(zip(symbols.tolist(), counts.tolist(), strict=True))).format("hill"))


# ------------------------------------------------------------------------------------------------------- grammar


def _check_truth(node: ast.expr) -> None:
    """Refuse what is no condition."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check_truth(part)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check_truth(node.operand)
    elif isinstance(node, ast.Compare):
        values = [node.left, *node.comparators]
        for left, op, right in zip(values, node.ops, values[1:], strict=False):
            _check_comparison(left, op, right)
    elif isinstance(node, ast.Name):
        if _KINDS.get(node.id, "truth") != "truth":
            raise InputError(f"{node.id} is a {_KINDS[node.id]}: expected a comparison, such as {_EXAMPLE}.")
    elif not (isinstance(node, ast.Constant) and isinstance(node.value, bool)):
        raise InputError(f"{_said(node)} is no condition: expected a comparison, such as {_EXAMPLE}.")


def _check_comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> None:
    if isinstance(op, ast.Is | ast.IsNot):
        raise InputError(f"{_said(left)} is {_said(right)}: write == or !=.")
    listed = isinstance(op, ast.In | ast.NotIn)
    if listed != isinstance(right, ast.List | ast.Tuple) or isinstance(left, ast.List | ast.Tuple):
        raise InputError(
            f"{_said(right)}: a list stands after in or not in, such as \"element in ['C', 'O']\"."
        )
    others = right.elts if isinstance(right, ast.List | ast.Tuple) else [right]
    kind = _kind_of(left)
    for other in others:
        kinds = {kind, _kind_of(other)}
        if len(kinds - {"free"}) > 1:
            raise InputError(
                f"{_said(left)} is a {kind} and {_said(other)} a {_kind_of(other)}: expected two of a kind."
            )
        if kinds & {"text", "truth"} and type(op) in _ORDER:
            raise InputError(f"{_said(left)} and {_said(other)} have no order: expected ==, != or in.")
        for first, second in ((left, other), (other, left)):
            known = not isinstance(second, ast.Constant) or second.value in chemical_symbols[1:]
            if isinstance(first, ast.Name) and first.id == "element" and not known:
                raise InputError(f"{_said(second)} is no element: expected a symbol such as 'O'.")


def _kind_of(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return _KINDS.get(node.id, "free")
    value = _literal(node)
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _literal(node: ast.expr) -> Any:
    """Value of a number, text or truth that is written out."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _literal(node.operand)
        if isinstance(value, float):
            return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | str):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        try:
            return float(node.value)
        except OverflowError as error:
            raise InputError(f"{_said(node)} is too large.") from error
    raise InputError(f"{_said(node)} is neither a name, a number nor a text in quotes.")


def _said(node: ast.expr) -> str:
    words = ast.unparse(node)
    return words if len(words) <= 60 else f"{words[:57]}..."


# ---------------------------------------------------------------------------------------------------- evaluation


def _truth(node: ast.expr, columns: Mapping[str, _Column], text: str) -> Any:
    if isinstance(node, ast.BoolOp):
        parts = [_truth(part, columns, text) for part in node.values]
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        joined = parts[0]
        for part in parts[1:]:
            joined = join(joined, part)
        return joined
    if isinstance(node, ast.UnaryOp):
        return np.logical_not(_truth(node.operand, columns, text))
    if isinstance(node, ast.Compare):
        values = [node.left, *node.comparators]
        joined = True
        for left, op, right in zip(values, node.ops, values[1:], strict=False):
            joined = np.logical_and(joined, _compare(left, op, right, columns))
        return joined
    column = _as(_column(node, columns), "truth")
    return np.logical_and(column.values, column.known)


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, columns: Mapping[str, _Column]) -> Any:
    if isinstance(right, ast.List | ast.Tuple):
        inside: Any = np.False_
        for other in right.elts:
            inside = np.logical_or(inside, _compare(left, ast.Eq(), other, columns))
        return np.logical_not(inside) if isinstance(op, ast.NotIn) else inside
    first, second = _column(left, columns), _column(right, columns)
    if first.kind == "free" and second.kind == "free":
        kind = "number" if type(op) in _ORDER else "text"
    else:
        kind = second.kind if first.kind == "free" else first.kind
    first, second = _as(first, kind), _as(second, kind)
    known = np.logical_and(first.known, second.known)
    if type(op) in _ORDER:
        return np.logical_and(_ORDER[type(op)](first.values, second.values), known)
    equal = np.logical_and(np.equal(first.values, second.values), known)
    return np.logical_not(equal) if isinstance(op, ast.NotEq) else equal


def _column(node: ast.expr, columns: Mapping[str, _Column]) -> _Column:
    if isinstance(node, ast.Name):
        return columns[node.id]
    value = _literal(node)
    return _Column(_kind_of(node), np.asarray(value))


def _as(column: _Column, kind: str) -> _Column:
    """Return what the file says as numbers, texts or truths; what cannot be one counts as not known."""
    if column.kind != "free":
        return column
    values: list[Any] = []
    known = []
    for value in column.values:
        plain = value.item() if isinstance(value, np.generic) else value
        try:
            read: Any = str(plain) if kind == "text" else float(plain) if kind == "number" else plain
        except (TypeError, ValueError):
            read = None
        usable = plain is not None and read is not None and (kind != "truth" or isinstance(read, bool))
        known.append(usable)
        values.append(read if usable else "" if kind == "text" else 0.0 if kind == "number" else False)
    return _Column(kind, np.array(values), np.array(known, dtype=bool))
