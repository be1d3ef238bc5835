"""Judgement of single structures: ok, doubtful or unusable, and why.

Unusable is what no diagnosis can take: isolated atoms, no forces, numbers that are not finite, flat cells, overlapping atoms.
Doubtful is what a wrong calculation looks like: forces that do not add up to zero, forces that are zero or very large, atoms
that are very close, copies, an energy far from a sum over the elements. Forces that are the gradient of one energy without an
external field add up to zero; several published sets miss it where the electronic structure was not converged (D. Kuryla,
F. Berger, G. Csányi, A. Michaelides, arXiv:2510.19774).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from .file_structures import COPY, FLAT, ISOLATED, NOT_FINITE, WITHOUT_FORCES, FileStructures
from .frames import Frames
from .splits import evenly_spaced
from .stiffness import radius_sums
from .structure_checks import nearest_in
from .structures import Part

#: Structures that are read to be judged, spread evenly over the file, and read at a time.
SAMPLE, _CHUNK = 2000, 200
#: Net force over the number of atoms (eV/Å) above which forces are doubtful.
NET_FORCE = 1e-3
#: Largest force on an atom (eV/Å); at 1,500 K it is about 10.
LARGE_FORCE = 50.0
#: Nearest distance over the sum of covalent radii below which it is doubtful: H2 has 1.2, N2 0.77, thermal motion comes to 0.7.
CLOSE = 0.65
#: An energy is odd where it is this many robust standard deviations, and this many eV for each atom, off the fit.
_ODD, _ODD_EV = 10.0, 0.5
#: Rounds of the fit of energies, and what counts as no error (eV for each atom).
_ROUNDS, _SMALL = 30, 1e-3
_WHY = {
    ISOLATED: "an isolated atom has no environment",
    WITHOUT_FORCES: "it has no forces",
    FLAT: "its periodic cell vectors are zero, not finite or in one plane, or far too short for its atoms",
    NOT_FINITE: "a number in it is not finite",
}


def judge_structures(structures: FileStructures) -> dict[str, Any]:
    """Judge every structure of a file by what is known of all, and a fair sample of at most ``SAMPLE`` by reading them.

    Returns
    -------
    dict
        ``structures``: counts ``total, ok, doubtful, unusable`` and ``looked_at``, how many were read; ``judged``: rows
        ``{"structure": place in the file, "verdict": "doubtful" or "unusable", "why": ...}`` of those that are not ok.
    """
    judged: list[dict[str, Any]] = [
        {"structure": int(place), "verdict": "unusable", "why": _WHY[why]}
        for why, places in structures.left_out.items()
        if why in _WHY
        for place in places
    ]
    judged += [
        {"structure": int(place), "verdict": "doubtful", "why": "it is a copy of an earlier one"}
        for place in structures.left_out.get(COPY, ())
    ]
    sample = evenly_spaced(len(structures), SAMPLE)
    known = {place for places in structures.left_out.values() for place in places.tolist()}
    energies = []
    for start in range(0, len(sample), _CHUNK):
        for part in structures.take(sample[start : start + _CHUNK]):
            places = structures.places[part.indices]
            judged += [row for row in judge_part(part, places) if int(row["structure"]) not in known]
            energies.append((places, part.frames))
    every = [structures.places, *structures.left_out.values()]
    total = len(np.unique(np.concatenate(every)))
    judged += odd_energies(energies, {int(row["structure"]) for row in judged})
    return _counted(judged, total, len(sample))


def judge_frames(data: Any) -> dict[str, Any]:
    """Judge the frames of one composition, all of them; see :func:`judge_structures`."""
    if not isinstance(data, Frames):
        (part,) = data.take(range(len(data)))
        data = part.frames
    few = evenly_spaced(len(data), SAMPLE)
    part = Part(few, data.select(few))
    judged = judge_part(part, few)
    judged += odd_energies([(few, part.frames)], {row["structure"] for row in judged})
    return _counted(judged, len(data), len(few))


def _counted(judged: list[dict[str, Any]], total: int, looked_at: int) -> dict[str, Any]:
    judged = sorted(judged, key=lambda row: int(row["structure"]))
    counts = {
        verdict: sum(row["verdict"] == verdict for row in judged) for verdict in ("doubtful", "unusable")
    }
    ok = total - sum(counts.values())
    return {"structures": {"total": total, "ok": ok, **counts, "looked_at": looked_at}, "judged": judged}


def judge_part(part: Part, places: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return a row for each structure of a part that is not ok; ``places`` are theirs in the file."""
    frames = part.frames
    ratios, overlaps = nearest_in(frames)
    sums = radius_sums(frames.numbers)
    net = np.linalg.norm(frames.forces.sum(axis=1), axis=1) / len(frames.numbers)
    largest = np.linalg.norm(frames.forces, axis=2).max(axis=1)
    rows: list[dict[str, Any]] = []
    for k, place in enumerate(places.tolist()):
        overlap, why = overlaps[k], []
        if overlap is not None:
            i, j, distance = overlap
            rows.append(
                {
                    "structure": place, "verdict": "unusable",
                    "why": f"the atoms {i} ({frames.symbols[i]}) and {j} ({frames.symbols[j]}) are {distance:.3f} Å apart, "
                    f"expected at least {0.5 * sums[i, j]:.2f} Å",
                }
            )  # fmt: skip
            continue
        if ratios[k].min() < CLOSE:
            why.append(f"two atoms are {ratios[k].min():.2f} sums of covalent radii apart")
        if largest[k] == 0 and len(frames.numbers) > 1:
            why.append("all its forces are exactly zero")
        if largest[k] > LARGE_FORCE:
            why.append(f"its largest force is {largest[k]:.3g} eV/Å")
        if net[k] > NET_FORCE:
            why.append(f"its forces add up to {1e3 * net[k]:.3g} meV/Å for each atom")
        if why:
            rows.append({"structure": place, "verdict": "doubtful", "why": "; ".join(why)})
    return rows


