"""What was recovered at every atom of the structures that a result keeps, as arrays beside their geometry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from .result import Result, Row, boundary, l_top, leading_rows
from .structure_types import Role, StructureEntry

#: Reasons by code: what limits an atom most, as far as it is low.
REASONS = ("not_low", "readout", "like_neighbour", "features", "no_mark", "not_measured")


@dataclass(frozen=True)
class AtomValues:
    """What was recovered at some atoms, in one order.

    Attributes
    ----------
    r2 : (atoms, l_top + 1) float array
        R2 by l of the leading measurement; NaN where it was not measured.
    ceiling : (atoms,) int array
        The highest l that the readout can reach, dL.
    recovered_up_to : (atoms,) int array
        The highest l whose verdict is "recovered"; -1 where there is none.
    reason : tuple of str
        Some of ``REASONS``: what limits the atom most where it is low at the ceiling.
    """

    r2: NDArray[np.float64]
    ceiling: NDArray[np.int64]
    recovered_up_to: NDArray[np.int64]
    reason: tuple[str, ...]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Which atoms have a value at some l, ``(atoms,)``."""
        return np.asarray(np.isfinite(self.r2).any(axis=1))


@dataclass(frozen=True)
class ShownStructure:
    """A structure of a result with the values of its atoms.

    Attributes
    ----------
    atoms
        The geometry (Å).
    values
        What was recovered at each of its atoms.
    structure, role
        Its place in the data, and why it is kept.
    """

    atoms: Atoms
    values: AtomValues
    structure: int
    role: Role


def shown_structures(result: Result) -> list[ShownStructure]:
    """Return the structures that a result keeps, with the values of their atoms; empty for results of older versions.

    In a molecule an atom's R2 is that over all held-out frames; in pooled diagnoses that of its own environments, and NaN
    where none was held out.
    """
    return [
        ShownStructure(atoms_of(entry), _values(result, entry), entry["structure"], entry["role"])
        for entry in result.get("structures", [])
    ]


def atoms_of(entry: StructureEntry) -> Atoms:
    """Return an entry of ``structures`` as ASE Atoms."""
    return Atoms(numbers=entry["numbers"], positions=entry["positions"], cell=entry["cell"], pbc=entry["pbc"])


def structure_entry(
    structure: int,
    role: Role,
    numbers: NDArray[np.int64],
    positions: NDArray[np.float64],
    cell: NDArray[np.float64] | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> StructureEntry:
    """Return an entry of ``structures``; positions ``(atoms, 3)`` and the rows of the cell in Å."""
    return StructureEntry(
        structure=structure,
        role=role,
        numbers=numbers.tolist(),
        positions=positions.tolist(),
        cell=None if cell is None else cell.tolist(),
        pbc=list(pbc),
    )


def environment_values(result: Result) -> AtomValues:
    """Return the values of every held-out environment of a pooled diagnosis, in the order of ``environments``."""
    columns = result["environments"]
    rows = leading_rows(result)
    reasons = _reasons(result)
    r2 = np.array(columns["r2"], dtype=np.float64).T.reshape(len(columns["atom"]), -1)
    up_to = [recovered_up_to(rows.get(pool, [])) for pool in columns["pool"]]
    return AtomValues(
        r2, np.full(len(r2), _edge(result)), np.array(up_to, dtype=np.int64),
        tuple(reasons.get(pool, "not_measured") for pool in columns["pool"]),
    )  # fmt: skip


def molecule_values(result: Result) -> AtomValues:
    """Return the values of every atom of a diagnosis atom by atom, in the order of its atoms."""
    numbers = result["data"]["numbers"]
    rows, reasons = leading_rows(result), _reasons(result)
    r2 = np.full((len(numbers), l_top(result) + 1), np.nan)
    up_to = np.full(len(numbers), -1, dtype=np.int64)
    for i in range(len(numbers)):
        for row in rows.get(f"atom:{i}", []):
            if row["r2"] is not None:
                r2[i, row["l"]] = row["r2"]
        up_to[i] = recovered_up_to(rows.get(f"atom:{i}", []))
    reason = tuple(reasons.get(f"atom:{i}", "not_measured") for i in range(len(numbers)))
    return AtomValues(r2, np.full(len(numbers), _edge(result)), up_to, reason)


def atom_arrays(values: AtomValues) -> dict[str, NDArray[Any]]:
    """Return the values of atoms as named scalar arrays, as programs that colour atoms read them."""
    arrays: dict[str, NDArray[Any]] = {f"r2_l{l}": column for l, column in enumerate(values.r2.T)}
    arrays["ceiling"] = values.ceiling
    arrays["recovered_up_to"] = values.recovered_up_to
    arrays["reason"] = np.array(values.reason)
    arrays["reason_code"] = np.array([REASONS.index(reason) for reason in values.reason])
    return arrays


def recovered_up_to(rows: Iterable[Row]) -> int:
    """Return the highest l of some rows that is recovered; -1 where there is none."""
    return max((int(row["l"]) for row in rows if row["verdict"] == "recovered"), default=-1)


def _edge(result: Result) -> int:
    return boundary(result, int(result["ceiling"]["degree"]))


def _reasons(result: Result) -> dict[str, str]:
    """Return by scope the leading cause of what is low: some of ``REASONS``."""
    reasons = {}
    for atom in result["atoms"]:
        scope = atom.get("scope", f"atom:{atom['index']}")
        causes = atom.get("causes") or []
        if atom.get("r2_ceiling") is None:
            reasons[scope] = (
                "no_mark" if atom["marked_neighbour"] is None and "scope" not in atom else "not_measured"
            )
        else:
            reasons[scope] = causes[0]["cause"].replace(" ", "_") if atom["low"] and causes else "not_low"
    return reasons


def _values(result: Result, entry: StructureEntry) -> AtomValues:
    if "environments" not in result:
        return molecule_values(result)
    every, columns = environment_values(result), result["environments"]
    count = len(entry["numbers"])
    r2 = np.full((count, every.r2.shape[1]), np.nan)
    up_to, reason = np.full(count, -1, dtype=np.int64), ["not_measured"] * count
    places: dict[int, list[int]] = {}
    for place, (structure, atom) in enumerate(zip(columns["structure"], columns["atom"], strict=True)):
        if structure == entry["structure"]:
            places.setdefault(atom, []).append(place)
    for atom, some in places.items():
        r2[atom] = every.r2[some].mean(axis=0)
        up_to[atom] = every.recovered_up_to[some].max()
        reason[atom] = every.reason[some[0]]
    return AtomValues(r2, np.full(count, _edge(result)), up_to, tuple(reason))
