"""Are the coefficients of an implementation right, and in which convention: values against exact ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bases import Basis, Matrix, complex_to_real, name_bases, sentence
from .damage import Finding, describe_difference
from .exact_couplings import FAMILIES, exact_coupling, norm_laws

Triple = tuple[int, int, int]
Tables = Mapping[Triple, NDArray[Any]]


@dataclass(frozen=True)
class CouplingVerdict:
    """What a set of coupling coefficients is.

    Attributes
    ----------
    family
        "real", "complex Clebsch-Gordan" or "complex 3j".
    basis
        Name of the basis, in words.
    normalisation
        The law of the norms.
    minus
        Couplings with the opposite sign of the exact ones: a convention.
    error
        Worst difference from exact, relative to the largest entry of its coupling, among those that are right.
    precision
        "double" or "single": what the differences from exact correspond to.
    number
        Couplings compared.
    findings
        What is wrong.
    """

    family: str
    basis: str
    normalisation: str
    minus: tuple[Triple, ...]
    error: float
    precision: str
    number: int
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the JSON holds them."""
        return {
            "family": self.family,
            "basis": self.basis,
            "normalisation": self.normalisation,
            "minus": [list(triple) for triple in self.minus],
            "error": self.error,
            "precision": self.precision,
            "number": self.number,
            "right": self.right,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def rounding(l: int, unit: float) -> float:
    """Bound on the rounding errors of couplings up to l that were made in arithmetic with that unit roundoff.

    Recursions over m lose up to (2l+1)^2 units, and each of the three changes of basis that the comparison makes adds
    2l+1; sums of both signs are no larger than the sums of sizes, 2l+1 times the largest entry at most.
    """
    size = 2 * l + 1
    return (size**2 + 3 * size) * size * unit


DOUBLE, SINGLE = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)


def judge_couplings(
    tables: Tables, known: Mapping[int, Matrix] | None = None, axes_known: bool = False
) -> CouplingVerdict:
    """Compare coupling coefficients with exact ones, whatever their convention.

    Parameters
    ----------
    tables
        (l1, l2, l3) -> array of shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1), real or complex, for all that obey the
        triangle rule up to some l.
    known
        Bases of degrees 0, 1, ... where they are known, for example from the harmonics of the same package; without
        them they are found, up to a rotation of everything that couplings cannot tell.
    axes_known
        Whether `known` fixes the axes.

    Notes
    -----
    Couplings of irreps are unique up to a factor. With a basis of l = 1 fixed, the coupling of (1, l-1, l), or any other
    with two degrees whose bases are known, gives the basis of degree l up to a phase; the one that most couplings
    agree on is taken, so that a damaged coupling does not hide behind its own basis. Then each coupling must be a
    factor times the exact one.
    """
    top = max(max(triple) for triple in tables)
    best = None
    for family, first in _starts(known is not None):
        if known is None:
            bases = solve_bases(tables, family, first, top)
        else:
            bases = {
                l: basis if family == "real" else basis @ complex_to_real(l) for l, basis in known.items()
            }
        fits = {triple: _fit(table, _expected(family, triple, bases)) for triple, table in tables.items()}
        good = sum(error <= rounding(top, SINGLE) and abs(factor) > 0 for factor, error in fits.values())
        # a plain identity comes first among equals
        if best is None or good > best[0]:
            best = (good, family, bases, fits)
        if good == len(tables):
            break
    assert best is not None
    _, family, bases, fits = best
    return _verdict(tables, family, bases, fits, top, axes_known)


def _starts(known: bool) -> list[tuple[str, Matrix]]:
    """Return families with a basis of l = 1: in real ones a rotation is free, in complex ones the order of m is not."""
    identity = np.eye(3, dtype=complex)
    orders = sorted(permutations(range(3)), key=lambda order: order != (0, 1, 2))
    return [
        ("real", identity),
        *(
            (family, identity[list(order)])
            for order in orders[: 1 if known else 6]
            for family in FAMILIES[1:]
        ),
    ]


def _expected(family: str, triple: Triple, bases: Mapping[int, Matrix]) -> Matrix:
    """Return the exact coupling in the given bases; the third of a Clebsch-Gordan coefficient is conjugated."""
    first, second, third = (bases[l] for l in triple)
    last = third.conj() if family != "complex 3j" else third
    exact = exact_coupling(family, *triple)
    turned: Matrix = np.einsum("ia,jb,kc,abc->ijk", first, second, last, exact, optimize=True)
    return turned


