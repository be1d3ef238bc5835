"""The calibration table of ``ceilings calibrate``: its rows, kept one by one, and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..diagnostic.calibration.report import span_page
from ..diagnostic.pages.figure_files import Drawing, write_drawings
from ..diagnostic.records.files import write_json, write_whole
from ..numerics.calibration import CalibrationRow, calibrate_pair, check_pair
from ..theory.errors import InputError
from . import calibration_figures, calibration_tables

_SCHEMA = "ceilings.calibrate/1"


def calibration(
    max_degree: int, max_l: int, seed: int = 0, folder: Path | None = None
) -> Iterator[CalibrationRow]:
    """Yield the rows d = 1..max_degree, L = 1..max_l; with a folder, keep each and take up those kept before.

    Raises
    ------
    InputError
        If a bound is too small or too large, or the folder holds rows of another seed.
    """
    check_pair(max_degree, max_l)
    cells = folder / "cells" if folder else None
    if cells:
        _check_seed(cells, seed)
    for degree in range(1, max_degree + 1):
        for l_max in range(1, max_l + 1):
            cell = cells / f"d{degree}_L{l_max}.json" if cells else None
            if cell and cell.exists():
                yield _kept_row(cell)
                continue
            row = calibrate_pair(degree, l_max, seed)
            if cell:
                write_json(cell, {"schema": _SCHEMA, "seed": seed, "row": row.to_dict()})
            yield row


def _check_seed(cells: Path, seed: int) -> None:
    for cell in sorted(cells.glob("d*_L*.json")):
        data = _read(cell)
        if (data.get("schema"), data.get("seed")) != (_SCHEMA, seed):
            raise InputError(
                f"{cell} was made with seed {data.get('seed')} and schema {data.get('schema')}, not seed {seed} and "
                f"{_SCHEMA}: give another --out folder, or the same seed to go on"
            )


def _kept_row(cell: Path) -> CalibrationRow:
    try:
        return CalibrationRow.from_dict(_read(cell)["row"])
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{cell} lacks parts of a row: remove it, and it is computed again") from None


def _read(cell: Path) -> dict[str, Any]:
    try:
        data = json.loads(cell.read_text(encoding="utf-8"))
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{cell} is not a row of a calibration table: remove it, and it is computed again")
    return data


def table_json(rows: list[CalibrationRow], seed: int) -> dict[str, Any]:
    """Return the content of ``calibration.json``; the singular values, which are long, stay with the cells."""
    plain = [row.to_dict() for row in rows]
    for row in plain:
        row.pop("singular_values")
    return {"schema": _SCHEMA, "seed": seed, "agrees": all(row.agrees for row in rows), "rows": plain}


def write_calibration(rows: list[CalibrationRow], seed: int, folder: Path, command: str) -> None:
    """Write the table as JSON, CSV, Markdown and LaTeX, the three figures, and ``report.html``."""
    write_json(folder / "calibration.json", table_json(rows, seed))
    for name, text in (
        ("calibration.csv", calibration_tables.to_csv(rows)),
        ("calibration.md", calibration_tables.to_markdown(rows)),
        ("calibration.tex", calibration_tables.to_latex(rows)),
    ):
        write_whole(folder / name, text.encode())
    drawings = [
        Drawing(name, lambda palette, _layout, draw=draw: draw(rows, palette), ("wide",))  # type: ignore[misc]
        for name, draw in (
            ("ranks", calibration_figures.draw_ranks),
            ("staircase", calibration_figures.draw_staircase),
            ("cyclic", calibration_figures.draw_cyclic),
        )
    ]
    write_drawings(drawings, folder)
    write_whole(folder / "report.html", span_page(rows, seed, command, drawings))
