"""Closed forms of the exact test bed: averages over directions in a field, under a cure, and the motion of free particles."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from ase import units
from ase.build import molecule
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import eval_legendre, roots_legendre

from benchmarks.springs import Springs
from spectral_ceilings.diagnostic import FieldCalculator, parse_cure, perceive_molecules

Array = NDArray[np.float64]
TEMPERATURE = 300.0
KT = units.kB * TEMPERATURE


class Several:
    """A sum of fields."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields

    def energies(self, axes: Array) -> Array:
        """Return V(u)."""
        return np.sum([field.energies(axes) for field in self.fields], axis=0)

    def gradients(self, axes: Array) -> Array:
        """Return the gradient."""
        return np.sum([field.gradients(axes) for field in self.fields], axis=0)


class Averaged:
    r"""What a cure leaves of a field, in closed form: :math:`\sum_q w_q V(R_q u)`, over inversion too where the cure has it."""

    def __init__(self, field: Any, cure: str) -> None:
        known = parse_cure(cure).outer
        made = known.calculator(None) if known.kind in ("grid", "inversion") else None
        self.field = field
        self.rotations = np.eye(3)[None] if made is None else np.asarray(made.rotations)
        self.weights = np.ones(1) if made is None else np.asarray(made.weights)
        self.signs = (1.0, -1.0) if known.inversion else (1.0,)
        if known.kind == "random":
            self.weights = np.zeros(1)

    def energies(self, axes: Array) -> Array:
        """Return the averaged V(u)."""
        total = np.zeros(axes.shape[:-1])
        for rotation, weight in zip(self.rotations, self.weights, strict=True):
            for sign in self.signs:
                total += weight * self.field.energies(sign * axes @ rotation.T) / len(self.signs)
        return total

    def gradients(self, axes: Array) -> Array:
        """Return its gradient."""
        total = np.zeros(axes.shape)
        for rotation, weight in zip(self.rotations, self.weights, strict=True):
            for sign in self.signs:
                pulled = self.field.gradients(sign * axes @ rotation.T) @ rotation
                total += weight * sign * pulled / len(self.signs)
        return total


def sphere(order: int = 64) -> tuple[Array, Array]:
    """Return directions and weights of a quadrature of the sphere, Gauss in cos theta and even in phi; weights sum to 1."""
    t, weights = roots_legendre(order)
    phi = np.arange(2 * order) * np.pi / order
    s = np.sqrt(1 - t**2)
    axes = np.stack(
        np.broadcast_arrays(s[:, None] * np.cos(phi), s[:, None] * np.sin(phi), t[:, None]), axis=-1
    )
    return axes.reshape(-1, 3), np.repeat(weights / (4 * order), 2 * order)


def canonical(field: Any, l_max: int) -> tuple[list[float], float, float]:
    """Return <P_l>, l = 1 to ``l_max``, and the mean square torque (eV^2) under exp(-V / kT) and over all directions alike."""
    axes, weights = sphere()
    boltzmann = weights * np.exp(-field.energies(axes) / KT)
    boltzmann /= boltzmann.sum()
    squares = (np.cross(axes, field.gradients(axes)) ** 2).sum(axis=1)
    legendre = [float(boltzmann @ eval_legendre(l, axes[:, 2])) for l in range(1, l_max + 1)]
    return legendre, float(boltzmann @ squares), float(weights @ squares)


def free_energies(field: Any, bins: int) -> Array:
    """Return -ln p (kT) in bins of cos theta of a field of u_z, against the uniform value, by SciPy's quadrature."""

    def weight(t: float) -> float:
        return float(np.exp(-field.energies(np.array([np.sqrt(1 - t * t), 0.0, t])) / KT))

    edges = np.linspace(-1, 1, bins + 1)
    shares = np.array([quad(weight, a, b, epsabs=1e-12)[0] for a, b in pairwise(edges)])
    return np.asarray(-np.log(shares / shares.mean()))


