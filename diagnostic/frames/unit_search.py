"""Which units fit: bond lengths, bond stiffness and work of the forces held against the combinations that files have."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase.data import covalent_radii, vdw_radii
from numpy.typing import NDArray

from ...theory.errors import InputError
from .frames import Frames
from .stiffness import Stiffness, bond_stiffness, chunks, distances_in, radius_sums, weak
from .units import COMBINATIONS, Units
from .work import Work, energy_against_work

#: Bounds on the typical distance to the nearest atom, over the sum of covalent radii. Measured: N2 0.77,
#: organic molecules 0.97 to 1.04, F2 1.25; Bohr read as Å multiplies by 1.89, Å read as Bohr by 0.53.
NEAREST = (0.68, 1.4)
#: Narrower bounds, to name the likely length.
_LIKELY = (0.75, 1.27)
#: Each step down the list of combinations counts like this relative misfit.
_USUAL = 0.02
_FEW = 300


class UnitError(InputError):
    """A check of units failed; the caller may overrule it."""


@dataclass(frozen=True)
class Evidence:
    """What the data say about their units, as they were read."""

    nearest: float
    stiffness: Stiffness | None
    work: Work | None


def nearest_ratios(
    numbers: NDArray[np.int64], distances: NDArray[np.float64], sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each atom's distance to its nearest neighbour over the sum of covalent radii, shape (n, A).

    Where only dispersion may bind the pair, the sum of van der Waals radii counts if it is nearer to the distance.
    """
    ratios = distances / sums
    atoms = np.arange(len(numbers))
    ratios[:, atoms, atoms] = np.inf
    nearest = ratios.argmin(axis=2)
    smallest = np.take_along_axis(ratios, nearest[:, :, None], axis=2)[:, :, 0]
    loose = _weak_factors(numbers, sums)
    if loose is not None:
        factors = loose[atoms[None, :], nearest]
        other = smallest * factors
        better = np.abs(np.log(np.maximum(other, 1e-9))) < np.abs(np.log(np.maximum(smallest, 1e-9)))
        smallest = np.where(better, other, smallest)
    return np.asarray(smallest)


def weak_sums(numbers: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return sums of van der Waals radii (Å) where dispersion may bind a pair, ``sums`` elsewhere; None where it never does."""
    factors = _weak_factors(numbers, sums)
    return None if factors is None else sums / factors


def _weak_factors(numbers: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Sum of covalent over sum of van der Waals radii where dispersion may bind a pair, 1 elsewhere."""
    kinds = [int(z) for z in np.unique(numbers)]
    if not any(weak(a, b) for a in kinds for b in kinds):
        return None
    # radii that nobody measured: 1.3 times the covalent one plus 0.3 Å, within 0.3 Å of those of groups 2 and 12
    known = np.full(len(covalent_radii), np.nan)
    known[: len(vdw_radii)] = vdw_radii
    radii = np.where(np.isnan(known), 1.3 * covalent_radii + 0.3, known)[numbers]
    among = np.array([[weak(int(a), int(b)) for b in numbers] for a in numbers])
    return np.where(among, sums / (radii[:, None] + radii[None, :]), 1.0)


def typical_nearest(frames: Frames) -> float:
    """Return the median of `nearest_ratios` over atoms and a few hundred frames."""
    sums = radius_sums(frames.numbers)
    few = frames.positions[:: max(1, len(frames) // _FEW)]
    return float(
        np.median(
            np.concatenate([nearest_ratios(frames.numbers, distances_in(part), sums) for part in chunks(few)])
        )
    )


def suggest(frames: Frames) -> Units | None:
    """Return the units, of those that files usually have, that fit bond lengths, stiffness and work; None: none does.

    Units of a combination relative to those read scale what is measured: k and the work by the unit of force, the
    rise by the unit of energy; the bonds are found and measured anew for each unit of length.
    """
    read = frames.read_as
    measured: dict[str, Evidence] = {}
    best: tuple[float, Units] | None = None
    for rank, units in enumerate(COMBINATIONS):
        if units == read:
            continue
        if units.length not in measured:
            factor = units.length_factor / read.length_factor
            moved = replace(frames, positions=frames.positions * factor)
            nearest = typical_nearest(moved)
            fits = _LIKELY[0] <= nearest <= _LIKELY[1]
            measured[units.length] = Evidence(
                nearest, bond_stiffness(moved) if fits else None, energy_against_work(moved) if fits else None
            )
        evidence = measured[units.length]
        misfit = _misfit(evidence, units, read)
        if misfit is not None and (best is None or misfit + _USUAL * rank < best[0]):
            best = misfit + _USUAL * rank, units
    return None if best is None else best[1]


def _misfit(evidence: Evidence, units: Units, read: Units) -> float | None:
    """Sum of the logarithms by which stiffness and slope miss; None where one is out of bounds or none decides."""
    if not _LIKELY[0] <= evidence.nearest <= _LIKELY[1]:
        return None
    force = units.force_factor / read.force_factor
    stiffness, work = evidence.stiffness, evidence.work
    misfit, known = 0.0, False
    if stiffness is not None:
        ratio = abs(stiffness.ratio) * force
        if not stiffness.low <= ratio <= stiffness.high:
            return None
        misfit, known = misfit + abs(np.log(ratio)), True
    if work is not None and work.decides:
        slope = work.scaled(units.energy_factor / read.energy_factor / force)
        if not slope.agrees:
            return None
        misfit, known = misfit + abs(np.log(slope.slope)), True
    elif not units.coherent:
        return None
    return misfit if known else None


def advice(frames: Frames) -> str:
    """Say which units fit, as the end of a sentence, with the way to overrule the check."""
    units = suggest(frames)
    if units is None:
        fitting = (
            "no usual combination of units fits, so declare those of the file, for example units='hartree', "
            "force_units='hartree/bohr'"
        )
    else:
        fitting = f"they look like {_difference(units, frames.read_as)}, so declare {units.declaration}"
    return f"{fitting}; or overrule this check with accept_units=True, which the result records."


def _difference(units: Units, read: Units) -> str:
    """Name what is read wrongly: one unit where one differs, else all of them."""
    if units.coherent and read.coherent and units.length == read.length:
        return f"{units.energy} read as {read.energy}"
    if units.coherent and read.coherent and units.energy == read.energy:
        return f"{units.length} read as {read.length}"
    return f"energies in {units.energy}, positions in {units.length} and forces in {units.force}"
