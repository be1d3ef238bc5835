"""The per-atom section of the report: what each atom and element gives back, and why it is low."""

from __future__ import annotations

from ..measurement.result import LOW, Result, Row, atom_label, atom_rows, boundary, l_top, main_injection
from ..pages.html import MISSING, column, escape, fraction, prose, significant, table
from .cells import by_l, measured_cell


def atoms_section(result: Result) -> str:
    """Return the sentences and tables of the atoms; the figures stand before them."""
    return elements_table(result) + atoms_table(result) + rank_table(result)


def pattern(result: Result) -> str:
    """Say what the injected pattern is fixed to."""
    if main_injection(result)[0] == "density":
        return "The injected pattern is that of all neighbours within a cutoff, the near ones more than the far ones."
    return (
        "The injected pattern is fixed to the direction of one bonded neighbour, the mark. The mark must be one that "
        "chemistry tells from the others: a methyl carbon cannot point at one of its three hydrogens."
    )


def summary(result: Result) -> str:
    """Say how many atoms are low at the ceiling, and from what."""
    judged = [atom for atom in result["atoms"] if atom.get("r2_ceiling") is not None]
    if not judged:
        return ""
    low = [atom for atom in judged if atom["low"]]
    edge = boundary(result, int(result["ceiling"]["degree"]))
    if not low:
        return f"<p>All {len(judged)} atoms measured give back at least {LOW:g} at ℓ = {edge}, the ceiling.</p>\n"
    words = {
        "readout": "the room of the free readout",
        "like neighbour": "a neighbour that looks like the mark",
        "features": "the features themselves",
    }
    counts = {
        cause: sum(bool(atom["causes"]) and atom["causes"][0]["cause"] == cause for atom in low)
        for cause in words
    }
    parts = ", ".join(
        f"{words[cause]} ({count})"
        for cause, count in sorted(counts.items(), key=lambda item: -item[1])
        if count
    )
    return (
        f"<p>{len(low)} of {len(judged)} atoms stay below {LOW:g} at ℓ = {edge}, the ceiling. What takes most of it away, with "
        f"the number of atoms: {parts}. The table says it for each, from what was measured.</p>\n"
    )


def elements_table(result: Result) -> str:
    """Return R2 at the ceiling and beside it by element, for each readout that has such rows."""
    degree = int(result["ceiling"]["degree"])
    edge = boundary(result, degree)
    near = [at for at in (edge, edge + 1) if at <= l_top(result)]
    main = main_injection(result)
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
        return ""
    atoms: dict[str, int] = {}
    for atom in result["atoms"]:
        atoms[atom["element"]] = atoms.get(atom["element"], 0) + 1
    body = [
        [
            f'<th scope="row">{escape(element)}</th>',
            f'<td class="number">{atoms.get(element, 0)}</td>',
            f"<td>{escape(readout)}</td>",
            *(measured_cell(by_l(rows).get(at)) for at in near),
        ]
        for (element, readout), rows in sorted(groups.items())
    ]
    head = [column("element", ""), column("atoms"), column("readout", "")]
    head += [column(f"R² at ℓ = {at}") for at in near]
    caption = f"Element by element, degree {degree}, at the ceiling and beside it."
    return table(caption, head, body, name="table-element-cliff")


def atoms_table(result: Result) -> str:
    """Return the atoms with their marked neighbours, R2 around the ceiling, and the reason where it is low."""
    degree = int(result["ceiling"]["degree"])
    edge = boundary(result, degree)
    rows = atom_rows(result)
    near = [at for at in (edge, edge + 1) if at <= l_top(result)] if rows else []
    head = [column("atom", ""), column("marked", "")]
    head += [column(f"R² at ℓ = {at}") for at in near]
    reasons = any(atom.get("reason") for atom in result["atoms"])
    if reasons:
        head.append(column("why it is low", ""))
    head.append(column("the mark", ""))
    body = []
    for atom in result["atoms"]:
        index = int(atom["index"])
        neighbour = atom["marked_neighbour"]
        towards = "left out" if neighbour is None else _label(result, int(neighbour))
        own = by_l(rows.get(index, []))
        cells = [
            f'<th scope="row">{escape(atom_label(result["atoms"], index))}</th>',
            f"<td>{escape(towards)}</td>",
            *(measured_cell(own.get(at)) for at in near),
        ]
        if reasons:
            cells.append(f'<td class="reason cause">{_sentences(atom.get("reason"))}</td>')
        cells.append(f'<td class="reason">{prose(atom["why"])}</td>')
        body.append(cells)
    marked = sum(atom["marked_neighbour"] is not None for atom in result["atoms"])
    total = len(result["atoms"])
    caption = (
        "Every atom has a neighbour that chemistry tells from its others."
        if marked == total
        else f"{marked} of {total} atoms have a neighbour that chemistry tells from their others; the rest cannot point "
        "at one, and are left out of the marked injection."
    )
    return table(caption, head, body, name="table-atoms")


def _sentences(reason: str | None) -> str:
    return "" if reason is None else "<br>".join(prose(part) for part in reason.split("; "))


def _label(result: Result, index: int) -> str:
    """Return the name of an atom that the run may have left out."""
    name = atom_label(result["atoms"], index)
    return name if not name.isdigit() else f"atom {name}"


def rank_table(result: Result) -> str:
    """Return what the features hold at every atom: neighbours seen, how they point at the mark, their channels."""
    atoms = [atom for atom in result["atoms"] if atom.get("feature_rank")]
    if not atoms:
        return ""
    irreps = list(atoms[0]["feature_rank"])
    head = [
        column("atom", ""),
        column("neighbours"),
        column("mark,<br>linear R²"),
        column("like<br>neighbour", ""),
    ]
    head += [column("R² of<br>sum"), column("R² of<br>difference")]
    head += [column(f"{escape(irrep)}<br>effective") for irrep in irreps]
    body = []
    for atom in atoms:
        like = atom["like_neighbour"]
        ranks = [atom["feature_rank"].get(irrep) for irrep in irreps]
        body.append(
            [
                f'<th scope="row">{escape(atom_label(result["atoms"], int(atom["index"])))}</th>',
                f'<td class="number">{significant(float(atom["neighbours"]), 3)}</td>',
                f'<td class="number">{fraction(atom["mark_r2"])}</td>',
                f"<td>{MISSING if like is None else escape(_label(result, int(like['neighbour'])))}</td>",
                f'<td class="number">{fraction(None if like is None else like["r2_sum"])}</td>',
                f'<td class="number">{fraction(None if like is None else like["r2_difference"])}</td>',
                *(f'<td class="number">{MISSING if rank is None else _rank(rank)}</td>' for rank in ranks),
            ]
        )
    reach = float(atoms[0]["cutoff_A"])
    caption = (
        f"What the features hold at each atom: neighbours within {reach:g} Å on average; how well a linear fit to the "
        "finest features points at the mark, and at the sum and the difference of the mark and its most similar bonded "
        "neighbour of the same element; and, by irrep, how many independent channels the channels count like, with their "
        "rank where it is not full."
    )
    inner = table(caption, head, body, name="table-rank")
    return f"<details>\n<summary>What the features hold at each atom</summary>\n{inner}</details>\n"


def _rank(entry: Row) -> str:
    text = f"{float(entry['effective']):.1f}"
    return text if entry["rank"] == entry["channels"] else f"{text}<small>rank {int(entry['rank'])}</small>"
