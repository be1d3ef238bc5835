"""One H2O in the gas: its orientations in many replicas, and those that a model's energy predicts, by code of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from spectral_ceilings.numerics.harmonics import real_harmonics
from spectral_ceilings.numerics.rotations import so3_quadrature

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
