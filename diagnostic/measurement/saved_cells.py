"""Finished parts of a run with their errors: a JSON file, and beside it the sums of every frame as ``.safetensors``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ...theory.errors import InputError
from ..records.files import write_whole
from ..records.run_directory import RunDirectory
from ..recovery.error_sums import Cell, ErrorSums


def save_cell(run: RunDirectory, key: str, cell: Cell) -> Cell:
    """Record a finished part, the arrays first; return it with the place where it is saved."""
    sums, counts = cell
    arrays: dict[str, NDArray[np.float32]] = {}
    records: list[dict[str, Any] | None] = []
    for number, part in enumerate(sums):
        if part is None:
            records.append(None)
            continue
        data, part_arrays = part.to_saved()
        arrays |= {f"{number}/{name}": values for name, values in part_arrays.items()}
        records.append(data)
    content = save(arrays)
    write_whole(_arrays_path(run, key), content)
    run.save_cell(
        key, {"sums": records, "coefficients": counts, "arrays_sha256": hashlib.sha256(content).hexdigest()}
    )
    return _placed(key, cell)


def load_cell(run: RunDirectory, key: str) -> Cell | None:
    """Return a finished part, or None if there is none yet; InputError where it is damaged."""
    saved = run.load_cell(key)
    if saved is None:
        return None
    path = _arrays_path(run, key)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != saved["arrays_sha256"]:
            raise ValueError("its hash does not fit")
        arrays = load(content)
        counts = [int(c) for c in saved["coefficients"]]
        records = list(saved["sums"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"the finished part {str(path)!r} is missing or damaged ({error}): delete it and the .json file of the same name, "
            "and run the same command again with --resume"
        ) from error
    sums = [
        None if record is None else ErrorSums.from_saved(record, _arrays_of(arrays, number))
        for number, record in enumerate(records)
    ]
    return _placed(key, (sums, counts))


def _arrays_path(run: RunDirectory, key: str) -> Path:
    return run.cell_path(key).with_suffix(".safetensors")


def _arrays_of(arrays: Mapping[str, NDArray[Any]], number: int) -> dict[str, NDArray[Any]]:
    start = f"{number}/"
    return {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}


def _placed(key: str, cell: Cell) -> Cell:
    sums, counts = cell
    return [
        None if part is None else replace(part, origin=(key, number)) for number, part in enumerate(sums)
    ], counts
