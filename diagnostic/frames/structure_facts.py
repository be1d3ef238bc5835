"""What a file of structures holds, in numbers: compositions, cells, distances, forces, energies."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .file_structures import FLAT, NOT_FINITE, FileStructures
from .frames import Frames
from .selection import formula_of
from .splits import evenly_spaced
from .structure_checks import SAMPLE, pairs_of
from .structure_judgement import element_counts, fit_energies, symbols_of
from .structures import Structures

#: Compositions that are listed, the most frequent first.
_LISTED = 20
_STEPS = np.array([step for step in product(range(-2, 3), repeat=3) if any(step)])


def structure_facts(structures: Structures) -> dict[str, Any]:
    """Return what a file holds, JSON-ready: counts over all structures, distances and forces of a fair sample.

    Parameters
    ----------
    structures
        Read with ``everything=True``, so that what cannot be used is counted.
    """
    assert isinstance(structures, FileStructures)
    table, places = structures.table, structures.places
    which = table.which[places]
    formulas = [formula_of(numbers) for numbers in table.compositions]
    totals: dict[str, int] = {}
    for k, count in zip(*np.unique(which, return_counts=True), strict=True):
        totals[formulas[k]] = totals.get(formulas[k], 0) + int(count)
    ranked = sorted(totals.items(), key=lambda each: -each[1])
    counts = table.counts[places]
    facts: dict[str, Any] = {
        "source": structures.source,
        "structures": len(structures),
        "units": structures.units,
        "sha256": structures.sha256,
        "atoms": {"fewest": int(counts.min()), "most": int(counts.max()), "total": int(counts.sum())},
        "compositions": {
            "count": len(totals),
            "most_frequent": [{"formula": name, "count": count} for name, count in ranked[:_LISTED]],
        },
        "elements": symbols_of(np.unique(np.concatenate([table.compositions[k] for k in np.unique(which)]))),
        "cells": _cells(structures),
        "labels": {
            "forces": _label(structures, structures.keys.forces, of_atoms=True),
            "energy": _label(structures, structures.keys.energy, of_atoms=False),
            "stress": _label(structures, structures.keys.stress, of_atoms=False),
        },
        "energy_eV": _energies(structures),
        "left_out": {why: len(where) for why, where in structures.left_out.items()},
        "groups": len(np.unique(structures.groups)),
        "notes": list(structures.notes),
    }
    if len(totals) == 1:
        facts = {"source": facts.pop("source"), "formula": ranked[0][0], "frames": len(structures), **facts}
    return facts | _sampled(structures)


def cell_facts(frames: Frames) -> dict[str, Any]:
    """Return what is added for periodic frames of one composition: ``cells``, ``nearest_A`` and ``stress``."""
    cells = frames.cells if frames.cells is not None else np.zeros((1, 3, 3))
    few = frames.select(evenly_spaced(len(frames), SAMPLE))
    return {
        "cells": {"pbc": list(frames.pbc), **_measures(cells, np.tile(frames.pbc, (len(cells), 1)))},
        "nearest_A": _pairs([few]),
        "stress": frames.stress is not None,
    }


def _label(structures: FileStructures, key: str | None, *, of_atoms: bool) -> dict[str, Any]:
    if key is None:
        return {"name": None, "count": 0}
    return {
        "name": key,
        "count": int(structures.table.having(key, of_atoms=of_atoms)[structures.places].sum()),
    }


def _cells(structures: FileStructures) -> dict[str, Any]:
    table, places = structures.table, structures.places
    pbc = table.pbc[places]
    flags, counts = np.unique(pbc, axis=0, return_counts=True)
    words = [
        {"pbc": [bool(each) for each in flag], "count": int(count)}
        for flag, count in zip(flags, counts, strict=True)
    ]
    periodic = pbc.any(axis=1)
    answer: dict[str, Any] = {"periodic": int(periodic.sum()), "directions": words}
    if not periodic.any():
        return answer
    cells = table.cells[places[periodic]] * structures.read_as.length_factor
    return answer | _measures(cells, pbc[periodic])


def _measures(cells: NDArray[np.float64], pbc: NDArray[np.bool_]) -> dict[str, Any]:
    """Volumes, and the shortest translation that the cell vectors make: how near an atom's own image is."""
    finite = np.isfinite(cells).all(axis=(1, 2))
    cells, pbc = cells[finite], pbc[finite]
    volumes = np.abs(np.linalg.det(cells))[pbc.all(axis=1)]
    shortest = np.full(len(cells), np.inf)
    for step in _STEPS:
        allowed = (pbc | (step == 0)).all(axis=1)
        lengths = np.linalg.norm(step @ cells, axis=1)
        shortest = np.where(allowed, np.minimum(shortest, lengths), shortest)
    shortest = shortest[np.isfinite(shortest)]
    return {
        "volume_A3": None if len(volumes) == 0 else [float(volumes.min()), float(volumes.max())],
        "nearest_image_A": None if len(shortest) == 0 else [float(shortest.min()), float(shortest.max())],
    }