def rotor_correlation(l: int, friction: float) -> Callable[[Array], Array]:
    r"""Return C_l of a nitrogen molecule as a function of ps: :math:`\exp(-l(l+1) (kT/I g^2) (g t - 1 + e^{-g t}))`.

    The second cumulant of the turns of a rotor whose angular rates decay by g; the next is smaller by :math:`kT / I g^2`, 0.3 %.
    """
    dimer = molecule("N2")
    inertia = float(dimer.get_masses()[0]) / 2 * float(dimer.get_distance(0, 1)) ** 2
    ratio = KT / inertia / (friction / units.fs) ** 2

    def correlation(ps: Array) -> Array:
        t = friction * ps * 1e3
        return np.asarray(np.exp(-l * (l + 1) * ratio * (t - 1 + np.exp(-t))))

    return correlation


def kinetic_temperature(springs: Any, step: float) -> float:
    r"""Return the temperature that BAOAB shows at whole steps: :math:`\langle p^2 \rangle / m = kT (1 - (\omega h)^2 / 4)` of a
    harmonic oscillator, averaged over the nine directions, six of which do not vibrate.
    """
    return TEMPERATURE * (1 - (step * units.fs) ** 2 * Springs(molecule("H2O"), springs).squared_rates / 36)


def heating(field: Any, cure: str, step: float) -> float:
    r"""Return the heating of a molecule by random rotations (eV/fs), :math:`(h/2) \sum_i \langle |\delta F_i|^2 \rangle / m_i`.

    The average over rotations leaves no force of the field, so that all of it is :math:`\delta F`. With a force of every K steps
    h is the outer step. In the frame (normal of the plane, y, bisector) the forces on the hydrogens of an equilibrium molecule
    follow from the gradient g of V: each is half of what turns the axis.
    """
    known = parse_cure(cure)
    field = Averaged(field, "inversion" if known.inversion else "none")
    water = molecule("H2O")
    frame = perceive_molecules(water).frames(water.positions)[0, 0]
    axes, weights = sphere(24)
    # molecules in all orientations: a rotation that takes the body's z to each axis, and turns about it
    total = 0.0
    calculator = FieldCalculator(None, field, molecules=perceive_molecules(water))
    masses = water.get_masses()
    for turn in np.arange(4) * np.pi / 2:
        for axis, weight in zip(axes, weights, strict=True):
            made = _frame(axis, turn)
            turned = water.copy()
            turned.positions = water.positions @ frame.T @ made
            forces = calculator.field_energy_and_forces(turned)[1]
            total += weight / 4 * float(((forces**2).sum(axis=1) / masses).sum())
    return 0.5 * step * known.stride * units.fs * total * units.fs


def _frame(axis: Array, turn: float) -> Array:
    """Return a right-handed frame whose third row is an axis, turned about it."""
    x = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    x /= np.linalg.norm(x)
    y = np.cross(axis, x)
    return np.stack([np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x, axis])


def displacement(count: int, mass: float, friction: float, step: float, records: Array) -> Array:
    r"""Return the mean square displacement (Å²) after so many steps of free particles under BAOAB, against their common centre.

    The momentum is an autoregression, :math:`\langle p_j p_k \rangle = M kT e^{-\gamma h |j - k|}`, and a step moves by
    :math:`h (p_k + p_{k+1}) / 2M`, so that displacements have covariances known for every lag.
    """
    keep, h = np.exp(-friction * step), step * units.fs
    most = round(float(records.max()))
    lags = np.arange(most + 1)
    # of v_k = (p_k + p_{k+1}) / 2
    covariance = (
        KT / mass * np.where(lags == 0, (1 + keep) / 2, keep ** np.maximum(lags - 1, 0) * (1 + keep) ** 2 / 4)
    )
    cumulated = np.concatenate(
        [[0.0], np.cumsum(covariance[0] + 2 * np.cumsum(np.where(lags > 0, covariance, 0.0)))]
    )
    told = 3 * h**2 * (1 - 1 / count) * cumulated
    return np.asarray(told[np.rint(records).astype(int)])
