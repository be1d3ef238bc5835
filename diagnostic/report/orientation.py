"""The report's part on the orientations of the given frames, and the ratio over the cliff."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import Result, Row, main_injection, no_ceiling, series
from ..measurement.result_types import CliffRatio
from ..measurement.verdict import MINIMUM
from ..pages.frame import Heading, Part
from ..pages.tables import Cell, Column, Table, numbers
from ..pages.text import MISSING, prose, significant, subscripts
from .cells import by_l, rho_cell
from .figures import control_rows
from .pools import unit

_ALIGNMENT = Markup(
    " <i>A</i><sub>ℓ</sub> is the squared length of the mean Wigner matrix of the frames’ orientations over 2ℓ + 1: 1 where all "
    "frames stand alike, one over the number of frames on average where each stands at random."
)


def orientation(result: Result, figure: Part) -> list[Part]:
    """Return the sentences and the figure on the orientations of the frames as they were given."""
    measured = result["checks"].get("orientations")
    if not measured:
        return []
    sentence = Markup(prose(measured["sentence"]).replace("A_1", Markup("<i>A</i><sub>1</sub>")))
    more = _ALIGNMENT if measured["spectrum"] else Markup()
    return [
        Heading("Orientations of the frames as given"),
        why_turned(result),
        Markup("<p>{}{}</p>\n").format(sentence, more),
        figure,
    ]


def why_turned(result: Result) -> Markup:
    """Say why every use of a frame is turned at random, with what the control without it found."""
    sentence = turned_sentence(result)
    return Markup("<p>{}</p>\n").format(prose(sentence)) if sentence else Markup()


def turned_sentence(result: Result) -> str:
    """Say that frames which stand alike were dealt with, and what a fit without it gives where the control was run.

    Empty where the frames are isotropic, or have no orientation.
    """
    orientations = result["checks"].get("orientations")
    if not orientations or orientations["verdict"] in ("isotropic", "no orientation"):
        return ""
    above = int(result["ceiling"]["boundary"]) + 1
    imitated = (
        "a function of low l could imitate a higher one."
        if no_ceiling(result)
        else "a polynomial below the ceiling could imitate an l above it."
    )
    sentence = (
        "Frames were rotated at random before the fits, so the verdict does not depend on their orientations. It could "
        f"otherwise: as they are given, they count like {max(1.0, orientations['effective']):.3g} independent "
        f"{'one' if orientations['effective'] < 1.005 else 'ones'}, and on few orientations {imitated}"
    )
    for control in result["controls"]:
        if control["name"] != "no random rotations":
            continue
        rows, of_run, _ = control_rows(result, control)
        without, turned = by_l(rows).get(above), by_l(of_run).get(above)
        if not without or without["r2"] is None or not turned or turned["r2"] is None:
            continue
        sentence += f" Without the rotations, R² at l = {above}, above the ceiling, "
        sentence += (
            f"is {without['r2']:.2f} instead of {_plain(turned['r2'])}."
            if without["r2"] > MINIMUM
            else f"stays at {_plain(without['r2'])} here all the same."
        )
    return sentence


def _plain(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


def ratio_table(result: Result) -> Table | None:
    """Return the ratio of the recovery fractions at the ceiling and one above it, for each readout and degree."""
    body: list[list[Cell | str]] = []
    ratios = [
        ratio for ratio in result.get("cliff_ratios", ()) if ratio["injection"] == main_injection(result)[0]
    ]
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout)
        for entry in ratios:
            if entry["readout"] != readout or entry["degree"] not in rows:
                continue
            at, edge = by_l(rows[entry["degree"]]), entry["boundary"]
            above = at.get(edge + 1)
            name = f"{readout}, degree {entry['degree']}"
            body.append([name, str(edge), rho_cell(at.get(edge)), rho_cell(above), cliff_ratio(entry, above)])
    if not body:
        return None
    heads = ("ceiling <i>C</i>", "ρ(<i>C</i>)", "ρ(<i>C</i> + 1)", "ρ(<i>C</i>) / ρ(<i>C</i> + 1)")
    caption = Markup(
        "The height of the cliff on {}, median {}, {} injection, with Fieller’s confidence set. Where ρ above the ceiling is "
        "not above zero there is no ratio; where it is not told from zero the data only bound how large the ratio is in size."
    ).format(subscripts(result["data"]["formula"]), unit(result), main_injection(result)[0])
    return Table("table-ratio", caption, [Column("readout"), *numbers(*map(Markup, heads))], body)


def cliff_ratio(entry: CliffRatio, above: Row | None) -> Cell:
    """Return rho(C)/rho(C+1) in words: a value with its confidence set, a lower bound, or why there is none."""
    if entry["kind"] == "no path":
        return Cell("no path above")
    if entry["kind"] == "no ratio":
        return Cell("nothing above" if above and (above["rho"] or 0.0) <= 0.0 else MISSING)
    value, low, high = entry["value"], entry["low"], entry["high"]
    if low is None or high is None:
        return Cell("not bounded")
    if entry["kind"] == "interval":
        return Cell(significant(value), f"{significant(low)} to {significant(high)}")
    return Cell(f"at least {significant(min(low, -high))} in size")