def element_counts(parts: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the elements of compositions, and how often each has them, ``(len(parts), elements)``."""
    elements = np.unique(np.concatenate(parts))
    return elements, np.array([[(numbers == z).sum() for z in elements] for numbers in parts], dtype=float)


def fit_energies(
    counts: NDArray[np.float64], energies: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the energy of each element (eV) that fits energies best, and what is left for each atom (eV).

    The fit is that of least absolute values, by reweighting, so that a few wrong energies do not move it.
    """
    per_atom = 1 / counts.sum(axis=1)
    table, values = counts * per_atom[:, None], energies * per_atom
    weights = np.ones(len(values))
    for _ in range(_ROUNDS):
        fit = np.linalg.lstsq(table * weights[:, None], values * weights, rcond=None)[0]
        left = values - table @ fit
        weights = 1 / np.sqrt(np.maximum(np.abs(left), _SMALL))
    return fit, left


def odd_energies(parts: list[tuple[NDArray[np.int64], Frames]], known: set[int]) -> list[dict[str, Any]]:
    """Return rows for structures whose energy is far from a sum over their elements, as fitted to all."""
    held = [(places, frames) for places, frames in parts if frames.energies is not None]
    if not held:
        return []
    places = np.concatenate([places for places, _ in held])
    energies = np.concatenate([np.asarray(frames.energies) for _, frames in held])
    _, by_part = element_counts([frames.numbers for _, frames in held])
    counts = np.repeat(by_part, [len(frames) for _, frames in held], axis=0)
    finite = np.isfinite(energies)
    if finite.sum() < 2 * counts.shape[1] + 8:
        return []
    _, left = fit_energies(counts[finite], energies[finite])
    middle = float(np.median(left))
    spread = 1.4826 * float(np.median(np.abs(left - middle)))
    odd = np.abs(left - middle) > max(_ODD * spread, _ODD_EV)
    return [
        {
            "structure": int(place), "verdict": "doubtful",
            "why": f"its energy is {rest - middle:+.3g} eV for each atom off a sum over its elements",
        }
        for place, rest in zip(places[finite][odd], left[odd], strict=True)
        if int(place) not in known
    ]  # fmt: skip


def symbols_of(elements: NDArray[np.int64]) -> list[str]:
    """Return the symbols of atomic numbers."""
    return [chemical_symbols[z] for z in elements]
