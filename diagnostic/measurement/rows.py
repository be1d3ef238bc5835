"""Rows of the recovery table, from cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...theory.plateaus import Direction, predicted_recovery
from ..recovery.bootstrap import Bootstrap, Combine, Recovery, recovery
from ..recovery.error_sums import Cell, ErrorSums
from .result import MOLECULE, NO_PATH
from .verdict import verdict_of


@dataclass(frozen=True)
class TableRecord:
    """What one table of rows was made of."""

    fields: Mapping[str, Any]
    cells: Mapping[int, Cell]
    shared: Mapping[int, Cell] | None
    rows: list[dict[str, Any]]


def recovery_rows(
    cells: Mapping[int, Cell],
    elements: Mapping[int, str],
    bootstrap: Bootstrap,
    *,
    injection: str,
    readout: str,
    degree: int,
    boundary: int,
    shared: Mapping[int, Cell] | None = None,
    direction: Direction = "fixed",
) -> list[dict[str, Any]]:
    """Return the rows of one readout: the molecule, its elements, its atoms, each for every l.

    An atom's row is that of its own readout. The molecule's and an element's are medians over atoms; where a readout
    shared by each element is given, an element's row is that of the shared one, its atoms pooled.
    """
    atoms = list(cells)
    top = len(cells[atoms[0]][0])
    scopes: list[tuple[str, list[int], Mapping[int, Cell], Combine]] = [(MOLECULE, atoms, cells, "median")]
    for element in dict.fromkeys(elements[i] for i in atoms):
        members = [i for i in atoms if elements[i] == element]
        scopes.append((f"element:{element}", members, shared or cells, "pooled" if shared else "median"))
    scopes += [(f"atom:{i}", [i], cells, "median") for i in atoms]
    rows = []
    for scope, members, table, combine in scopes:
        for l in range(1 if direction == "gradient" else 0, top):  # a constant has no gradient
            sums = [one for i in members if (one := table[i][0][l]) is not None]
            null = [value for i in atoms if (one := cells[i][0][l]) is not None for value in one.null]
            found = (
                recovery(sums, bootstrap, combine=combine, null=null) if len(sums) == len(members) else None
            )
            row = {
                "injection": injection,
                "direction": direction,
                "readout": readout,
                "degree": degree,
                "scope": scope,
                "l": l,
                "predicted": float(predicted_recovery(direction, l, boundary)),
            }
            rows.append({**row, **_measured(found, max(table[i][1][l] for i in members))})
    fields = {
        "injection": injection,
        "direction": direction,
        "readout": readout,
        "degree": degree,
        "boundary": boundary,
    }
    bootstrap.tables.append(TableRecord(fields, cells, shared, rows))
    return rows


def _measured(found: Recovery | None, coefficients: int) -> dict[str, Any]:
    if found is None:
        names = ("r2", "r2_low", "r2_high", "rho", "rho_low", "rho_high", "gain", "null_high", "coefficients")
        return {**dict.fromkeys(names), "verdict": NO_PATH}
    return {
        "r2": found.r2.value,
        "r2_low": found.r2.low,
        "r2_high": found.r2.high,
        "rho": found.rho.value,
        "rho_low": found.rho.low,
        "rho_high": found.rho.high,
        "gain": found.gain,
        "null_high": found.null_high,
        "coefficients": coefficients,
        "verdict": verdict_of(found),
    }


def molecule_rows(rows: Sequence[Mapping[str, Any]], **fields: Any) -> list[Mapping[str, Any]]:
    """Return the molecule's rows whose fields have the given values, in order of l."""
    chosen = [row for row in rows if row["scope"] == MOLECULE and all(row[k] == v for k, v in fields.items())]
    return sorted(chosen, key=lambda row: int(row["l"]))


def frames_in(cells: Mapping[int, Cell]) -> int:
    """Return the number of held-out frames."""
    first: ErrorSums | None = next(one for sums, _ in cells.values() for one in sums if one is not None)
    assert first is not None
    return len(first.injected)
