r"""The stiffness of chemical bonds in a data set: the one force scale that chemistry fixes.

Along a bond of length r the force difference :math:`f = (F_i - F_j) \cdot (x_i - x_j) / 2r`, or the force on the one
atom that has no other bond (so that bonds which stretch together do not count for each other), falls with r at a rate
that Badger's rule gives from the bond length and the periods of the two elements alone,

.. math:: k(r) = \frac{A}{(r - B_{ij})^3}, \qquad A = 1.734\ \text{hartree bohr},

with :math:`B_{ij}` from J. M. Wittbrodt and H. B. Schlegel, J. Mol. Struct. THEOCHEM 398-399, 55 (1997), after R. M.
Badger, J. Chem. Phys. 2, 128 (1934). Harmonic constants of diatomics (K. P. Huber and G. Herzberg, 1979) over this rule:
bonds to hydrogen .90 to 1.25, other non-metals .85 to 1.4 (F-O .41, the weak N-N of N2O4 .57), bonds of metals .45 to
1.0 (multiple bonds between transition metals .2); in rMD17 and GFN2-xTB frames C-H has .86 to 1.05 pooled, and O-H
in a strong hydrogen bond .5. So C-H tells even mhartree from kcal/mol (a factor 1.59), other hydrogen hartree/bohr from
hartree/Å (1.89), other bonds kcal/mol from eV (23). A pair that only dispersion binds (noble gases, two closed-shell
metals) follows no such rule and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from ase.units import Bohr, Hartree
from numpy.typing import NDArray

from .frames import Frames

#: B of the rule (bohr) by period.
_B = np.array(
    [
        [-0.2573, 0.3401, 0.6937, 0.7126, 0.8335, 0.9491],
        [0.3401, 0.9652, 1.2843, 1.4725, 1.6549, 1.7190],
        [0.6937, 1.2843, 1.6925, 1.8238, 2.1164, 2.3185],
        [0.7126, 1.4725, 1.8238, 2.0203, 2.2137, 2.5206],
        [0.8335, 1.6549, 2.1164, 2.2137, 2.3718, 2.5110],
        [0.9491, 1.7190, 2.3185, 2.5206, 2.5110, 2.5110],
    ]
)
_A = 1.734 * Hartree * Bohr
#: Bounds on the measured stiffness over the rule's: C-H, other bonds to hydrogen, those of non-metals, of metals.
_BOUNDS = ((0.72, 1.33), (0.6, 1.5), (0.35, 2.6), (0.1, 5.0))
_NAMES = ("the bonds of carbon to hydrogen", "the bonds to hydrogen", "the bonds", "the bonds of metals")
#: Bounds where there are fewer samples (frames times bonds) than `_ENOUGH`: the next unit is a factor 23 away.
_FEW = (0.25, 4.0)
_ENOUGH = 100
#: Pairs closer than this multiple of the sum of covalent radii are bonded in that frame.
_BOND = 1.3
#: A pair bonded in fewer frames than this is no bond.
_OFTEN = 0.3
_MOST_FRAMES = 2000
#: Bytes of an array of distances that is made at a time.
CHUNK_BYTES = 4e6

_NOBLE = (2, 10, 18, 36, 54, 86)
#: Closed-shell metals, whose pairs dispersion binds (groups 2 and 12).
_CLOSED = (4, 12, 20, 38, 56, 30, 48, 80)
_NON_METALS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 32, 33, 34, 35, 51, 52, 53)


@dataclass(frozen=True)
class Stiffness:
    """Pooled stiffness of some bonds of a data set.

    Attributes
    ----------
    value : float
        Weighted median of the stiffness over bonds and pairs of frames (eV/Å²).
    expected : float
        Median of what Badger's rule says for these bonds (eV/Å²).
    ratio : float
        Weighted median of the stiffness over the rule's.
    bonds : str
        Which bonds, in words.
    low, high : float
        Bounds on ``ratio`` outside which the unit must be wrong.
    """

    value: float
    expected: float
    ratio: float
    bonds: str
    low: float
    high: float

    @property
    def physical(self) -> bool:
        """Whether the ratio lies within its bounds."""
        return self.low <= self.ratio <= self.high


def weak(first: int, second: int) -> bool:
    """Whether only dispersion binds two atoms of these atomic numbers."""
    return first in _NOBLE or second in _NOBLE or (first in _CLOSED and second in _CLOSED)


def expected_stiffness(first: int, second: int, length: float) -> float:
    """Return the stiffness (eV/Å²) of a bond of this length (Å) by Badger's rule."""
    i, j = (int(np.searchsorted(_NOBLE, z)) for z in (first, second))
    # below the reach of the rule (a bond shorter than any) it is held at its value 0.3 Å above the pole
    return float(_A / max(length - _B[min(i, 5), min(j, 5)] * Bohr, 0.3) ** 3)


