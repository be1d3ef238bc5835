"""What the report says of each figure: the caption under it, and a sentence for readers who do not see it.

A figure of :data:`~spectral_ceilings.diagnostic.report.figures.FIGURES` has an entry of its name in both tables.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from ..measurement.result import (
    LOW,
    NO_PATH,
    Result,
    atom_label,
    atom_rows,
    boundary,
    l_top,
    main_injection,
    no_ceiling,
    outcome_of_result,
    series,
)
from ..pages.axes import number
from ..pages.figure_files import FigureSlot, slot
from .element_figure import MOST_PANELS, pool_rows
from .environment_figure import best_and_worst, judged_l
from .figures import control_rows, drawings
from .further import describe_plateaus, plateaus_caption
from .molecule_figure import shown_degree
from .pools import unit


def caption(result: Result, name: str) -> str:
    """Return the caption of a figure; empty for a figure without one."""
    return CAPTIONS[name](result) if name in CAPTIONS else ""


def describe(result: Result, name: str) -> str:
    """Return in one sentence what a figure shows, for readers who do not see it."""
    return DESCRIPTIONS[name](result) if name in DESCRIPTIONS else f"Figure: {name}."


def page_figures(result: Result) -> dict[str, FigureSlot]:
    """Return the figures that a result has, by name, for its page."""
    return {
        drawing.name: slot(drawing, caption(result, drawing.name), describe(result, drawing.name))
        for drawing in drawings(result)
    }


def cliff_caption(result: Result) -> str:
    """Return the caption of the cliff figure; it speaks of the readouts that were fitted."""
    injection, direction = main_injection(result)
    said = {
        "free": "<b>Free readout</b>: any polynomial in the features; the null band is what the same fit gives where there is "
        "nothing to recover. "
        if no_ceiling(result)
        else "<b>Free readout</b>: any polynomial in the features; nothing in it knows about the ceiling. Its values "
        "above each ceiling are shown again near zero, with the null band: what the same fit gives where there is nothing to "
        "recover. ",
        "equivariant": "<b>Equivariant readout</b>: only products that symmetry allows; above the ceiling there is no "
        "such product, hence “no path” and no number. ",
    }
    readouts = "".join(words for name, words in said.items() if series(result["recovery"], result, name))
    return Markup(
        "How much of the injected force each readout recovers in the median {}, by angular frequency ℓ ({} injection, {} "
        "direction). {}Vertical strokes are intervals{}."
    ).format(
        unit(result),
        injection,
        direction,
        Markup(readouts),
        "" if no_ceiling(result) else ", dashed marks are the ceilings",
    )


def _controls_caption(result: Result) -> str:
    mark = "" if no_ceiling(result) else " The dashed mark is the ceiling."
    return f"Each control (diamonds) against this run (filled circles).{mark}"


def _atoms_caption(result: Result) -> str:
    degree = int(result["ceiling"]["degree"])
    text = f"R² atom by atom, readout of degree {degree}: one row for each atom and its marked neighbour, one column for each ℓ."
    if outcome_of_result(result) == "held":
        text += " The height below the ceiling differs from atom to atom; the place of the cliff does not."
    return text


def _molecule_caption(result: Result) -> str:
    edge = min(shown_degree(result), l_top(result))
    drawn = (
        "drawn flat by RDKit"
        if result["data"]["depiction"]["made_by"] == "RDKit"
        else "its geometry laid flat"
    )
    place = (
        "the finest that is recovered, and beside it" if no_ceiling(result) else "the ceiling, and beside it"
    )
    text = (
        f"The molecule, {drawn}, with R² of each atom at ℓ = {edge}, {place}. Full colour is all of "
        f"the injected force, paper is nothing; the scale steps at {LOW:g}."
    )
    if any(atom.get("low") for atom in result["atoms"]):
        text += f" A thick rim marks an atom below {LOW:g} at the ceiling; the table says why."
    return text


def _describe_molecule(result: Result) -> str:
    edge = shown_degree(result)
    by_atom = atom_rows(result)
    parts = []
    for at in (edge, edge + 1):
        values = [
            f"{atom_label(result['atoms'], index)} {number(row['r2'], 2)}"
            for index, rows in by_atom.items()
            for row in rows
            if row["l"] == at and row["r2"] is not None
        ]
        if values:
            parts.append(f"at angular frequency {at}: {', '.join(values)}")
    return f"Drawing of the molecule with R² in every atom, {'; '.join(parts) or 'no numbers'}."


def _elements_caption(result: Result) -> str:
    degree, many = int(result["ceiling"]["degree"]), len(pool_rows(result))
    shown = (
        "The dashed line is the ceiling; strokes are intervals over structures."
        if many <= MOST_PANELS
        else "Full colour is all of the injected force; the number of held-out environments stands beside each name."
    )
    return f"R² by ℓ for every {unit(result)}, readout of degree {degree}. {shown}"


def _environments_caption(result: Result) -> str:
    return (
        f"Where most and least is recovered at ℓ = {judged_l(result)}, for every {unit(result)}: the held-out environments with "
        "the highest and the lowest R², with their neighbours within 3 Å; pale ones lie farther back, dashed lines are edges of "
        "the cell. R² of one environment is 1 minus its squared error over the mean injected power: their mean is R² above."
    )


def _structures_caption(result: Result) -> str:
    return (
        f"Structures of the highest and the lowest mean R² at ℓ = {judged_l(result)}, among those that the result keeps, every "
        "measured atom shaded by its R²; paper is nothing, or an atom that was not sampled. atoms.extxyz holds them all, for "
        "OVITO and ase gui."
    )


def _describe_elements(result: Result) -> str:
    said = []
    for name, rows in pool_rows(result).items():
        values = ", ".join("no path" if row["r2"] is None else number(row["r2"], 2) for row in rows)
        said.append(f"{name}: {values}")
    return f"R² by angular frequency 0 to {l_top(result)}. {'; '.join(said)}."


def _describe_environments(result: Result) -> str:
    said = [
        f"{best.pool.partition(':')[2]} from {number(worst.r2, 2)} to {number(best.r2, 2)}"
        for best, worst in best_and_worst(result)
    ]
    return f"Drawings of the environments with the highest and the lowest R²: {'; '.join(said)}."


def _describe_structures(result: Result) -> str:
    return f"Drawings of structures with every measured atom shaded by its R² at angular frequency {judged_l(result)}."


def _isotropy_caption(result: Result) -> str:
    return (
        "How much the orientations of the frames agree before they are turned, by ℓ. The dashed line and the band are what "
        f"{int(result['checks']['orientations']['frames']):,} orientations drawn at random show."
    )


def _describe_isotropy(result: Result) -> str:
    orientations = result["checks"]["orientations"]
    values = ", ".join(f"{float(entry['alignment']):.2g}" for entry in orientations["spectrum"])
    return (
        f"Line chart of the alignment of the frames' orientations by angular frequency from 1: {values}; "
        f"1 over {orientations['frames']} is expected of random ones."
    )


def _describe_cliff(result: Result) -> str:
    parts = []
    for readout in ("free", "equivariant"):
        for at_degree, rows in series(result["recovery"], result, readout).items():
            values = ", ".join(
                "no path"
                if row["verdict"] == NO_PATH
                else number(row["r2"])
                if row["r2"] is not None
                else "none"
                for row in rows
            )
            parts.append(
                f"{readout} readout of degree {at_degree}, "
                f"{'no ceiling' if no_ceiling(result) else f'ceiling {boundary(result, at_degree)}'}: {values}"
            )
    return f"Line chart of R² by angular frequency 0 to {l_top(result)}. " + "; ".join(parts) + "."


def _describe_controls(result: Result) -> str:
    titles = ", ".join(
        str(control["title"]) for control in result["controls"] if control_rows(result, control)[0]
    )
    return f"Line charts of R² by angular frequency, this run against each control: {titles}."


def _describe_atoms(result: Result) -> str:
    edge = boundary(result, int(result["ceiling"]["degree"]))
    mark = "" if no_ceiling(result) else f", the ceiling marked after {edge}"
    return f"Shaded table of R² by atom and angular frequency{mark}; numbers below."


#: Captions by the name of the figure; plain text, or markup.
CAPTIONS: dict[str, Callable[[Result], str]] = {
    "cliff": cliff_caption,
    "plateaus": plateaus_caption,
    "controls": _controls_caption,
    "molecule": _molecule_caption,
    "atoms": _atoms_caption,
    "elements": _elements_caption,
    "environments": _environments_caption,
    "structures": _structures_caption,
    "isotropy": _isotropy_caption,
}

#: Sentences for readers who do not see the figure, as plain text, by the name of the figure.
DESCRIPTIONS: dict[str, Callable[[Result], str]] = {
    "cliff": _describe_cliff,
    "plateaus": describe_plateaus,
    "controls": _describe_controls,
    "molecule": _describe_molecule,
    "atoms": _describe_atoms,
    "elements": _describe_elements,
    "environments": _describe_environments,
    "structures": _describe_structures,
    "isotropy": _describe_isotropy,
}
