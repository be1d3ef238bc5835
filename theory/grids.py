r"""Grids of the sphere that a nonlinearity acts on: what they are exact for, and what that makes exactly equivariant.

Features up to L are a function :math:`f = \sum f_{lm} Y_{lm}`. An activation s acts on its values at N polar angles times M
equal azimuths, and a quadrature Q projects back onto :math:`l \le L_{out}`.

- **Equivariance.** For s of exact degree d, :math:`f \mapsto Q[s(f)\, Y_{lm}]` commutes with rotations for all f **if and
  only if** Q annihilates :math:`H_1, \dots, H_n`, :math:`n = dL + L_{out}`. If: the products lie in :math:`H_{\le n}`. Only if:
  scaling f isolates the top power, which polarises to :math:`Q[f_1 \cdots f_d\, g]`; these products span
  :math:`H_{\le n}` (the span theorem), and an invariant functional there is a multiple of the mean.
- **Azimuths.** M equal steps annihilate every order m that M does not divide; :math:`Y_{MM}`, proportional to
  :math:`\sin^M\!\beta\, e^{iM\alpha}`, is left, and positive weights do not cancel it: exact up to M - 1.
- **Gauss**, N roots of :math:`P_N`: exact up to 2N - 1, and
  :math:`\tfrac12 \int t^{2N} - Q[t^{2N}] = \frac{1}{2N+1} \left(\frac{2^N N!^2}{(2N)!}\right)^2`.
- **Fejér's first rule**, :math:`\beta_i = \pi (i + \tfrac12)/N` with weights that integrate every polynomial of degree
  N - 1: e3nn's ``ToS2Grid`` and fairchem's ``SO3_Grid``, which demand an even N. At the nodes :math:`T_N = 0`, and
  :math:`\int T_N \ne 0` for N even: exact up to N - 1. For N odd symmetry adds one: exact up to N. The weights are at least
  :math:`\tfrac2N \tfrac{1}{2K+1}`, :math:`K = \lfloor (N-1)/2 \rfloor`.
- **Edge frames** (messages of eSCN, eSEN and UMA): the frame leaves only rotations about its polar axis, so that M alone
  matters: exact iff :math:`d\, m_{max} + m_{out} \le M - 1`, whatever N is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Literal, get_args

from ._checks import require_degree, require_int, require_l_max
from .errors import InputError

#: ``gauss``: Gauss-Legendre nodes in cos(beta); ``fejer``: Fejér's first rule, the grid of e3nn and fairchem.
Rule = Literal["gauss", "fejer"]

#: Most polar angles, and most azimuths, of a grid.
MOST_ANGLES = 4096


@dataclass(frozen=True)
class SphereGrid:
    """A product grid of the sphere, with positive weights.

    Attributes
    ----------
    rule
        ``gauss`` or ``fejer``.
    polar, azimuthal
        Numbers of polar angles, N, and of azimuths, M.

    Raises
    ------
    InputError
        The rule is unknown, or a number is not an integer from 1 to 4,096.

    Examples
    --------
    >>> SphereGrid("fejer", 18, 18).degree, SphereGrid("gauss", 4, 7).degree
    (17, 6)
    """

    rule: Rule
    polar: int
    azimuthal: int

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise InputError(f"rule = {self.rule!r} is unknown: give 'gauss' or 'fejer'")
        for name in ("polar", "azimuthal"):
            number = require_int(name, getattr(self, name), 1)
            if number > MOST_ANGLES:
                raise InputError(f"{name} = {number} is too large: give an integer of at most {MOST_ANGLES}")
            object.__setattr__(self, name, number)

    @property
    def polar_degree(self) -> int:
        """Highest degree of polynomials in cos(beta) that the polar rule integrates exactly."""
        return 2 * self.polar - 1 if self.rule == "gauss" else self.polar - 1 + self.polar % 2

    @property
    def degree(self) -> int:
        """Highest n such that the quadrature integrates every harmonic with l <= n exactly."""
        return min(self.polar_degree, self.azimuthal - 1)

    @property
    def points(self) -> int:
        """Number of points."""
        return self.polar * self.azimuthal

    @property
    def missed(self) -> tuple[int, int]:
        """(l, m) of the first harmonic that is not integrated exactly: m = 0 for the polar rule's fault, m = l = M else."""
        return (self.degree + 1, 0 if self.polar_degree < self.azimuthal - 1 else self.azimuthal)

    def exact_degree(self, l_max: int, l_out: int | None = None) -> int:
        """Return the highest degree of an activation that is exactly equivariant; 0: not even linear maps are.

        Parameters
        ----------
        l_max, l_out
            Highest l of the features, at least 1, and of the output (default: the same).

        Raises
        ------
        InputError
            If an argument is not an integer or too small.

        Examples
        --------
        >>> SphereGrid("fejer", 18, 18).exact_degree(6), SphereGrid("fejer", 20, 19).exact_degree(6)
        (1, 2)
        """
        l_max, l_out = _bands(l_max, l_out, 1)
        return max(0, (self.degree - l_out) // l_max)

    def exact_edge_degree(self, m_max: int, m_out: int | None = None) -> int:
        """Return the highest degree that is exactly equivariant in the frame of an edge, for orders up to `m_max`, at least 1.

        Raises
        ------
        InputError
            If an argument is not an integer or too small.

        Examples
        --------
        >>> SphereGrid("fejer", 14, 18).exact_edge_degree(2), SphereGrid("fejer", 14, 5).exact_edge_degree(2)
        (7, 1)
        """
        m_max, m_out = _bands(m_max, m_out, 1, "m")
        return max(0, (self.azimuthal - 1 - m_out) // m_max)


def _bands(band: object, out: object, minimum: int = 0, letter: str = "l") -> tuple[int, int]:
    """Return the highest l or m of features and of outputs as ints; None for the output stands for the same."""
    highest = require_int(f"{letter}_max", band, minimum)
    return highest, highest if out is None else require_int(f"{letter}_out", out, 0)


def grid_degree(rule: Rule, polar: int, azimuthal: int) -> int:
    """Return the highest n such that a grid integrates every harmonic with l <= n exactly.

    Raises
    ------
    InputError
        The rule is unknown, or a number is not an integer from 1 to 4,096.

    Examples
    --------
    >>> grid_degree("fejer", 6, 7), grid_degree("fejer", 20, 19), grid_degree("gauss", 10, 19)
    (5, 18, 18)
    """
    return SphereGrid(rule, polar, azimuthal).degree


def grid_degree_needed(degree: int, l_max: int, l_out: int | None = None) -> int:
    """Return n = d L + L_out: a grid makes an activation of degree d exactly equivariant iff it is exact up to n.

    In an edge frame the same with orders: d m_max + m_out.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> grid_degree_needed(2, 6), grid_degree_needed(3, 2, 0)
    (18, 6)
    """
    degree = require_degree(degree)
    l_max, l_out = _bands(l_max, l_out)
    return degree * l_max + l_out


def smallest_grid(degree: int, l_max: int, l_out: int | None = None, rule: Rule = "fejer") -> SphereGrid:
    """Return the smallest grid on which an activation of degree d is exactly equivariant.

    For ``fejer`` with N even and at least 2 max(L, L_out) + 2, as e3nn and fairchem demand.

    Parameters
    ----------
    degree
        Degree d of the activation, at least 1.
    l_max, l_out
        Highest l of the features and of the output (default: the same).

    Raises
    ------
    InputError
        If an argument is wrong, or the grid would take more than 4,096 angles.

    Examples
    --------
    >>> smallest_grid(2, 6)
    SphereGrid(rule='fejer', polar=20, azimuthal=19)
    >>> smallest_grid(2, 6, rule="gauss")
    SphereGrid(rule='gauss', polar=10, azimuthal=19)
    """
    needed = grid_degree_needed(degree, l_max, l_out)
    if needed >= MOST_ANGLES:
        raise InputError(
            f"degree {degree} and l_max = {l_max} need a grid exact up to {needed}: keep it below {MOST_ANGLES}"
        )
    if rule == "gauss":
        return SphereGrid("gauss", needed // 2 + 1, needed + 1)
    return SphereGrid(rule, max(_even(needed + 1), _least_polar(l_max, l_out)), needed + 1)


def s2_activation_resolution(degree: int, l_max: int, l_out: int | None = None) -> int:
    """Return the smallest ``res`` of e3nn's ``S2Activation`` that is exactly equivariant for an activation of degree d.

    ``res`` is its number of polar angles, N, even and at least 2 max(L, L_out) + 2; it takes M = res - 1 azimuths.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> s2_activation_resolution(2, 2), s2_activation_resolution(3, 2)
    (8, 10)
    """
    return max(_even(grid_degree_needed(degree, l_max, l_out) + 2), _least_polar(l_max, l_out))


def fairchem_resolution(degree: int, l_max: int) -> int:
    """Return the smallest ``grid_resolution`` of fairchem, N = M and even, that is exactly equivariant for degree d.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> fairchem_resolution(2, 2), fairchem_resolution(2, 6)
    (8, 20)
    """
    return max(_even(grid_degree_needed(degree, l_max) + 1), _least_polar(l_max, None))


def fairchem_grid(l_max: int, m_max: int | None = None) -> SphereGrid:
    """Return the grid that fairchem takes where no ``grid_resolution`` is given.

    (2L + 2) x (2L + 3) for features of atoms; for messages of orders up to `m_max` < L, (2L + 2) x (2 m_max + 1).

    Raises
    ------
    InputError
        If an argument is not an integer, too small, or m_max is above l_max.

    Examples
    --------
    >>> fairchem_grid(6), fairchem_grid(6, 2).azimuthal
    (SphereGrid(rule='fejer', polar=14, azimuthal=15), 5)
    """
    l_max = require_l_max(l_max)
    m_max = l_max if m_max is None else require_int("m_max", m_max, 0)
    if m_max > l_max:
        raise InputError(f"m_max = {m_max} is above l_max = {l_max}: give at most {l_max}")
    return SphereGrid("fejer", 2 * l_max + 2, 2 * m_max + (3 if m_max == l_max else 1))


def _even(number: int) -> int:
    return number + number % 2


def _least_polar(l_max: int, l_out: int | None) -> int:
    """Fewest polar angles that e3nn takes: 2 L + 2."""
    return 2 * max(_bands(l_max, l_out)) + 2


@lru_cache(maxsize=64)
def polar_moments(rule: Rule, polar: int, highest: int) -> tuple[Fraction, ...]:
    r"""Return what a polar rule makes of the means of :math:`t^k`, :math:`t = \cos\beta`, k = 0, ..., `highest`, exactly.

    Powers are written in the :math:`P_j` (Gauss) or :math:`T_j` (Fejér) with j < N by their three-term recursions, without
    :math:`P_N` or :math:`T_N`, which vanish at the nodes; the mean of :math:`P_j` is 0 for j > 0, that of :math:`T_j` is
    :math:`1/(1-j^2)` for j even. The exact mean of :math:`t^k` itself is :math:`1/(k+1)` for k even, 0 for k odd.

    Raises
    ------
    InputError
        The rule is unknown, or a number is not an integer or too small.

    Examples
    --------
    >>> [str(moment) for moment in polar_moments("gauss", 2, 4)], [str(moment) for moment in polar_moments("fejer", 2, 2)]
    (['1', '0', '1/3', '0', '1/9'], ['1', '0', '1/2'])
    """
    grid, highest = SphereGrid(rule, polar, 1), require_int("highest", highest, 0)
    gauss, size = grid.rule == "gauss", grid.polar
    means = [Fraction(not j) if gauss or j % 2 else Fraction(1, 1 - j * j) for j in range(size)]
    power = [Fraction(1)] + [Fraction(0)] * (size - 1)
    moments = []
    for _ in range(highest + 1):
        moments.append(sum((a * b for a, b in zip(power, means, strict=True) if a), start=Fraction(0)))
        following = [Fraction(0)] * (size + 1)
        for j, value in enumerate(power):
            if not value:
                continue
            up = Fraction(j + 1, 2 * j + 1) if gauss else Fraction(1 if j == 0 else Fraction(1, 2))
            following[j + 1] += value * up
            if j:
                following[j - 1] += value * (1 - up)
        power = following[:size]
    return tuple(moments)


def sine_moment(rule: Rule, polar: int, power: int) -> Fraction:
    r"""Return what a polar rule makes of the mean of :math:`\sin^{p}\beta`, p even: a rational number above 0.

    For M odd the part of :math:`Y_{MM}` that M azimuths leave is at least that of M + 1, because weights are positive.

    Raises
    ------
    InputError
        The rule is unknown, a number is wrong, or the power is odd.
    """
    power = require_int("power", power, 0)
    if power % 2:
        raise InputError(f"power = {power} is odd, and its moment is no rational number: give an even one")
    moments = polar_moments(rule, polar, power)
    half = power // 2
    return sum(((-1) ** k * comb(half, k) * moments[2 * k] for k in range(half + 1)), start=Fraction(0))
