r"""The finite-degree span theorem, constructively, for features with any set of l.

For features :math:`Y_{lm}(\hat r)`, l in a set S, the polynomials of degree <= d span the sum of the
:math:`H_l` with l in :math:`C_d(S)`, where :math:`C_0 = \{0\}` and :math:`C_{k+1} = C_k \cup \{l : |a-b| \le
l \le a+b,\ a+b+l\ \text{even},\ a \in C_k, b \in S\}`. The span is rotation invariant, each :math:`H_l` is
irreducible and occurs once on the sphere, so it is a sum of whole :math:`H_l` (Schur); and the coupling of
:math:`H_a` and :math:`H_b` to :math:`H_l` is :math:`\sqrt{(2a+1)(2b+1)/(2l+1)}\,\langle a0\,b0|l0\rangle`,
which vanishes exactly outside that rule. For S = {0, ..., L} this is :math:`H_{\le dL}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from ._checks import require_affordable, require_degree, require_int, require_l_max
from .couplings import product_coefficient, product_degrees
from .errors import InputError
from .roots import ONE, SignedRoot


@dataclass(frozen=True, slots=True)
class CouplingStep:
    """One product of a chain: degree `left` times feature degree `right`, projected onto `result`.

    `coefficient` is the exact constant that the projection gives on the sphere, see `product_coefficient`.
    """

    left: int
    right: int
    result: int
    coefficient: SignedRoot


@dataclass(frozen=True, slots=True)
class Witness:
    r"""A polynomial of the features that equals `coefficient` times :math:`Y_{lm}` on the sphere.

    Attributes
    ----------
    l
        The l reached.
    factors
        The l of the features that are multiplied, in order; empty for the constant.
    chain
        The couplings that follow the first factor. When every step is stretched (result = left + right) the
        component m = l is the plain product of the :math:`Y_{bb}`, b in `factors`.
    coefficient
        The exact constant, component normalisation, never zero: the product of the chain's coefficients.
    """

    l: int
    factors: tuple[int, ...]
    chain: tuple[CouplingStep, ...]
    coefficient: SignedRoot


@dataclass(frozen=True, slots=True)
class Span:
    """What polynomials of degree <= `degree` in the harmonics of the given `degrees` span on the sphere.

    Attributes
    ----------
    degree, degrees
        Polynomial degree and the sorted l of the features.
    closure
        The sorted degrees reachable with at most k factors, k = 0..degree: the exclusion argument, as the
        selection rule allows nothing outside the last one.
    witnesses
        One for every reachable degree, ascending.
    """

    degree: int
    degrees: tuple[int, ...]
    closure: tuple[tuple[int, ...], ...]
    witnesses: tuple[Witness, ...]

    @property
    def reachable(self) -> tuple[int, ...]:
        """The degrees reached, ascending."""
        return self.closure[-1]

    @property
    def dimension(self) -> int:
        """Dimension of the span, the sum of 2l+1 over the reachable degrees."""
        return sum(2 * l + 1 for l in self.reachable)


_CONSTANT = Witness(0, (), (), ONE)


def _times(witness: Witness, feature: int, result: int) -> Witness:
    """Return the witness multiplied by one more feature degree, projected onto `result`."""
    if not witness.factors:
        return Witness(feature, (feature,), (), ONE)
    step = CouplingStep(witness.l, feature, result, product_coefficient(witness.l, feature, result))
    factors, chain = (*witness.factors, feature), (*witness.chain, step)
    return Witness(result, factors, chain, witness.coefficient * step.coefficient)


def chain_witness(factors: tuple[int, ...], results: tuple[int, ...]) -> Witness:
    """Return the witness that multiplies `factors` in order, projecting the products onto `results`.

    Parameters
    ----------
    factors
        The l of the features.
    results
        Degree after the 2nd, 3rd, ... factor, one fewer than the factors (none for no factor).

    Raises
    ------
    InputError
        If a degree is not an integer of at least 0, or the numbers of factors and results do not fit.
    """
    if len(results) != max(len(factors) - 1, 0):
        raise InputError(
            f"{len(factors)} factors with {len(results)} results: give the l after each factor but the first"
        )
    factors = tuple(require_int("factor", b, 0) for b in factors)
    results = tuple(require_int("result", l, 0) for l in results)
    witness = _CONSTANT
    for feature, result in zip(factors, (*factors[:1], *results), strict=True):
        witness = _times(witness, feature, result)
    return witness


def stretched_witness(l: int, l_max: int) -> Witness:
    """Return the theorem's witness for degree `l`: with l = qL + r, the q-fold product of Y_LL times Y_rr.

    Raises
    ------
    InputError
        If `l` or `l_max` is not an integer, or l_max < 1 with l > 0.
    """
    l, l_max = require_int("l", l, 0), require_l_max(l_max)
    if l and l_max == 0:
        raise InputError(f"l_max = 0 reaches the constant alone: give l_max of at least 1 to reach l = {l}")
    if not l:
        return _CONSTANT
    count, rest = divmod(l, l_max)
    factors = (l_max,) * count + ((rest,) if rest else ())
    return chain_witness(factors, tuple(accumulate(factors))[1:])


def span(degree: int, l_max: int) -> Span:
    """The span theorem for one (degree, l_max): exactly the degrees 0..degree*l_max, each with its witness.

    Parameters
    ----------
    degree, l_max
        Polynomial degree d >= 1 and highest l of the features, L >= 0; features of every l = 0..L.

    Returns
    -------
    Span
        With the stretched witnesses of the proof and the closure 0..kL for k = 0..d.

    Raises
    ------
    InputError
        If an argument is not an integer, too small, or degree * l_max is beyond exact tables.

    Notes
    -----
    Source: the finite-degree span theorem of arXiv 2605.08286.

    Examples
    --------
    >>> span(2, 2).reachable
    (0, 1, 2, 3, 4)
    >>> [str(w.coefficient) for w in span(2, 2).witnesses[3:]]
    ['sqrt(9/7)', 'sqrt(10/7)']
    """
    degree, l_max = require_affordable(degree, l_max)
    closure = tuple(tuple(range(k * l_max + 1)) for k in range(degree + 1))
    witnesses, power = [_CONSTANT], _CONSTANT
    for count in range(
        degree if l_max else 0
    ):  # l = count * L + rest: the power of Y_LL, times one more feature
        witnesses += [_times(power, rest, count * l_max + rest) for rest in range(1, l_max + 1)]
        power = witnesses[-1]
    return Span(degree, tuple(range(l_max + 1)), closure, tuple(witnesses))


def span_of_degrees(degrees: Iterable[int], degree: int) -> Span:
    """The span for features with any set of l, with a shortest chain of couplings as witness of each l reached.

    Parameters
    ----------
    degrees
        The l of the features, at least one; duplicates count once.
    degree
        Polynomial degree d >= 1.

    Returns
    -------
    Span
        With the closure C_0(S), ..., C_d(S).

    Raises
    ------
    InputError
        If `degrees` is empty or holds something else than integers >= 0, or `degree` is not an integer >= 1.

    Examples
    --------
    >>> span_of_degrees({2}, 2).reachable
    (0, 2, 4)
    >>> span_of_degrees({3}, 2).reachable
    (0, 2, 3, 4, 6)
    """
    degree = require_degree(degree)
    if isinstance(degrees, str) or not isinstance(degrees, Iterable):
        raise InputError(
            f"degrees = {degrees!r} is not a set of the features' l: give integers, for example {{1, 2}}"
        )
    feature_degrees = tuple(sorted({require_int("l of a feature", l, 0) for l in degrees}))
    if not feature_degrees:
        raise InputError("degrees is empty: give the l of at least one feature, for example {1, 2}")
    require_affordable(degree, feature_degrees[-1])
    # Degree reached -> its witness; the first one found is kept, so its chain is shortest.
    witnesses = {0: _CONSTANT}
    closure: list[tuple[int, ...]] = [(0,)]
    newest = [0]
    for _ in range(degree):
        reached: list[int] = []
        for a in newest:
            for b in feature_degrees:
                for l in product_degrees(a, b):
                    if l not in witnesses:
                        witnesses[l] = _times(witnesses[a], b, l)
                        reached.append(l)
        closure.append(tuple(sorted(witnesses)))
        newest = sorted(reached, reverse=True)
    return Span(
        degree, feature_degrees, tuple(closure), tuple(witness for _, witness in sorted(witnesses.items()))
    )