def bond_stiffness(frames: Frames) -> Stiffness | None:
    """Measure the stiffness of the bonds: C-H if there are any, else of hydrogen to another non-metal, else of others.

    The slope is Theil and Sen's, the weighted median over bonds and random pairs of frames in which the bond is there:
    a bond that breaks or a proton that hops does not move it while it is in the minority.

    Returns
    -------
    Stiffness or None
        None if there are fewer than two frames, no bonds that decide, or no bond changes its length.
    """
    every = max(1, -(-len(frames) // _MOST_FRAMES))
    positions, forces = frames.positions[::every], frames.forces[::every]
    if len(positions) < 2:
        return None
    pairs = _bonds(frames.numbers, positions)
    for kind in range(len(_BOUNDS)):
        chosen = [pair for pair in pairs if _kind(frames.numbers, pair, pairs) == kind]
        ends = np.bincount(np.ravel(pairs).astype(np.int64), minlength=len(frames.numbers))
        slopes, weights, rule = _slopes(frames.numbers, positions, forces, chosen, ends)
        if len(slopes):
            low, high = _BOUNDS[kind]
            if len(slopes) < _ENOUGH:
                low, high = min(low, _FEW[0]), max(high, _FEW[1])
            return Stiffness(
                value=_weighted_median(slopes, weights),
                expected=float(np.median(rule)),
                ratio=_weighted_median(slopes / rule, weights),
                bonds=_NAMES[kind],
                low=low,
                high=high,
            )
    return None


def _bonds(numbers: NDArray[np.int64], positions: NDArray[np.float64]) -> list[tuple[int, int]]:
    near = _BOND * radius_sums(numbers)
    few = positions[:: max(1, len(positions) // 200)]
    count = np.zeros(near.shape, dtype=np.int64)
    for part in chunks(few):
        count += (distances_in(part) < near).sum(axis=0)
    often = np.argwhere(np.triu(count >= max(2, _OFTEN * len(few)), k=1))
    return [(int(i), int(j)) for i, j in often]


def _kind(numbers: NDArray[np.int64], pair: tuple[int, int], pairs: list[tuple[int, int]]) -> int | None:
    """0 hydrogen bonded to carbon alone, 1 to another non-metal alone, 2 non-metals, 3 others; None: decides nothing."""
    i, j = pair
    kinds = int(numbers[i]), int(numbers[j])
    if weak(*kinds):
        return None
    if not all(z in _NON_METALS for z in kinds):
        return 3
    if (kinds[0] == 1) == (kinds[1] == 1):
        return 2
    hydrogen = i if kinds[0] == 1 else j
    if sum(hydrogen in other for other in pairs) > 1:
        return 2
    return 0 if 6 in kinds else 1


def _slopes(
    numbers: NDArray[np.int64],
    positions: NDArray[np.float64],
    forces: NDArray[np.float64],
    bonds: list[tuple[int, int]],
    ends: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Slopes of -f against r between random pairs of frames, their weights, and the rule's value for each."""
    generator = np.random.default_rng(0)
    slopes, weights, rule = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for i, j in bonds:
        separation = positions[:, i] - positions[:, j]
        length = np.linalg.norm(separation, axis=-1)
        # on the atom at the end of a bond nothing else pulls; between two others each gives half
        share = {(True, False): 1.0, (False, True): 0.0}.get((ends[i] == 1, ends[j] == 1), 0.5)
        pull = share * forces[:, i] - (1 - share) * forces[:, j]
        force = (pull * separation).sum(axis=-1) / length
        there = np.flatnonzero(length < _BOND * (covalent_radii[numbers[i]] + covalent_radii[numbers[j]]))
        # twice, as two permutations of few frames leave few pairs
        for _ in range(2):
            order = generator.permutation(there)
            stretch = length[order] - length[np.roll(order, 1)]
            rise = force[order] - force[np.roll(order, 1)]
            # Below 1e-4 Å of motion a bond tells nothing about its stiffness.
            kept = np.abs(stretch) > 1e-4
            slopes.append(-rise[kept] / stretch[kept])
            weights.append(np.abs(stretch[kept]))
            value = expected_stiffness(int(numbers[i]), int(numbers[j]), float(np.median(length[there])))
            rule.append(np.full(int(kept.sum()), value))
    return np.concatenate(slopes), np.concatenate(weights), np.concatenate(rule)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def radius_sums(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of covalent radii of all pairs (Å), shape (A, A)."""
    radii = covalent_radii[numbers]
    return np.asarray(radii[:, None] + radii[None, :])


def chunks(positions: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Yield consecutive frames (n, A, 3), so few that their separations (n, A, A, 3) fit into `CHUNK_BYTES`."""
    step = max(1, int(CHUNK_BYTES // (8 * 3 * positions.shape[1] ** 2)))
    for start in range(0, len(positions), step):
        yield positions[start : start + step]


def distances_in(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of all pairs in every frame (Å), shape (N, A, A)."""
    squares = np.zeros((len(positions), positions.shape[1], positions.shape[1]))
    for axis in range(3):
        along = positions[:, :, axis]
        apart = along[:, :, None] - along[:, None, :]
        squares += apart * apart
    return np.sqrt(squares, out=squares)
