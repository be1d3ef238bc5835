"""Are spherical harmonics right, and in which convention: normalisation, order, signs, axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics import fibonacci_directions, real_harmonics
from .bases import Matrix, name_bases, sentence
from .coupling_values import DOUBLE, SINGLE
from .damage import Finding

#: (l, points of shape (N, 3)) -> values of shape (N, 2l+1).
Harmonics = Callable[[int, NDArray[np.float64]], Any]

#: sum_m |Y_lm|^2 on the unit sphere, by the name of the normalisation.
_LAWS: dict[str, Callable[[int], float]] = {
    "component: sum of squares 2 l + 1": lambda l: 2 * l + 1,
    "integral 1: sum of squares (2 l + 1) / 4 pi": lambda l: (2 * l + 1) / (4 * pi),
    "norm 1 (Racah): sum of squares 1": lambda l: 1.0,
}

_POINTS = 150


@dataclass(frozen=True)
class HarmonicVerdict:
    """What a set of harmonics is.

    Attributes
    ----------
    basis, normalisation
        In words.
    length
        What a vector that is not of length 1 gives: "normalised" (the same), "solid" (times r^l) or "other".
    error
        Worst difference from exact harmonics of that convention, relative to the root of the sum of squares.
    precision
        "double" or "single".
    bases
        The basis of each degree, times what normalises it; empty where there is none.
    findings
        What is wrong.
    """

    basis: str
    normalisation: str
    length: str
    error: float
    precision: str
    bases: Mapping[int, Matrix]
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the JSON holds them."""
        return {
            "basis": self.basis,
            "normalisation": self.normalisation,
            "length": self.length,
            "error": self.error,
            "precision": self.precision,
            "right": self.right,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def judge_harmonics(harmonics: Harmonics, l_max: int) -> HarmonicVerdict:
    """Compare harmonics with exact ones, whatever their convention.

    Parameters
    ----------
    harmonics
        The implementation.
    l_max
        Degrees 0..l_max are looked at.

    Notes
    -----
    Values on directions are expanded in e3nn's harmonics of the same degree: what is left over is no harmonic of that
    degree, and the coefficients must be a unitary matrix times the normalisation.
    """
    points = fibonacci_directions(_POINTS)
    exact = real_harmonics(l_max, points)
    findings: list[Finding] = []
    bases: dict[int, Matrix] = {}
    norms: dict[int, float] = {}
    worst = 0.0
    for l in range(l_max + 1):
        values = np.asarray(harmonics(l, points))
        matrix, error, wrong = _expanded(l, values, exact[:, l * l : (l + 1) ** 2])
        if wrong:
            findings.append(wrong)
            continue
        bases[l], norms[l], worst = matrix, float(np.linalg.norm(matrix[0])), max(worst, error)
        bases[l] = matrix / norms[l]
    law, wanted = _law(norms)
    for l, norm in norms.items():
        if wanted is not None and abs(norm / wanted[l] - 1) > 1e-4:
            findings.append(
                Finding(
                    "norm",
                    (l,),
                    (),
                    norm,
                    wanted[l],
                    f"l = {l}: harmonics {norm / wanted[l]:.6g} times too large",
                )
            )
    known = [bases[l] for l in range(1, l_max + 1) if l in bases]
    named = name_bases(known, 1e-3) if len(known) == l_max else None
    return HarmonicVerdict(
        basis="not told where harmonics are wrong" if named is None else sentence(named, axes_known=True),
        normalisation=law,
        length=_length(harmonics, l_max),
        error=worst,
        precision="double" if worst <= _rounding(l_max, DOUBLE) else "single",
        bases=bases if not findings else {},
        findings=tuple(findings),
    )


def _rounding(l: int, unit: float) -> float:
    """Bound on the errors of harmonics and of their expansion.

    Recursions in l and m take of the order of l steps of a few roundings each, the powers of x, y, z another l; the
    expansion on more points than twice the coefficients adds as many roundings as there are coefficients.
    """
    return 16 * (2 * l + 1) ** 2 * unit


def _expanded(
    l: int, values: NDArray[Any], exact: NDArray[np.float64]
) -> tuple[Matrix, float, Finding | None]:
    """Return the coefficients in exact harmonics, the relative error, and what is wrong if something is."""
    matrix = np.linalg.lstsq(exact.astype(complex), values.astype(complex), rcond=None)[0].T
    left = np.abs(values - exact @ matrix.T).max(axis=0)
    size = sqrt(float((np.abs(values) ** 2).sum(axis=1).mean())) or 1.0
    tolerance = _rounding(l, SINGLE)
    for m, norm in enumerate(np.linalg.norm(matrix, axis=1)):
        if left[m] > tolerance * size:
            text = f"l = {l}: component {m} is no harmonic of this l (off by {left[m] / size:.1e})"
            return matrix, 0.0, Finding("other", (l,), (m,), complex(left[m]), 0j, text)
        if norm < tolerance * size:
            return matrix, 0.0, Finding("missing", (l,), (m,), 0j, 1, f"l = {l}: component {m} is zero")
    gram = matrix @ matrix.conj().T
    typical = float(np.median(np.diag(gram).real))
    off = np.abs(gram / typical - np.eye(len(gram)))
    worst = np.unravel_index(int(off.argmax()), off.shape)
    if off[worst] > 1e-4:
        a, b = int(worst[0]), int(worst[1])
        if a == b:
            ratio = sqrt(float(gram[a, a].real) / typical)
            text = f"l = {l}: component {a} is {ratio:.6g} times as large as the others have it"
        else:
            text = f"l = {l}: components {a} and {b} are not orthogonal"
        return matrix, 0.0, Finding("coefficient", (l,), (a,), complex(gram[a, b]), typical * (a == b), text)
    snapped = matrix / sqrt(typical)
    snapped = np.where(np.abs(snapped) < 1e-6, 0, snapped)
    unitary = np.linalg.svd(snapped)
    nearest = unitary[0] @ unitary[2]
    nearest = np.where(np.abs(nearest - np.round(nearest)) < 1e-6, np.round(nearest), nearest)
    error = float(np.abs(values / sqrt(typical) - exact @ nearest.T).max()) / sqrt(2 * l + 1)
    return sqrt(typical) * nearest, error, None


def _law(norms: Mapping[int, float]) -> tuple[str, dict[int, float] | None]:
    """Return the normalisation that most degrees obey, and the norm of each row of a basis under it."""
    best: tuple[int, str, dict[int, float] | None] = (0, "each degree has a normalisation of its own", None)
    for name, squares in _LAWS.items():
        wanted = {l: sqrt(squares(l) / (2 * l + 1)) for l in norms}
        hits = sum(abs(norms[l] / wanted[l] - 1) < 1e-4 for l in norms)
        if hits > best[0] and 2 * hits > len(norms):
            best = hits, name, wanted
    return best[1], best[2]


def _length(harmonics: Harmonics, l_max: int) -> str:
    """Tell what an implementation does with a vector of length 2."""
    points = fibonacci_directions(5)
    kinds = set()
    for l in range(1, l_max + 1):
        unit, longer = (np.asarray(harmonics(l, factor * points)) for factor in (1.0, 2.0))
        size = np.abs(unit).max() or 1.0
        if np.abs(longer - unit).max() < 1e-4 * size:
            kinds.add("normalised")
        elif np.abs(longer - 2**l * unit).max() < 1e-4 * 2**l * size:
            kinds.add("solid")
        else:
            kinds.add("other")
    return kinds.pop() if len(kinds) == 1 else "other"
