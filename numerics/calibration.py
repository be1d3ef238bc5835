"""One row of the calibration table: everything that theory says of a pair (d, L), and everything measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..theory.ceiling import Ceiling
from ..theory.errors import InputError
from ..theory.multiplicity import formal_multiplicities, realised_multiplicities
from ._checks import at_least, ceiling_of
from .modular import exact_span_rank
from .projection import cyclic_projections, span_profile
from .rank import span_rank
from .structured import structured_span_rank

#: C_n fields that a row decides.
CYCLIC_ORDERS = tuple(range(1, 13))

#: Highest boundary dL of the dense ranks (2401 dimensions) and of the projections; the structured rank goes on.
DENSE_BOUNDARY = 48

#: Highest boundary of a row: the structured rank then takes 1.2 GB.
HIGHEST_BOUNDARY = 512

#: What rounding may do to a projected fraction of 0 or 1: an inner product of unit vectors of a few hundred terms.
_FRACTION_TOLERANCE = 1e-9


@dataclass(frozen=True)
class CalibrationRow:
    """Theory and measurement for one pair (d, L).

    Attributes
    ----------
    degree, l_max, boundary, dimension
        d, L, dL and (dL+1)^2.
    formal_multiplicities, realised_multiplicities
        Exact, for l = 0..dL.
    rank_float, gap, condition, tolerance, smallest_amplitude
        Dense rank in float64; sigma_r / sigma_{r+1}, sigma_1 / sigma_r and the bound on rounding. tolerance /
        sigma_r bounds the angle by which rounding can turn the span (Wedin), so the error of a field
        projected onto it, relative to the field: a boundary part below this fraction cannot be told from
        rounding, and is the smallest recoverable amplitude. None above `DENSE_BOUNDARY`.
    singular_values
        Of the dense float64 matrix, decreasing. None above `DENSE_BOUNDARY`.
    rank_mod_p
        Dense exact rank over F_p, by prime. None above `DENSE_BOUNDARY`.
    rank_structured
        Exact rank over F_p by orders m.
    dimensions_by_l, leakage, leakage_bound
        Dimension of the span inside H_l for l = 0..dL+4, what a product shows above dL relative to its norm,
        and what rounding may show. None above `DENSE_BOUNDARY`.
    cyclic_exact, cyclic_projection
        For each n: whether Re Y_nn is in the span, decided mod p; and its projected fraction in float64.
    disagreements
        Every measured value that is not what theory says, named; empty if all agree.
    """

    degree: int
    l_max: int
    boundary: int
    dimension: int
    formal_multiplicities: tuple[int, ...]
    realised_multiplicities: tuple[int, ...]
    rank_float: int | None
    rank_mod_p: dict[str, int] | None
    rank_structured: int
    gap: float | None
    condition: float | None
    tolerance: float | None
    smallest_amplitude: float | None
    dimensions_by_l: tuple[int, ...] | None
    leakage: float | None
    leakage_bound: float | None
    cyclic_exact: dict[str, int]
    cyclic_projection: dict[str, float] | None
    singular_values: tuple[float, ...] | None
    disagreements: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything measured is what theory says."""
        return not self.disagreements

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        data = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
        return {**data, "agrees": self.agrees}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CalibrationRow:
        """Return the row that :meth:`to_dict` wrote."""
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        fields.pop("agrees", None)
        return cls(**fields)


def calibrate_pair(degree: int, l_max: int, seed: int = 0) -> CalibrationRow:
    """Measure everything for one pair (d, L), from a random stream of its own: rows do not depend on each other.

    Raises
    ------
    InputError
        If degree, l_max or the seed is too small, or dL above `HIGHEST_BOUNDARY`.
    """
    ceiling, seed = check_pair(degree, l_max), at_least("the seed", seed, 0)
    degree, l_max = ceiling.degree, ceiling.l_max
    top, dimension = ceiling.boundary, ceiling.dimension
    rng = np.random.default_rng([seed, degree, l_max])
    wrong: list[str] = []

    def compare(what: str, measured: object, expected: object) -> None:
        if measured != expected:
            wrong.append(f"degree {degree}, l_max {l_max}: {what} is {measured}, theory says {expected}")

    structured = structured_span_rank(degree, l_max, rng, cyclic_orders=CYCLIC_ORDERS)
    compare("the structured rank", structured.rank, dimension)
    for n, value in structured.cyclic.items():
        compare(f"the C_{n} field mod p", value, int(n <= top))
    dense: dict[str, Any] = dict.fromkeys(
        (
            "rank_float", "rank_mod_p", "gap", "condition", "tolerance", "smallest_amplitude", "singular_values",
            "dimensions_by_l", "leakage", "leakage_bound", "cyclic_projection",
        )
    )  # fmt: skip
    if top <= DENSE_BOUNDARY:
        measured = span_rank(degree, l_max, rng)
        exact = exact_span_rank(degree, l_max, rng)
        profile = span_profile(degree, l_max, rng)
        fractions = cyclic_projections(degree, l_max, rng, CYCLIC_ORDERS)
        compare("the rank in float64", measured.rank, dimension)
        for prime, rank in zip(exact.primes, exact.ranks, strict=True):
            compare(f"the rank mod {prime}", rank, dimension)
        for k, measured_dimension in enumerate(profile.dimensions):
            compare(f"the dimension inside H_{k}", measured_dimension, 2 * k + 1 if k <= top else 0)
        if profile.leakage > profile.leakage_bound:
            compare("the leakage", f"{profile.leakage:.1e}", f"rounding, below {profile.leakage_bound:.1e}")
        for n, fraction in zip(CYCLIC_ORDERS, fractions, strict=True):
            if abs(fraction - (n <= top)) > _FRACTION_TOLERANCE:
                compare(f"the projected C_{n} field", f"{fraction:.6f}", int(n <= top))
        smallest = (
            measured.singular_values[dimension - 1] if dimension <= len(measured.singular_values) else 0.0
        )
        dense.update(
            {
                "rank_float": measured.rank,
                "rank_mod_p": {str(p): r for p, r in zip(exact.primes, exact.ranks, strict=True)},
                "gap": measured.gap,
                "condition": measured.condition,
                "tolerance": measured.tolerance,
                "smallest_amplitude": float(measured.tolerance / smallest) if smallest > 0 else None,
                "singular_values": tuple(float(f"{s:.6g}") for s in measured.singular_values),
                "dimensions_by_l": profile.dimensions,
                "leakage": profile.leakage,
                "leakage_bound": profile.leakage_bound,
                "cyclic_projection": {
                    str(n): float(f) for n, f in zip(CYCLIC_ORDERS, fractions, strict=True)
                },
            }
        )
    return CalibrationRow(
        degree=degree,
        l_max=l_max,
        boundary=top,
        dimension=dimension,
        formal_multiplicities=formal_multiplicities(degree, l_max),
        realised_multiplicities=realised_multiplicities(degree, l_max),
        rank_structured=structured.rank,
        cyclic_exact={str(n): value for n, value in structured.cyclic.items()},
        disagreements=tuple(wrong),
        **dense,
    )


def check_pair(degree: int, l_max: int) -> Ceiling:
    """Return the ceiling of (degree, l_max), or raise InputError unless a row for it can be made."""
    ceiling = ceiling_of(degree, l_max)
    if ceiling.boundary > HIGHEST_BOUNDARY:
        raise InputError(
            f"degree {degree} times l_max {l_max} is {ceiling.boundary}: calibration goes to {HIGHEST_BOUNDARY}"
        )
    return ceiling
