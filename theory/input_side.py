r"""The input side: the highest harmonic degree that an equivariant polynomial can see of one neighbour's direction.

Fix every atom but the direction r of one neighbour (its distance fixed, its edges to other neighbours left out: a star graph),
and let F be an equivariant polynomial of degree <= nu in :math:`A_{nlm} = \sum_j R_n(r_j) Y_{lm}(\hat r_j)`, l <= L,
coupled to output degree :math:`l_{out}`. As a function of r on the sphere F is in :math:`H_{\le b}` with

.. math:: b(\nu, L, l_{out}) = \max_{0 \le k \le \nu} \min(kL,\; (\nu - k) L + l_{out}).

Proof: in the part of F with k factors taken from the moving neighbour, those k harmonics give degree <= kL (the span
theorem); to reach :math:`l_{out}` they couple with the other nu - k factors, of degree <= (nu - k)L, so by the triangle rule
their degree is <= (nu - k)L + l_out. The bound is attained for generic coefficients and enough other
neighbours, also when the output has natural parity: the other factors can couple to degree \|b - l_out\|,
which has the parity that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ._checks import counted, require_int, require_l_max
from .errors import InputError


@dataclass(frozen=True)
class InputCeiling:
    """The highest degree of one direction in an equivariant polynomial of a star graph; made by `input_ceiling`.

    Attributes
    ----------
    correlation, l_max, l_out
        Number of factors nu, highest degree L of the harmonics, and degree of the output.
    boundary
        The bound b.
    factors
        The number k of factors taken from the moving neighbour that attains it.
    """

    correlation: int
    l_max: int
    l_out: int
    boundary: int
    factors: int

    @property
    def without_symmetry(self) -> int:
        """The bound for a polynomial that need not be equivariant, nu * L."""
        return self.correlation * self.l_max

    @property
    def explanation(self) -> str:
        """One paragraph in words: the bound, why it holds, and where it stops holding."""
        output = "an invariant (an energy)" if self.l_out == 0 else f"a feature of degree {self.l_out}"
        if self.boundary == 0:
            reason = "A factor from that neighbour finds no partner to couple with. "
        else:
            others = self.correlation - self.factors
            reason = (
                f"Taking {counted(self.factors, 'factor')} from that neighbour gives degree at most "
                f"{self.factors * self.l_max}, and coupling to degree {self.l_out} with the {counted(others, 'factor')} left, of "
                f"degree at most {others * self.l_max} together, allows no more than {others * self.l_max + self.l_out}; no "
                "other number of factors does better. "
            )
        return (
            f"With harmonics of degree at most {self.l_max} and products of at most {self.correlation} of them, {output} "
            f"sees at most degree {self.boundary} of the direction of one neighbour, while all other atoms stay. {reason}"
            f"Without equivariance the bound would be {self.without_symmetry}. It "
            "holds for one layer of polynomial operations on a star graph: a non-polynomial function of scalars that "
            "depend on the direction, or further layers, lift it, and the gradient (forces) shifts the degree by one."
        )


def input_ceiling(correlation: int, l_max: int, l_out: int = 0) -> InputCeiling:
    """Highest degree of one direction that an equivariant polynomial on a star graph can see.

    Parameters
    ----------
    correlation
        Degree nu of the polynomial in A (the correlation order of ACE and MACE), at least 1.
    l_max
        Highest degree L of the harmonics, at least 0.
    l_out
        Degree of the output, 0 for an invariant; at most nu * L.

    Returns
    -------
    InputCeiling
        With the bound; for invariants it is L * floor(nu / 2).

    Raises
    ------
    InputError
        If an argument is not an integer, too small, or `l_out` cannot be put out at all.

    Examples
    --------
    >>> input_ceiling(3, 2).boundary, input_ceiling(4, 2).boundary, input_ceiling(3, 2, 2).boundary
    (2, 4, 4)
    """
    correlation, l_max = require_int("correlation", correlation, 1), require_l_max(l_max)
    l_out = require_int("l_out", l_out, 0)
    if l_out > correlation * l_max:
        raise InputError(
            f"l_out = {l_out} cannot be put out: {correlation} harmonics of degree at most {l_max} couple to degree at most "
            f"{correlation * l_max}; lower l_out"
        )
    reach = [min(k * l_max, (correlation - k) * l_max + l_out) for k in range(correlation + 1)]
    boundary = max(reach)
    return InputCeiling(correlation, l_max, l_out, boundary, reach.index(boundary))


@dataclass(frozen=True)
class PolynomialLayer:
    """One message-passing layer whose every step is polynomial in directions.

    Attributes
    ----------
    correlation
        Number nu of messages multiplied in one update, at least 1 (1 when messages are only added up).
    l_max
        Highest degree L of the harmonics of an edge, at least 0.
    """

    correlation: int
    l_max: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "correlation", require_int("correlation", self.correlation, 1))
        object.__setattr__(self, "l_max", require_l_max(self.l_max))


def composed_input_bounds(layers: Iterable[PolynomialLayer]) -> tuple[int, ...]:
    """Upper bounds on the degree of one direction after each of several polynomial layers.

    A message multiplies features of degree <= b of the direction by harmonics of degree <= L, and an update multiplies nu
    messages, so that b grows to at most nu (b + L). This holds on any graph and without using equivariance; for the first
    layer on a star graph `input_ceiling` is sharper.

    Parameters
    ----------
    layers
        The layers in order, at least one, all polynomial.

    Returns
    -------
    tuple of int
        The bound after each layer; forces (gradients) have one more.

    Raises
    ------
    InputError
        If no layer is given.

    Examples
    --------
    >>> composed_input_bounds([PolynomialLayer(3, 2), PolynomialLayer(3, 2)])
    (6, 24)
    """
    bounds: list[int] = []
    degree = 0
    for layer in layers:
        degree = layer.correlation * (degree + layer.l_max)
        bounds.append(degree)
    if not bounds:
        raise InputError(
            "no layer is given: give at least one PolynomialLayer, or use Ceiling for a readout alone"
        )
    return tuple(bounds)
