r"""How fast a fresh random rotation at every step heats the atoms.

With a force :math:`\bar F + \delta F` whose second part is drawn anew at every step, the kick of a step of length h changes the
kinetic energy by :math:`h^2 |\delta F_i|^2 / 2 m_i` for each atom on top of a part whose mean is zero, so that

.. math:: \frac{dK}{dt} = \frac{h}{2} \sum_i \frac{\langle |\delta F_i|^2 \rangle}{m_i}

to leading order in h, the mean over all rotations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units

from ...numerics.rotations import so3_quadrature
from ...theory.errors import InputError
from ..symmetry.breaking import at_rotations
from .cures import parse_cure


def random_rotation_heating(
    calculator: Any, atoms: Any, time_step: float, *, degree: int = 6, inversion: bool = False
) -> float:
    """Return the heating by the cure ``random`` at a structure (eV/fs), from forces on a grid of rotations.

    Parameters
    ----------
    calculator
        The bare calculator.
    atoms
        The structure; where it moves, average over its shapes.
    time_step
        fs.
    degree
        Of the quadrature: exact where the forces turned back hold l <= degree / 2 only (196 evaluations for 6).
    inversion
        Of ``random-inversion``: the forces averaged over inversion at every rotation.

    Raises
    ------
    InputError
        The time step is not positive, or the calculator fails.
    """
    if not time_step > 0:
        raise InputError(f"time_step is {time_step!r}, expected a positive number of fs")
    rule = so3_quadrature(degree)
    base = parse_cure("inversion").calculator(calculator) if inversion else calculator
    _, forces = at_rotations(base, atoms, rule.rotations)
    mean = np.einsum("q,qai->ai", rule.weights, forces)
    square = np.einsum("q,qai->a", rule.weights, (forces - mean) ** 2)
    power = 0.5 * time_step * units.fs * float((square / atoms.get_masses()).sum())
    return power * units.fs
