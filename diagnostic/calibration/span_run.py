"""The rows of the calibration table, measured one by one and kept in a folder, so that a stopped run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...numerics.calibration import CalibrationRow, calibrate_pair, check_pair
from ...theory.errors import InputError
from ..records.files import write_json

#: The value of the field ``"schema"`` of ``calibration.json`` and of the file of one row.
SPAN_SCHEMA = "ceilings.calibrate/1"


def span_rows(
    max_degree: int, max_l: int, seed: int = 0, folder: Path | None = None
) -> Iterator[CalibrationRow]:
    """Yield the rows d = 1..max_degree, L = 1..max_l; with a folder, keep each and take up those kept before.

    Raises
    ------
    InputError
        If a bound is too small or too large, or the folder holds rows of another seed.
    """
    check_pair(max_degree, max_l)
    if folder:
        _check_seed(folder / "cells", seed)
    for degree in range(1, max_degree + 1):
        for l_max in range(1, max_l + 1):
            row = kept_row(folder, degree, l_max) if folder else None
            if row is None:
                row = calibrate_pair(degree, l_max, seed)
                if folder:
                    content = {"schema": SPAN_SCHEMA, "seed": seed, "row": row.to_dict()}
                    write_json(_cell(folder, degree, l_max), content)
            yield row


def kept_row(folder: Path, degree: int, l_max: int) -> CalibrationRow | None:
    """Return a row that a folder keeps, or None; InputError where its file is damaged."""
    cell = _cell(folder, degree, l_max)
    if not cell.exists():
        return None
    try:
        return CalibrationRow.from_dict(_read(cell)["row"])
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{cell} lacks parts of a row: remove it, and it is computed again") from None


def _cell(folder: Path, degree: int, l_max: int) -> Path:
    return folder / "cells" / f"d{degree}_L{l_max}.json"


def _check_seed(cells: Path, seed: int) -> None:
    for cell in sorted(cells.glob("d*_L*.json")):
        data = _read(cell)
        if (data.get("schema"), data.get("seed")) != (SPAN_SCHEMA, seed):
            raise InputError(
                f"{cell} was made with seed {data.get('seed')} and schema {data.get('schema')}, not seed {seed} and "
                f"{SPAN_SCHEMA}: give another --out folder, or the same seed to continue"
            )


def _read(cell: Path) -> dict[str, Any]:
    try:
        data = json.loads(cell.read_text(encoding="utf-8"))
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{cell} is not a row of a calibration table: remove it, and it is computed again")
    return data
