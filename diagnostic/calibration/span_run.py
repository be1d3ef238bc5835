"""The rows of the calibration table, measured one by one; a run directory keeps each, so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ...numerics.calibration import CalibrationRow, calibrate_pair, check_pair
from ...theory.errors import InputError
from ..records.parts import Parts
from ..records.run_directory import RunDirectory

#: The value of the field ``"schema"`` of ``calibration.json``.
SPAN_SCHEMA = "ceilings.calibrate/1"


def span_rows(
    max_degree: int, max_l: int, seed: int = 0, parts: Parts | None = None
) -> Iterator[CalibrationRow]:
    """Yield the rows d = 1..max_degree, L = 1..max_l; with the parts of a run, keep each and take up those kept before.

    Raises
    ------
    InputError
        If a bound is too small or too large, or a kept row is damaged.
    """
    check_pair(max_degree, max_l)
    parts = parts or Parts(None)
    for degree in range(1, max_degree + 1):
        for l_max in range(1, max_l + 1):
            key = _key(degree, l_max)
            row = parts.get(key, partial(_measure, degree, l_max, seed))
            yield _row(row, parts.run, key)


def _measure(degree: int, l_max: int, seed: int) -> dict[str, Any]:
    return calibrate_pair(degree, l_max, seed).to_dict()


def kept_row(folder: Path, degree: int, l_max: int) -> CalibrationRow | None:
    """Return a row that a run directory keeps, or None; InputError where its file is damaged."""
    run, key = RunDirectory(folder, {}, resumed=True), _key(degree, l_max)
    row = run.load_cell(key)
    return None if row is None else _row(row, run, key)


def _key(degree: int, l_max: int) -> str:
    return f"d={degree}/L={l_max}"


def _row(content: Mapping[str, Any], run: RunDirectory | None, key: str) -> CalibrationRow:
    try:
        return CalibrationRow.from_dict(dict(content))
    except (KeyError, TypeError, AttributeError):
        where = key if run is None else str(run.cell_path(key))
        raise InputError(f"{where!r} lacks parts of a row: delete it, and it is computed again") from None
