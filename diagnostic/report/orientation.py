"""The report's part on the orientations of the given frames, and the ratio over the cliff."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import NO_PATH, Result, Row, boundary, l_top, main_injection, series
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
    for readout in ("free", "equivariant"):
        for degree, rows in series(result["recovery"], result, readout).items():
            edge = boundary(result, degree)
            at = by_l(rows)
            if edge not in at or edge + 1 > l_top(result):
                continue
            below, above = at[edge], at.get(edge + 1)
            name = f"{readout}, degree {degree}"
            body.append([name, str(edge), rho_cell(below), rho_cell(above), cliff_ratio(below, above)])
    if not body:
        return None
    heads = ("ceiling <i>C</i>", "ρ(<i>C</i>)", "ρ(<i>C</i> + 1)", "ρ(<i>C</i>) / ρ(<i>C</i> + 1)")
    caption = Markup(
        "The height of the cliff on {}, median atom, {} injection. Where ρ above the ceiling is not above zero there is no "
        "ratio, and where its interval reaches zero only a bound: the lower end at <i>C</i> over the upper end at <i>C</i> + 1."
    ).format(subscripts(result["data"]["formula"]), main_injection(result)[0])
    return Table("table-ratio", caption, [Column("readout"), *numbers(*map(Markup, heads))], body)


def cliff_ratio(below: Row, above: Row | None) -> Cell:
    """Return rho(C)/rho(C+1) in words: a value with an interval, a lower bound, or why there is none."""
    if above is None:
        return Cell(MISSING)
    if above["verdict"] == NO_PATH:
        return Cell("no path above")
    top, bottom = below["rho"], above["rho"]
    if top is None or bottom is None:
        return Cell(MISSING)
    top_low, top_high = _ends(below)
    low, high = _ends(above)
    if low > 0 and bottom > 0 and top_low > 0:
        return Cell(
            significant(top / bottom), f"{significant(top_low / high)} to {significant(top_high / low)}"
        )
    if high > 0 and top_low > 0:
        return Cell(f"above {significant(top_low / high)}")
    return Cell("nothing above" if high <= 0 else MISSING)


def _ends(row: Row) -> tuple[float, float]:
    """Return the interval of rho, or rho itself where there is none."""
    low, high = row["rho_low"], row["rho_high"]
    return float(row["rho"] if low is None else low), float(row["rho"] if high is None else high)
