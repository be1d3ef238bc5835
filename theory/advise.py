"""Which (degree, l_max) to take for a wanted angular frequency, with what each choice costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ._checks import as_rational, require_int
from .costs import feature_cost, polynomial_cost, tensor_product_cost
from .errors import InputError
from .multiplicity import readout_multiplicities
from .point_groups import minimal_pairs, point_group

_MAX_TARGET = 64
#: Neighbours of an atom where none are given: about those of an organic molecule within 5 Å.
NEIGHBOURS = 20


@dataclass(frozen=True)
class Advice:
    """One minimal choice: lowering its degree or its l_max misses the target.

    Attributes
    ----------
    degree, l_max
        Polynomial degree of the readout and highest degree of the features.
    boundary
        Their ceiling, degree * l_max.
    share
        Fraction of the wanted weight at or below the boundary; 1 for a single wanted degree.
    irreps
        The features that the counts are for.
    coefficients
        Free coefficients of an equivariant readout for each wanted degree at or below the boundary, natural parity.
    multiplications
        Cost for one atom: `feature_multiplications` + `product_multiplications`.
    feature_multiplications
        Making features up to `l_max` in one message-passing layer, from the harmonics of all edges, see `feature_cost`.
    product_multiplications
        `degree` - 1 dense tensor products of them, channel by channel, see `tensor_product_cost`.
    polynomial_multiplications
        Forming all products of all channels instead, those that `coefficients` counts, see `polynomial_cost`.
    """

    degree: int
    l_max: int
    boundary: int
    share: Fraction
    irreps: str
    coefficients: dict[int, int]
    multiplications: int
    feature_multiplications: int
    product_multiplications: int
    polynomial_multiplications: int


def feature_irreps(channels: int, l_max: int, *, both_parities: bool = False) -> str:
    """Return features with `channels` copies of every degree 0..l_max, of natural or of both parities.

    Raises
    ------
    InputError
        If `channels` or `l_max` is not an integer or too small.

    Examples
    --------
    >>> feature_irreps(16, 2)
    '16x0e+16x1o+16x2e'
    """
    channels, l_max = require_int("channels", channels, 1), require_int("l_max", l_max, 0)
    terms = []
    for l in range(l_max + 1):
        natural, other = ("e", "o") if l % 2 == 0 else ("o", "e")
        terms += [f"{channels}x{l}{natural}"] + ([f"{channels}x{l}{other}"] if both_parities else [])
    return "+".join(terms)


@dataclass(frozen=True)
class SymmetryAdvice:
    """From which l_max on an environment of a symmetry can be told from a more symmetric one; made by `symmetry_advice`.

    Attributes
    ----------
    group
        Schoenflies symbol.
    order
        Number of elements.
    invariants
        Number of invariants at l = 0, ..., of natural parity, up to the smallest l of a field of this
        symmetry and of no continuous one.
    spherical_below
        Features of l <= L with L below this are those of a sphere: l = 0 alone.
    invisible_below
        Features of l <= L with L below this are those of an axially symmetric (or spherical) environment.
    """

    group: str
    order: int
    invariants: tuple[int, ...]
    spherical_below: int
    invisible_below: int

    @property
    def sentence(self) -> str:
        """What features of one layer can tell of a site of this symmetry, in a sentence."""
        if self.invisible_below == 1:
            return f"Vectors distinguish a site of symmetry {self.group} from an axially symmetric one: l_max = 1 is enough."
        axial = (
            f", and for L < {self.invisible_below} axially symmetric"
            if self.spherical_below < self.invisible_below
            else ""
        )
        return (
            f"For L < {self.spherical_below} a site of symmetry {self.group} looks spherical to sums of harmonics Y_lm, l <= L, "
            f"over its neighbours{axial}: below L = {self.invisible_below} its symmetry is invisible to everything that is built "
            "on these sums. A further layer, which sees the neighbours relative to one another, can reveal more."
        )


def symmetry_advice(symbol: str) -> SymmetryAdvice:
    """Return from which l_max on an environment with a point group's symmetry can be seen to have it.

    Parameters
    ----------
    symbol
        Schoenflies symbol of a finite group, see `point_group`.

    Raises
    ------
    InputError
        If the symbol is unknown or the group continuous.

    Notes
    -----
    Sums of harmonics over the neighbours of a site are invariants of its group. If no invariant of degree 1, ..., L is
    there, they are those of a sphere; if there are zonal harmonics about one axis only, they have a continuous symmetry.

    Examples
    --------
    >>> advice = symmetry_advice("D6h")
    >>> advice.spherical_below, advice.invisible_below, advice.invariants
    (2, 6, (1, 0, 1, 0, 1, 0, 2))
    """
    group = point_group(symbol)
    distinct, lowest, order = group.smallest_distinct_l(), group.smallest_l(), group.order
    assert lowest is not None
    assert order is not None
    return SymmetryAdvice(
        group.name,
        order,
        tuple(group.invariants(l) for l in range(distinct + 1)),
        lowest,
        group.smallest_visible_l(),
    )


def _weights(target: int | str | Mapping[int, int | Fraction]) -> dict[int, Fraction]:
    if isinstance(target, str):
        return {point_group(target).smallest_distinct_l(): Fraction(1)}
    if not isinstance(target, Mapping):
        return {require_int("l", target, 0): Fraction(1)}
    weights: dict[int, Fraction] = {}
    for l, weight in target.items():
        l, exact = require_int("l", l, 0), as_rational(weight)
        if exact is None or exact < 0:
            raise InputError(
                f"the weight of l = {l} is {weight!r}: give an integer or Fraction of at least 0"
            )
        if exact:
            weights[l] = exact
    if not weights:
        raise InputError("no l has a weight above 0: give at least one, for example {4: 1}")
    return dict(sorted(weights.items()))


def advise(
    target: int | str | Mapping[int, int | Fraction],
    *,
    channels: int = 32,
    share: Fraction | int = 1,
    both_parities: bool = False,
    neighbours: int = NEIGHBOURS,
) -> tuple[Advice, ...]:
    """Return every minimal (degree, l_max) that reaches the target, with its coefficients and cost.

    Parameters
    ----------
    target
        An l; or a point group's symbol, for the smallest l of a field of that symmetry and of no
        continuous one; or a mapping l -> weight (for example the power of a force field at every l).
    channels
        Copies of each irrep in the features.
    share
        For weights: the fraction of the total weight that must lie at or below the ceiling, above 0 and at most 1.
    both_parities
        Whether the features hold both parities of every degree, or the natural one alone.
    neighbours
        Atoms within the cutoff of one, whose messages are counted.

    Returns
    -------
    tuple of Advice
        Ascending in degree; the cheapest by any measure can be picked with ``min``.

    Raises
    ------
    InputError
        If the target, `channels`, `neighbours` or `share` is malformed, or the degree to reach is above 64.

    Examples
    --------
    >>> [(a.degree, a.l_max) for a in advise("C5")]
    [(1, 5), (2, 3), (3, 2), (5, 1)]
    >>> [(a.degree, a.l_max, str(a.share)) for a in advise({1: 6, 4: 3, 9: 1}, share=Fraction(9, 10))]
    [(1, 4, '9/10'), (2, 2, '9/10'), (4, 1, '9/10')]
    """
    weights = _weights(target)
    channels, neighbours = require_int("channels", channels, 1), require_int("neighbours", neighbours, 1)
    part = as_rational(share)
    if part is None or not 0 < part <= 1:
        raise InputError(
            f"share = {share!r} is no fraction of the weight: give a Fraction above 0 and at most 1"
        )
    total = sum(weights.values())
    l_wanted, reached = 0, Fraction(0)
    for l, weight in weights.items():
        l_wanted, reached = l, reached + weight
        if reached >= part * total:
            break
    if l_wanted > _MAX_TARGET:
        raise InputError(
            f"the target needs l = {l_wanted}, beyond what choices are counted for: ask for l of at most {_MAX_TARGET}"
        )
    return tuple(
        _choice(pair, weights, channels, neighbours, both_parities) for pair in minimal_pairs(l_wanted)
    )


def _choice(
    pair: tuple[int, int], weights: dict[int, Fraction], channels: int, neighbours: int, both_parities: bool
) -> Advice:
    degree, l_max = pair
    irreps = feature_irreps(channels, l_max, both_parities=both_parities)
    counts = readout_multiplicities(irreps, degree)
    within = [l for l in weights if l <= degree * l_max]
    copies = channels * (2 if both_parities else 1)
    features = feature_cost(l_max, channels, neighbours, both_parities=both_parities)
    products = tensor_product_cost(degree, l_max, max(within), copies)
    return Advice(
        degree=degree,
        l_max=l_max,
        boundary=degree * l_max,
        share=sum((weights[l] for l in within), Fraction(0)) / sum(weights.values()),
        irreps=irreps,
        coefficients={l: counts.get((l, -1 if l % 2 else 1), 0) for l in within},
        multiplications=features + products,
        feature_multiplications=features,
        product_multiplications=products,
        polynomial_multiplications=polynomial_cost(degree, l_max, copies),
    )
