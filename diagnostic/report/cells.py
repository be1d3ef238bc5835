"""Cells of the tables of recovery: R2 with its interval and sign, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable

from ..measurement.result import NO_PATH, Row
from ..pages.tables import Cell
from ..pages.text import MISSING, fraction, interval

#: The sign that a verdict carries in tables, beside its colour.
VERDICT_SIGNS = {"recovered": "●", "not recovered": "○", "undecided": "◐", "nothing to hold": "–"}


def measured_cell(row: Row | None, *, edge: bool = False, with_interval: bool = True) -> Cell:
    """Return the table cell of a row: R2 with its interval and sign, or the words "no path"."""
    border = " edge" if edge else ""
    if row is None:
        return Cell(MISSING, kind=f"none{border}", title="not measured")
    if row["verdict"] == NO_PATH:
        return Cell(NO_PATH, kind=f"none{border}")
    if row["r2"] is None:
        return Cell(MISSING, kind=f"none{border}")
    verdict = str(row["verdict"])
    shade = " yes" if verdict == "recovered" else ""
    limits = interval(row["r2_low"], row["r2_high"]) if with_interval else ""
    if limits == f"{fraction(row['r2'])} to {fraction(row['r2'])}":
        limits = ""  # narrower than the digits that are shown
    return Cell(
        fraction(row["r2"], 4 if with_interval else 3),
        limits,
        f"number{shade}{border}",
        sign=VERDICT_SIGNS.get(verdict, ""),
        said=verdict,
    )


def rho_cell(row: Row | None) -> Cell:
    """Return the table cell of a row's recovery fraction with its interval, or why there is none."""
    if row is None or row["rho"] is None:
        return Cell(NO_PATH if row and row["verdict"] == NO_PATH else MISSING, kind="none")
    return Cell(fraction(row["rho"]), interval(row["rho_low"], row["rho_high"]), "number")


def by_l(rows: Iterable[Row]) -> dict[int, Row]:
    """Return rows by their l."""
    return {int(row["l"]): row for row in rows}
