r"""How hard the repulsive wall is: of two atoms alone, of two atoms in the structure, of the compressed cell.

Each scan has a coordinate x, a distance or a volume, and a wall force :math:`-dE/dx` (eV/Å, eV/Å³). At the x where the reference
is a stated energy above its minimum, the softening is :math:`f_{model} / f_{reference} - 1`: negative where the model is too
soft.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from numpy.typing import NDArray

from ..dynamics.every_step import Moving
from .settings import ArtefactSettings, Verdict
from .subject import PAIRS, Coverage, pair_name

Array = NDArray[np.float64]
#: Energies (eV) above the minimum at which walls are compared; of the cell, of each atom.
ENERGIES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
CELL_ENERGIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_POINTS, _STRAIN = 25, 1e-3


def compare_repulsion(
    unit: Moving,
    cell: Moving,
    model: Any,
    reference: Any,
    settings: ArtefactSettings,
    coverage: Coverage | None,
) -> dict[str, Any]:
    """Compare the walls; ``scans`` has curves and rows, each row whether the data cover it (None: no data were given)."""
    scans = []
    elements = sorted(set(unit.numbers.tolist()))
    for pair in combinations_with_replacement(elements, 2):
        scans.append(_dimer(pair, model, reference, coverage))
    neighbours = _neighbours(cell)
    for (first, second), (i, j, vector) in neighbours.items():
        scans.append(_approach(cell, (i, j), vector, pair_name(first, second), model, reference, coverage))
    if unit.pbc.all():
        scans.append(_compression(unit, model, reference, coverage))
    rows = [row | {"scan": scan["name"]} for scan in scans for row in scan["rows"]]
    known = [row for row in rows if row["covered"] is not False]
    over = [row for row in known if abs(row["softening"]) > settings.repulsion_tolerance]
    verdict: Verdict = "differs" if over else "reproduced" if known else "beyond the data"
    return {
        "scans": scans,
        "softening": float(np.mean([row["softening"] for row in known])) if known else None,
        "softening_all": float(np.mean([row["softening"] for row in rows])) if rows else None,
        "verdict": verdict,
        "sentence": _sentence(rows, known, over, verdict, coverage),
    }


def _sentence(
    rows: list[dict[str, Any]], known: list[dict[str, Any]], over: list[dict[str, Any]], verdict: Verdict,
    coverage: Coverage | None,
) -> str:  # fmt: skip
    limit = (
        "no data were given"
        if coverage is None
        else "the data have no pairs below "
        + ", ".join(f"{d:.2f} Å ({name})" for name, d in sorted(coverage.shortest.items()))
    )
    if not rows:
        return f"Repulsion: no wall was reached: {verdict}."
    worst = max(known or rows, key=lambda row: abs(row["softening"]))
    size = 100 * abs(worst["softening"])
    how = "" if size < 0.05 else "too soft; " if worst["softening"] < 0 else "too hard; "
    often = f", beyond the tolerance at {len(over)} of {len(known)} energies" if over else ""
    return (
        f"Repulsion: the wall is off by at most {size:.1f} % ({how}{worst['scan']} at {worst['energy']:g} eV above the "
        f"minimum){often}"
        f"{'' if known else ', where the model cannot be blamed'}; {limit}: {verdict}."
    )


def _evaluated(atoms: Moving, calculator: Any) -> Any:
    held: Any = atoms.copy()
    held.calc = calculator
    return held


def _scan(
    name: str, unit: str, grid: Array, place: Callable[[float], Moving], wall: Callable[[Any, float], float], per: int,
    energies: tuple[float, ...], covered: Callable[[float], bool | None], calculators: tuple[Any, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return curves of both calculators on a grid of falling x, and the softening at each energy that the reference reaches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curves: list[list[float]] = [[], []]
        try:
            for x in grid:
                for curve, calculator in zip(curves, calculators, strict=True):
                    curve.append(float(_evaluated(place(float(x)), calculator).get_potential_energy()) / per)
        except Exception as error:  # two atoms alone are no structure for every calculator
            reason = " ".join(str(error).split())[:150] or type(error).__name__
            return {
                "name": name,
                "unit": unit,
                "x": [],
                "model": [],
                "reference": [],
                "rows": [],
                "missing": reason,
            }
        truth = np.array(curves[1])
        lowest = int(np.argmin(truth))
        rows = []
        for energy in energies:
            above = [k for k in range(lowest, len(grid)) if truth[k] - truth[lowest] >= energy]
            if not above or above[0] == 0:
                continue
            k = above[0]
            share = (truth[lowest] + energy - truth[k - 1]) / (truth[k] - truth[k - 1])
            x = float(grid[k - 1] + share * (grid[k] - grid[k - 1]))
            ours, theirs = (wall(calculator, x) for calculator in calculators)
            rows.append(
                {"energy": energy, "x": x, "model": ours, "reference": theirs, "softening": ours / theirs - 1,
                 "covered": covered(x)}
            )  # fmt: skip
    base = [curve[lowest] for curve in curves]
    return {"name": name, "unit": unit, "x": grid.tolist(), "model": [e - base[0] for e in curves[0]],
            "reference": [e - base[1] for e in curves[1]], "rows": rows, "missing": ""}  # fmt: skip


def _dimer(pair: tuple[int, int], model: Any, reference: Any, coverage: Coverage | None) -> dict[str, Any]:
    bond = float(covalent_radii[pair[0]] + covalent_radii[pair[1]])
    name = pair_name(*pair)

    def place(x: float) -> Moving:
        symbols = [chemical_symbols[number] for number in pair]
        return Atoms(symbols, [[10 - x / 2, 10, 10], [10 + x / 2, 10, 10]], cell=np.eye(3) * 20.0, pbc=False)

    def covered(x: float) -> bool | None:
        return (
            None if coverage is None else coverage.isolated_pairs and x >= coverage.shortest.get(name, np.inf)
        )

    def wall(calculator: Any, x: float) -> float:
        forces = _evaluated(place(x), calculator).get_forces()
        return float(forces[1, 0] - forces[0, 0]) / 2

    grid = np.linspace(1.6 * bond, 0.45 * bond, 2 * _POINTS)
    return _scan(f"dimer {name}", "Å", grid, place, wall, 1, ENERGIES, covered, (model, reference))


def _neighbours(cell: Moving) -> dict[tuple[int, int], tuple[int, int, Array]]:
    """Return the nearest pair of each two elements that are neighbours: atoms and the vector between them."""
    first, second, distances, vectors = PAIRS("ijdD", cell, 4.0)
    best: dict[tuple[int, int], tuple[int, int, Array]] = {}
    order = np.lexsort((second, first, distances.round(6)))
    for k in order:
        i, j = int(first[k]), int(second[k])
        if i != j:
            a, b = sorted((int(cell.numbers[i]), int(cell.numbers[j])))
            best.setdefault((a, b), (i, j, vectors[k]))
    return best


def _approach(
    cell: Moving, pair: tuple[int, int], vector: Array, name: str, model: Any, reference: Any, coverage: Coverage | None
) -> dict[str, Any]:  # fmt: skip
    i, j = pair
    bond = float(np.linalg.norm(vector))
    along = vector / bond

    def place(x: float) -> Moving:
        moved = cell.copy()
        moved.positions[j] += (x - bond) / 2 * along
        moved.positions[i] -= (x - bond) / 2 * along
        return moved

    def covered(x: float) -> bool | None:
        return None if coverage is None else x >= coverage.shortest.get(name, np.inf)

    def wall(calculator: Any, x: float) -> float:
        forces = _evaluated(place(x), calculator).get_forces()
        return float((forces[j] - forces[i]) @ along) / 2

    grid = np.linspace(bond, 0.55 * bond, _POINTS)
    return _scan(f"approach {name}", "Å", grid, place, wall, 1, ENERGIES, covered, (model, reference))


def _compression(unit: Moving, model: Any, reference: Any, coverage: Coverage | None) -> dict[str, Any]:
    volume = float(unit.get_volume())

    def place(x: float) -> Moving:
        moved = unit.copy()
        moved.set_cell(unit.cell.array * (x * len(unit) / volume) ** (1 / 3), scale_atoms=True)
        return moved

    def covered(x: float) -> bool | None:
        return None if coverage is None or coverage.smallest_volume is None else x >= coverage.smallest_volume

    def wall(calculator: Any, x: float) -> float:
        step = _STRAIN * x
        low, high = (
            _evaluated(place(x + sign * step), calculator).get_potential_energy() for sign in (-1, 1)
        )
        return float(low - high) / (2 * step * len(unit))

    grid = volume / len(unit) * np.linspace(1.0, 0.8, _POINTS) ** 3
    return _scan(
        "compressed cell", "Å³/atom", grid, place, wall, len(unit), CELL_ENERGIES, covered, (model, reference)
    )
