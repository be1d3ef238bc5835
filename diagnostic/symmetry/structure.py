"""Symmetry breaking of one structure by a quadrature over orientations, with the error that includes aliasing."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...numerics.rotations import SO3Quadrature, haar_rotations, so3_quadrature
from .breaking import Orientations, at_rotations, over_orientations, summarise

Array = NDArray[np.float64]
#: Relative size below which a dependence on orientation is rounding, of float32 at the worst.
ROUNDING = 1e-6


def character(l: int, angle: Array) -> Array:
    """Return the character of degree l at rotation angles, sin((2l+1) a/2) / sin(a/2)."""
    value: Array = 1.0 + 2.0 * np.sum([np.cos(k * angle) for k in range(1, l + 1)], axis=0, initial=0.0)
    return value


def sum_of_degrees(values: Array, quadrature: SO3Quadrature, l_top: int, rotations: Array) -> Array:
    """Return what the degrees l <= l_top of sampled values make at other rotations, ``(rotations, ...)``."""
    trace = np.einsum("nij,qij->nq", rotations, quadrature.rotations)
    angle = np.arccos(np.clip(0.5 * (trace - 1.0), -1.0, 1.0))
    kernel = sum((2 * l + 1) * character(l, angle) for l in range(l_top + 1)) * quadrature.weights
    total: Array = np.tensordot(np.asarray(kernel), values, axes=1)
    return total


def errors_of(
    evaluated: Orientations, l_top: int, calculator: Any, atoms: Atoms, rotations: Array
) -> tuple[float, float]:
    """Return the root mean square of g - g_hat at rotations: energy in eV, forces in eV/Å."""
    energies, forces = at_rotations(calculator, atoms, rotations)
    out = []
    for values, true in ((evaluated.energies, energies), (evaluated.forces, forces)):
        mean = np.tensordot(evaluated.quadrature.weights, values, axes=1)
        left = true - mean - sum_of_degrees(values - mean, evaluated.quadrature, l_top, rotations)
        out.append(float(np.sqrt(np.mean(left**2))))
    return out[0], out[1]


def measure_structure(
    calculator: Any,
    atoms: Atoms,
    l_top: int,
    *,
    inversion: bool = True,
    checks: int = 16,
    rng: np.random.Generator | None = None,
) -> dict[str, Any]:
    """Measure one structure with the rule of degree 2 l_top.

    Parameters
    ----------
    calculator
        Any ASE calculator with energy and forces.
    l_top
        Highest degree of the spectra.
    inversion
        Whether to evaluate the inverted structures too.
    checks
        Independent random rotations that measure what the spectra leave.
    rng
        Draws them; None: a generator of seed 0.

    Returns
    -------
    The fields of :class:`SymmetryBreaking`; ``energy_error`` (meV/atom) and ``force_error`` (meV/Å), by which no root of a
    power is off; ``energy_left`` and ``force_left``, their squares as shares of the variance (0 where it is rounding).
    """
    evaluated = over_orientations(calculator, atoms, so3_quadrature(2 * l_top), inversion=inversion)
    breaking = summarise(evaluated, l_top)
    rotations = haar_rotations(checks, np.random.default_rng(0) if rng is None else rng)
    energy, force = errors_of(evaluated, l_top, calculator, atoms, rotations)
    # Nothing below one unit in the last place of the numbers themselves can be seen.
    energy = max(energy, float(np.spacing(np.abs(evaluated.energies).max())))
    force = max(force, float(np.spacing(np.abs(evaluated.forces).max())))
    deviations = (
        float(np.sqrt(sum(breaking.energy_power[1:]) + energy**2)),
        float(np.sqrt(sum(breaking.force_power[1:]) + force**2)),
    )
    sizes = abs(breaking.energy_mean), float(np.sqrt(np.mean(evaluated.forces**2)))
    left = [
        0.0 if deviation <= ROUNDING * size else min(1.0, (error / deviation) ** 2)
        for error, deviation, size in zip((energy, force), deviations, sizes, strict=True)
    ]
    return {
        **breaking.to_dict(),
        "evaluations": breaking.evaluations + checks,
        "energy_error": 1e3 * energy / len(atoms),
        "force_error": 1e3 * force,
        "energy_left": left[0],
        "force_left": left[1],
        "force_size": 1e3 * sizes[1],
    }
