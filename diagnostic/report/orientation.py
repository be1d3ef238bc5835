"""The report's part on the orientations of the given frames, and the ratio over the cliff."""

from __future__ import annotations

from ..measurement.result import NO_PATH, Result, Row, main_injection, series
from ..measurement.result_types import CliffRatio
from ..pages.html import (
    MISSING,
    column,
    escape,
    fraction,
    interval,
    prose,
    significant,
    subscripts,
    table,
)
from .cells import by_l
from .figures import control_rows


def orientation(result: Result, figure: str) -> str:
    """Return the sentences and the figure on the orientations of the frames as they were given."""
    found = result["checks"].get("orientations")
    if not found:
        return ""
    text = f"<p>{_subscripted(prose(found['sentence']))}"
    if found["spectrum"]:
        text += (
            " <i>A</i><sub>ℓ</sub> is the squared length of the mean Wigner matrix of the frames’ orientations over 2ℓ + 1: 1 "
            "where all frames stand alike, one over the number of frames on average where each stands at random."
        )
    text += f"</p>\n{why_turned(result)}{figure}"
    return f"<h3>Orientations of the frames as given</h3>\n{text}"


def why_turned(result: Result) -> str:
    """Say why every use of a frame is turned at random, with what the control without it found."""
    found = result["checks"].get("orientations")
    if not found or found["verdict"] in ("isotropic", "no orientation"):
        return ""
    edge = int(result["ceiling"]["boundary"])
    measured = ""
    for control in result["controls"]:
        if control["name"] == "no random rotations":
            rows, own, _ = control_rows(result, control)
            without, here = by_l(rows).get(edge + 1), by_l(own).get(edge + 1)
            if without and without["r2"] is not None:
                measured = f" Without that step R² at ℓ = {edge + 1}, above the ceiling, comes out as {fraction(without['r2'])}"
                measured += f" instead of {fraction(here['r2'])}." if here and here["r2"] is not None else "."
    return (
        "<p>On directions that hardly change, a polynomial below the ceiling can imitate a frequency above it. So every use of a "
        f"frame was turned at random before anything was fitted.{measured}</p>\n"
    )


def _subscripted(text: str) -> str:
    return text.replace("A_1", "<i>A</i><sub>1</sub>")


def ratio_table(result: Result) -> str:
    """Return the ratio of the recovery fractions at the ceiling and one above it, for each readout and degree."""
    body = []
    ratios = [one for one in result.get("cliff_ratios", ()) if one["injection"] == main_injection(result)[0]]
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout)
        for entry in ratios:
            if entry["readout"] != readout or entry["degree"] not in rows:
                continue
            at, edge = by_l(rows[entry["degree"]]), entry["boundary"]
            body.append(
                [
                    f'<th scope="row">{readout}, degree {entry["degree"]}</th>',
                    f'<td class="number">{edge}</td>',
                    _rho(at.get(edge)),
                    _rho(at.get(edge + 1)),
                    f'<td class="number">{cliff_ratio(entry, at.get(edge + 1))}</td>',
                ]
            )
    if not body:
        return ""
    head = [
        column("readout", ""),
        column("ceiling <i>C</i>"),
        column("ρ(<i>C</i>)"),
        column("ρ(<i>C</i> + 1)"),
    ]
    head.append(column("ρ(<i>C</i>) / ρ(<i>C</i> + 1)"))
    formula, injection = escape(subscripts(result["data"]["formula"])), escape(main_injection(result)[0])
    caption = (
        f"The height of the cliff on {formula}, median atom, {injection} injection, with Fieller’s confidence set. Where ρ above "
        "the ceiling is not above zero there is no ratio; where it is not told from zero the data only bound how large the "
        "ratio is in size."
    )
    return table(caption, head, body, name="table-ratio")


def cliff_ratio(entry: CliffRatio, above: Row | None) -> str:
    """Return rho(C)/rho(C+1) in words: a value with its confidence set, a lower bound, or why there is none."""
    if entry["kind"] == "no path":
        return "no path above"
    if entry["kind"] == "no ratio":
        return "nothing above" if above and (above["rho"] or 0.0) <= 0.0 else MISSING
    value, low, high = entry["value"], entry["low"], entry["high"]
    if low is None or high is None:
        return "not bounded"
    if entry["kind"] == "interval":
        return f"{significant(value)}<small>{significant(low)} to {significant(high)}</small>"
    return f"at least {significant(min(low, -high))} in size"


def _rho(row: Row | None) -> str:
    if row is None or row["rho"] is None:
        return f'<td class="none">{"no path" if row and row["verdict"] == NO_PATH else MISSING}</td>'
    limits = interval(row["rho_low"], row["rho_high"])
    return f'<td class="number">{fraction(row["rho"])}{f"<small>{limits}</small>" if limits else ""}</td>'
