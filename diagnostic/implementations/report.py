"""The report of ``ceilings theory tables``: every package with its versions, every table with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...theory import InputError
from ..records.progress import Progress, silent
from .completeness import judge_table
from .packages import coupling_tables, package_of, versions

#: The value of the field ``"schema"``.
TABLES_SCHEMA = "spectral-ceilings/tables/1"


def tables_report(
    names: Sequence[str],
    *,
    l_max: int = 3,
    correlation: int = 3,
    output_l: int = 2,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Judge the coupling tables of installed packages.

    Parameters
    ----------
    names
        Names of `PACKAGES`.
    l_max
        Tables for harmonics up to L = 1..l_max, 1 to 4.
    correlation
        Tables of degree 2..correlation, 2 to 4.
    output_l
        Outputs l = 0..output_l, 0 to 4.
    progress
        Called after every table.

    Returns
    -------
    dict
        The content of the JSON, schema ``spectral-ceilings/tables/1``.

    Raises
    ------
    InputError
        If a package is unknown or not installed, or a number is out of range; before anything is computed.
    """
    for option, value, low, high in (
        ("--max-l", l_max, 1, 4),
        ("--max-correlation", correlation, 2, 4),
        ("--output-l", output_l, 0, 4),
    ):
        if not low <= value <= high:
            raise InputError(f"{option} is {value}: give {low} to {high}")
    if correlation == 4 and l_max > 2:
        raise InputError(
            f"--max-correlation 4 with --max-l {l_max} makes tables of several GiB: give --max-l 2 or --max-correlation 3"
        )
    packages = [package_of(name) for name in dict.fromkeys(names)]
    parts = []
    for package in packages:
        notes: list[str] = []
        rows = []
        for table in coupling_tables(package.name, l_max, correlation, output_l, notes):
            verdict = judge_table(table)
            top = max(term.l for term in table.irreps[0])
            rows.append({**verdict.to_dict(), "l_max": top})
            progress(package.name, len(rows), 0)
        parts.append(
            {
                "name": package.name,
                "versions": versions(package),
                "tables": rows,
                "notes": notes,
                "right": not any(row["findings"] for row in rows),
            }
        )
    return {"schema": TABLES_SCHEMA, "packages": parts, "right": all(part["right"] for part in parts)}