def _energies(structures: FileStructures) -> dict[str, Any] | None:
    """Energies of the elements that fit best, and what is left for each atom, over all structures that have an energy."""
    if structures.keys.energy is None:
        return None
    said = [structures.info(k, ["energy"]).get("energy") for k in range(len(structures))]
    energies = np.array([np.nan if value is None else value for value in said], dtype=float)
    held = np.flatnonzero(np.isfinite(energies))
    if len(held) == 0:
        return None
    which = structures.table.which[structures.places[held]]
    kinds, back = np.unique(which, return_inverse=True)
    elements, counts = element_counts([structures.table.compositions[k] for k in kinds])
    fit, left = fit_energies(counts[back.reshape(-1)], energies[held])
    return {
        "count": len(held),
        "mean": float(energies[held].mean()),
        "sd": float(energies[held].std()),
        "by_element_eV": dict(zip(symbols_of(elements), map(float, fit), strict=True)),
        "left_per_atom_eV": {"rms": float(np.sqrt((left**2).mean())), "largest": float(np.abs(left).max())},
    }


def _pairs(parts: list[Frames]) -> list[dict[str, Any]]:
    nearest: dict[tuple[str, str], float] = {}
    for frames in parts:
        for pair, distance in pairs_of(frames).items():
            nearest[pair] = min(distance, nearest.get(pair, np.inf))
    return [
        {"pair": f"{a}-{b}", "nearest": distance}
        for (a, b), distance in sorted(nearest.items(), key=lambda each: each[1])
    ]


def _sampled(structures: FileStructures) -> dict[str, Any]:
    """Nearest distances and forces of a fair sample."""
    bad = {int(k) for why in (NOT_FINITE, FLAT) for k in structures.left_out.get(why, ())}
    usable = np.array([k for k, place in enumerate(structures.places.tolist()) if place not in bad])
    if len(usable) == 0:
        return {"looked_at": 0, "nearest_A": [], "forces_eV_A": [], "net_force_eV_A": None}
    sample = usable[evenly_spaced(len(usable), SAMPLE)]
    parts = [part.frames for part in structures.take(sample) if np.isfinite(part.frames.positions).all()]
    squares: dict[str, list[NDArray[np.float64]]] = {}
    net = []
    for frames in parts:
        forces = frames.forces[np.isfinite(frames.forces).all(axis=(1, 2))]
        if len(forces) == 0:
            continue
        net.append(np.linalg.norm(forces.sum(axis=1), axis=1) / len(frames.numbers))
        symbols = np.array(frames.symbols)
        for symbol in ("all", *dict.fromkeys(frames.symbols)):
            chosen = forces if symbol == "all" else forces[:, symbols == symbol]
            squares.setdefault(symbol, []).append(chosen.reshape(-1))
    rows = []
    for symbol, values in squares.items():
        joined = np.concatenate(values)
        rows.append(
            {
                "atoms": symbol, "count": len(joined) // 3, "rms": float(np.sqrt((joined**2).mean())),
                "largest": float(np.abs(joined).max()),
            }
        )  # fmt: skip
    summed = np.concatenate(net) if net else np.empty(0)
    return {
        "looked_at": len(sample),
        "nearest_A": _pairs(parts),
        "forces_eV_A": rows,
        "net_force_eV_A": None
        if len(summed) == 0
        else {"median": float(np.median(summed)), "largest": float(summed.max())},
    }