def _fit(table: NDArray[Any], expected: Matrix) -> tuple[complex, float]:
    """Return the factor between a coupling and the expected one, and the largest difference over the largest entry."""
    size = np.abs(expected).max()
    kept = np.abs(expected) > 1e-3 * size
    ratios = table[kept] / expected[kept]
    # what most entries agree on, so that a single wrong one does not move it
    ordered = ratios[np.argsort(ratios.real)]
    factor = complex(ordered[len(ordered) // 2])
    if np.abs(table - factor * expected).max() > 1e-3 * abs(factor) * size:
        counts = Counter(complex(round(v.real, 5), round(v.imag, 5)) for v in ratios)
        factor = max(counts, key=lambda value: (counts[value], abs(value)))
        near = ratios[np.abs(ratios - factor) < 1e-4 * max(1.0, abs(factor))]
        factor = complex(near.mean()) if len(near) else factor
    if abs(factor) < 1e-12:
        return 0j, float("inf") if np.abs(table).max() > 1e-12 else 0.0
    return factor, float(np.abs(table - factor * expected).max() / (abs(factor) * size))


def solve_bases(tables: Tables, family: str, first: Matrix, top: int) -> dict[int, Matrix]:
    """Return the basis of every degree in which most couplings are the exact ones, l = 1 given."""
    bases: dict[int, Matrix] = {0: np.eye(1, dtype=complex), 1: first}
    for l in range(2, top + 1):
        proposals: list[Matrix] = []
        for triple, table in tables.items():
            others = [degree for degree in triple if degree != l]
            if len(others) == 2 and all(degree < l for degree in triple if degree != l):
                proposals.extend(_proposal(family, triple, table, bases, l))
        bases[l] = _most_common(proposals) if proposals else np.eye(2 * l + 1, dtype=complex)
    return bases


def _proposal(
    family: str, triple: Triple, table: NDArray[Any], bases: Mapping[int, Matrix], l: int
) -> list[Matrix]:
    """Return the basis of degree l that makes this coupling exact, if there is a unitary one."""
    place = triple.index(l)
    exact = exact_coupling(family, *triple).astype(complex)
    for axis, degree in enumerate(triple):
        if axis != place:
            basis = bases[degree]
            if axis == 2 and family != "complex 3j":
                basis = basis.conj()
            exact = np.moveaxis(np.tensordot(basis, exact, axes=(1, axis)), 0, axis)
    axes = [axis for axis in range(3) if axis != place]
    # for a fixed component of the third the couplings of two are orthogonal (Schur), so this is B times a factor
    matrix = np.tensordot(table, exact.conj(), axes=(axes, axes))
    norm = np.sqrt(np.trace(matrix @ matrix.conj().T).real / len(matrix))
    if norm < 1e-9:
        return []
    matrix = matrix / norm
    if place == 2 and family != "complex 3j":
        matrix = matrix.conj()
    if np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max() > 1e-4:
        return []
    phase = matrix.reshape(-1)[int((np.abs(matrix.reshape(-1)) > 0.1).argmax())]
    return [matrix * (phase.conjugate() / abs(phase))]


def _most_common(proposals: list[Matrix]) -> Matrix:
    agreeing = [
        [other for other in proposals if np.abs(other - proposal).max() < 1e-4] for proposal in proposals
    ]
    chosen: Matrix = np.mean(max(agreeing, key=len), axis=0)
    snapped = np.where(np.abs(chosen) < 1e-6, 0, chosen)
    left, _, right = np.linalg.svd(snapped)  # the nearest unitary matrix
    unitary: Matrix = left @ right
    return np.where(np.abs(unitary - np.round(unitary)) < 1e-6, np.round(unitary), unitary)


def _verdict(
    tables: Tables,
    family: str,
    bases: Mapping[int, Matrix],
    fits: Mapping[Triple, tuple[complex, float]],
    top: int,
    axes_known: bool,
) -> CouplingVerdict:
    right = {
        triple: abs(factor)
        for triple, (factor, error) in fits.items()
        if factor and error <= rounding(top, SINGLE)
    }
    law, constant, wanted = _normalisation(right, tables)
    findings, errors = [], []
    for triple, table in tables.items():
        factor, error = fits[triple]
        expected = _expected(family, triple, bases)
        if triple in right and (wanted is None or abs(right[triple] / wanted[triple] - 1) < 1e-3):
            errors.append(error)
            continue
        if wanted is not None and not wanted[triple] and not np.abs(table).any():
            continue  # a Gaunt coefficient that vanishes
        size = abs(factor) if wanted is None or not wanted[triple] else wanted[triple]
        phase = factor / abs(factor) if factor else 1.0
        findings.append(describe_difference(triple, table, phase * size * expected))
    worst = max(errors, default=0.0)
    basis: Basis = name_bases([bases[l] for l in range(1, top + 1)], 1e-3)
    if family != "real":
        basis = name_bases([bases[l] @ complex_to_real(l).conj().T for l in range(1, top + 1)], 1e-3)
    minus = tuple(triple for triple in right if fits[triple][0].real < 0)
    return CouplingVerdict(
        family=family,
        basis=sentence(basis, axes_known),
        normalisation=law + ("" if abs(constant - 1) < 1e-3 else f", times {constant:.6g} everywhere"),
        minus=minus,
        error=worst,
        precision="double" if worst <= rounding(top, DOUBLE) else "single",
        number=len(tables),
        findings=tuple(findings),
    )


def _normalisation(
    norms: Mapping[Triple, float], tables: Tables
) -> tuple[str, float, dict[Triple, float] | None]:
    """Return the law that most norms obey, up to one constant, and the norm of each coupling under it."""
    best: tuple[int, str, float, dict[Triple, float] | None] = (
        0,
        "each coupling has a normalisation of its own",
        1.0,
        None,
    )
    if not norms:
        return best[1:]
    laws: dict[Triple, dict[str, float]] = {triple: norm_laws(*triple) for triple in tables}
    for scaled in (False, True):
        for name in norm_laws(0, 0, 0):
            ratios = {t: norm / laws[t][name] for t, norm in norms.items() if laws[t][name]}
            if not ratios:
                continue
            constant = float(np.median(list(ratios.values()))) if scaled else 1.0
            hits = sum(abs(ratio / constant - 1) < 1e-3 for ratio in ratios.values())
            if hits > best[0] and 2 * hits > len(norms):
                best = hits, name, constant, {t: constant * laws[t][name] for t in tables}
        if best[0] == len(norms):
            break
    return best[1:]


Coefficients = Callable[[int, int, int], Any]
