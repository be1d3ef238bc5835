"""The section of the report on pools of environments, an element or a selection each, in the place of a molecule's atoms."""

from __future__ import annotations

from ..measurement.result import Result, atom_label, boundary, l_top, leading_rows, main_injection, pooled
from ..measurement.result_types import EnvironmentsEntry
from ..pages.frame import Part
from ..pages.tables import Cell, Column, Table, numbers
from ..pages.text import MISSING, prose, significant, thousands
from .cells import by_l, measured_cell


def unit(result: Result) -> str:
    """Return what a readout is fitted for: an ``atom``, the environments of an ``element``, or those of a ``selection``."""
    if not pooled(result):
        return "atom"
    return "selection" if any(e["scope"].startswith("select:") for e in _entries(result)) else "element"


def _entries(result: Result) -> list[EnvironmentsEntry]:
    return result["data"].get("environments") or []


def pattern(result: Result) -> str:
    """Say what is pooled and what the injected pattern is."""
    what = "element" if unit(result) == "element" else "selection of atoms"
    said = (
        f"Atoms of many structures are sampled, and one readout is fitted for each {what}. No structure, and none like it, is "
        "both trained on and held out; intervals are over structures. "
    )
    if main_injection(result)[0] == "density":
        return said + (
            "The injected field is that of all neighbours within a cutoff, by the minimum image; near ones count more than far "
            "ones."
        )
    return said + "The injected field follows the direction to one bonded neighbour, the mark."


def pools_table(result: Result) -> Table:
    """Return the pools with their environments, R2 around the ceiling, and the reason where it is low."""
    edge = boundary(result, int(result["ceiling"]["degree"]))
    near = [l for l in (edge, edge + 1) if l <= l_top(result)]
    rows, known = leading_rows(result), {entry["scope"]: entry for entry in _entries(result)}
    reasons = any(atom.get("reason") for atom in result["atoms"])
    columns = [
        Column(unit(result)),
        *numbers("environments", "structures", "neighbours", "density, Å", *(f"R² at ℓ = {l}" for l in near)),
        *([Column("why it is low", "reason cause")] if reasons else []),
    ]
    body: list[list[Cell | str]] = []
    for atom in result["atoms"]:
        scope = atom.get("scope", "")
        entry, measured = known.get(scope), by_l(rows.get(scope, []))
        cells: list[Cell | str] = [
            atom_label(result["atoms"], atom["index"]),
            _counts(entry, "rows"),
            _counts(entry, "structures"),
            significant(atom.get("neighbours"), 3),
            MISSING if entry is None else significant(entry["cutoff"], 3),
            *(measured_cell(measured.get(l)) for l in near),
        ]
        if reasons:
            cells.append(prose(atom["reason"]) if atom.get("reason") else "")
        body.append(cells)
    caption = (
        f"Every {unit(result)}: its environments and the structures that they are from, those held out in small type; neighbours "
        "within the model’s cutoff on average; how far the injected density reaches; R² beside the ceiling."
    )
    return Table("table-pools", caption, columns, body)


def _counts(entry: EnvironmentsEntry | None, what: str) -> Cell | str:
    if entry is None:
        return MISSING
    counts = entry["rows"] if what == "rows" else entry["structures"]
    return Cell(thousands(sum(counts.values())), f"{counts['held_out']:,} held out")


def pools_section(result: Result) -> list[Part]:
    """Return the tables of the pools."""
    return [pools_table(result)]
