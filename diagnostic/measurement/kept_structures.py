"""What a result keeps to be looked at: geometries, and what was recovered of every held-out environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..frames.splits import evenly_spaced
from ..frames.structures import Part
from .environment_sample import EnvironmentSample
from .result import Result, boundary, l_top, main_injection
from .sample import FrameSample, Sample
from .structure_types import EnvironmentColumns, Role, StructureEntry
from .structure_values import structure_entry
from .tables import RecoveryTable

#: Structures that a result keeps, at most, and their atoms.
MOST_STRUCTURES, MOST_ATOMS = 24, 5000
#: Decimals of the R2 of an environment: single precision holds no more.
_DECIMALS = 7


def keep_structures(result: Result, sample: Sample, tables: Sequence[RecoveryTable]) -> None:
    """Add the sections ``structures`` and ``environments`` to a result.

    Of a molecule the geometry that bonds are read off. Of pooled environments R2 of every held-out one, and the structures that
    hold the best and the worst of each pool at the ceiling, with some between: 24 structures or 5,000 atoms at most.

    Parameters
    ----------
    result
        What was assembled of the measurement.
    sample
        What was measured at.
    tables
        The main tables.
    """
    if isinstance(sample, FrameSample):
        numbers = sample.data.frames.numbers
        result["structures"] = [structure_entry(0, "reference", numbers, sample.reference)]
        return
    assert isinstance(sample, EnvironmentSample)
    table = leading_table(tables, result)
    columns = None if table is None else environment_columns(sample, table)
    if columns is None:
        return
    at = min(boundary(result, int(result["ceiling"]["degree"])), l_top(result))
    sizes = {int(k): len(part.frames.numbers) for part in sample.parts for k in part.indices}
    result["environments"] = columns
    result["structures"] = _entries(sample.parts, _chosen(columns, at, sizes))


def leading_table(tables: Sequence[RecoveryTable], result: Result) -> RecoveryTable | None:
    """Return the table whose rows lead the report; None where there is none."""
    injection, direction = main_injection(result)
    degree = int(result["ceiling"]["degree"])
    for readout in ("free", "equivariant"):
        for table in tables:
            if (table.injection, table.direction, table.readout, table.ceiling.degree) == (
                injection,
                direction,
                readout,
                degree,
            ):
                return table
    return None


def environment_columns(sample: EnvironmentSample, table: RecoveryTable) -> EnvironmentColumns | None:
    """Return R2 of every held-out environment by l; None where errors were not kept one by one."""
    columns = EnvironmentColumns(structure=[], atom=[], element=[], pool=[], r2=[])
    top = max(len(sums) for sums, _ in table.cells.values())
    columns["r2"] = [[] for _ in range(top)]
    for k, (sums, _) in table.cells.items():
        structures, atoms = sample.held_out(k, table.injection)
        columns["structure"] += structures.tolist()
        columns["atom"] += atoms.tolist()
        columns["element"] += [sample.elements[k]] * len(atoms)
        columns["pool"] += [sample.scope(k)] * len(atoms)
        for l, part in enumerate(sums):
            if part is not None and part.each is None:
                return None
            each = None if part is None else part.each
            columns["r2"][l] += [None] * len(atoms) if each is None else np.round(each, _DECIMALS).tolist()
    return columns


def _chosen(columns: EnvironmentColumns, at: int, sizes: Mapping[int, int]) -> dict[int, Role]:
    """Return the structures to keep with their roles: of each pool the best and the worst in turn, then some between."""
    heights = np.array([np.nan if x is None else x for x in columns["r2"][at]])
    structures, pools = np.array(columns["structure"]), np.array(columns["pool"])
    ranked: list[NDArray[np.int64]] = []
    for pool in dict.fromkeys(columns["pool"]):
        rows = np.flatnonzero((pools == pool) & np.isfinite(heights))
        ranked.append(structures[rows[np.argsort(-heights[rows], kind="stable")]])
    wanted: list[tuple[int, Role]] = []
    for of_pool in ranked:
        if len(of_pool):
            wanted += [(int(of_pool[0]), "best"), (int(of_pool[-1]), "worst")]
    for of_pool in ranked:
        spread = evenly_spaced(len(of_pool), min(len(of_pool), MOST_STRUCTURES))
        wanted += [(int(structure), "between") for structure in of_pool[spread]]
    chosen: dict[int, Role] = {}
    room = MOST_ATOMS
    for structure, role in wanted:
        if structure in chosen or len(chosen) == MOST_STRUCTURES or (chosen and sizes[structure] > room):
            continue
        chosen[structure] = role
        room -= sizes[structure]
    return chosen


def _entries(parts: Sequence[Part], chosen: Mapping[int, Role]) -> list[StructureEntry]:
    """Return the geometries of chosen structures, in the order in which they were chosen."""
    entries = {}
    for part in parts:
        for k, structure in enumerate(part.indices.tolist()):
            if structure in chosen:
                frames = part.frames
                cell = None if frames.cells is None else frames.cells[k]
                entries[structure] = structure_entry(
                    structure, chosen[structure], frames.numbers, frames.positions[k], cell, frames.pbc
                )
    return [entries[structure] for structure in chosen]
