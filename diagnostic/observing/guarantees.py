r"""What a cure guarantees before any run, from the power of the energy at every l.

A quadrature exact to degree D removes :math:`l \le D` exactly and increases no :math:`P_l` above, since its weights are positive.
What is left, :math:`V` with :math:`\sigma^2 = \sum_{l > D} P_l`, moves the mean of :math:`P_l(u \cdot z)` of any body axis u and
any axis z by at most

.. math:: |\langle P_l \rangle| \le \frac{\beta \sigma}{\sqrt{2l+1}} \, \frac{e^s - 1}{s}, \qquad
          s = \beta \sum_{l > D} (2l+1) \sqrt{P_l}.

Proof. Along :math:`p_t \sim e^{-t \beta V}` the mean of f changes by :math:`-\beta \, \mathrm{Cov}_t(f, V)`. The mean of V over
all rotations is 0, so that :math:`Z_t \ge 1` (Jensen) and :math:`p_t \le e^{t s}` times uniform, because
:math:`|V| \le \sum_l (2l+1) \sqrt{P_l}` (Cauchy-Schwarz in the :math:`(2l+1)^2` matrix elements at each l). So both variances
are at most :math:`e^{ts}` times their uniform values, :math:`1/(2l+1)` and :math:`\sigma^2`; integrate over t from 0 to 1. For
:math:`s \to 0` and l above D the first-order bound :math:`\beta \sqrt{P_l / (2l+1)}` is sharper, but no bound
beyond first order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.units import kB as BOLTZMANN
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..pages.text import significant

Array = NDArray[np.float64]
#: Exponents s beyond which the bound is above every possible value anyway.
_LARGEST = 300.0


@dataclass(frozen=True)
class Guarantee:
    """What theory says of a cure before it is run.

    Attributes
    ----------
    exact_to
        l up to which the average removes every dependence on orientation.
    left
        Root mean square over rotations of the energy's dependence above (eV) in the resolved l; None where nothing tells.
    sentence
        Both in words, a clause.
    """

    exact_to: int
    left: float | None
    sentence: str


@dataclass(frozen=True)
class SufficientGrid:
    r"""The smallest grid that theory shows to be enough.

    Attributes
    ----------
    cure
        Its name, such as ``grid-2``; ``none`` where none is needed, None where no grid up to the resolved l is enough.
    degree, rotations
        Its degree and evaluations.
    bound
        Upper limit of every :math:`|\langle P_l \rangle|`, of any axis.
    first_order
        Upper limits for l = 1, 2, ... to first order.
    left
        Root mean square energy that is left (eV).
    sentence
        The answer.
    """

    cure: str | None
    degree: int | None
    rotations: int | None
    bound: float
    first_order: tuple[float, ...]
    left: float
    sentence: str


def grid_rotations(degree: int) -> int:
    """Return the rotations of the grid exact to l = ``degree``: (D + 1)^2 (floor(D/2) + 1)."""
    return (degree + 1) ** 2 * (degree // 2 + 1)


def legendre_bound(grades: Sequence[float], temperature: float, degree: int = 0, l: int = 1) -> float:
    r"""Return a bound of :math:`|\langle P_l \rangle|` of every axis under a grid exact to ``degree``, at any strength.

    Parameters
    ----------
    grades
        Power of the energy by l, eV², l = 0 first.
    temperature
        K.
    degree
        Of the grid; 0: no grid.
    l
        Of the moment.

    Returns
    -------
    The bound of the module's proof, at most 1.
    """
    powers, beta = _checked(grades, temperature), 1.0 / (BOLTZMANN * temperature)
    ls = np.arange(len(powers))
    left = np.where(ls > degree, powers, 0.0)
    s = float(beta * ((2 * ls + 1) * np.sqrt(left)).sum())
    sigma = float(np.sqrt(left.sum()))
    growth = 1.0 if s == 0 else float(np.expm1(min(s, _LARGEST)) / min(s, _LARGEST))
    return min(1.0, beta * sigma / float(np.sqrt(2 * l + 1)) * growth)


def first_order_bounds(grades: Sequence[float], temperature: float, degree: int = 0) -> Array:
    r"""Return :math:`\beta \sqrt{P_l / (2l+1)}` for l = 1, 2, ...: 0 up to ``degree``."""
    powers, beta = _checked(grades, temperature), 1.0 / (BOLTZMANN * temperature)
    ls = np.arange(len(powers))
    return np.asarray(np.where(ls > degree, beta * np.sqrt(powers / (2 * ls + 1)), 0.0)[1:])


def sufficient_grid(grades: Sequence[float], tolerance: float, temperature: float) -> SufficientGrid:
    r"""Return the smallest grid that keeps :math:`|\langle P_l \rangle|` of every axis and l within a tolerance, by theory alone.

    Parameters
    ----------
    grades
        Power of the energy by l, eV², l = 0 first: ``grades()`` of ``energy_coefficients``. Of a flexible molecule those of
        each shape averaged bound the first order only.
    tolerance
        Largest :math:`|\langle P_l \rangle|` that does not matter.
    temperature
        K.

    Raises
    ------
    InputError
        The tolerance or the temperature is not positive, or a power is negative.
    """
    if not (tolerance > 0 and np.isfinite(tolerance)):
        raise InputError(f"tolerance is {tolerance}, expected a positive number such as 0.01")
    powers = _checked(grades, temperature)
    for degree in range(len(powers)):
        bound = legendre_bound(grades, temperature, degree)
        if bound <= tolerance:
            break
    left = float(np.sqrt(powers[degree + 1 :].sum()))
    count = grid_rotations(degree) if degree else 1
    name = f"grid-{degree}" if degree else "none"
    first = tuple(float(value) for value in first_order_bounds(grades, temperature, degree))
    top = len(powers) - 1
    words = "no average is needed" if not degree else f"{name} ({count:,} rotations) is enough"
    sentence = (
        f"By theory, {words}: every |<P_l>| of every axis stays within {significant(bound, 2)} at {temperature:g} K "
        f"(tolerance {tolerance:g}); {significant(1e3 * left, 2)} meV of l = {degree + 1} to {top} are left."
        if degree < top
        else f"By theory, {words}: nothing is left up to l = {top}, the highest that was resolved."
    )
    return SufficientGrid(name, degree, count, bound, first, left, sentence)


def guarantee(row: Mapping[str, Any], prediction: Mapping[str, Any] | None) -> Guarantee:
    """Return what theory guarantees of a cure: exact to which l, and what the audited powers leave above.

    Parameters
    ----------
    row
        With ``cure``, ``exact_to`` and ``inversion``.
    prediction
        Of the result: ``grades`` (eV², l = 0 first); None where nothing was predicted.
    """
    exact = int(row.get("exact_to") or 0)
    name = str(row["cure"])
    powers = (prediction or {}).get("grades")
    left = None if not powers else float(np.sqrt(np.sum(powers[exact + 1 :])))
    if "random" in name:
        words = "symmetric in the mean, at the price of heating by every new rotation"
        left = None
    elif exact:
        words = f"exact to l = {exact}"
    else:
        words = "" if row.get("inversion") else "nothing"
    if row.get("inversion"):
        words += ", " * bool(words) + "the part that is odd under inversion removed exactly"
    if left is not None:
        assert powers is not None
        top = len(powers) - 1
        words += (
            f"; what is left of the energy is at most {significant(1e3 * left, 2)} meV (l = {exact + 1} to {top})"
            if exact < top
            else f"; nothing is left up to l = {top}, the highest that was resolved"
        )
    if name.startswith("mts-"):
        words += "; between its steps the bare forces act"
    return Guarantee(exact, left, words)


def _checked(grades: Sequence[float], temperature: float) -> Array:
    powers = np.asarray(grades, dtype=float)
    if not (temperature > 0 and np.isfinite(temperature)):
        raise InputError(f"temperature is {temperature}, expected a positive number of K")
    if powers.ndim != 1 or not len(powers) or not np.isfinite(powers).all() or (powers < 0).any():
        raise InputError(
            f"the powers by l are {list(grades)}, expected numbers of at least 0, that of l = 0 first"
        )
    return powers
