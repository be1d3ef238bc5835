"""The report's part on the orientations of the given frames, and the ratio over the cliff."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import Result, Row, main_injection, series
from ..measurement.result_types import CliffRatio
from ..pages.frame import Heading, Part
from ..pages.tables import Cell, Column, Table, numbers
from ..pages.text import MISSING, fraction, prose, significant, subscripts
from .cells import by_l, rho_cell
from .figures import control_rows

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
        Markup("<p>{}{}</p>\n").format(sentence, more),
        why_turned(result),
        figure,
    ]


def why_turned(result: Result) -> Markup:
    """Say why every use of a frame is turned at random, with what the control without it found."""
    orientations = result["checks"].get("orientations")
    if not orientations or orientations["verdict"] in ("isotropic", "no orientation"):
        return Markup()
    edge = int(result["ceiling"]["boundary"])
    measured = ""
    for control in result["controls"]:
        if control["name"] == "no random rotations":
            rows, of_run, _ = control_rows(result, control)
            without, turned = by_l(rows).get(edge + 1), by_l(of_run).get(edge + 1)
            if without and without["r2"] is not None:
                measured = f" Without that step R² at ℓ = {edge + 1}, above the ceiling, comes out as {fraction(without['r2'])}"
                measured += (
                    f" instead of {fraction(turned['r2'])}." if turned and turned["r2"] is not None else "."
                )
    return Markup(
        "<p>On directions that hardly change, a polynomial below the ceiling can imitate a frequency above it. So every use of a "
        "frame was turned at random before anything was fitted.{}</p>\n"
    ).format(measured)


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
        "The height of the cliff on {}, median atom, {} injection, with Fieller’s confidence set. Where ρ above the ceiling is "
        "not above zero there is no ratio; where it is not told from zero the data only bound how large the ratio is in size."
    ).format(subscripts(result["data"]["formula"]), main_injection(result)[0])
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
