"""Writes the result of a diagnosis: ``result.json`` and ``recovery.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ..records.files import write_whole
from ..records.plain import plain, to_json
from .result import RECOVERY_COLUMNS, Result, Row


def write_result(result: Result, folder: str | Path) -> Path:
    """Write ``result.json`` and ``recovery.csv`` into a folder; return the path of the first.

    Raises
    ------
    ValueError
        For a number that is not finite (its place is named), or a row with other columns than
        :data:`~spectral_ceilings.diagnostic.measurement.result.RECOVERY_COLUMNS`.
    """
    text = to_json(result, "result")
    write_recovery_csv(result["recovery"], Path(folder) / "recovery.csv")
    return write_whole(Path(folder) / "result.json", text)


def write_recovery_csv(rows: Iterable[Row], path: str | Path) -> Path:
    """Write recovery rows as CSV (UTF-8, comma, one header line), floats with the digits that round-trip.

    A number that is not there (a row with the verdict "no path") is an empty field.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(RECOVERY_COLUMNS)
    for number, row in enumerate(rows):
        if set(row) != set(RECOVERY_COLUMNS):
            odd = sorted(set(row) ^ set(RECOVERY_COLUMNS))
            raise ValueError(f"recovery[{number}] lacks or adds the columns {odd}")
        values = plain(row, f"recovery[{number}]")
        writer.writerow(["" if values[name] is None else values[name] for name in RECOVERY_COLUMNS])
    return write_whole(Path(path), buffer.getvalue())
