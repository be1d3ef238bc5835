r"""What the signed coefficients of an energy predict of a molecule's orientations at a temperature.

In equilibrium :math:`p(R) = e^{-\beta V(R)} / Z`, :math:`\beta = 1/kT`, exactly for a rigid body: the determinant of its inertia
does not depend on R. For a body axis e with u = R e and the axis z of space:

- first order: :math:`\langle P_l(u_z) \rangle = -\beta \int V P_l(u_z)\, dR`, and
  :math:`-\ln p(u) = \beta (\langle V \rangle_{\gamma | u} - \langle V \rangle)` about the uniform density;
- beyond first order: the same means under p by a product quadrature over u and the turn about it, refined until it stands;
- mean square torque over all orientations alike: :math:`\sum_l l(l+1) P_l`, exactly for a conservative energy;
- at a temperature: :math:`\langle \tau^2 \rangle = kT \langle \Delta V \rangle`, :math:`\Delta V = -\sum_l l(l+1) V_l`.

Where it ends. First order can be 60 % off for :math:`\langle P_1 \rangle` where beta times the rms of V is .7: ``valid``
compares it with the quadrature. A trajectory at constant energy does not sample p: an isolated molecule nearly keeps its angular
momentum. For flexible molecules the coefficients are averaged over shapes in the body frame, which is first order in how
V differs between shapes: what is lost is :math:`(\beta/2) \mathrm{Var}_q V`, told as ``beta_spread``. Torques have the mean over
shapes of :math:`P_l`, not the :math:`P_l` of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.units import kB
from numpy.polynomial.legendre import leggauss, legvander
from numpy.typing import ArrayLike, NDArray

from ...numerics.harmonics import real_harmonics
from ...numerics.wigner import wigner_d_all
from ...theory.errors import InputError
from .coefficients import EnergyCoefficients, frame_about

Array = NDArray[np.float64]
#: l = 1..6 are predicted, as they are measured.
_L_SHOWN = 6
#: The map: centres of the bins of equal area in which orientations are counted by default.
_COSINES, _PHIS = 8, 12
#: First order counts as valid where it is off by this share of the largest <P_l> at most, or by what no run resolves.
_SHARE, _SMALL = 0.1, 1e-3
#: The quadrature stands when doubling it changes no mean by more.
_ACCURACY = 1e-6


@dataclass(frozen=True)
class Prediction:
    r"""Orientations of a molecule's axis u that an energy predicts.

    Attributes
    ----------
    beta
        1/kT, 1/eV.
    legendre_first, legendre
        ``(6,)``: :math:`\langle P_l(u_z) \rangle`, l = 1..6, to first order and by exact quadrature.
    legendre_error
        ``(6,)``: standard error over shapes (0 for one) together with the change at the last refinement.
    cos_theta, phi
        Centres of the map, ``(8,)`` and ``(12,)``: of equal steps in cos(theta) from -1 to 1 and in phi from -pi to pi.
    free_energy, free_energy_first
        ``(8, 12)``: -ln of the density of u over the uniform one, in kT, exactly and to first order.
    haar_torque, canonical_torque
        Mean square torque, eV²: over all orientations alike, and at the temperature.
    beta_rms
        beta times the root of the sum of P_l, l >= 1, of the coefficients averaged over shapes.
    beta_spread
        beta times the root mean square by which the energies of shapes depend on orientation differently; 0 for one shape.
    valid
        Whether first order is within 10 % of the largest exact mean (or .001).
    shapes, evaluations
        How many structures and energies it rests on.
    grades
        P_l, l = 0..l_top, mean over shapes, eV².
    unresolved
        beta times the root mean square energy that the coefficients miss at random rotations, what is above l_top and what of it
        was folded into them (aliasing); None where it was not measured.
    legendre_unresolved
        ``(6,)``: how far that can move each <P_l>, to first order: beta rms / sqrt(2l+1), by Cauchy and Schwarz. None likewise.
    torque_unresolved
        Mean square torque of it, eV², if all of it is of l_top + 1: more where it is above. None likewise.
    sentence
        What it says, in words.
    """

    beta: float
    legendre_first: Array
    legendre: Array
    legendre_error: Array
    cos_theta: Array
    phi: Array
    free_energy: Array
    free_energy_first: Array
    haar_torque: float
    canonical_torque: float
    beta_rms: float
    beta_spread: float
    valid: bool
    shapes: int
    evaluations: int
    grades: Array
    unresolved: float | None
    legendre_unresolved: Array | None
    torque_unresolved: float | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        out: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            out[name] = value.tolist() if isinstance(value, np.ndarray) else value
        return out


def predict_orientations(
    coefficients: EnergyCoefficients | Sequence[EnergyCoefficients], temperature: float,
    axis: ArrayLike = (0.0, 0.0, 1.0),
) -> Prediction:  # fmt: skip
    """Predict where a body axis points.

    Parameters
    ----------
    coefficients
        Of one shape, or of several in the same body frame (``shape_coefficients``), whose mean is taken.
    temperature
        K, above 0.
    axis
        The axis in the frame of the coefficients; z of the body frame is the molecule's axis.

    Raises
    ------
    InputError
        No coefficients, different l_top, a temperature or an axis that is none, or a field so strong that the quadrature
        does not converge.
    """
    shapes = [coefficients] if isinstance(coefficients, EnergyCoefficients) else list(coefficients)
    if not shapes or len({shape.l_top for shape in shapes}) != 1:
        raise InputError("give coefficients of at least one shape, all with the same l_top")
    if not (np.isfinite(temperature) and temperature > 0):
        raise InputError(f"temperature is {temperature!r}, expected a number of kelvin above 0")
    body = np.asarray(axis, dtype=np.float64)
    if body.shape != (3,) or not np.linalg.norm(body) > 0:
        raise InputError(f"axis is {axis!r}, expected three numbers, not all 0")
    beta, body = 1.0 / (kB * float(temperature)), body / np.linalg.norm(body)
    every = [[np.zeros((1, 1)), *shape.real_values()[1:]] for shape in shapes]
    mean = [np.mean(values, axis=0) for values in zip(*every, strict=True)]
    first_each = np.array([_first_order(values, body, beta) for values in every])
    grades = np.mean([shape.grades() for shape in shapes], axis=0)
    averaged = np.array([(2 * l + 1) * np.sum(v**2) for l, v in enumerate(mean)])
    weights = np.array([l * (l + 1) for l in range(len(averaged))])
    legendre, torque, left = _converged(mean, body, beta)
    cosines, phis, exact, first = _map(mean, body, beta)
    statistical = first_each.std(axis=0, ddof=1) / np.sqrt(len(every)) if len(every) > 1 else 0.0
    first_means = first_each.mean(axis=0)
    miss, size = float(np.abs(first_means - legendre).max()), float(np.abs(legendre).max())
    valid = miss <= max(_SHARE * size, _SMALL)
    beta_rms = beta * float(np.sqrt(averaged.sum()))
    spread = beta * float(np.sqrt(max(0.0, grades[1:].sum() - averaged.sum())))
    missed = _missed(shapes, beta)
    return Prediction(
        beta, first_means, legendre, np.hypot(statistical, left), cosines, phis, exact, first,
        float(weights @ grades), torque + float(weights[1:] @ (grades - averaged)[1:]), beta_rms, spread, valid, len(shapes),
        sum(shape.evaluations for shape in shapes), grades, *missed,
        _sentence(legendre, first_means, beta_rms, spread, valid) + _unresolved_sentence(missed, legendre, shapes[0].l_top),
    )  # fmt: skip


def _sentence(legendre: Array, first: Array, beta_rms: float, spread: float, valid: bool) -> str:
    l = 1 + int(np.argmax(np.abs(legendre)))
    words = (
        f"The largest mean is <P_{l}> = {legendre[l - 1]:.2g} ({first[l - 1]:.2g} to first order, which is "
        f"{'valid' if valid else 'not valid'}) in a field of {beta_rms:.2g} kT rms"
    )
    lost = (
        f"; between shapes it differs by {spread:.2g} kT rms, of which half the square is lost"
        if spread > 0.1
        else ""
    )
    return words + lost + "; constant energy does not sample it."


def _missed(
    shapes: Sequence[EnergyCoefficients], beta: float
) -> tuple[float | None, Array | None, float | None]:
    """Return what the coefficients miss: in kT, what it can do to each <P_l>, and its mean square torque."""
    errors = [shape.error for shape in shapes if shape.error is not None]
    if not errors:
        return None, None, None
    square = float(np.mean(np.square(errors)))
    above = shapes[0].l_top + 1
    rms = beta * float(np.sqrt(square))
    return rms, rms / np.sqrt(2 * np.arange(1, _L_SHOWN + 1) + 1), above * (above + 1) * square


def _unresolved_sentence(
    missed: tuple[float | None, Array | None, float | None], legendre: Array, l_top: int
) -> str:
    rms, moved, _ = missed
    if rms is None or moved is None:
        return ""
    said = f" No l up to {l_top} holds {rms:.2g} kT rms of the energy, which can move <P_1> by {moved[0]:.2g}"
    if np.any(moved > np.maximum(_SHARE * np.abs(legendre).max(), _SMALL)):
        return f"{said}: as large as what is predicted, so that the prediction is undecided; raise l_top."
    return f"{said}."


def _first_order(values: Sequence[Array], body: Array, beta: float) -> Array:
    """Return -beta times the integral of V P_l(u_z); P_l(z . R e) is y_l(z)^T D_l(R) y_l(e) with unit harmonics y."""
    shown = min(_L_SHOWN, len(values) - 1)
    harmonics = real_harmonics(shown, np.array([[0.0, 0.0, 1.0], body]))
    means = np.zeros(_L_SHOWN)
    for l in range(1, shown + 1):
        z, e = harmonics[:, l * l : (l + 1) ** 2] / np.sqrt(2 * l + 1)
        means[l - 1] = -beta * z @ values[l] @ e
    return means


def _potential(values: Sequence[Array], body: Array, axes: Array, turns: int) -> tuple[Array, Array]:
    """Return V and its Laplacian at ``turns`` equal turns about each direction of the body axis, ``(directions, turns)`` each."""
    angles = 2 * np.pi * np.arange(turns) / turns
    spin = np.zeros((turns, 3, 3))
    spin[:, 0, 0] = spin[:, 1, 1] = np.cos(angles)
    spin[:, 1, 0], spin[:, 0, 1], spin[:, 2, 2] = np.sin(angles), -np.sin(angles), 1.0
    inner = spin @ frame_about(body)
    outer = wigner_d_all(len(values) - 1, np.stack([frame_about(axis).T for axis in axes]))
    turned = wigner_d_all(len(values) - 1, inner)
    out = np.zeros((2, len(axes), turns))
    for l, (value, first, second) in enumerate(zip(values, outer, turned, strict=True)):
        # D(AB) = D(A) D(B): a matrix for each direction and one for each turn, not one for each of both
        part = (first.transpose(0, 2, 1) @ ((2 * l + 1) * value)).reshape(len(axes), -1)
        part = part @ second.reshape(turns, -1).T
        out[0] += part
        out[1] -= l * (l + 1) * part
    return out[0], out[1]


def _means(values: Sequence[Array], body: Array, beta: float, size: int) -> tuple[Array, float]:
    """Return <P_l> and kT <Laplacian V> by ``size`` Gauss nodes in cos(theta), 2 size steps in phi, 2 size turns."""
    nodes, weights = leggauss(size)
    axes = directions(nodes, 2 * np.pi * np.arange(2 * size) / (2 * size))
    # V depends on the turn about u only through m' up to l_top; its exponential needs more where beta V is large
    potential, laplacian = _potential(values, body, axes, size)
    density = np.exp(-beta * (potential - potential.min())) * np.repeat(weights, 2 * size)[:, None]
    density /= density.sum()
    legendre = legvander(axes[:, 2], _L_SHOWN)[:, 1:]
    return density.sum(axis=1) @ legendre, float(np.sum(density * laplacian)) / beta


def _converged(values: Sequence[Array], body: Array, beta: float) -> tuple[Array, float, float]:
    size = 2 * len(values) + 4
    before, _ = _means(values, body, beta, size)
    while True:
        size = int(1.5 * size)
        legendre, torque = _means(values, body, beta, size)
        left = float(np.abs(legendre - before).max())
        if left <= _ACCURACY:
            return legendre, torque, left
        if size > 40:
            raise InputError(
                f"the quadrature over orientations has not converged (means still change by {left:.1g}): the energy spans many "
                "kT between orientations; give a higher temperature or a weaker field"
            )
        before = legendre


def _map(values: Sequence[Array], body: Array, beta: float) -> tuple[Array, Array, Array, Array]:
    """Return the centres of the map and -ln p over the uniform density in kT, exactly and to first order."""
    cosines = -1 + (2 * np.arange(_COSINES) + 1) / _COSINES
    phis = -np.pi + np.pi * (2 * np.arange(_PHIS) + 1) / _PHIS
    size = 2 * len(values) + 12
    nodes, weights = leggauss(size)
    grid = directions(nodes, 2 * np.pi * np.arange(2 * size) / (2 * size))
    everywhere, _ = _potential(values, body, grid, size)
    lowest = float(everywhere.min())
    density = np.exp(-beta * (everywhere - lowest)).mean(axis=1) * np.repeat(weights / 2, 2 * size)
    partition = float(np.sum(density)) / (2 * size)
    potential, _ = _potential(values, body, directions(cosines, phis), size)
    below = potential.min(axis=1)  # taken out of each mean, so that none of them is 0 or too large a number
    mean = np.exp(-beta * (potential - below[:, None])).mean(axis=1)
    exact = np.log(partition) - np.log(mean) + beta * (below - lowest)
    first = beta * potential.mean(axis=1)
    shape = (_COSINES, _PHIS)
    return cosines, phis, exact.reshape(shape), first.reshape(shape)


def directions(cosines: Array, phis: Array) -> Array:
    """Return unit vectors at every pair of cos(theta) and phi, phi fastest, ``(pairs, 3)``."""
    t, phi = np.repeat(cosines, len(phis)), np.tile(phis, len(cosines))
    sine = np.sqrt(np.maximum(0.0, 1 - t**2))
    return np.stack([sine * np.cos(phi), sine * np.sin(phi), t], axis=1)
