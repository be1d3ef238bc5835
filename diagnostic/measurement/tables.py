"""Tables of recovery rows, made of cells: the rows, and what they were made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ...theory.ceiling import Ceiling
from ...theory.plateaus import Direction, predicted_recovery
from ..injection.fields import InjectionName
from ..recovery.bootstrap import Bootstrap, Combine, recovery
from ..recovery.cliff import cliff_ratio, cliff_table
from ..recovery.error_sums import Cell
from .result import MOLECULE, NO_PATH, NOTHING_TO_HOLD
from .result_types import CliffRatio, Readout, RecoveryRow
from .verdict import verdict_of


@dataclass(frozen=True)
class RecoveryTable:
    """The rows of one readout for one kind of injected field, and what they were made of.

    Attributes
    ----------
    injection, direction
        The injected field.
    readout
        The readout; its degree is that of ``ceiling``.
    ceiling
        Degree of the readout, highest degree of the features, and the highest l that is reached.
    cells
        By atom: what the atom's own readout left on held-out frames.
    shared
        By atom, the same for a readout that all atoms of an element share; None where there is none.
    rows
        The molecule, its elements, its atoms, each for every l.
    nothing
        By atom, the l at which the symmetry of its site leaves nothing to hold.
    """

    injection: InjectionName
    direction: Direction
    readout: Readout
    ceiling: Ceiling
    cells: Mapping[int, Cell]
    shared: Mapping[int, Cell] | None
    rows: list[RecoveryRow]
    nothing: Mapping[int, Collection[int]] = field(default_factory=dict)

    def molecule(self) -> list[RecoveryRow]:
        """Return the molecule's rows, in order of l."""
        return molecule_rows(self.rows)

    def heights(self) -> dict[int, float]:
        """Return the molecule's R2 by l, where a polynomial reaches l."""
        return {row["l"]: row["r2"] for row in self.molecule() if row["r2"] is not None}

    def cliff_ratio(self, bootstrap: Bootstrap) -> CliffRatio | None:
        """Return rho at the ceiling over rho above it, median over atoms; None where nothing was injected above it."""
        boundary = self.ceiling.boundary
        atoms = [i for i in self.cells if boundary not in self.nothing.get(i, ())] or list(self.cells)
        if boundary + 1 >= len(self.cells[atoms[0]][0]):
            return None
        entry = CliffRatio(
            injection=self.injection, direction=self.direction, readout=self.readout, degree=self.ceiling.degree,
            boundary=boundary, kind="no path", value=None, low=None, high=None,
        )  # fmt: skip
        table = cliff_table([self.cells], atoms, boundary)
        rho = {
            row["l"]: 0.0 if row["verdict"] == NOTHING_TO_HOLD else row["rho"] or 0.0
            for row in self.molecule()
        }
        if table is None:
            return entry
        if min(rho[boundary], rho[boundary + 1]) <= 0.0:
            entry["kind"] = "no ratio"
        else:
            measured = cliff_ratio(table, boundary, bootstrap)
            entry["kind"] = measured.kind
            entry["value"], entry["low"], entry["high"] = measured.value, measured.low, measured.high
        return entry


def recovery_table(
    cells: Mapping[int, Cell],
    elements: Mapping[int, str],
    bootstrap: Bootstrap,
    *,
    injection: InjectionName,
    readout: Readout,
    ceiling: Ceiling,
    shared: Mapping[int, Cell] | None = None,
    direction: Direction = "fixed",
    nothing: Mapping[int, Collection[int]] | None = None,
    scopes: Mapping[int, str] | None = None,
) -> RecoveryTable:
    """Return the table of one readout: the molecule, its elements, its atoms, each for every l.

    An atom's row is that of its own readout. The molecule's and an element's are medians over atoms; where a readout
    shared by each element is given, an element's row is that of the shared one, its atoms pooled.

    Parameters
    ----------
    cells, shared
        See :class:`RecoveryTable`.
    elements
        Symbol of every atom.
    bootstrap
        The resamples behind the intervals.
    nothing
        By atom, the l at which the symmetry of its site leaves nothing to hold: its row says so, and medians leave it out as
        long as another atom is left.
    scopes
        Where pools of environments stand in the place of atoms, the scope of each: their rows are the molecule's, which is the
        median over pools, and those of every pool.
    """
    nothing = nothing or {}
    atoms = list(cells)
    top = len(cells[atoms[0]][0])
    wanted: list[tuple[str, list[int], Mapping[int, Cell], Combine]] = [(MOLECULE, atoms, cells, "median")]
    if scopes is None:
        for element in dict.fromkeys(elements[i] for i in atoms):
            members = [i for i in atoms if elements[i] == element]
            wanted.append((f"element:{element}", members, shared or cells, "pooled" if shared else "median"))
    wanted += [(f"atom:{i}" if scopes is None else scopes[i], [i], cells, "median") for i in atoms]
    rows = []
    for scope, every, table, combine in wanted:
        for l in range(1 if direction == "gradient" else 0, top):  # a constant has no gradient
            row = RecoveryRow(
                injection=injection, direction=direction, readout=readout, degree=ceiling.degree, scope=scope, l=l,
                predicted=float(predicted_recovery(direction, l, ceiling.boundary)),
                r2=None, r2_low=None, r2_high=None, rho=None, rho_low=None, rho_high=None, gain=None, null_high=None,
                coefficients=None, verdict=NO_PATH,
            )  # fmt: skip
            held_to = [i for i in every if l not in nothing.get(i, ())]
            members = held_to or every
            sums = [entry for i in members if (entry := table[i][0][l]) is not None]
            if len(sums) == len(members):
                null = [x for i in atoms if (entry := cells[i][0][l]) is not None for x in entry.null]
                measured = recovery(sums, bootstrap, combine=combine, null=null)
                r2, rho = measured.r2, measured.rho
                row["r2"], row["r2_low"], row["r2_high"] = r2.value, r2.low, r2.high
                row["rho"], row["rho_low"], row["rho_high"] = rho.value, rho.low, rho.high
                row["gain"], row["null_high"] = measured.gain, measured.null_high
                row["coefficients"] = max(table[i][1][l] for i in members)
                row["verdict"] = verdict_of(measured)
            if not held_to:
                row["verdict"] = NOTHING_TO_HOLD
            rows.append(row)
    return RecoveryTable(injection, direction, readout, ceiling, cells, shared, rows, nothing)


def molecule_rows(rows: Sequence[RecoveryRow]) -> list[RecoveryRow]:
    """Return the molecule's rows, in order of l."""
    return sorted((row for row in rows if row["scope"] == MOLECULE), key=lambda row: row["l"])


def rows_of(tables: Sequence[RecoveryTable]) -> list[RecoveryRow]:
    """Return the rows of several tables, one table after the other."""
    return [row for table in tables for row in table.rows]


@dataclass(frozen=True)
class Control:
    """A run in which something essential is taken away: its name, what it shows, and its table where it has one."""

    name: str
    title: str
    sentence: str
    table: RecoveryTable | None
