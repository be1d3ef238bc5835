"""How often a fit with nothing to find reaches what was found: p-values from the null draws of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..recovery.hierarchy import LEVEL, Bootstrap
from .result import MOLECULE
from .rows import TableRecord


def null_p(value: float, null: Sequence[float]) -> tuple[float, float]:
    """Return the p-value of a value against null draws, and the smallest that so many draws can give.

    p = (1 + number of draws at least as large) / (1 + number of draws): never zero, and valid for any number of draws
    (B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9, 39 (2010)).
    """
    draws = np.asarray(null, dtype=np.float64)
    return float((1 + np.count_nonzero(draws >= value)) / (1 + len(draws))), float(1 / (1 + len(draws)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (S. Holm, Scand. J. Stat. 6, 65 (1979)), in the given order."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = highest
    return adjusted


def statistics(bootstrap: Bootstrap, recovered: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the intervals of a run are made of, and the p-value of every l of the molecule against its null.

    The draws of all atoms are taken together, one atom each, while the figure is a median over atoms, which scatters
    less: its p-value is on the safe side.
    """
    own = {id(row) for row in recovered}
    tests = []
    for record in bootstrap.tables:
        assert isinstance(record, TableRecord)
        found = []
        for row in record.rows:
            null = [
                value
                for sums, _ in record.cells.values()
                if (one := sums[row["l"]]) is not None
                for value in one.null
            ]
            if id(row) in own and row["scope"] == MOLECULE and null and row["r2"] is not None:
                p, smallest = null_p(row["r2"], null)
                names = ("injection", "direction", "readout", "degree", "l")
                found.append(
                    {**{name: row[name] for name in names}, "p": p, "draws": len(null), "smallest": smallest}
                )
        for one, adjusted in zip(found, holm([one["p"] for one in found]), strict=True):
            tests.append({**one, "p_holm": adjusted})
    return {
        "level": LEVEL,
        "frames": bootstrap.frames,
        "blocks": bootstrap.blocks,
        "draws": bootstrap.draws,
        "null": tests,
    }
