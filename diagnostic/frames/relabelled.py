"""Atoms whose labels were exchanged: the same molecule in another order, told from a proton that hops.

Every frame's bonds are held against those of a reference. A bond counts as broken only beyond 1.5 sums of covalent
radii and a pair as newly bonded only within 1.3 of them, so vibrations change nothing. Where bonds did change, two explanations
compete: the atoms reacted, which costs one for every bond made or broken, or labels were exchanged, which costs one for
every atom that has another label. Exchanging two hydrogens changes four bonds with two labels; a proton that hops
changes two bonds, and relabelling the molecule so that the bonds fit again would cost more. The cheaper explanation holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames
from .stiffness import chunks, distances_in, radius_sums

#: Multiples of the sum of covalent radii: a bond of the reference, a new bond, a bond that is still there.
_BOND, _NEW, _KEPT = 1.25, 1.3, 1.5
#: Steps of the search for a relabelling, and different sets of bonds that are looked at.
_STEPS, _SETS = 20_000, 50

Bonds = frozenset[tuple[int, int]]


def reference_bonds(frames: Frames) -> Bonds:
    """Return the bonds of the typical frame: pairs that are near in most frames, or of frame 0 where most say nothing."""
    sums = radius_sums(frames.numbers)
    few = frames.positions[:: max(1, len(frames) // 200)]
    count = sum((distances_in(part) < _BOND * sums).sum(axis=0) for part in chunks(few))
    usual = _pairs(np.asarray(count) > 0.5 * len(few))
    first = _pairs(distances_in(few[:1])[0] < _BOND * sums)
    # labels exchanged in half of the frames leave those atoms without bonds in most
    return usual if len(usual) >= len(first) else first


def _pairs(near: NDArray[np.bool_]) -> Bonds:
    return frozenset((int(i), int(j)) for i, j in np.argwhere(np.triu(near, k=1)))


def check_labels(frames: Frames) -> str:
    """Refuse frames in which like atoms have exchanged their labels.

    Raises
    ------
    InputError
        Naming the atoms and the number of frames.
    """
    reference = reference_bonds(frames)
    sums = radius_sums(frames.numbers)
    bonded = np.zeros(sums.shape, dtype=bool)
    for i, j in reference:
        bonded[i, j] = bonded[j, i] = True
    changed: dict[Bonds, list[int]] = {}
    start = reacted = 0
    for part in chunks(frames.positions):
        ratios = distances_in(part) / sums
        new = np.triu((ratios < _NEW) & ~bonded, k=1)
        gone = np.triu((ratios > _KEPT) & bonded, k=1)
        for index in np.flatnonzero(new.any(axis=(1, 2)) & gone.any(axis=(1, 2))):
            bonds = (reference - _pairs(gone[index])) | _pairs(new[index])
            if bonds in changed or len(changed) < _SETS:
                changed.setdefault(bonds, []).append(start + int(index))
        start += len(part)
    for bonds, where in changed.items():
        moved = relabelling(frames.numbers, reference, bonds)
        if moved is None:
            reacted += len(where)
            continue
        raise InputError(
            f"{frames.source}: in {len(where)} of its {len(frames)} frames, the first of them {where[0]}, "
            f"{_exchanged(frames, moved)} compared with the others: expected one order of "
            "atoms, so give these frames the order of the others."
        )
    if reacted:
        return f"one order of atoms; bonds are made and broken in {reacted} of {len(frames)} frames"
    return "one order of atoms, the same bonds in all frames"


def check_same_labels(frames: Frames, held_out: Frames) -> None:
    """Raise InputError where like atoms of ``held_out`` have exchanged their labels compared with ``frames``."""
    moved = relabelling(frames.numbers, reference_bonds(frames), reference_bonds(held_out))
    if moved is not None:
        raise InputError(
            f"{held_out.source}: {_exchanged(frames, moved)} compared with {frames.source}: expected one order of atoms in both, "
            f"so give the frames of {held_out.source} the order of {frames.source}"
        )


def _exchanged(frames: Frames, moved: dict[int, int]) -> str:
    names = [f"{atom} ({frames.symbols[atom]})" for atom in sorted(moved)]
    if len(names) == 2:
        return f"the like atoms {names[0]} and {names[1]} have exchanged their places"
    some = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"{len(names)} atoms have exchanged their places with like ones ({some})"


def relabelling(numbers: NDArray[np.int64], reference: Bonds, bonds: Bonds) -> dict[int, int] | None:
    """Return labels that turn ``bonds`` into ``reference``, where that explains them better than a reaction.

    Parameters
    ----------
    numbers : (A,) int array
        Atomic numbers; only like atoms exchange labels.
    reference, bonds
        Pairs (i, j) with i < j.

    Returns
    -------
    dict or None
        For every atom whose label changes, the label that it has in the reference; None where there is no such
        relabelling with fewer atoms than bonds that changed.
    """
    edits = reference ^ bonds
    if not edits or len(reference) != len(bonds):
        return None
    known, seen = _neighbours(len(numbers), reference), _neighbours(len(numbers), bonds)
    touched = sorted({atom for pair in edits for atom in pair})
    # atoms at the end of one bond first: they have the fewest partners
    touched.sort(key=lambda atom: (len(seen[atom]), atom))
    budget = len(edits) - 1
    cheapest: dict[int, int] | None = None
    steps = 0

    def fits(names: dict[int, int], atom: int, name: int) -> bool:
        """Whether bonds between ``atom`` and every atom that has a name are those of the reference."""
        taken = set(names.values())
        mine = {names.get(other, other) for other in seen[atom] if other not in moving or other in names}
        return mine == {other for other in known[name] if other not in moving or other in taken}

    def search(k: int, names: dict[int, int], cost: int) -> None:
        nonlocal cheapest, steps, budget
        steps += 1
        if steps > _STEPS or cost > budget:
            return
        if k == len(touched):
            cheapest, budget = {a: b for a, b in names.items() if a != b}, cost - 1
            return
        atom = touched[k]
        taken = set(names.values())
        for name in (atom, *(other for other in touched if other != atom)):
            alike = numbers[name] == numbers[atom] and len(known[name]) == len(seen[atom])
            if alike and name not in taken and fits(names, atom, name):
                search(k + 1, names | {atom: name}, cost + (name != atom))

    moving = set(touched)
    search(0, {}, 0)
    return cheapest


def _neighbours(count: int, bonds: Bonds) -> list[set[int]]:
    rows: list[set[int]] = [set() for _ in range(count)]
    for i, j in bonds:
        rows[i].add(j)
        rows[j].add(i)
    return rows
