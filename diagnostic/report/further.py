"""Sections of the report for what was measured beyond the main table: plateaus and trained networks."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from ..measurement.result import Result, atom_label
from ..measurement.result_types import NetworkRow, PlateauRow
from ..pages.axes import number
from ..pages.figure_files import FigureSlot
from ..pages.frame import Part
from ..pages.tables import Cell, Column, Table, interval_cell, numbers
from ..pages.text import MISSING, fraction, thousands
from .plateau_figure import plateau_series
from .pools import unit

_DIRECTIONS = {
    "radial": "radial, (a·Y) r̂",
    "gradient": "gradient, r∇(a·Y)",
    "solid": "solid, ∇(rˡ⁺¹ a·Yₗ₊₁)",
}
_PLATEAUS = (
    "A field along the bond, or tangential, has power at ℓ − 1 and at ℓ + 1, with exact weights. Around the ceiling one of "
    "the two is lost and the other kept, so R² must take known fractions. Real features do not recover all of what lies "
    "below the ceiling: the second prediction weights each ℓ by its measured R². What lies above the ceiling is noise to the "
    "fit, and costs up to its power times coefficients over training samples. Nothing is fitted to these points. Amplitude: "
    "along a fixed direction every field has the same root mean square."
)
_NETWORKS = (
    "The closed form is the best polynomial of its degree. Where it recovers nothing, no such readout can; where only a "
    "network falls short, it has not learned."
)


def has_plateaus(result: Result) -> bool:
    """Return whether directional fields were measured."""
    return bool(plateau_series(result))


def has_networks(result: Result) -> bool:
    """Return whether networks were trained."""
    return bool(result.get("networks"))


def plateaus(result: Result, figures: Mapping[str, FigureSlot]) -> list[Part]:
    """Return the predictions of the directional fields beside what was measured."""
    if not has_plateaus(result):
        return []
    heads = (
        "ℓ",
        Markup("theory,<br>perfect features"),
        Markup("with the<br>measured R²"),
        Markup("cost of what<br>is above, at most"),
        "R² measured",
    )
    body: list[list[Cell | str]] = [
        [
            _DIRECTIONS[name],
            str(row["l"]),
            _exact(row),
            interval_cell(fraction(row["folded"]), row["folded_low"], row["folded_high"]),
            fraction(row["noise"]),
            interval_cell(fraction(row["r2"]), row["r2_low"], row["r2_high"]),
        ]
        for name, rows in plateau_series(result).items()
        for row in rows
    ]
    caption = f"Predicted and measured R² of fields with a direction of their own, median {unit(result)}, degree of the headline."
    every = Table("table-plateaus", caption, [Column("field"), *numbers(*heads)], body, fold="Every number")
    return [_PLATEAUS, figures.get("plateaus", ""), every]


def _exact(row: PlateauRow) -> str:
    text = str(row["ideal"])
    return text if "/" not in text else f"{text} = {number(row['predicted'])}"


def plateaus_caption(result: Result) -> str:
    """Return the caption of the plateau figure."""
    return (
        f"R² of fields along the bond, tangential and solid, median {unit(result)}. Thin line: theory for perfect features. "
        "Bars: theory with the measured R² at each ℓ, and its interval. Circles: measured, with intervals."
    )


def describe_plateaus(result: Result) -> str:
    """Return in one sentence what the plateau figure shows."""
    parts = [
        f"{name}: "
        + ", ".join(
            f"ℓ = {row['l']} predicted {number(row['predicted'])} measured {MISSING if row['r2'] is None else number(row['r2'])}"
            for row in rows
        )
        for name, rows in plateau_series(result).items()
    ]
    return f"Step charts of R² by angular frequency. {'; '.join(parts)}."


def networks(result: Result) -> list[Part]:
    """Return what trained networks gave back, beside the closed form on the same features."""
    if not has_networks(result):
        return []
    entries = result["networks"]
    degrees = [int(row["l"]) for row in entries[0]["rows"]]
    columns = [
        Column("atom"),
        Column("network"),
        *numbers("parameters", "ceiling", *(f"ℓ = {l}" for l in degrees)),
    ]
    body: list[list[Cell | str]] = []
    for entry in entries:
        at = {row["l"]: row for row in entry["rows"]}
        body.append(
            [
                atom_label(result["atoms"], int(entry["atom"])),
                str(entry["name"]),
                thousands(entry["parameters"]),
                "none" if entry["ceiling"] is None else str(entry["ceiling"]),
                *(f"{fraction(at[l]['r2'])}{_flag(at[l])}" for l in degrees),
            ]
        )
        if any(row["closed_form"] is not None for row in entry["rows"]):
            closed = [at[l]["closed_form"] for l in degrees]
            values = [MISSING if value is None else fraction(value) for value in closed]
            body.append(["", "closed\N{NO-BREAK SPACE}form", "", "", *values])
    caption = (
        "R² of networks trained by Adam on turned frames, held-out frames. † learned less than the closed form of the same "
        "degree on the same features recovers: not learned, though it can be represented."
    )
    return [_NETWORKS, Table("table-networks", caption, columns, body)]


def _flag(row: NetworkRow) -> str:
    return " †" if row["reading"] == "not learned" else ""
