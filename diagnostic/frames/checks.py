r"""Is this physics? Checks that every data set passes before anything long is started.

The unit of the forces is judged by the stiffness of the chemical bonds
(`spectral_ceilings.diagnostic.frames.stiffness`), the unit of the positions by the bond lengths, the unit of the
energies by the work of the forces.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase.data import atomic_masses

from ...theory.errors import InputError
from .alignment import into_reference_orientation
from .frames import Frames
from .stiffness import Stiffness, bond_stiffness, distances_in, radius_sums
from .units import ENERGY, LENGTH

#: Bounds on the typical distance to the nearest atom, over the sum of covalent radii. Measured: N2 0.77,
#: organic molecules 0.97 to 1.04, F2 1.25; Bohr read as Å multiplies by 1.89, Å read as Bohr by 0.53.
NEAREST = (0.68, 1.4)
#: Atoms closer than this multiple of the sum of covalent radii overlap; no thermal motion comes below 0.7.
OVERLAP = 0.5
#: Largest force RMS of a single frame (eV/Å); at 1,500 K it is about 2.2.
_LARGEST_RMS = 12.0
#: Bounds on the slope of energy differences against the work of the forces; the next unit is 23 times away.
_SLOPE = (0.2, 5.0)
_CHUNK = 500
_FEWEST_FOR_ENERGY = 50


def check_finite(frames: Frames) -> str:
    """Refuse NaN and infinity in positions, forces and energies."""
    named = {"positions": frames.positions, "forces": frames.forces, "energies": frames.energies}
    for name, values in named.items():
        if values is None:
            continue
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            where = f"frame {bad[0][0]}" + (f", atom {bad[0][1]}" if values.ndim == 3 else "")
            raise InputError(
                f"{frames.source}: {len(bad)} of the {values.size} numbers in its {name} are not finite, "
                f"the first in {where}: expected finite numbers, so leave these frames out."
            )
    return "all numbers are finite"


def check_distances(frames: Frames) -> str:
    """Refuse duplicate and overlapping atoms, and positions in the wrong unit."""
    if len(frames.numbers) < 2:
        raise InputError(
            f"{frames.source}: it holds a single atom: expected a molecule, as a lone atom has no directions."
        )
    sums = radius_sums(frames.numbers)
    nearest = []
    for start in range(0, len(frames), _CHUNK):
        distances = distances_in(frames.positions[start : start + _CHUNK])
        ratios = distances / sums
        ratios[:, range(len(sums)), range(len(sums))] = np.inf
        worst = np.argwhere(ratios < OVERLAP)
        nearest.append(ratios.min(axis=2))
        if len(worst) and (typical := float(np.median(nearest[-1]))) < NEAREST[0]:
            raise InputError(_wrong_length(frames, typical))
        if len(worst):
            frame, i, j = (int(index) for index in worst[0])
            distance = float(distances[frame, i, j])
            what = "lie on the same point" if distance < 0.01 else f"overlap, {distance:.3f} Å apart"
            raise InputError(
                f"{frames.source}: the atoms {i} ({frames.symbols[i]}) and {j} ({frames.symbols[j]}) of "
                f"frame {start + frame} {what}: expected at least {OVERLAP * sums[i, j]:.2f} Å, so remove "
                "the duplicate or the frame."
            )
    typical = float(np.median(np.concatenate(nearest)))
    if not NEAREST[0] <= typical <= NEAREST[1]:
        raise InputError(_wrong_length(frames, typical))
    return f"no atoms overlap; the nearest neighbour is at {typical:.2f} sums of covalent radii"


def check_forces(frames: Frames) -> str:
    """Refuse forces out of physical range: the usual unit mistake, a wrong sign, or zeros."""
    rms = float(np.sqrt((frames.forces**2).mean()))
    if rms == 0:
        raise InputError(
            f"{frames.source}: all its forces are zero: expected forces, so check how the file was written."
        )
    stiffness = bond_stiffness(frames)
    if stiffness is None:
        if rms > _LARGEST_RMS:
            raise InputError(
                f"{frames.source}: the force RMS is {rms:.3g} eV/Å, read as {frames.units}: out of physical "
                f"range, expected at most {_LARGEST_RMS:g}; declare the units, for example units='kcal/mol'."
            )
        return f"the force RMS is {rms:.3g} eV/Å (too little motion to judge the unit by bond stiffness)"
    if not stiffness.physical:
        raise InputError(_wrong_forces(frames, stiffness))
    measured = f"{stiffness.value:.0f} eV/Å²"
    return f"the force RMS is {rms:.3g} eV/Å and the stiffness of {stiffness.bonds} {measured}"


def check_energies(frames: Frames) -> str:
    """Refuse energies in another unit than the forces.

    Between a frame a and its nearest neighbour b the work of the forces, -(F_a + F_b).(x_b - x_a)/2 in a
    common orientation, is the energy difference up to third order; the slope of one against the other is 1.
    """
    if frames.energies is None:
        return "there are no energies"
    if len(frames) < _FEWEST_FOR_ENERGY:
        return "too few frames to compare energies with forces"
    few = slice(0, 1000)
    energies = frames.energies[few]
    positions, forces = into_reference_orientation(
        frames.positions[few], frames.forces[few], frames.positions[0], atomic_masses[frames.numbers]
    )
    flat = positions.reshape(len(positions), -1)
    squares = (flat**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * flat @ flat.T
    np.fill_diagonal(apart, np.inf)
    other = apart.argmin(axis=1)
    work = -0.5 * ((forces + forces[other]) * (positions[other] - positions)).sum(axis=(1, 2))
    rise = energies[other] - energies
    if not work.any() or not rise.any():
        return "energies do not vary between neighbouring frames"
    correlation = float((work * rise).sum() / np.sqrt((work**2).sum() * (rise**2).sum()))
    slope = float((work * rise).sum() / (work**2).sum())
    if correlation < 0.5:
        return (
            f"energies could not be compared with forces (correlation {correlation:.2f} between neighbours)"
        )
    if not _SLOPE[0] <= slope <= _SLOPE[1]:
        raise InputError(
            f"{frames.source}: its energies change by {slope:.3g} times the work of its forces, read as "
            f"{frames.units}: expected 1, so give energies and forces in the same unit of energy."
        )
    return f"energies change by {slope:.2f} times the work of the forces between neighbouring frames"


#: All checks, by name, in the order in which they are made.
CHECKS: tuple[tuple[str, Callable[[Frames], str]], ...] = (
    ("finite", check_finite),
    ("distances", check_distances),
    ("forces", check_forces),
    ("energies", check_energies),
)


def check_frames(frames: Frames) -> dict[str, str]:
    """Run every check.

    Returns
    -------
    dict
        What each check measured, in words.

    Raises
    ------
    InputError
        On the first check that fails.
    """
    return {name: check(frames) for name, check in CHECKS}


def _read_as(frames: Frames) -> tuple[str, str]:
    """Energy and length units that the frames were read in."""
    energy, _, rest = frames.units.partition(" and ")
    return energy, rest.partition(",")[0]


def _wrong_length(frames: Frames, typical: float) -> str:
    energy, read = _read_as(frames)
    start = (
        f"{frames.source}: atoms are typically {typical:.3g} sums of covalent radii from their nearest "
        f"neighbour, read as {frames.units}: expected about 1"
    )
    likely = [
        true
        for true, factor in LENGTH.items()
        if read in LENGTH and true != read and 0.75 <= typical * factor / LENGTH[read] <= 1.25
    ]
    if likely and energy in ENERGY:
        return f"{start}; they look like {likely[0]} read as {read}, so declare units='{energy},{likely[0]}'."
    return f"{start}; declare the length of the file, for example units='hartree,bohr'."


def _wrong_forces(frames: Frames, stiffness: Stiffness) -> str:
    start = (
        f"{frames.source}: force magnitudes are out of physical range, read as {frames.units}: "
        f"{stiffness.bonds} have a stiffness of {stiffness.value:.3g} eV/Å², expected {stiffness.low:g} to {stiffness.high:g}"
    )
    if stiffness.low <= -stiffness.value <= stiffness.high:
        return f"{start}; the sign is that of gradients, so change the sign of the forces."
    read, _ = _read_as(frames)
    low, high = stiffness.usual
    likely = [
        true
        for true, factor in ENERGY.items()
        if read in ENERGY and low <= stiffness.value * factor / ENERGY[read] <= high
    ]
    if likely:
        return f"{start}; they look like {likely[0]} read as {read}, so declare units={likely[0]!r}."
    return f"{start}; declare the units of the file, for example units='kcal/mol'."
