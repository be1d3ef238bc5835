"""What a periodic cell leaves of isotropy: its rotations, and the means that they make zero."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from ...numerics.wigner import wigner_d
from ...theory._checks import counted
from .fields import Trajectory, isolated

Array = NDArray[np.float64]
#: Edges and angles of a cell agree within this relative tolerance, and means vanish below it.
_EQUAL = 1e-5


def lattice_rotations(cell: Array) -> Array:
    """Return the proper rotations (g, 3, 3) that carry a lattice into itself; rows of ``cell`` are its vectors.

    In a Minkowski-reduced basis they are integer matrices with entries -1, 0 and 1.

    Examples
    --------
    >>> len(lattice_rotations(np.eye(3) * 9.8)), len(lattice_rotations(np.diag([1.0, 1.0, 2.0])))
    (24, 8)
    """
    reduce: Any = minkowski_reduce
    reduced, _ = reduce(np.asarray(cell, dtype=float))
    metric = reduced @ reduced.T
    integers = np.array(list(product((-1.0, 0.0, 1.0), repeat=9))).reshape(-1, 3, 3)
    proper = integers[np.round(np.linalg.det(integers)) == 1]
    difference = proper @ metric @ proper.transpose(0, 2, 1) - metric
    kept = proper[np.abs(difference).max(axis=(1, 2)) <= _EQUAL * np.abs(metric).max()]
    return np.asarray(np.linalg.inv(reduced) @ kept @ reduced).transpose(0, 2, 1)


def group_of(trajectory: Trajectory) -> Array | None:
    """Return the rotations that an isotropic model keeps in this cell; None: all of them, nothing is periodic.

    Where only some directions are periodic, none but the identity is claimed.
    """
    if isolated(trajectory):
        return None
    if not bool(np.all(trajectory.pbc)):
        return np.eye(3)[None]
    return lattice_rotations(trajectory.cell)


def mean_vanishes(l: int, group: Array | None) -> bool:
    """Whether rotations of the cell alone make <P_l(u_z)> zero for an isotropic model.

    The mean of Y_l0 transforms into the other orders of l; averaged over the group it keeps the invariant part of its row of D_l.
    """
    if group is None:
        return l > 0
    turn = np.array(
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    )  # z to y, to which the numerics give m = 0
    projector = wigner_d(l, turn @ group @ turn.T).mean(axis=0)
    return bool(np.abs(projector[l]).max() < _EQUAL)


def everything_vanishes(l: int, group: Array | None) -> bool:
    """Whether rotations of the cell make every mean <D^l_mm'> zero for an isotropic model."""
    if group is None:
        return l > 0
    return bool(np.abs(wigner_d(l, group).mean(axis=0)).max() < _EQUAL)


def is_cubic(group: Array | None) -> bool:
    """Whether an isotropic model keeps a tensor such as a diffusion coefficient isotropic: all of l = 2 vanishes."""
    return everything_vanishes(2, group)


def broken_by(group: Array | None, l_max: int) -> str:
    """Return a clause on the values of l at which the cell itself orders orientations; empty where there are none."""
    left = [l for l in range(1, l_max + 1) if not everything_vanishes(l, group)]
    if group is None or not left:
        return ""
    shape = "the cubic cell" if len(group) == 24 else f"the cell ({counted(len(group), 'rotation')})"
    return (
        f"{shape} itself allows order at l = {', '.join(map(str, left))}, where isotropy says nothing exact"
    )
