"""One verdict per function of an implementation: coefficients, harmonics, Wigner matrices, and whether they fit each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...theory import InputError
from .bases import Matrix, triples
from .coupling_values import CouplingVerdict, judge_couplings
from .damage import Finding
from .harmonic_values import HarmonicVerdict, judge_harmonics
from .wigner_values import WignerVerdict, judge_wigner

Kind = Literal["coefficients", "harmonics", "wigner"]
Verdict = CouplingVerdict | HarmonicVerdict | WignerVerdict


@dataclass(frozen=True)
class Source:
    """A function to be judged.

    Attributes
    ----------
    kind
        "coefficients": (l1, l2, l3) -> array of shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1). "harmonics": (l, points of shape
        (N, 3)) -> (N, 2l+1). "wigner": (l, rotation matrix of shape (3, 3)) -> (2l+1, 2l+1).
    name
        What its users call it.
    numbers
        "float64" or "float32".
    function
        The function.
    """

    kind: Kind
    name: str
    numbers: str
    function: Callable[..., Any]


def judge_sources(sources: Sequence[Source], l_max: int) -> list[dict[str, Any]]:
    """Judge functions of one implementation.

    Harmonics come first; the last ones that are right give the basis which the coefficients and Wigner matrices that
    follow must share.

    Parameters
    ----------
    sources
        In the order of the report.
    l_max
        Highest degree.

    Returns
    -------
    list of dict
        One row per function, as the JSON holds it.

    Raises
    ------
    InputError
        If a function returns no numbers or another shape.
    """
    rows = []
    known: Mapping[int, Matrix] | None = None
    for source in sources:
        if source.kind == "harmonics":
            verdict: Verdict = judge_harmonics(_checked_harmonics(source), l_max)
            known = verdict.bases or None  # type: ignore[union-attr]
        elif source.kind == "wigner":
            verdict = judge_wigner(_checked_wigner(source), l_max, known)
        else:
            verdict = _judge_coefficients(source, l_max, known)
        rows.append(
            {"kind": source.kind, "name": source.name, "numbers": source.numbers, **verdict.to_dict()}
        )
    return rows


def _judge_coefficients(source: Source, l_max: int, known: Mapping[int, Matrix] | None) -> CouplingVerdict:
    tables = {
        labels: _array(source, labels, tuple(2 * l + 1 for l in labels), source.function(*labels))
        for labels in triples(l_max)
    }
    if not any(table.any() for table in tables.values()):
        raise InputError(f"{source.name} is zero for all degrees up to {l_max}: there is nothing to judge")
    free = judge_couplings(tables)
    if known is None:
        return free
    bound = judge_couplings(tables, known, axes_known=True)
    if free.right and not bound.right:
        text = (
            "the coefficients are right in themselves, but in another basis than the harmonics: "
            f"{free.basis}; first seen at {bound.findings[0].labels}"
        )
        finding = Finding("basis", bound.findings[0].labels, (), 0j, 0j, text)
        return CouplingVerdict(**{**vars(free), "findings": (finding,)})
    return bound if len(bound.findings) <= len(free.findings) else free


def _checked_harmonics(source: Source) -> Callable[[int, NDArray[np.float64]], NDArray[Any]]:
    return lambda l, points: _array(source, (l,), (len(points), 2 * l + 1), source.function(l, points))


def _checked_wigner(source: Source) -> Callable[[int, NDArray[np.float64]], NDArray[Any]]:
    return lambda l, rotation: _array(source, (l,), (2 * l + 1, 2 * l + 1), source.function(l, rotation))


def _array(source: Source, labels: tuple[int, ...], shape: tuple[int, ...], values: Any) -> NDArray[Any]:
    """Return the values as an array of that shape, in double precision."""
    call = f"{source.name}({', '.join(map(str, labels))}{'' if source.kind == 'coefficients' else ', ...'})"
    try:
        array = np.asarray(values)
        array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{call} returns {type(values).__name__}: give an array of numbers") from None
    if array.shape != shape:
        raise InputError(f"{call} has shape {array.shape}: give {shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{call} holds a value that is no finite number")
    return array
