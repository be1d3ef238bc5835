"""Cells of the tables of recovery: R2 with its interval and sign, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..measurement.result import NO_PATH, Row
from ..pages.html import MISSING, escape, fraction, interval

#: The sign that a verdict carries in tables, beside its colour.
VERDICT_SIGNS = {"recovered": "●", "not recovered": "○", "undecided": "◐"}


def measured_cell(row: Row | None, *, edge: bool = False, with_interval: bool = True) -> str:
    """Return the table cell of a row: R2 with its interval and sign, or the words "no path"."""
    border = " edge" if edge else ""
    if row is None:
        return f'<td class="none{border}"><span title="not measured">{MISSING}</span></td>'
    if row["verdict"] == NO_PATH:
        return f'<td class="none{border}">no path</td>'
    if row["r2"] is None:
        return f'<td class="none{border}">{MISSING}</td>'
    verdict = str(row["verdict"])
    shade = " yes" if verdict == "recovered" else ""
    sign = f'<span role="img" aria-label="{escape(verdict)}">{VERDICT_SIGNS.get(verdict, "")}</span>'
    limits = interval(row["r2_low"], row["r2_high"]) if with_interval else ""
    if limits == f"{fraction(row['r2'])} to {fraction(row['r2'])}":
        limits = ""  # narrower than the digits that are shown
    small = f"<small>{limits}</small>" if limits else ""
    return f'<td class="number{shade}{border}">{fraction(row["r2"], 4 if with_interval else 3)} {sign}{small}</td>'


def by_l(rows: Iterable[Row]) -> dict[int, Mapping[str, Any]]:
    """Return rows by their angular degree."""
    return {int(row["l"]): row for row in rows}
