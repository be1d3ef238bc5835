"""The report of ``ceilings theory tables``: every package with its versions, every table and function with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...theory import InputError
from ..records.progress import Progress, silent
from .completeness import judge_table
from .package_values import sources
from .packages import Package, coupling_tables, package_of, versions
from .user_module import is_module, module_sources
from .values import Kind, judge_sources

#: The value of the field ``"schema"``.
TABLES_SCHEMA = "spectral-ceilings/tables/1"


def tables_report(
    names: Sequence[str],
    *,
    l_max: int = 3,
    correlation: int = 3,
    output_l: int = 2,
    what: Kind | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Judge the coupling tables, coefficients, harmonics and Wigner matrices of packages or of a developer's module.

    Parameters
    ----------
    names
        Names of `PACKAGES`, ``FILE.py:FUNCTION`` or ``FILE.py``.
    l_max
        Tables for harmonics up to L = 1..l_max, 1 to 4; values up to l_max.
    correlation
        Tables of degree 2..correlation, 2 to 4.
    output_l
        Outputs l = 0..output_l, 0 to 4.
    what
        What FUNCTION gives, where its name does not tell.
    progress
        Called after every table.

    Returns
    -------
    dict
        The content of the JSON, schema ``spectral-ceilings/tables/1``.

    Raises
    ------
    InputError
        If a package is unknown or not installed, a module cannot be used, or a number is out of range; before anything
        long is computed.
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
    wanted = list(dict.fromkeys(names))
    packages = {name: package_of(name) for name in wanted if not is_module(name)}
    modules = {name: module_sources(name, what) for name in wanted if is_module(name)}
    parts = []
    for name in wanted:
        if name in packages:
            parts.append(_package(packages[name], l_max, correlation, output_l, progress))
        else:
            values = judge_sources(modules[name], l_max)
            parts.append(_part(name, {}, [], values, []))
        progress(name, len(parts), len(wanted))
    return {"schema": TABLES_SCHEMA, "packages": parts, "right": all(part["right"] for part in parts)}


def _package(
    package: Package, l_max: int, correlation: int, output_l: int, progress: Progress
) -> dict[str, Any]:
    notes: list[str] = []
    rows = []
    for table in coupling_tables(package.name, l_max, correlation, output_l, notes):
        top = max(term.l for term in table.irreps[0])
        rows.append({**judge_table(table).to_dict(), "l_max": top})
        progress(f"{package.name}, tables", len(rows), 0)
    values = judge_sources(sources(package), l_max)
    return _part(package.name, versions(package), rows, values, notes)


def _part(
    name: str,
    installed: dict[str, str],
    rows: list[dict[str, Any]],
    values: list[dict[str, Any]],
    notes: list[str],
) -> dict[str, Any]:
    wrong = any(row["findings"] for row in (*rows, *values))
    return {
        "name": name,
        "versions": installed,
        "tables": rows,
        "values": values,
        "notes": notes,
        "right": not wrong,
    }
