"""The per-atom section of the report: what is recovered at each atom and element, and why it is low."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import (
    LOW,
    Result,
    Row,
    atom_label,
    atom_rows,
    boundary,
    l_top,
    main_injection,
    no_ceiling,
)
from ..measurement.result_types import AtomEntry, FeatureRank
from ..pages.frame import Part
from ..pages.tables import Cell, Column, Table, numbers
from ..pages.text import MISSING, fraction, prose, significant
from .cells import by_l, measured_cell
from .pools import unit

_CAUSES = {
    "readout": "the room of the free readout",
    "like neighbour": "a neighbour that looks like the mark",
    "features": "the features themselves",
}


def atoms_section(result: Result) -> list[Part]:
    """Return the tables of the atoms; sentences and figures stand before them."""
    tables = (elements_table(result), atoms_table(result), rank_table(result))
    return [table for table in tables if table is not None]


def pattern(result: Result) -> str:
    """Say what the injected pattern is fixed to."""
    if main_injection(result)[0] == "density":
        return "The injected field is that of all neighbours within a cutoff; near ones count more than far ones."
    return (
        "The injected field follows the direction to one bonded neighbour, the mark. Chemistry must distinguish the mark "
        "from the others: a methyl carbon cannot point at one of its three hydrogens."
    )


def judged_atoms(result: Result) -> list[AtomEntry]:
    """Return the atoms with a measured recovery at the ceiling."""
    return [atom for atom in result["atoms"] if atom.get("r2_ceiling") is not None]


def summary(result: Result) -> str:
    """Say how many atoms are low at the ceiling, and from what."""
    judged = judged_atoms(result)
    if not judged:
        return ""
    low = [atom for atom in judged if atom["low"]]
    edge = boundary(result, int(result["ceiling"]["degree"]))
    what = unit(result)
    if not low:
        every = f"the one {what}" if len(judged) == 1 else f"all {len(judged)} {what}s"
        return f"R² is at least {LOW:g} at ℓ = {edge}, the ceiling, for {every} measured."
    counts = {
        cause: sum(bool(atom["causes"]) and atom["causes"][0]["cause"] == cause for atom in low)
        for cause in _CAUSES
    }
    parts = ", ".join(
        f"{_CAUSES[cause]} ({count})"
        for cause, count in sorted(counts.items(), key=lambda item: -item[1])
        if count
    )
    verb = "stays" if len(low) == 1 and len(judged) == 1 else "stay"
    return (
        f"{len(low)} of {len(judged)} {what}s {verb} below {LOW:g} at ℓ = {edge}, the ceiling. What limits them most, with the "
        f"number of {what}s: {parts}. The table says it for each, from what was measured."
    )


def _near(result: Result) -> list[int]:
    """Return the l at the ceiling and just above it, as far as they were injected; the first ones where there is no ceiling."""
    if no_ceiling(result):
        return list(range(1, l_top(result) + 1))[:6]
    edge = boundary(result, int(result["ceiling"]["degree"]))
    return [l for l in (edge, edge + 1) if l <= l_top(result)]


def elements_table(result: Result) -> Table | None:
    """Return R2 at the ceiling and beside it by element, for each readout that has such rows."""
    degree = int(result["ceiling"]["degree"])
    near, main = _near(result), main_injection(result)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in result["recovery"]:
        scope = str(row["scope"])
        if (
            (row["injection"], row["direction"]) == main
            and row["degree"] == degree
            and scope[:8] == "element:"
        ):
            groups.setdefault((scope.removeprefix("element:"), str(row["readout"])), []).append(row)
    if not groups or not near:
        return None
    atoms: dict[str, int] = {}
    for atom in result["atoms"]:
        atoms[atom["element"]] = atoms.get(atom["element"], 0) + 1
    body: list[list[Cell | str]] = [
        [element, str(atoms.get(element, 0)), readout, *(measured_cell(by_l(rows).get(l)) for l in near)]
        for (element, readout), rows in sorted(groups.items())
    ]
    columns = [Column("element"), *numbers("atoms"), Column("readout"), *numbers(*_heads(near))]
    where = "" if no_ceiling(result) else ", at the ceiling and beside it"
    caption = f"Element by element, degree {degree}{where}."
    return Table("table-element-cliff", caption, columns, body)


def _heads(near: list[int]) -> list[str]:
    return [f"R² at ℓ = {l}" for l in near]


def atoms_table(result: Result) -> Table:
    """Return the atoms with their marked neighbours, R2 around the ceiling, and the reason where it is low."""
    rows = atom_rows(result)
    near = _near(result) if rows else []
    columns = [Column("atom"), Column("marked"), *numbers(*_heads(near))]
    reasons = any(atom.get("reason") for atom in result["atoms"])
    if reasons:
        columns.append(Column("why it is low", "reason cause"))
    columns.append(Column("the mark", "reason"))
    body = []
    for atom in result["atoms"]:
        index = int(atom["index"])
        neighbour = atom["marked_neighbour"]
        measured = by_l(rows.get(index, []))
        cells: list[Cell | str] = [
            atom_label(result["atoms"], index),
            "left out" if neighbour is None else _label(result, int(neighbour)),
            *(measured_cell(measured.get(l)) for l in near),
        ]
        if reasons:
            cells.append(_sentences(atom.get("reason")))
        cells.append(prose(atom["why"]))
        body.append(cells)
    return Table("table-atoms", _atoms_caption(result), columns, body)


def _atoms_caption(result: Result) -> str:
    """Say how many atoms have a mark, and of how many: a run may look at some of the molecule's atoms only."""
    marked = sum(atom["marked_neighbour"] is not None for atom in result["atoms"])
    total, molecule = len(result["atoms"]), len(result["data"]["numbers"])
    part = f"{total} of the molecule’s {molecule} atoms were measured. " if total < molecule else ""
    if marked == total:
        every = "Every atom has" if not part else "The one has" if total == 1 else "Each of them has"
        return f"{part}{every} a neighbour that chemistry tells from its others."
    return (
        f"{part}{marked} of {total} atoms have a neighbour that chemistry tells from their others; the rest cannot point "
        "at one, and are left out of the marked injection."
    )


