"""How often a fit with nothing to find reaches what was found: p-values from the null draws of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..recovery.hierarchy import LEVEL, Bootstrap
from .result_types import NullTest, Statistics
from .tables import RecoveryTable


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


def statistics(bootstrap: Bootstrap, tables: Sequence[RecoveryTable]) -> Statistics:
    """Return what the intervals of a run are made of, and the p-value of every l of the molecule against its null.

    The draws of all atoms are taken together, one atom each, while the figure is a median over atoms, which scatters
    less: its p-value is on the safe side.
    """
    return Statistics(
        level=LEVEL, frames=bootstrap.frames, blocks=bootstrap.blocks, draws=bootstrap.draws,
        null=[test for table in tables for test in _null_tests(table)],
    )  # fmt: skip


def _null_tests(table: RecoveryTable) -> list[NullTest]:
    tests = []
    for row in table.molecule():
        cells = (sums[row["l"]] for sums, _ in table.cells.values())
        null = [value for sums in cells if sums is not None for value in sums.null]
        if null and row["r2"] is not None:
            p, smallest = null_p(row["r2"], null)
            tests.append(
                NullTest(
                    injection=row["injection"], direction=row["direction"], readout=row["readout"],
                    degree=row["degree"], l=row["l"], p=p, draws=len(null), smallest=smallest, p_holm=p,
                )
            )  # fmt: skip
    for test, adjusted in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["p_holm"] = adjusted
    return tests
