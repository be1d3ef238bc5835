"""A made-up result of a diagnosis pooled by element: crystals and a molecule, with values from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule

from synthetic_result import L_TOP, free_rows, synthetic_result


def rattled(atoms: Atoms, seed: int, size: float = 0.08) -> Atoms:
    """Return a copy whose atoms are moved at random."""
    moved = atoms.copy()
    moved.rattle(size, seed=seed)
    return moved


def some_structures() -> list[Atoms]:
    """Return a mixed set: silicon, lithium fluoride and water, rattled."""
    silicon, salt = bulk("Si") * (2, 2, 2), bulk("LiF", "rocksalt", 4.02, cubic=True) * (2, 1, 1)
    water = molecule("H2O")
    return [rattled(atoms, seed) for seed in range(2) for atoms in (silicon, salt, water)]


def pooled_result(structures: Sequence[Atoms] | None = None, seed: int = 0) -> dict[str, Any]:
    """Return a result whose pools are the elements of some structures; every second atom is a held-out environment."""
    structures = some_structures() if structures is None else structures
    rng = np.random.default_rng(seed)
    result = synthetic_result()
    edge = result["ceiling"]["boundary"]
    elements = list(dict.fromkeys(symbol for atoms in structures for symbol in atoms.symbols))
    heights = {element: 1.0 - 0.03 * k for k, element in enumerate(elements)}
    result["recovery"] = [
        row for row in result["recovery"] if (row["scope"], row["injection"]) == ("molecule", "marked")
    ]
    for element in elements:
        result["recovery"] += free_rows(rng, 2, 2, f"element:{element}", heights[element])
    result["atoms"] = [
        {
            "index": k,
            "element": element,
            "marked_neighbour": None,
            "why": "a pool of environments",
            "scope": f"element:{element}",
            "r2_ceiling": heights[element],
            "low": heights[element] < 0.9,
            "reason": None,
            "causes": [{"cause": "features", "share": 1.0}] if heights[element] < 0.9 else [],
        }
        for k, element in enumerate(elements)
    ]
    places = [(s, i) for s, atoms in enumerate(structures) for i in range(0, len(atoms), 2)]
    symbols = [str(structures[s].symbols[i]) for s, i in places]
    top = {element: free_rows(rng, 2, 2, "x", heights[element]) for element in elements}
    result["environments"] = {
        "structure": [s for s, _ in places],
        "atom": [i for _, i in places],
        "element": symbols,
        "pool": [f"element:{symbol}" for symbol in symbols],
        "r2": [
            [
                float(top[symbol][l]["r2"]) - (0.25 * rng.random() if l == edge else 0.01 * rng.random())
                for symbol in symbols
            ]
            for l in range(L_TOP + 1)
        ],
    }
    result["structures"] = [kept(atoms, place) for place, atoms in enumerate(structures)]
    for row in result["recovery"]:
        row["injection"] = "density"
    result["data"] |= {"by": "element", "structures": len(structures), "numbers": []}
    result["data"]["environments"] = [
        {
            "scope": f"element:{element}",
            "element": element,
            "rows": {"training": 600, "validation": 100, "held_out": symbols.count(element)},
            "structures": {"training": 60, "validation": 10, "held_out": len(structures)},
            "marked": 0,
            "cutoff": 3.0,
        }
        for element in elements
    ]
    result["data"]["source"] = "mixed.xyz"
    result["data"]["formula"] = "mixed"
    del result["data"]["depiction"]
    return result


def kept(atoms: Atoms, place: int = 0, role: str = "between") -> dict[str, Any]:
    """Return an entry of ``structures``."""
    return {
        "structure": place,
        "role": role,
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist() if atoms.cell.any() else None,
        "pbc": [bool(x) for x in atoms.pbc],
    }