def _sentences(reason: str | None) -> str:
    return "" if reason is None else Markup("<br>").join(prose(part) for part in reason.split("; "))


def _label(result: Result, index: int) -> str:
    """Return the name of an atom that the run may have left out."""
    name = atom_label(result["atoms"], index)
    return name if not name.isdigit() else f"atom {name}"


def rank_table(result: Result) -> Table | None:
    """Return what the features hold at every atom: neighbours seen, how they point at the mark, their channels."""
    atoms = [atom for atom in result["atoms"] if atom.get("feature_rank")]
    if not atoms:
        return None
    irreps = list(atoms[0]["feature_rank"])
    columns = [
        Column(unit(result)),
        *numbers("neighbours", Markup("mark,<br>linear R²")),
        Column(Markup("like<br>neighbour")),
        *numbers(Markup("R² of<br>sum"), Markup("R² of<br>difference")),
        *numbers(*(Markup("{}<br>effective").format(irrep) for irrep in irreps)),
    ]
    body: list[list[Cell | str]] = []
    for atom in atoms:
        like = atom["like_neighbour"]
        ranks = [atom["feature_rank"].get(irrep) for irrep in irreps]
        body.append(
            [
                atom_label(result["atoms"], int(atom["index"])),
                significant(float(atom["neighbours"]), 3),
                fraction(atom["mark_r2"]),
                MISSING if like is None else _label(result, int(like["neighbour"])),
                fraction(None if like is None else like["r2_sum"]),
                fraction(None if like is None else like["r2_difference"]),
                *(MISSING if rank is None else _rank(rank) for rank in ranks),
            ]
        )
    reach = float(atoms[0]["cutoff_A"])
    caption = (
        f"What the features hold at each {unit(result)}: neighbours within {reach:g} Å on average; how well a linear fit to the "
        "finest features points at the mark, and at the sum and the difference of the mark and its most similar bonded "
        "neighbour of the same element; and, by irrep, how many independent channels the channels count like, with their "
        "rank where it is not full."
    )
    return Table("table-rank", caption, columns, body, fold=f"What the features hold at each {unit(result)}")


def _rank(entry: FeatureRank) -> Cell:
    full = entry["rank"] == entry["channels"]
    return Cell(f"{float(entry['effective']):.1f}", "" if full else f"rank {int(entry['rank'])}")
