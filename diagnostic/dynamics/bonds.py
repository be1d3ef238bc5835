"""What ends a run: the first bond of a molecule that broke, atoms that flew apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import neighborlist, units
from ase.data import covalent_radii
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Functions of ASE, which have no types.
_PAIRS: Any = neighborlist.neighbor_list
_RADII: Any = neighborlist.natural_cutoffs
#: Two atoms are bonded below, and their bond is broken beyond, so many times the sum of their covalent radii; see
#: ``generation.molecule``.
_BONDED, _BROKEN = 1.2, 1.5
#: Elements whose bonds make molecules; atoms of metals change partners without anything breaking.
_NONMETALS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 52, 53})


#: A run has exploded where its kinetic temperature is above so many times the wanted one, plus so many kelvin.
HOT, MARGIN = 10.0, 3000.0


class Bonds:
    """Bonds of the molecules of a structure.

    Networks of bonds that go on through a periodic boundary, such as those of a crystal, are no molecules and are not watched.

    Parameters
    ----------
    atoms
        The structure at the start.
    """

    def __init__(self, atoms: Any) -> None:
        first, second, shifts = _PAIRS("ijS", atoms, _RADII(atoms, mult=_BONDED))
        numbers, count = atoms.numbers, len(atoms)
        light = np.isin(numbers, list(_NONMETALS))
        keep = light[first] & light[second]
        first, second, shifts = first[keep], second[keep], shifts[keep]
        endless = _endless(count, first, second, shifts)
        once = (first < second) & ~endless[first]
        self.first, self.second = first[once], second[once]
        self.offsets = shifts[once] @ np.asarray(atoms.cell)
        self.longest = _BROKEN * (covalent_radii[numbers[self.first]] + covalent_radii[numbers[self.second]])

    def broken(self, positions: Array) -> str:
        """Say which bond is broken, in a clause; empty: none."""
        lengths = np.linalg.norm(positions[self.second] - positions[self.first] + self.offsets, axis=1)
        over = np.flatnonzero(~(lengths <= self.longest))
        if not len(over):
            return ""
        k = int(over[0])
        return f"a molecule broke: the bond between atoms {self.first[k]} and {self.second[k]} grew to {lengths[k]:.2f} Å"


def _endless(count: int, first: Any, second: Any, shifts: Any) -> NDArray[np.bool_]:
    """Return for each atom whether its network of bonds meets its own periodic image."""
    partners: list[list[int]] = [[] for _ in range(count)]
    for k, i in enumerate(first):
        partners[i].append(k)
    image: dict[int, Any] = {}
    endless = np.zeros(count, dtype=bool)
    for start in range(count):
        if start in image:
            continue
        image[start], group, whole = np.zeros(3, dtype=int), [start], True
        for atom in group:  # grows as it is walked through
            for k in partners[atom]:
                other, where = int(second[k]), image[atom] + shifts[k]
                if other not in image:
                    image[other] = where
                    group.append(other)
                elif (image[other] != where).any():
                    whole = False
        endless[group] = not whole
    return endless


def explosion(kinetic: float, count: int, limit: float) -> str:
    """Say that the atoms flew apart where their kinetic temperature is above a limit (K)."""
    temperature = kinetic / (1.5 * units.kB * count)
    return f"the atoms flew apart ({temperature:.0f} K)" if temperature > limit else ""
