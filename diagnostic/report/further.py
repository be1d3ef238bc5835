"""Sections of the report for what was measured beyond the main table: plateaus and trained networks."""

from __future__ import annotations

from collections.abc import Callable

from ..measurement.result import Result, Row, atom_label
from ..pages.axes import number
from ..pages.html import MISSING, column, escape, fraction, interval, table
from .plateau_figure import plateau_series

_DIRECTIONS = {
    "radial": "radial, (a·Y) r̂",
    "gradient": "gradient, r∇(a·Y)",
    "solid": "solid, ∇(rˡ⁺¹ a·Yₗ₊₁)",
}


def has_plateaus(result: Result) -> bool:
    """Return whether directional fields were measured."""
    return bool(plateau_series(result))


def has_networks(result: Result) -> bool:
    """Return whether networks were trained."""
    return bool(result.get("networks"))


def plateaus(result: Result, place: Callable[[str], str]) -> str:
    """Return the predictions of the directional fields beside what was measured."""
    head = [column("field", ""), column("ℓ")] + [
        column(text)
        for text in (
            "theory,<br>perfect features",
            "with the<br>measured grades",
            "cost of what<br>is above, up to",
            "R² measured",
        )
    ]
    body = [
        [
            f'<th scope="row">{_DIRECTIONS[name]}</th>',
            f'<td class="number">{row["l"]}</td>',
            f'<td class="number">{_exact(row)}</td>',
            _cell(row["folded"], row["folded_low"], row["folded_high"]),
            f'<td class="number">{fraction(row["noise"])}</td>',
            _cell(row["r2"], row["r2_low"], row["r2_high"]),
        ]
        for name, rows in plateau_series(result).items()
        for row in rows
    ]
    caption = "Predicted and measured R² of fields with a direction of their own, median atom, degree of the headline."
    return (
        "<p>A field along the bond, or tangential, is made of two neighbouring frequencies, ℓ − 1 and ℓ + 1, with exact "
        "weights. Around the ceiling one of them is lost and the other kept, so R² must stand at known fractions. Real "
        "features do not give back all of what lies below the ceiling: the second prediction takes each frequency’s measured "
        "R² for it. What lies above the ceiling is noise to the fit, and costs up to its power times coefficients over "
        "training samples. Nothing is fitted to these points. Amplitude: along a fixed direction every field has the same root "
        f"mean square.</p>\n{place('plateaus')}\n<details>\n<summary>Every number</summary>\n"
        f"{table(caption, head, body, name='table-plateaus')}</details>\n"
    )


def _exact(row: Row) -> str:
    text = str(row["ideal"])
    return text if "/" not in text else f"{escape(text)} = {number(row['predicted'])}"


def _cell(value: float, low: float, high: float) -> str:
    return f'<td class="number">{fraction(value)}<small>{interval(low, high)}</small></td>'


def plateaus_caption(result: Result) -> str:
    """Return the caption of the plateau figure as HTML."""
    return (
        "R² of fields along the bond, tangential and solid, median atom. Thin line: theory for perfect features. Bars: theory "
        "with the measured recovery of each grade, and its interval. Circles: measured, with intervals."
    )


def describe_plateaus(result: Result) -> str:
    """Return in one sentence what the plateau figure shows."""
    parts = [
        f"{name}: "
        + ", ".join(
            f"ℓ = {row['l']} predicted {number(row['predicted'])} measured {number(row['r2'])}"
            for row in rows
        )
        for name, rows in plateau_series(result).items()
    ]
    return f"Step charts of R² by angular frequency. {'; '.join(parts)}."


def networks(result: Result, place: Callable[[str], str]) -> str:
    """Return what trained networks gave back, beside the closed form on the same features."""
    del place  # no figure of their own
    entries = result["networks"]
    degrees = [int(row["l"]) for row in entries[0]["rows"]]
    head = [column("atom", ""), column("network", ""), column("parameters"), column("ceiling")]
    head += [column(f"ℓ = {l}") for l in degrees]
    body = []
    for entry in entries:
        at = {row["l"]: row for row in entry["rows"]}
        ceiling = "none" if entry["ceiling"] is None else str(entry["ceiling"])
        lead = [
            f'<th scope="row">{escape(atom_label(result["atoms"], int(entry["atom"])))}</th>',
            f"<td>{escape(entry['name'])}</td>",
            f'<td class="number">{entry["parameters"]:,}</td>',
            f'<td class="number">{ceiling}</td>',
        ]
        body.append(
            [*lead, *(f'<td class="number">{fraction(at[l]["r2"])}{_flag(at[l])}</td>' for l in degrees)]
        )
        if any(row["closed_form"] is not None for row in entry["rows"]):
            closed = [at[l]["closed_form"] for l in degrees]
            cells = [MISSING if value is None else fraction(value) for value in closed]
            blank = '<td class="number"></td>'
            body.append(
                ['<th scope="row"></th>', "<td>closed\N{NO-BREAK SPACE}form</td>", blank, blank]
                + [f'<td class="number">{cell}</td>' for cell in cells]
            )
    caption = (
        "R² of networks trained by Adam on turned frames, held-out frames. † learned less than the closed form of the same "
        "degree on the same features gives back: not learned, though it can be represented."
    )
    return (
        "<p>The closed form is the best polynomial of its degree. Where it finds nothing nothing can be represented; where a "
        "network alone falls short, it has not learned.</p>\n"
        + table(caption, head, body, name="table-networks")
    )


def _flag(row: Row) -> str:
    return " †" if row["reading"] == "not learned" else ""
