"""Arrays that a run keeps until it ends: a ``.safetensors`` file, and beside it a JSON file with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ...theory.errors import InputError
from ..records.files import write_whole
from ..records.run_directory import RunDirectory


def save_arrays(run: RunDirectory, key: str, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Record arrays under a key, all digits of them."""
    content = save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    write_whole(run.cell_path(key).with_suffix(".safetensors"), content)
    run.save_cell(key, {"arrays_sha256": hashlib.sha256(content).hexdigest()})


def load_arrays(run: RunDirectory, key: str) -> dict[str, NDArray[Any]] | None:
    """Return recorded arrays, None where there are none yet; InputError where they are damaged."""
    saved = run.load_cell(key)
    if saved is None:
        return None
    path = run.cell_path(key).with_suffix(".safetensors")
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != saved["arrays_sha256"]:
            raise ValueError("its hash does not fit")
        return load(content)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"the finished part {str(path)!r} is missing or damaged ({error}): delete it and the .json file of the same name, "
            "and run the same command again with --resume"
        ) from error


def forget_arrays(run: RunDirectory, start: str) -> None:
    """Remove every recorded array whose key begins with the word ``start``: a finished run needs them no more."""
    for path in sorted((run.path / "cells").glob(f"{start}-*")):
        path.unlink()
