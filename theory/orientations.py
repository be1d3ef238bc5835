r"""Orientations of a rigid body in a weak field that breaks rotational symmetry: exact series, closed forms and bounds.

A potential on rotations is :math:`V(R) = \sum_l (2l+1) \sum_{mm'} v^l_{mm'} D^l_{mm'}(R)` with coefficients
:math:`v^l_{mm'} = \int V D^{l*}_{mm'} dR` and grades :math:`P_l = (2l+1) \sum |v^l_{mm'}|^2`, so that
:math:`\int V^2 = \sum P_l`; in equilibrium :math:`p(R) \propto e^{-\beta V}`,
:math:`\beta = 1/kT`. For a body axis u and an axis z of space:

- first order: :math:`\langle P_l(u \cdot z) \rangle = -\beta \int V P_l(u \cdot z) dR`, which for :math:`V = c P_l` is
  :math:`-\beta c / (2l+1)`;
- from a grade alone: :math:`|\langle P_l \rangle| \le \beta \sqrt{P_l / (2l+1)}` to first order, because
  :math:`P_l(u \cdot z)` is a matrix element :math:`D^l_{00}` between unit vectors, so that the integral is at most
  :math:`\sqrt{\sum |v^l_{mm'}|^2}` (Cauchy and Schwarz);
- canonical identity: :math:`\beta \langle |\nabla V|^2 \rangle = \langle \Delta V \rangle` (the integral of
  :math:`\nabla \cdot (e^{-\beta V} \nabla V)` is zero). With :math:`\Delta P_l = -l(l+1) P_l` the mean square torque in
  :math:`V = c P_l` is :math:`-kT\, c\, l(l+1) \langle P_l \rangle` at every temperature;
- at :math:`\beta = 0` (all orientations alike) it is :math:`\sum_l l(l+1) P_l` for any V, as :math:`-\Delta D^l = l(l+1) D^l`.

Potentials :math:`V(u \cdot z)` are Legendre series with exact coefficients; t = u.z is uniform on [-1, 1] without a field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING, Any

from ._checks import as_rational, require_int
from .angular_terms import legendre
from .errors import InputError

if TYPE_CHECKING:
    from sympy import Expr

_MAX_ORDER, _MAX_L = 40, 64


def _require_l(value: object, minimum: int = 0) -> int:
    l = require_int("l", value, minimum)
    if l > _MAX_L:
        raise InputError(f"l = {l} is beyond what is tabulated: give at most {_MAX_L}")
    return l


def first_order_mean(l: int, coefficient: Any, beta: Any) -> Expr:
    r"""Return :math:`\langle P_l \rangle = -\beta c / (2l+1)` in the field :math:`c P_l(u \cdot z)`, to first order in beta.

    Parameters
    ----------
    l
        At least 1.
    coefficient, beta
        c in a unit of energy and 1/kT in its inverse: SymPy expressions or exact numbers.

    Raises
    ------
    InputError
        If `l` is not an integer from 1 to 64.

    Examples
    --------
    >>> first_order_mean(2, Fraction(1, 2), 1)
    -1/10
    """
    import sympy

    l = _require_l(l, 1)
    return -sympy.sympify(beta) * sympy.sympify(coefficient) / (2 * l + 1)


def first_order_bound(l: int, grade: Any, beta: Any) -> Expr:
    r"""Return :math:`\beta \sqrt{P_l / (2l+1)}`: to first order :math:`|\langle P_l \rangle|` of no body axis exceeds it.

    Parameters
    ----------
    l
        At least 1.
    grade, beta
        :math:`P_l` of the potential (squared energy) and 1/kT: SymPy expressions or exact numbers.

    Raises
    ------
    InputError
        If `l` is not an integer from 1 to 64.

    Examples
    --------
    >>> first_order_bound(1, Fraction(1, 3), 1)  # of the field P_1, where it is attained
    1/3
    """
    import sympy

    l = _require_l(l, 1)
    return sympy.sympify(beta) * sympy.sqrt(sympy.sympify(grade) / (2 * l + 1))


def haar_mean_square_torque(grades: Mapping[int, Any]) -> Expr:
    r"""Return :math:`\sum_l l(l+1) P_l`, the mean square torque over all orientations of a potential with these grades.

    Parameters
    ----------
    grades
        :math:`P_l` of the potential by l: SymPy expressions or exact numbers.

    Raises
    ------
    InputError
        If an l is not an integer from 0 to 64.

    Examples
    --------
    >>> haar_mean_square_torque({0: 5, 1: Fraction(1, 3), 2: 1})
    20/3
    """
    import sympy

    checked = {_require_l(l): sympy.sympify(grade) for l, grade in grades.items()}
    return sympy.Add(*(l * (l + 1) * grade for l, grade in checked.items()))


def bessel_i(l: int, x: Any) -> Expr:
    r"""Return the modified spherical Bessel function :math:`i_l(x)` by sinh and cosh; :math:`e^{xt} = \sum (2l+1) i_l(x) P_l(t)`.

    By :math:`i_0 = \sinh x / x`, :math:`i_1 = \cosh x / x - \sinh x / x^2`, :math:`i_{l+1} = i_{l-1} - (2l+1) i_l / x`.

    Raises
    ------
    InputError
        If `l` is not an integer from 0 to 64 or x is 0.

    Examples
    --------
    >>> bessel_i(0, 2)
    sinh(2)/2
    """
    import sympy

    l, x = _require_l(l), sympy.sympify(x)
    if x.is_zero:
        raise InputError(
            "x = 0 has no closed form by sinh and cosh: i_0(0) = 1 and all others are 0; give x != 0"
        )
    before, value = sympy.cosh(x) / x, sympy.sinh(x) / x
    for k in range(l):
        before, value = value, sympy.expand(before - (2 * k + 1) * value / x)
    return value


def dipole_mean(l: int, x: Any) -> Expr:
    r"""Return :math:`\langle P_l(u \cdot z) \rangle` in the field :math:`c P_1(u \cdot z)` with :math:`x = \beta c`, exactly.

    It is :math:`(-1)^l i_l(x) / i_0(x)`; for l = 1 that is :math:`-(\coth x - 1/x)`, Langevin's function.

    Raises
    ------
    InputError
        As `bessel_i`.

    Examples
    --------
    >>> import sympy
    >>> x = sympy.Symbol("x", positive=True)
    >>> sympy.simplify((dipole_mean(1, x) + sympy.coth(x) - 1 / x).rewrite(sympy.exp))
    0
    """
    import sympy

    l = _require_l(l)
    return sympy.expand((-1) ** l * bessel_i(l, x) / bessel_i(0, x))


def exponential_grades(l: int, strengths: Sequence[Any], scale: Any = 1) -> Expr:
    r"""Return the grade :math:`P_l` of :math:`c \sum_a e^{a\, u \cdot e_a}`, the :math:`e_a` at right angles, exactly.

    .. math:: P_l = c^2 (2l+1) \Bigl[ \sum_a i_l(a)^2 + 2 P_l(0) \sum_{a < b} i_l(a) i_l(b) \Bigr],

    because :math:`\int P_l(u \cdot e) P_l(u \cdot e') du = P_l(e \cdot e') / (2l+1)`. One strength gives the field
    :math:`e^{a u_z}`; (1, 1/2, 2) is the toy field of i-PI for water.

    Parameters
    ----------
    l
        At least 0.
    strengths
        One to three numbers a, not 0: SymPy expressions or exact numbers.
    scale
        c, a unit of energy.

    Raises
    ------
    InputError
        If `l` is not an integer from 0 to 64, a strength is 0, or there are more than three.

    Examples
    --------
    >>> exponential_grades(0, [1])
    sinh(1)**2
    """
    import sympy

    l = _require_l(l)
    if isinstance(strengths, str) or not 1 <= len(strengths) <= 3:
        raise InputError(f"strengths = {strengths!r} are none: give one to three numbers, one for each axis")
    values = [bessel_i(l, strength) for strength in strengths]
    crossed = sum(
        (values[i] * values[j] for i in range(len(values)) for j in range(i)), start=sympy.Integer(0)
    )
    squares = sum((value**2 for value in values), start=sympy.Integer(0))
    return sympy.sympify(scale) ** 2 * (2 * l + 1) * (squares + 2 * sympy.legendre(l, 0) * crossed)


def _multiply(a: Sequence[Fraction], b: Sequence[Fraction]) -> list[Fraction]:
    product = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            product[i + j] += left * right
    return product


def _mean(polynomial: Sequence[Fraction]) -> Fraction:
    """Return the mean over t uniform on [-1, 1]."""
    return sum((value / (k + 1) for k, value in enumerate(polynomial) if k % 2 == 0), Fraction(0))


def _in_powers(potential: Mapping[int, int | Fraction]) -> list[Fraction]:
    powers = [Fraction(0)]
    for l, value in potential.items():
        number = as_rational(value)
        if number is None:
            raise InputError(f"coefficient of l = {l} is {value!r}: give an integer or a Fraction")
        terms = [number * term for term in legendre(_require_l(l))]
        powers += [Fraction(0)] * (len(terms) - len(powers))
        for k, term in enumerate(terms):
            powers[k] += term
    return powers


def _series(
    potential: Sequence[Fraction], observable: Sequence[Fraction], order: int
) -> tuple[Fraction, ...]:
    """Return the coefficients of beta^0, ..., beta^order of the canonical mean of a polynomial in t."""
    above, below, power = [], [], [Fraction(1)]
    for k in range(order + 1):
        weight = Fraction((-1) ** k, factorial(k))
        above.append(weight * _mean(_multiply(power, observable)))
        below.append(weight * _mean(power))
        power = _multiply(power, potential)
    quotient: list[Fraction] = []
    for k in range(order + 1):
        quotient.append(above[k] - sum((quotient[j] * below[k - j] for j in range(k)), Fraction(0)))
    return tuple(quotient)


def _require_order(order: object) -> int:
    number = require_int("order", order, 0)
    if number > _MAX_ORDER:
        raise InputError(f"order = {number} is beyond what is expanded: give at most {_MAX_ORDER}")
    return number


def mean_series(potential: Mapping[int, int | Fraction], l: int, order: int) -> tuple[Fraction, ...]:
    r"""Return the exact coefficients of :math:`\langle P_l(u \cdot z) \rangle` in powers of beta.

    Parameters
    ----------
    potential
        :math:`V = \sum_k c_k P_k(u \cdot z)` as a mapping from k to :math:`c_k`, integers or fractions.
    l
        At least 0.
    order
        Highest power of beta, at most 40.

    Returns
    -------
    tuple of Fraction
        Coefficients of beta^0, ..., beta^order.

    Raises
    ------
    InputError
        If an argument is no exact number or out of range.

    Examples
    --------
    >>> mean_series({1: 1}, 1, 3)  # -(coth x - 1/x) = -x/3 + x^3/45 - ...
    (Fraction(0, 1), Fraction(-1, 3), Fraction(0, 1), Fraction(1, 45))
    """
    return _series(_in_powers(potential), legendre(_require_l(l)), _require_order(order))


def torque_series(potential: Mapping[int, int | Fraction], order: int) -> tuple[Fraction, ...]:
    r"""Return the exact coefficients of the mean square torque :math:`\langle (1 - t^2) V'(t)^2 \rangle` in powers of beta.

    The coefficient of beta^0 is `haar_mean_square_torque`. For :math:`V = c P_l` the series is
    :math:`-c\, l(l+1) \langle P_l \rangle / \beta`, term by term.

    Parameters
    ----------
    potential, order
        As for `mean_series`.

    Raises
    ------
    InputError
        As `mean_series`.

    Examples
    --------
    >>> torque_series({1: 1}, 2)
    (Fraction(2, 3), Fraction(0, 1), Fraction(-2, 45))
    """
    powers = _in_powers(potential)
    slope = [k * value for k, value in enumerate(powers)][1:] or [Fraction(0)]
    squared = _multiply(_multiply(slope, slope), [Fraction(1), Fraction(0), Fraction(-1)])
    return _series(powers, squared, _require_order(order))
