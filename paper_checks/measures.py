"""Read figures off the results of diagnoses, with one meaning of 'recovered' and 'lost' for all claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .outcome import Line, Value

Row = Mapping[str, Any]
#: Recovered: the lower end of the interval of R2 is above the first and above the null; lost: the upper end is below the second.
RECOVERED, LOST = 0.1, 0.05


def row(
    result: Row,
    l: int,
    *,
    degree: int = 2,
    scope: str = "molecule",
    readout: str = "free",
    injection: str = "marked",
    direction: str = "fixed",
) -> dict[str, Any] | None:
    """Return the row of a result with these fields, or None."""
    wanted = {
        "l": l,
        "degree": degree,
        "scope": scope,
        "readout": readout,
        "injection": injection,
        "direction": direction,
    }
    for entry in result["recovery"]:
        if all(entry[key] == value for key, value in wanted.items()):
            return dict(entry)
    return None


def recovered(entry: Row | None) -> bool:
    """Whether a row was recovered by the criterion that all claims share."""
    return (
        entry is not None
        and entry["r2"] is not None
        and entry["r2_low"] > max(RECOVERED, entry["null_high"] or 0.0)
    )


def lost(entry: Row | None) -> bool:
    """Whether a row was not recovered by the criterion that all claims share; 'no path' is lost by theory."""
    return entry is not None and (entry["r2"] is None or entry["r2_high"] < LOST)


def cliff(result: Row, boundary: int, **fields: Any) -> tuple[bool, Row | None, Row | None]:
    """Return (whether the cliff stands right at the boundary, the row at it, the row above it)."""
    inside, outside = row(result, boundary, **fields), row(result, boundary + 1, **fields)
    return recovered(inside) and lost(outside), inside, outside


def last_recovered(result: Row, **fields: Any) -> int | None:
    """Return the highest l that was recovered, or None."""
    tops = [l for l in range(1, int(result["settings"]["l_top"]) + 1) if recovered(row(result, l, **fields))]
    return max(tops, default=None)


def value_of(entry: Row | None, name: str, key: str = "r2", **more: Any) -> Value:
    """Return a row's figure with its interval as a value."""
    if entry is None or entry[key] is None:
        return Value(name, None, note="not measured" if entry is None else "no path")
    return Value(name, entry[key], entry[f"{key}_low"], entry[f"{key}_high"], **more)


def line(result: Row, label: str, **fields: Any) -> Line:
    """Return R2 against l with its intervals, l >= 1."""
    rows: list[Row] = [
        entry
        for l in range(1, int(result["settings"]["l_top"]) + 1)
        if (entry := row(result, l, **fields)) is not None
    ]
    return Line(
        label,
        tuple(float(entry["l"]) for entry in rows),
        tuple(entry["r2"] for entry in rows),
        tuple(entry["r2_low"] for entry in rows),
        tuple(entry["r2_high"] for entry in rows),
    )


def points(label: str, rows: Sequence[Row]) -> Line:
    """Return R2 of several rows, with intervals, at the positions 0, 1, 2, ..."""
    return Line(
        label,
        [float(k) for k in range(len(rows))],
        [entry["r2"] for entry in rows],
        [entry["r2_low"] for entry in rows],
        [entry["r2_high"] for entry in rows],
    )


def atoms(result: Row, l: int, **fields: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """Return (index, element, row at l) of every atom that was measured."""
    measured = []
    for atom in result["atoms"]:
        entry = row(result, l, scope=f"atom:{atom['index']}", **fields)
        if entry is not None:
            measured.append((int(atom["index"]), str(atom["element"]), entry))
    return measured


def interval(entry: Row | None, key: str = "r2") -> str:
    """Return ``0.921 [0.864, 0.951]``."""
    if entry is None or entry[key] is None:
        return "not measured" if entry is None else "no path"
    text = f"{entry[key]:.3f} [{entry[f'{key}_low']:.3f}, {entry[f'{key}_high']:.3f}]"
    return text.replace("-0.000", "0.000")


def table_rows(named: Sequence[tuple[str, Row, int]], **fields: Any) -> list[dict[str, Any]]:
    """Return a table of runs: (name, result, predicted boundary) against what was found."""
    table = []
    for name, result, boundary in named:
        stands, inside, outside = cliff(result, boundary, **fields)
        table.append(
            {
                "backbone": name,
                "parameters": result["model"]["parameters"],
                "predicted cliff": f"{boundary}/{boundary + 1}",
                "last recovered l": last_recovered(result, **fields),
                "R2 at the boundary": interval(inside),
                "R2 above it": interval(outside),
                "as predicted": "yes" if stands else "no",
            }
        )
    return table
