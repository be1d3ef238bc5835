"""Molecules of one composition evaluated together: which calculators can, how many at a time, and the turned copies of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .batch_calculator import BatchCalculator

Array = NDArray[np.float64]
Batched = Callable[[NDArray[np.int64], Array], tuple[Any, Any]]


def batched(calculator: Any) -> Batched | None:
    """Return a calculator's ``evaluate(numbers, positions)`` of molecules of one composition; None where it has none."""
    evaluate = getattr(calculator, "evaluate", None)
    if not callable(evaluate) or getattr(type(calculator), "evaluate", None) is BatchCalculator.evaluate:
        return None
    try:
        names = list(inspect.signature(evaluate).parameters)
    except (TypeError, ValueError):
        return None
    return evaluate if names[:2] == ["numbers", "positions"] else None


def batch_size(atoms: int) -> int:
    """Return how many structures of so many atoms are evaluated at a time."""
    return max(1, min(256, 25 * 48 // max(atoms, 1)))


def evaluate_together(
    evaluate: Batched, numbers: NDArray[np.int64], positions: Array, size: int | None = None
) -> tuple[Array, Array]:
    """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)`` of molecules, a batch at a time.

    Parameters
    ----------
    evaluate
        As :func:`batched` returns it.
    numbers, positions
        ``(atoms,)``; ``(structures, atoms, 3)``, Å.
    size
        Structures of a batch; None: as :func:`batch_size` has it.

    Raises
    ------
    InputError
        Arrays of another shape come back.
    """
    each = batch_size(len(numbers)) if size is None else size
    energies, forces = np.empty(len(positions)), np.empty(positions.shape)
    for start in range(0, len(positions), each):
        some = positions[start : start + each]
        given = [np.asarray(values, dtype=np.float64) for values in evaluate(numbers, some)]
        if given[0].shape != (len(some),) or given[1].shape != some.shape:
            raise InputError(
                f"a batch of {len(some)} structures gave energies of shape {given[0].shape} and forces of shape "
                f"{given[1].shape}, expected {(len(some),)} and {some.shape}"
            )
        energies[start : start + each], forces[start : start + each] = given
    return energies, forces


def turned_positions(positions: Array, matrices: Array, *, about_origin: bool = False) -> Array:
    """Return positions ``(..., atoms, 3)`` turned by matrices ``(..., 3, 3)`` about their centre, or about the origin."""
    # Row vectors: (R x)^T = x^T R^T.
    across = np.swapaxes(matrices, -1, -2)
    if about_origin:
        return np.asarray(np.matmul(positions, across))
    centre = positions.mean(axis=-2, keepdims=True)
    return np.asarray(np.matmul(positions - centre, across) + centre)
