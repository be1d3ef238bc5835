r"""Fields of known l on the axis of a molecule, with values and gradients; the exact test bed of orientations.

u is a unit vector of space, z an axis of space. :math:`c P_l(u_z)` has power at its l alone,
:math:`\exp(a u_z) = \sum_l (2l+1) i_l(a) P_l(u_z)` at every l, and :math:`c (e^{u_x} + e^{u_y/2} + e^{2 u_z})` is the
field that i-PI gives to water with c = .02 hartree.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from ...theory.errors import InputError

Array = NDArray[np.float64]
#: Highest l of a field: that to which theory tabulates.
_L_LARGEST = 64
#: Largest exponent: no field on a molecule is as steep, and its exponential is still a number.
_STRONGEST = 100.0
_FORMS = "P2:0.01 (c P_2(u_z) with c = 0.01 eV), exp1.5:0.01 (c exp(1.5 u_z)) or toy:0.0001 (c (exp u_x + exp(u_y/2) + exp 2u_z))"


class Field(Protocol):
    """An energy of unit vectors, eV."""

    def energies(self, axes: Array) -> Array:
        """Return V(u), ``(...)`` in eV, of unit vectors ``(..., 3)``."""
        ...

    def gradients(self, axes: Array) -> Array:
        """Return the gradient of V as a function of three coordinates, ``(..., 3)``; its part along u does not count."""
        ...


@dataclass(frozen=True)
class PlField:
    """The field c P_l(u_z).

    Parameters
    ----------
    l
        1 to 64.
    coefficient
        c, eV.

    Raises
    ------
    InputError
        If l is out of range or c is not finite.
    """

    l: int
    coefficient: float

    def __post_init__(self) -> None:
        if isinstance(self.l, bool) or not isinstance(self.l, int) or not 1 <= self.l <= _L_LARGEST:
            raise InputError(f"l of the field is {self.l!r}, expected an integer from 1 to {_L_LARGEST}")
        _check_finite("the coefficient of the field", self.coefficient)

    def energies(self, axes: Array) -> Array:
        """Return c P_l(u_z)."""
        return np.asarray(self.coefficient * legendre.legval(axes[..., 2], self._series()), dtype=np.float64)

    def gradients(self, axes: Array) -> Array:
        """Return c P_l'(u_z) z."""
        slope = self.coefficient * legendre.legval(axes[..., 2], legendre.legder(self._series()))
        return np.stack([np.zeros_like(slope), np.zeros_like(slope), slope], axis=-1)

    def _series(self) -> Array:
        series: Array = np.eye(self.l + 1)[self.l]
        return series


@dataclass(frozen=True)
class ExponentialField:
    """The field c exp(a u_z).

    Parameters
    ----------
    strength
        a, not 0, at most 100 in size.
    coefficient
        c, eV.

    Raises
    ------
    InputError
        If a is 0 or beyond 100, or c is not finite.
    """

    strength: float
    coefficient: float

    def __post_init__(self) -> None:
        _check_strength(self.strength)
        _check_finite("the coefficient of the field", self.coefficient)

    def energies(self, axes: Array) -> Array:
        """Return c exp(a u_z)."""
        values: Array = self.coefficient * np.exp(self.strength * axes[..., 2])
        return values

    def gradients(self, axes: Array) -> Array:
        """Return a c exp(a u_z) z."""
        slope = self.strength * self.energies(axes)
        return np.stack([np.zeros_like(slope), np.zeros_like(slope), slope], axis=-1)


@dataclass(frozen=True)
class ToyField:
    """The field c (exp(a_x u_x) + exp(a_y u_y) + exp(a_z u_z)); with a = (1, 1/2, 2) the one that i-PI gives to water.

    Its powers are ``theory.exponential_grades``.

    Parameters
    ----------
    coefficient
        c, eV; i-PI's is .02 hartree = 0.544 eV, with which the field spans 163 kT at 300 K.
    strengths
        The three numbers a, not 0.

    Raises
    ------
    InputError
        As for ``ExponentialField``.
    """

    coefficient: float
    strengths: tuple[float, float, float] = (1.0, 0.5, 2.0)

    def __post_init__(self) -> None:
        _check_finite("the coefficient of the field", self.coefficient)
        if len(self.strengths) != 3:
            raise InputError(f"strengths are {self.strengths!r}, expected three numbers, for x, y and z")
        for strength in self.strengths:
            _check_strength(strength)

    def energies(self, axes: Array) -> Array:
        """Return the sum of the three exponentials."""
        values: Array = self.coefficient * np.exp(axes * np.array(self.strengths)).sum(axis=-1)
        return values

    def gradients(self, axes: Array) -> Array:
        """Return c a exp(a u), axis by axis."""
        strengths = np.array(self.strengths)
        slopes: Array = self.coefficient * strengths * np.exp(axes * strengths)
        return slopes


def parse_field(text: str) -> Field:
    """Return the field that a text such as ``P2:0.01``, ``exp1:0.01`` or ``toy:0.0001`` names; its number is c in eV.

    Raises
    ------
    InputError
        If the text names none; the forms are told.

    Examples
    --------
    >>> parse_field("P2:0.01")
    PlField(l=2, coefficient=0.01)
    """
    match = re.fullmatch(r"\s*(P|exp|toy)([^:]*):([^:]+)", str(text))
    if match is None:
        raise InputError(f"the field {text!r} is unknown: give {_FORMS}")
    name, argument, coefficient = match[1], match[2].strip(), _number(text, match[3])
    if name == "P" and argument.isascii() and argument.isdigit() and len(argument) < 4:
        return PlField(int(argument), coefficient)
    if name == "exp" and argument:
        return ExponentialField(_number(text, argument), coefficient)
    if name == "toy" and not argument:
        return ToyField(coefficient)
    raise InputError(f"the field {text!r} is unknown: give {_FORMS}")


def _number(text: str, part: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise InputError(f"the field {text!r} holds {part!r}, which is no number: give {_FORMS}") from None


def _check_finite(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{name} is {value!r}, expected a finite number in eV")


def _check_strength(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < abs(value) <= _STRONGEST:
        raise InputError(
            f"the strength of an exponential field is {value!r}, expected a number from {-_STRONGEST:g} to {_STRONGEST:g}, "
            "not 0"
        )
