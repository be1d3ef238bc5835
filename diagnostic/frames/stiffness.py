r"""The stiffness of chemical bonds in a data set: the one force scale that chemistry fixes.

Along a bond of length r the force difference :math:`f = (F_i - F_j) \cdot (x_i - x_j) / 2r` falls with r
at a rate that hardly depends on the temperature, the molecule or the level of theory: 4.4 to 5.5 mdyn/Å
for C-H, 6 to 8 for N-H and O-H, 4.5 for C-C, 12 for C=O, 18 for a triple C-N bond (1 mdyn/Å is 6.24 eV/Å²;
E. B. Wilson, J. C. Decius and P. C. Cross, *Molecular Vibrations*, McGraw-Hill 1955, table 8-2 and after).
Bonds of hydrogen to C, N, O or F thus have 27 to 60 eV/Å², which tells even kJ/mol from kcal/mol (a factor
4.2); other bonds have 10 to 145 eV/Å², which tells kcal/mol from eV (a factor 23). Gradients given as
forces make it negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from numpy.typing import NDArray

from .frames import Frames

#: Bounds and usual range for bonds of hydrogen to C, N, O, F, given enough samples (eV/Å²).
_HYDROGEN = ((14.0, 100.0), (25.0, 62.0))
#: The same for all bonds (eV/Å²).
_ANY = ((5.0, 200.0), (15.0, 75.0))
#: Samples (frames times bonds) from which the narrow bounds apply; two dozen leave the slope uncertain by
#: 20%.
_ENOUGH = 40
#: Pairs closer than this multiple of the sum of covalent radii, in the median over frames, are bonds.
_BOND = 1.3
_MOST_FRAMES = 2000


@dataclass(frozen=True)
class Stiffness:
    """Pooled stiffness of some bonds of a data set.

    Attributes
    ----------
    value : float
        Least-squares slope of -f against r, each about its bond's mean (eV/Å²).
    bonds : str
        Which bonds, in words.
    low, high : float
        Bounds outside which the unit must be wrong.
    usual : (float, float)
        Where it is expected, to name the likely unit.
    """

    value: float
    bonds: str
    low: float
    high: float
    usual: tuple[float, float]

    @property
    def physical(self) -> bool:
        """Whether the value lies within its bounds."""
        return self.low <= self.value <= self.high


def bond_stiffness(frames: Frames) -> Stiffness | None:
    """Measure the stiffness of the bonds: of hydrogen to C, N, O, F if there are enough, else of all.

    Returns
    -------
    Stiffness or None
        None if there are fewer than two frames, no bonds, or no bond changes its length.
    """
    every = max(1, -(-len(frames) // _MOST_FRAMES))
    positions, forces = frames.positions[::every], frames.forces[::every]
    if len(positions) < 2:
        return None
    few = positions[:: max(1, len(positions) // 500)]
    ratios = np.median(distances_in(few), axis=0) / radius_sums(frames.numbers)
    bonds = np.argwhere(np.triu(ratios < _BOND, k=1))
    kinds = np.sort(frames.numbers[bonds], axis=1)
    hydrogen = (kinds[:, 0] == 1) & (kinds[:, 1] >= 6) & (kinds[:, 1] <= 9)
    if hydrogen.sum() * len(positions) >= _ENOUGH:
        value = _slope(positions, forces, bonds[hydrogen])
        (low, high), usual = _HYDROGEN
        name = "the bonds to hydrogen"
    else:
        value = _slope(positions, forces, bonds)
        (low, high), usual = _ANY
        name = "the bonds"
    return None if value is None else Stiffness(value, name, low, high, usual)


def _slope(
    positions: NDArray[np.float64], forces: NDArray[np.float64], bonds: NDArray[np.intp]
) -> float | None:
    first, second = bonds[:, 0], bonds[:, 1]
    separation = positions[:, first] - positions[:, second]
    length = np.linalg.norm(separation, axis=-1)
    force = ((forces[:, first] - forces[:, second]) * separation).sum(axis=-1) / (2 * length)
    stretch = length - length.mean(axis=0)
    spread = float((stretch**2).sum())
    # Below 1e-4 Å of motion a bond tells nothing about its stiffness.
    if spread <= 1e-8 * stretch.size:
        return None
    return float(-(stretch * force).sum() / spread)


def radius_sums(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of covalent radii of all pairs (Å), shape (A, A)."""
    radii = covalent_radii[numbers]
    return np.asarray(radii[:, None] + radii[None, :])


def distances_in(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of all pairs in every frame (Å), shape (N, A, A)."""
    return np.asarray(np.linalg.norm(positions[:, :, None] - positions[:, None, :], axis=-1))
