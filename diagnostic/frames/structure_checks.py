"""Is this physics? The checks of crystals and of structures of mixed composition, on a fair sample where there are many.

The stiffness of bonds judges molecules alone: in a crystal no rule gives it. Distances to the nearest neighbours hold for all,
by the minimum image, and so do the size of forces and, where the cell stays the same, the work of forces against energies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from ase.data import chemical_symbols
from ase.geometry import complete_cell
from numpy.typing import NDArray

from ...theory.errors import InputError
from .checks import OVERLAP, check_constraints, check_energies, check_forces
from .file_structures import FileStructures, small_cells
from .frames import Frames
from .images import Table
from .neighbours import neighbours_of
from .splits import evenly_spaced
from .stiffness import bond_stiffness, radius_sums
from .structures import Part, Structures
from .unit_search import NEAREST, UnitError, weak_sums
from .units import LENGTH

#: Structures that are read to judge a file.
SAMPLE = 200
#: Pairs nearer than this (Å) lie on the same point, whatever the unit of length.
_COINCIDE = 0.01
#: Pairs farther apart than this (Å) are nobody's nearest neighbours.
REACH = 6.0
#: Frames of one molecule that its bonds are judged by, and molecules that are judged.
_FRAMES_OF_ONE, _MOLECULES = 100, 5
#: Atoms of a cell whose bonds to hydrogen are looked for, at most.
_MOST_ATOMS = 400
#: Median over structures of the force RMS (eV/Å) above which the unit is wrong; at 1,500 K it is about 2.2.
_LARGEST_RMS = 12.0
#: Narrower bounds on nearest distances over radii, to name the likely length.
_LIKELY = (0.75, 1.27)


def check_structures(structures: FileStructures, *, accept_units: bool = False) -> FileStructures:
    """Return the structures with ``checks``: what each check measured.

    Raises
    ------
    InputError
        On the first check that fails.
    """
    sample = evenly_spaced(len(structures), SAMPLE)
    parts = structures.take(sample)
    said = _said(
        {
            "distances": lambda: check_part_distances(parts, structures.places),
            "forces": lambda: _check_part_forces(structures, parts),
        },
        structures.source,
        accept_units,
    )
    if len(sample) < len(structures):
        said = {
            name: f"{words} ({len(sample)} of {len(structures)} structures)" for name, words in said.items()
        }
    left = {why: len(places) for why, places in structures.left_out.items()}
    said["left out"] = (
        ", ".join(f"{count} {why}" for why, count in left.items()) or "every structure can be used"
    )
    return replace(structures, checks=said)


def check_periodic(frames: Frames, *, accept_units: bool = False) -> dict[str, str]:
    """Run every check that holds for frames of one periodic composition.

    Returns
    -------
    dict
        What each check measured, in words, as ``check_frames`` does.

    Raises
    ------
    InputError
        On the first check that fails.
    """
    _check_room(frames)
    few = evenly_spaced(len(frames), SAMPLE)
    part = Part(few, frames.select(few))
    whole = unwrapped(frames)

    def energies() -> str:
        if frames.energies is None:
            return "there are no energies to compare with the work of the forces"
        if whole is None:
            return "energies were not compared with forces: the cell changes from frame to frame"
        return check_energies(whole)

    said = {"finite": "all numbers are finite"} | _said(
        {
            "distances": lambda: check_part_distances([part], np.arange(len(frames))),
            "forces": lambda: _check_bonds(part.frames) or _check_sizes([part], frames.source),
            "constraints": lambda: check_constraints(frames),
            "energies": energies,
        },
        frames.source,
        accept_units,
    )
    return said | {"labels": "atoms of a periodic cell are not held against their labels"}


def _check_room(frames: Frames) -> None:
    """Refuse cells that cannot hold their atoms, before neighbours are listed."""
    assert frames.cells is not None
    count = len(frames)
    table = Table(
        [frames.numbers], np.zeros(count, dtype=np.int64), frames.cells, np.tile(frames.pbc, (count, 1)),
        [(frozenset(), frozenset())], np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool),
    )  # fmt: skip
    small = np.flatnonzero(small_cells(table, 1.0))
    if len(small):
        raise InputError(
            f"{frames.source}: the cell of frame {small[0]} is far too small for its {len(frames.numbers)} atoms, read as "
            f"{frames.units}: expected some 5 Å³ or more for each, so check the unit of length and the cell."
        )


def _said(checks: dict[str, Callable[[], str]], source: str, accept_units: bool) -> dict[str, str]:
    said = {}
    for name, check in checks.items():
        try:
            said[name] = check()
        except UnitError as error:
            if not accept_units:
                raise
            words = str(error).removeprefix(f"{source}: ").partition("; or overrule")[0]
            said[name] = f"overruled: {words}"
    return said


def unwrapped(frames: Frames) -> Frames | None:
    """Return frames without cells whose atoms follow their nearest images from frame to frame; None where cells differ."""
    if frames.cells is None or np.abs(frames.cells - frames.cells[0]).max() > 1e-6:
        return None
    cell = complete_cell(np.where(np.asarray(frames.pbc)[:, None], frames.cells[0], 0.0))  # type: ignore[no-untyped-call]
    fractional = frames.positions @ np.linalg.inv(cell)
    steps = np.diff(fractional, axis=0, prepend=fractional[:1])
    steps -= np.where(frames.pbc, np.round(steps), 0.0)
    positions = frames.positions[:1] + np.cumsum(steps, axis=0) @ cell
    return replace(frames, positions=positions, cells=None, pbc=(False, False, False), stress=None)


# ----------------------------------------------------------------------------------------------------- distances


def nearest_in(frames: Frames) -> tuple[NDArray[np.float64], list[tuple[int, int, float] | None]]:
    """Return each atom's distance to its nearest neighbour or image over the sum of their radii, and overlaps.

    Returns
    -------
    ratios : (N, A) float array
        Infinite where nothing is within ``REACH``. Where only dispersion may bind a pair, over van der Waals radii if those are
        nearer.
    overlaps : list of (i, j, distance in Å) or None
        The worst pair of each frame that is nearer than ``OVERLAP`` sums of covalent radii.
    """
    sums = radius_sums(frames.numbers)
    loose = weak_sums(frames.numbers, sums)
    ratios = np.full((len(frames), len(frames.numbers)), np.inf)
    overlaps: list[tuple[int, int, float] | None] = []
    for row, near in enumerate(neighbours_of(frames, REACH)):
        distances = near.distances
        ratio = distances / sums[near.first, near.second]
        worst = int(ratio.argmin()) if len(ratio) else -1
        overlaps.append(
            (int(near.first[worst]), int(near.second[worst]), float(distances[worst]))
            if worst >= 0 and ratio[worst] < OVERLAP
            else None
        )
        if loose is not None:
            other = distances / loose[near.first, near.second]
            nearer = np.abs(np.log(np.maximum(other, 1e-9))) < np.abs(np.log(np.maximum(ratio, 1e-9)))
            ratio = np.where(nearer, other, ratio)
        np.minimum.at(ratios[row], near.first, ratio)
    return ratios, overlaps


def overlaps_of(part: Part) -> dict[int, str]:
    """Return what overlaps, in words, for each structure of a part in which atoms or images do, by its index."""
    frames = part.frames
    sums = OVERLAP * radius_sums(frames.numbers)
    said = {}
    for index, near in zip(part.indices.tolist(), neighbours_of(frames, float(sums.max())), strict=True):
        ratio = near.distances / sums[near.first, near.second]
        if len(ratio) and ratio.min() < 1.0:
            pair = int(ratio.argmin())
            said[index] = _overlap(
                frames, int(near.first[pair]), int(near.second[pair]), float(near.distances[pair])
            )
    return said


def refuse_overlaps(part: Part, data: Structures) -> None:
    """Raise InputError where atoms overlap in a structure of a part, with the place of the first in its file."""
    overlapping = overlaps_of(part)
    if overlapping:
        index, said = next(iter(overlapping.items()))
        place = int(getattr(data, "places", np.arange(len(data)))[index])
        others = f", and atoms of {len(overlapping) - 1} others overlap" if len(overlapping) > 1 else ""
        raise InputError(
            f'{data.source}: {said} in structure {place}{others}; leave them out, for example with select="structure != {place}"'
        )


def _overlap(frames: Frames, i: int, j: int, distance: float) -> str:
    pair = f"{i} ({frames.symbols[i]}) and {j} ({frames.symbols[j]})"
    return f"the atoms {pair} {'lie on the same point' if distance < _COINCIDE else f'overlap, {distance:.3f} Å apart'}"


def check_part_distances(parts: list[Part], places: NDArray[np.int64]) -> str:
    """Refuse overlapping atoms and positions in the wrong unit, by the nearest neighbours and images.

    ``places`` are the places of structures in their file.
    """
    every = [nearest_in(part.frames) for part in parts]
    source, units = parts[0].frames.source, parts[0].frames.units
    ratios = np.concatenate([ratios.ravel() for ratios, _ in every])
    typical = float(np.median(ratios))
    if np.isinf(typical):
        return f"most atoms have no neighbour within {REACH:g} Å: distances say nothing of the unit of length"
    coincide = all(of is not None and of[2] < _COINCIDE for _, overlaps in every for of in overlaps)
    if not coincide and not NEAREST[0] <= typical <= NEAREST[1]:
        raise UnitError(
            f"{source}: atoms are typically {typical:.3g} sums of covalent radii from their nearest neighbour, read as "
            f"{units}: expected about 1; {_likely_length(parts, typical)}; or overrule this check with accept_units=True, which "
            "the result records."
        )
    bad = [
        (int(places[index]), part.frames, overlap)
        for part, (_, overlaps) in zip(parts, every, strict=True)
        for index, overlap in zip(part.indices, overlaps, strict=True)
        if overlap is not None
    ]
    total = sum(len(part.indices) for part in parts)
    if bad and (len(bad) == total or len(parts) == 1):
        place, frames, (i, j, distance) = min(bad, key=lambda each: each[0])
        what = "lie on the same point" if distance < _COINCIDE else f"overlap, {distance:.3f} Å apart"
        expected = OVERLAP * radius_sums(frames.numbers)[i, j]
        raise InputError(
            f"{source}: the atoms {i} ({frames.symbols[i]}) and {j} ({frames.symbols[j]}) of structure {place} {what}: "
            f"expected at least {expected:.2f} Å, so remove the duplicate or the structure."
        )
    said = f"the nearest neighbour or image is at {typical:.2f} sums of covalent radii"
    if bad:
        return f"{said}; atoms overlap in {len(bad)} structures, the first is structure {min(place for place, _, _ in bad)}"
    return f"no atoms overlap; {said}"


def _likely_length(parts: list[Part], typical: float) -> str:
    read = parts[0].frames.read_as
    for length, factor in LENGTH.items():
        scaled = typical * factor / read.length_factor
        if length != read.length and _LIKELY[0] <= scaled <= _LIKELY[1]:
            energy = read.energy
            return f"they look like {length} read as {read.length}, so declare units='{energy},{length}'"
    return "no usual unit of length fits, so check the positions and the cell"


# -------------------------------------------------------------------------------------------------------- forces


def _check_sizes(parts: list[Part], source: str) -> str:
    """Refuse forces that are all zero, or too large to be in eV/Å."""
    rms = np.concatenate([np.sqrt((part.frames.forces**2).mean(axis=(1, 2))) for part in parts])
    if not rms.any():
        raise InputError(
            f"{source}: all its forces are zero: expected forces, so check how the file was written."
        )
    typical, units = float(np.median(rms)), parts[0].frames.units
    if typical > _LARGEST_RMS:
        raise UnitError(
            f"{source}: the force RMS of a structure is typically {typical:.3g} eV/Å, read as {units}: out of physical range, "
            f"expected at most {_LARGEST_RMS:g}; declare the units of the file, for example units='kcal/mol'; or overrule this "
            "check with accept_units=True, which the result records."
        )
    said = f"the force RMS of a structure is {rms.min():.3g} to {rms.max():.3g} eV/Å, typically {typical:.3g}"
    if any(part.frames.periodic for part in parts):
        return f"{said}; the unit of crystals is not judged by the stiffness of bonds"
    return said


def _check_bonds(frames: Frames) -> str:
    """Refuse forces whose unit the stiffness of bonds to hydrogen tells; empty where the cell holds none, or is large."""
    if len(frames.numbers) > _MOST_ATOMS or 1 not in frames.numbers:
        return ""
    free = replace(frames, cells=None, pbc=(False, False, False), stress=None)
    stiffness = bond_stiffness(free)
    return check_forces(free) if stiffness is not None and stiffness.bonds.endswith("to hydrogen") else ""


def _check_part_forces(structures: FileStructures, parts: list[Part]) -> str:
    """Refuse forces out of range; those of the most frequent molecules are judged by their bonds."""
    said = _check_sizes(parts, structures.source)
    table = structures.table
    free = np.flatnonzero(~table.pbc[structures.places].any(axis=1) | structures.isolated)
    which, counts = np.unique(table.which[structures.places[free]], return_counts=True)
    wrong: list[UnitError] = []
    right = 0
    for k in np.argsort(-counts, kind="stable")[:_MOLECULES]:
        rows = free[table.which[structures.places[free]] == which[k]]
        if len(rows) < 2 or len(table.compositions[which[k]]) < 2:
            continue
        (part,) = structures.take(rows[evenly_spaced(len(rows), _FRAMES_OF_ONE)])
        energies = part.frames.energies
        if energies is not None and not np.isfinite(energies).all():
            energies = None
        try:
            check_forces(replace(part.frames, energies=energies))
            right += 1
        except UnitError as error:
            wrong.append(error)
        except InputError:  # forces of this one are zero: said of each structure
            continue
    if len(wrong) > right:
        raise wrong[0]
    if wrong:
        return f"{said}; the bonds of {len(wrong)} of {right + len(wrong)} molecules have an odd stiffness"
    return f"{said}; the bonds of {right} molecules have a physical stiffness" if right else said


def pairs_of(frames: Frames) -> dict[tuple[str, str], float]:
    """Return the smallest distance (Å) within ``REACH`` between atoms of each two elements, images included."""
    nearest: dict[tuple[str, str], float] = {}
    z = frames.numbers
    for near in neighbours_of(frames, REACH):
        low, high = np.minimum(z[near.first], z[near.second]), np.maximum(z[near.first], z[near.second])
        for key in np.unique(np.stack([low, high]), axis=1).T:
            smallest = float(near.distances[(low == key[0]) & (high == key[1])].min())
            names = chemical_symbols[key[0]], chemical_symbols[key[1]]
            nearest[names] = min(smallest, nearest.get(names, np.inf))
    return nearest
