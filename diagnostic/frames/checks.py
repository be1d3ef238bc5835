r"""Is this physics? Checks that every data set passes before anything long is started.

The unit of the forces is judged by the stiffness of the chemical bonds
(`spectral_ceilings.diagnostic.frames.stiffness`), the unit of the positions by the bond lengths, the unit of the
energies by the work of the forces (`spectral_ceilings.diagnostic.frames.work`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...theory.errors import InputError
from .frames import Frames
from .relabelled import check_labels
from .stiffness import Stiffness, bond_stiffness, chunks, distances_in, radius_sums
from .unit_search import NEAREST, UnitError, advice, nearest_ratios
from .work import energy_against_work

#: Atoms closer than this multiple of the sum of covalent radii overlap; no thermal motion comes below 0.7.
OVERLAP = 0.5
#: Bonds among C, N and O that are shorter than this multiple of the sum of covalent radii are triple or cumulated.
_CUMULATED = 0.87
#: Frames that the elements are judged by.
_FEW = 200
#: Largest force RMS of a single frame (eV/Å); at 1,500 K it is about 2.2.
_LARGEST_RMS = 12.0
#: What is left of the force RMS as a net force where all forces are those of one potential, at most.
_NET = 0.05


def check_finite(frames: Frames) -> str:
    """Refuse NaN and infinity in positions, forces and energies."""
    named = {"positions": frames.positions, "forces": frames.forces, "energies": frames.energies}
    for name, values in named.items():
        if values is None or np.isfinite(values).all():
            continue
        bad = np.argwhere(~np.isfinite(values))
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
    worst: tuple[int, int, int, float] | None = None
    start = 0
    below = OVERLAP * sums
    np.fill_diagonal(below, -1.0)
    for part in chunks(frames.positions):
        distances = distances_in(part)
        if worst is None and (distances < below).any():
            frame, i, j = (int(index) for index in np.argwhere(distances < below)[0])
            worst = start + frame, i, j, float(distances[frame, i, j])
        nearest.append(nearest_ratios(frames.numbers, distances, sums))
        start += len(part)
    typical = float(np.median(np.concatenate(nearest)))
    if worst is not None and typical >= NEAREST[0]:
        frame, i, j, distance = worst
        what = "lie on the same point" if distance < 0.01 else f"overlap, {distance:.3f} Å apart"
        raise InputError(
            f"{frames.source}: the atoms {i} ({frames.symbols[i]}) and {j} ({frames.symbols[j]}) of "
            f"frame {frame} {what}: expected at least {OVERLAP * sums[i, j]:.2f} Å, so remove "
            "the duplicate or the frame."
        )
    if not NEAREST[0] <= typical <= NEAREST[1]:
        raise UnitError(
            f"{frames.source}: atoms are typically {typical:.3g} sums of covalent radii from their nearest "
            f"neighbour, read as {frames.units}: expected about 1; {advice(frames)}"
        )
    said = f"no atoms overlap; the nearest neighbour is at {typical:.2f} sums of covalent radii"
    crowded = _crowded(frames)
    if crowded is None:
        return said
    atom, count, ratio = crowded
    return (
        f"{said}; but the elements do not fit the distances: {frames.symbols[atom]}{atom} has {count} neighbours among C, N "
        f"and O at {ratio:.2f} sums of covalent radii, too short for so many, so check the elements, and their order if they "
        "were declared for types"
    )


def _crowded(frames: Frames) -> tuple[int, int, float] | None:
    """Find an atom whose bonds cannot all be so short: hydrogen read as C, N or O, say.

    An atom of C, N or O with three bonds to others of them has none so short (nitrate and carbonate 0.90, graphene 0.93):
    triple, cumulated and carbonyl bonds are (0.77 to 0.86), of which it has two at most. C-H read as C-O is at 0.77, as
    C-C at 0.72.

    Returns
    -------
    tuple or None
        The atom, how many such bonds it has, and their median length over the sum of covalent radii.
    """
    chosen = np.flatnonzero(np.isin(frames.numbers, (6, 7, 8)))
    if len(chosen) < 4:
        return None
    few = frames.positions[:: max(1, len(frames) // _FEW)][:, chosen]
    sums = radius_sums(frames.numbers[chosen])
    ratios = np.median(np.concatenate([distances_in(part) for part in chunks(few)]), axis=0) / sums
    short = (ratios < _CUMULATED) & ~np.eye(len(chosen), dtype=bool)
    counts = short.sum(axis=1)
    if counts.max() < 3:
        return None
    k = int(counts.argmax())
    return int(chosen[k]), int(counts[k]), float(np.median(ratios[k][short[k]]))


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
            raise UnitError(
                f"{frames.source}: the force RMS is {rms:.3g} eV/Å, read as {frames.units}: out of physical "
                f"range, expected at most {_LARGEST_RMS:g}; {advice(frames)}"
            )
        return f"the force RMS is {rms:.3g} eV/Å (no bond, or too little motion, to judge the unit by bond stiffness)"
    if not stiffness.physical:
        raise UnitError(_wrong_forces(frames, stiffness))
    return (
        f"the force RMS is {rms:.3g} eV/Å and the stiffness of {stiffness.bonds} {stiffness.value:.3g} eV/Å², "
        f"{stiffness.ratio:.2f} times that of Badger's rule"
    )


def check_constraints(frames: Frames) -> str:
    """Refuse forces that a constraint set to zero: those that are left do not add up to zero.

    The forces of an isolated molecule add up to zero in every frame, whatever its symmetry; with those of a fixed atom
    struck out, what is left is minus the force on it.
    """
    silent = np.flatnonzero(~frames.forces.any(axis=(0, 2)))
    if not len(silent):
        return "every atom has forces"
    net = float(np.sqrt((frames.forces.sum(axis=1) ** 2).mean()))
    rms = float(np.sqrt((frames.forces**2).mean()))
    atoms = ", ".join(f"{i} ({frames.symbols[i]})" for i in silent[:5]) + (", ..." if len(silent) > 5 else "")
    if net > _NET * rms:
        raise InputError(
            f"{frames.source}: the forces on {len(silent)} of {len(frames.numbers)} atoms are zero in every frame ({atoms}) "
            f"and those on the others do not add up to zero (net force {net:.2g} eV/Å): constraints have removed them, "
            "so write forces without constraints (in ASE: get_forces(apply_constraint=False))."
        )
    return (
        f"the forces on {atoms} are zero in every frame; they add up to zero, so symmetry may be the reason"
    )


def check_energies(frames: Frames) -> str:
    """Refuse energies in another unit than the forces: their rise between neighbouring frames is the work of the forces."""
    if frames.energies is None:
        return "there are no energies to compare with the work of the forces"
    if len(frames) > 1 and float(np.ptp(frames.energies)) == 0:
        return f"all energies are {frames.energies[0]:.6g} eV: they say nothing and were not compared with the forces"
    work = energy_against_work(frames)
    if work is None:
        return "too few frames to compare energies with forces"
    if not work.decides:
        return (
            "energies could not be compared with forces: the frames are too far apart "
            f"(slope {work.slope:.2f} +- {100 * work.tolerance:.0f} %)"
        )
    measured = f"{work.slope:.3g} times the work of the forces between neighbouring frames"
    if not work.agrees:
        each = work.scaled(len(frames.numbers))
        start = (
            f"{frames.source}: its energies change by {measured}, read as {frames.units}: expected 1 within "
            f"{100 * work.tolerance:.0f} %"
        )
        if each.agrees:
            raise UnitError(
                f"{start}; they look like energies per atom, so multiply them by {len(frames.numbers)}, the number of atoms; "
                "or overrule this check with accept_units=True, which the result records."
            )
        if work.scaled(-1).agrees:
            raise UnitError(
                f"{start}; the sign of the energies, or of the forces, is the opposite one, so change it; or overrule this "
                "check with accept_units=True, which the result records."
            )
        raise UnitError(f"{start}; {advice(frames)}")
    return f"energies change by {measured} (1 is expected within {100 * work.tolerance:.0f} %)"


#: All checks, by name, in the order in which they are made.
CHECKS: tuple[tuple[str, Callable[[Frames], str]], ...] = (
    ("finite", check_finite),
    ("distances", check_distances),
    ("forces", check_forces),
    ("constraints", check_constraints),
    ("energies", check_energies),
    ("labels", check_labels),
)


def check_frames(frames: Frames, *, accept_units: bool = False) -> dict[str, str]:
    """Run every check.

    Parameters
    ----------
    frames
        What to check.
    accept_units
        Overrule the checks of units: what they say against the units is returned instead of raised, after
        ``overruled:``.

    Returns
    -------
    dict
        What each check measured, in words.

    Raises
    ------
    InputError
        On the first check that fails.
    """
    said = {}
    for name, check in CHECKS:
        try:
            said[name] = check(frames)
        except UnitError as error:
            if not accept_units:
                raise
            words = str(error).removeprefix(f"{frames.source}: ").partition("; or overrule")[0]
            said[name] = f"overruled: {words}"
    return said


def _wrong_forces(frames: Frames, stiffness: Stiffness) -> str:
    start = (
        f"{frames.source}: force magnitudes are out of physical range, read as {frames.units}: "
        f"{stiffness.bonds} have a stiffness of {stiffness.value:.3g} eV/Å², expected "
        f"{stiffness.low * stiffness.expected:.2g} to {stiffness.high * stiffness.expected:.2g}"
    )
    if stiffness.low <= -stiffness.ratio <= stiffness.high:
        return (
            f"{start}; the sign is that of gradients, so change the sign of the forces; or overrule this check with "
            "accept_units=True, which the result records."
        )
    sign = " (and of the sign of gradients, to be changed too)" if stiffness.ratio < 0 else ""
    return f"{start}{sign}; {advice(frames)}"
