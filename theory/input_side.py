r"""The input side: the highest harmonic degree that an equivariant polynomial can see of one neighbour's direction.

Fix every atom but the direction r of one neighbour (its distance fixed, its edges to other neighbours left out: a star graph),
and let F be an equivariant polynomial of degree <= nu in :math:`A_{nlm} = \sum_j R_n(r_j) Y_{lm}(\hat r_j)`, l <= L,
coupled to output degree :math:`l_{out}`. As a function of r on the sphere F is in :math:`H_{\le b}` with

.. math:: b(\nu, L, l_{out}) = \max_{0 \le k \le \nu} \min(kL,\; (\nu - k) L + l_{out}).

Proof: in the part of F with k factors taken from the moving neighbour, those k harmonics give degree <= kL (the span
theorem); to reach :math:`l_{out}` they couple with the other nu - k factors, of degree <= (nu - k)L, so by the triangle rule
their degree is <= (nu - k)L + l_out. One other neighbour, one channel and equal distances are enough to attain it, also with
an output of natural parity (tested by explicit polynomials). A pure pair term :math:`P_b(\cos\theta)` of an energy, b > L, asks
for more: neighbours that can be told apart, and enough radial channels.

**Layers.** The same holds after several layers whose every step is polynomial, as long as the moving neighbour's only edges
join it to the centre: each feature is then a polynomial in harmonics of edges, some of r and all others constant. With
:math:`n_s` factors of degree <= L_s from layer s (a message brings one, an update multiplies nu messages), of which
k_s are of r, :math:`b = \max_k \min(\sum_s k_s L_s, \sum_s (n_s - k_s) L_s + l_{out})`.

**Where nothing of this holds.** An edge of the moving neighbour to a third atom j brings the distance :math:`r_{j}`, and
:math:`r_j^2` is a polynomial of r but a radial function of :math:`r_j` is none: one such edge gives every degree. So does a
non-polynomial function of scalars that have seen r (a SiLU readout, NequIP's gates from the second layer on). An energy of
correlation nu sees l <= L floor(nu/2) on a star graph with a polynomial readout; elsewhere it can depend on arbitrarily
fine detail of one direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ._checks import MAX_BOUNDARY, counted, require_int, require_l_max
from .errors import InputError


@dataclass(frozen=True)
class InputCeiling:
    """The highest degree of one direction in an equivariant polynomial of a star graph; made by `input_ceiling`.

    Attributes
    ----------
    correlation, l_max, l_out
        Number of factors nu, highest l of the harmonics (L), and l of the output.
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
        output = "an invariant (an energy)" if self.l_out == 0 else f"a feature with l = {self.l_out}"
        if self.boundary == 0:
            reason = "A factor from that neighbour has no partner to couple with. "
        else:
            others = self.correlation - self.factors
            reason = (
                f"Taking {counted(self.factors, 'factor')} from that neighbour gives l up to "
                f"{self.factors * self.l_max}, and coupling to l = {self.l_out} with the {counted(others, 'factor')} left, which "
                f"reach l = {others * self.l_max} together, allows no more than {others * self.l_max + self.l_out}; no "
                "other number of factors does better. "
            )
        return (
            f"With harmonics Y_lm, l <= {self.l_max}, and products of at most {self.correlation} of them, {output} "
            f"sees at most l = {self.boundary} of the direction of one neighbour, while all other atoms stay fixed. {reason}"
            f"Without equivariance the bound would be {self.without_symmetry}. It holds for one layer of polynomial operations "
            "where the neighbour's only edge joins it to the centre (a star graph). An edge to a third atom removes the bound, "
            "because functions of that distance are not polynomials in the direction, and so does a non-polynomial function of "
            "scalars that depend on the direction; further layers raise it, and the gradient (forces) shifts l by one."
        )


def input_ceiling(correlation: int, l_max: int, l_out: int = 0) -> InputCeiling:
    """Highest degree of one direction that an equivariant polynomial on a star graph can see.

    Parameters
    ----------
    correlation
        Degree nu of the polynomial in A (the correlation order of ACE and MACE), at least 1.
    l_max
        Highest l of the harmonics, L, at least 0.
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
            f"l_out = {l_out} cannot be put out: {correlation} harmonics with l <= {l_max} couple to degree at most "
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
        Highest l of the harmonics of an edge, L, at least 0.
    """

    correlation: int
    l_max: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "correlation", require_int("correlation", self.correlation, 1))
        object.__setattr__(self, "l_max", require_l_max(self.l_max))


def composed_input_bounds(layers: Iterable[PolynomialLayer], l_out: int = 0) -> tuple[int, ...]:
    r"""Upper bounds on the degree of one direction after each of several polynomial layers, on a star graph.

    The moving neighbour's only edges must join it to the centre; other atoms may have any edges among themselves. Then every
    feature of every atom is a polynomial in harmonics of the moving direction and in constants, and the argument of
    `input_ceiling` holds for all factors together. For layers alike with nu factors and l <= L the number of
    factors is :math:`N_1 = \nu`, :math:`N_{t+1} = \nu (N_t + 1)`, and an invariant sees :math:`L \lfloor N_t / 2 \rfloor`. On a
    graph where the moving neighbour has other edges there is **no** bound: their lengths enter through functions that are no
    polynomials.

    Parameters
    ----------
    layers
        The layers in order, at least one, all polynomial.
    l_out
        Degree of the output, 0 for an invariant (an energy, of any atom).

    Returns
    -------
    tuple of int
        The bound after each layer; 0 where a layer cannot put out `l_out` yet. Forces (gradients) have one more for the
        moving neighbour and the centre.

    Raises
    ------
    InputError
        If no layer is given, one is no PolynomialLayer, `l_out` is not an integer of at least 0, or no layer puts it out.

    Examples
    --------
    >>> layer = PolynomialLayer(correlation=2, l_max=2)
    >>> composed_input_bounds([layer, layer]), composed_input_bounds([layer, layer], l_out=1)
    ((2, 6), (2, 6))
    """
    l_out = require_int("l_out", l_out, 0)
    counts: dict[int, int] = {}  # highest degree of a factor -> how many factors
    bounds: list[int] = []
    for layer in layers:
        if not isinstance(layer, PolynomialLayer):
            raise InputError(f"layer {layer!r} is none: give PolynomialLayer(correlation, l_max)")
        counts[layer.l_max] = counts.get(layer.l_max, 0) + 1
        counts = {degree: layer.correlation * count for degree, count in counts.items()}
        total = sum(degree * count for degree, count in counts.items())
        if total > MAX_BOUNDARY:
            raise InputError(
                f"after {counted(len(bounds) + 1, 'layer')} the factors have degree {total} together, beyond what is counted: "
                f"keep it at or below {MAX_BOUNDARY}"
            )
        sums = _sums(counts)
        bounds.append(max(min(part, total - part + l_out) for part in sums) if l_out <= total else 0)
    if not bounds:
        raise InputError(
            "no layer is given: give at least one PolynomialLayer, or use Ceiling for a readout alone"
        )
    if l_out > total:
        raise InputError(
            f"l_out = {l_out} cannot be put out: the factors of all layers couple to degree at most {total}; lower l_out"
        )
    return tuple(bounds)


def _sums(counts: dict[int, int]) -> set[int]:
    """All sums of degrees of some of the factors."""
    sums = {0}
    for degree, count in counts.items():
        sums = {part + k * degree for part in sums for k in range(count + 1)} if degree else sums
    return sums
