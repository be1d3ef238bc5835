"""Molecules of one composition evaluated together: which calculators can, how many at a time, and the turned copies of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records.devices import halving, slices
from .answers import numbers_of
from .batch_calculator import ATOMS_AT_ONCE, BatchCalculator

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


def batch_size(calculator: Any, atoms: int) -> int:
    """Return how many structures of so many atoms are evaluated at a time: ``atoms_at_once`` of a calculator, in atoms.

    The default is for a processor. A call has a cost of its own, and arrays that outgrow the cache cost more than they save:
    milliseconds for one structure of a network without symmetry (64 channels), in batches of 1, 8, 64 and 256, are 1.31, .24, .08
    and .09 for 3 atoms; 1.85, .85 and 1.01 in batches of 1, 8 and 64 for 12 atoms; 12.8, 14.6 and 17.0 in batches of 1, 4 and 12
    for 48 atoms, and 28 in batches of 18. Structures of 288 atoms are evaluated one by one.
    """
    return max(1, int(getattr(calculator, "atoms_at_once", ATOMS_AT_ONCE)) // max(atoms, 1))


def evaluate_together(
    calculator: Any, numbers: NDArray[np.int64], positions: Array, *, finite: bool = True
) -> tuple[Array, Array]:
    """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)`` of molecules, a batch at a time.

    Where memory runs out, the batch is halved.

    Parameters
    ----------
    calculator
        One for which :func:`batched` is not None.
    numbers, positions
        ``(atoms,)``; ``(structures, atoms, 3)``, Å.
    finite
        Whether numbers that are not finite are an error.

    Raises
    ------
    InputError
        What comes back are not such numbers.
    """
    each, kind = batch_size(calculator, len(numbers)), type(calculator).__name__
    energies, forces = np.empty(len(positions)), np.empty(positions.shape)
    parts = slices(len(positions), each)
    for part, values in halving(lambda some: calculator.evaluate(numbers, positions[some]), parts):
        shape = (part.stop - part.start, *positions.shape[1:])
        energies[part] = numbers_of(
            values[0], shape[:1], f"{kind} gave energies", "one for each structure, eV", finite=finite
        )
        forces[part] = numbers_of(
            values[1], shape, f"{kind} gave forces", "a row for each atom, eV/Å", finite=finite
        )
    return energies, forces


def turned_positions(positions: Array, matrices: Array, *, about_origin: bool = False) -> Array:
    """Return positions ``(..., atoms, 3)`` turned by matrices ``(..., 3, 3)`` about their centre, or about the origin."""
    # Row vectors: (R x)^T = x^T R^T.
    across = np.swapaxes(matrices, -1, -2)
    if about_origin:
        return np.asarray(np.matmul(positions, across))
    centre = positions.mean(axis=-2, keepdims=True)
    return np.asarray(np.matmul(positions - centre, across) + centre)
