"""One H2O in the gas: many replicas of Langevin dynamics at once, and the orientations that a model's energy predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses
from numpy.typing import NDArray

from spectral_ceilings.numerics.harmonics import real_harmonics
from spectral_ceilings.numerics.rotations import haar_rotations, so3_quadrature

Array = NDArray[np.float64]
BOLTZMANN = units.kB


def body_frames(positions: Array) -> Array:
    """Return frames ``(n, 3, 3)`` of O, H, H: rows are the axis from O to between the hydrogens, H to H, and their normal."""
    first = positions[:, 1:].mean(axis=1) - positions[:, 0]
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    across = positions[:, 2] - positions[:, 1]
    across -= (across * first).sum(axis=1, keepdims=True) * first
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([first, across, np.cross(first, across)], axis=1)


def sample(
    calculator: Any, water: Atoms, *, replicas: int, steps: int, equilibration: int, every: int, temperature: float = 300.0,
    time_step: float = 0.5, friction: float = 0.02, seed: int = 0,
) -> Array:  # fmt: skip
    """Return positions ``(records, replicas, 3, 3)`` (Å) of Langevin dynamics (BAOAB), each replica turned at random to start.

    Parameters
    ----------
    calculator
        With ``evaluate(numbers, positions) -> (energies, forces)``.
    time_step, friction
        fs, 1/fs.
    """
    rng = np.random.default_rng(seed)
    numbers = np.asarray(water.numbers, dtype=np.int64)
    mass = atomic_masses[numbers][:, None]
    centred = water.positions - water.positions.mean(axis=0)
    x = np.einsum("nij,aj->nai", haar_rotations(replicas, rng), centred)
    dt, kt = time_step * units.fs, BOLTZMANN * temperature
    keep = np.exp(-friction * time_step)
    v = np.sqrt(kt / mass) * rng.standard_normal(x.shape)
    force = calculator.evaluate(numbers, x)[1]
    kept = []
    for step in range(equilibration + steps):
        v += 0.5 * dt * force / mass
        x += 0.5 * dt * v
        v = keep * v + np.sqrt((1.0 - keep**2) * kt / mass) * rng.standard_normal(x.shape)
        x += 0.5 * dt * v
        force = calculator.evaluate(numbers, x)[1]
        v += 0.5 * dt * force / mass
        if step >= equilibration and step % every == 0:
            # Translations diffuse, and nothing depends on them.
            x -= x.mean(axis=1, keepdims=True)
            kept.append(x.copy())
    return np.array(kept)


def moments(positions: Array, l_top: int) -> tuple[Array, Array]:
    """Return the means of the real harmonics of the axis, ``((l_top + 1)^2,)`` (norm: mean square 1), and their errors.

    Replicas are independent: the error is the deviation of their means over the root of their number.
    """
    records, replicas = positions.shape[:2]
    axis = body_frames(positions.reshape(-1, 3, 3))[:, 0]
    values = real_harmonics(l_top, axis).reshape(records, replicas, -1).mean(axis=0)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(replicas)


def free_energy(positions: Array, bins: int = 8) -> dict[str, Any]:
    """Return -ln p (kT, mean 0) of the axis over ``bins`` of cos theta and ``2 bins`` of phi, and its error."""
    axis = body_frames(positions.reshape(-1, 3, 3))[:, 0].reshape(*positions.shape[:2], 3)
    edges = np.linspace(-1, 1, bins + 1), np.linspace(-np.pi, np.pi, 2 * bins + 1)
    each = np.array(
        [
            np.histogram2d(axis[:, k, 2], np.arctan2(axis[:, k, 1], axis[:, k, 0]), bins=edges)[0]
            for k in range(axis.shape[1])
        ]
    )
    share = each.mean(axis=0) / len(axis) * bins * 2 * bins
    error = each.std(axis=0, ddof=1) / np.sqrt(len(each)) / len(axis) * bins * 2 * bins
    values = -np.log(share)
    return {
        "lowest": float(values.min()), "highest": float(values.max()), "error": float((error / share).mean()),
        "spread": float(np.sqrt(max(0.0, np.mean((values - values.mean()) ** 2) - np.mean((error / share) ** 2)))),
    }  # fmt: skip


def predicted(
    calculator: Any, shapes: Array, l_top: int, degree: int = 12, temperature: float = 300.0
) -> dict[str, Any]:
    """Return the means of the harmonics that the energy over orientations predicts, to first order and by quadrature.

    With V(R) the energy of a shape whose body frame is turned by R, averaged over shapes in the body frame:
    p(R) is exp(-V(R) / kT) over its integral, and to first order 1 - (V - mean V) / kT.

    Parameters
    ----------
    shapes
        ``(shapes, 3, 3)`` positions of O, H, H (Å), each in any orientation.
    """
    rule = so3_quadrature(degree)
    frames = body_frames(shapes)
    body = np.einsum("nij,naj->nai", frames, shapes - shapes.mean(axis=1, keepdims=True))
    numbers = np.array([8, 1, 1])
    total = np.zeros(len(rule))
    for each in body:
        for start in range(0, len(rule), 200):
            turned = np.einsum("qij,aj->qai", rule.rotations[start : start + 200], each)
            total[start : start + 200] += calculator.evaluate(numbers, turned)[0] / len(body)
    energy = (total - rule.weights @ total) / (BOLTZMANN * temperature)
    harmonics = real_harmonics(l_top, rule.rotations[:, :, 0])  # the body's first axis, turned
    weight = rule.weights * np.exp(-energy)
    return {
        "first": (-(rule.weights * energy) @ harmonics),
        "exact": weight / weight.sum() @ harmonics,
        "beta_rms": float(np.sqrt(rule.weights @ energy**2)),
        "evaluations": len(rule) * len(body),
    }
