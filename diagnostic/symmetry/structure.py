"""Symmetry breaking of one structure by a quadrature over orientations, with the error that includes aliasing.

What is rounding. Rounding is independent from orientation to orientation, however near they are: its power is spread over all
degrees l, and no quadrature resolves it. A dependence on orientation is smooth. So every check rotation is followed by one that
is :data:`~.auditing.rounding.NEARBY` further: what differs there is rounding, but for the share l * NEARBY of what depends on
orientation smoothly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...numerics.complex_basis import complex_basis
from ...numerics.rotations import SO3Quadrature, haar_rotations, so3_quadrature
from ...numerics.spectrum import RotationSpectrum
from ..auditing.rounding import nearby
from .breaking import Orientations, at_rotations, evaluate, over_orientations, summarise

Array = NDArray[np.float64]
#: A miss is rounding up to this many times what nearby orientations differ by. Roundings of single sums scatter by a few times
#: their root mean square over eight pairs; a smooth dependence of l <= 1000 is beyond 1 / (l * NEARBY) = 10 times.
ROUNDINGS = 10.0
#: Pairs of nearby orientations, and random shifts (1 Å, normal).
_PAIRS, _SHIFTS = 8, 2


def character(l: int, angle: Array) -> Array:
    """Return the character of l at rotation angles, sin((2l+1) a/2) / sin(a/2)."""
    value: Array = 1.0 + 2.0 * np.sum([np.cos(k * angle) for k in range(1, l + 1)], axis=0, initial=0.0)
    return value


def sum_of_degrees(values: Array, quadrature: SO3Quadrature, l_top: int, rotations: Array) -> Array:
    """Return what every l <= l_top of sampled values make at other rotations, ``(rotations, ...)``."""
    trace = np.einsum("nij,qij->nq", rotations, quadrature.rotations)
    angle = np.arccos(np.clip(0.5 * (trace - 1.0), -1.0, 1.0))
    kernel = sum((2 * l + 1) * character(l, angle) for l in range(l_top + 1)) * quadrature.weights
    total: Array = np.tensordot(np.asarray(kernel), values, axes=1)
    return total


def errors_of(
    evaluated: Orientations, l_top: int, rotations: Array, energies: Array, forces: Array
) -> tuple[float, float]:
    """Return the root mean square of g - g_hat at rotations, where g is given: energy in eV, forces in eV/Å."""
    out = []
    for values, true in ((evaluated.energies, energies), (evaluated.forces, forces)):
        mean = np.tensordot(evaluated.quadrature.weights, values, axes=1)
        left = true - mean - sum_of_degrees(values - mean, evaluated.quadrature, l_top, rotations)
        out.append(float(np.sqrt(np.mean(left**2))))
    return out[0], out[1]


def translation_errors(calculator: Any, atoms: Atoms, rng: np.random.Generator) -> tuple[float, float]:
    """Return by how much the energy (eV) and the forces (eV/Å) change under random shifts, root mean square."""
    energy, forces = evaluate(calculator, atoms)
    squares = []
    for shift in rng.normal(size=(_SHIFTS, 3)):
        moved: Atoms = atoms.copy()  # type: ignore[no-untyped-call]
        moved.positions = moved.positions + shift
        there, pulled = evaluate(calculator, moved)
        squares.append([(there - energy) ** 2, float(np.mean((pulled - forces) ** 2))])
    mean = np.sqrt(np.array(squares).mean(axis=0))
    return float(mean[0]), float(mean[1])


def signed_coefficients(evaluated: Orientations, l_top: int) -> list[dict[str, Any]]:
    r"""Return the coefficients :math:`\int E(R) D^{l*}_{mm'}(R) dR` by l, matrices ``re`` and ``im`` in eV, orders -l..l.

    The matrices are those of :mod:`~spectral_ceilings.numerics.complex_basis`; (2l+1) times the sum of squares is the power.
    """
    mean = float(evaluated.quadrature.weights @ evaluated.energies)
    spectrum = RotationSpectrum(evaluated.quadrature, l_top)
    spectrum.add(evaluated.energies - mean)  # the mean is a million times what is looked for
    values = [np.array([[mean]]), *spectrum.coefficients()[1:]]
    turned = [complex_basis(l) @ v @ complex_basis(l).conj().T for l, v in enumerate(values)]
    return [{"re": v.real.tolist(), "im": v.imag.tolist()} for v in turned]


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
    power is off; ``energy_left`` and ``force_left``, their squares as shares of the variance (0 where it is rounding);
    ``energy_rounding`` and ``force_rounding``, what differs between nearby orientations, in the same units;
    ``energy_deviation`` and ``force_deviation``, the root of the variance about the rotational average, what is left included;
    ``translation_energy`` and ``translation_force``, the change under random shifts; ``energy_coefficients``, signed, by l.
    """
    evaluated = over_orientations(calculator, atoms, so3_quadrature(2 * l_top), inversion=inversion)
    breaking = summarise(evaluated, l_top)
    rng = np.random.default_rng(0) if rng is None else rng
    rotations = haar_rotations(checks, rng)
    pairs = min(_PAIRS, checks)
    energies, forces = at_rotations(
        calculator, atoms, np.concatenate([rotations, nearby(rotations[:pairs], rng)])
    )
    energy, force = errors_of(evaluated, l_top, rotations, energies[:checks], forces[:checks])
    # Nothing below one unit in the last place of the numbers themselves can be seen.
    last = (
        float(np.spacing(np.abs(evaluated.energies).max())),
        float(np.spacing(np.abs(evaluated.forces).max())),
    )
    energy, force = max(energy, last[0]), max(force, last[1])
    # The difference of two independent roundings has twice the mean square of one.
    rounding = [
        max(float(np.sqrt(0.5 * np.mean((values[checks:] - values[:pairs]) ** 2))), least)
        for values, least in ((energies, last[0]), (forces, last[1]))
    ]
    shifted = translation_errors(calculator, atoms, rng)
    deviations = (
        float(np.sqrt(sum(breaking.energy_power[1:]) + energy**2)),
        float(np.sqrt(sum(breaking.force_power[1:]) + force**2)),
    )
    left = [
        0.0 if error <= ROUNDINGS * noise else min(1.0, (error / deviation) ** 2)
        for error, deviation, noise in zip((energy, force), deviations, rounding, strict=True)
    ]
    each = 1e3 / len(atoms)
    return {
        **breaking.to_dict(),
        "energy_coefficients": signed_coefficients(evaluated, l_top),
        "evaluations": breaking.evaluations + checks + pairs + _SHIFTS + 1,
        "energy_deviation": each * deviations[0],
        "force_deviation": 1e3 * deviations[1],
        "energy_rounding": each * rounding[0],
        "force_rounding": 1e3 * rounding[1],
        "translation_energy": each * shifted[0],
        "translation_force": 1e3 * shifted[1],
        "energy_error": each * energy,
        "force_error": 1e3 * force,
        "energy_left": left[0],
        "force_left": left[1],
        "force_size": 1e3 * float(np.sqrt(np.mean(evaluated.forces**2))),
    }
