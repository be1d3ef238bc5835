"""Arrays of npz files: the layouts of this package, rMD17 and sGDML, with cells and stress where they have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .raw import Raw
from .units import Units, parse_units

#: Keys of numbers, positions, forces, energies in the npz layouts, and the units each implies (None: not
#: fixed).
_LAYOUTS: dict[str, tuple[str, str, str, str, Units | None]] = {
    "this package": ("numbers", "positions", "forces", "energies", Units("eV")),
    "rMD17": ("nuclear_charges", "coords", "forces", "energies", Units("kcal/mol")),
    "sGDML": ("z", "R", "F", "E", None),
}
#: Arrays of periodic frames in any of the layouts; cell vectors are rows, but columns in sGDML's lattice.
_CELLS = {"cells", "cell", "lattice", "pbc", "stress"}


def read_npz(path: Path, name: str) -> Raw:
    """Read an npz of one of the layouts, never unpickling.

    Raises
    ------
    InputError
        It is damaged, of no layout, or holds what is no array of numbers.
    """
    arrays = _load_npz(path, name)
    for layout, (numbers, positions, forces, energies, implied) in _LAYOUTS.items():
        if not {numbers, positions, forces} <= arrays.keys():
            continue
        reason = f"as in every file of {layout}"
        if implied is None and "e_unit" in arrays:
            said = f"{_word(arrays['e_unit'])},{_word(arrays['r_unit']) if 'r_unit' in arrays else 'Å'}"
            try:
                implied, reason = parse_units(said), "as the file says"
            except InputError as error:
                raise InputError(f"{name}: in the file {error}") from error
        energy = arrays.get(energies)
        return Raw(
            numbers=_composition(arrays[numbers], name, numbers),
            positions=_real(arrays[positions], name, positions),
            forces=_real(arrays[forces], name, forces),
            energies=None if energy is None else _column(_real(energy, name, energies)),
            implied=implied,
            reason=reason,
            **_cells(arrays, name),
        )
    known = "; ".join(f"{layout}: {', '.join(keys[:4])}" for layout, keys in _LAYOUTS.items())
    raise InputError(
        f"{name}: it has the keys {', '.join(sorted(arrays)) or '(none)'}: expected those of {known}."
    )


def _cells(arrays: dict[str, NDArray[Any]], name: str) -> dict[str, Any]:
    """Cells, periodic directions and stress, where there are any; sGDML's lattice has its vectors as columns."""
    cells: NDArray[np.float64] | None = None
    if "cells" in arrays or "cell" in arrays:
        cells = _real(arrays.get("cells", arrays.get("cell", np.empty(0))), name, "cells")
    elif "lattice" in arrays:
        cells = np.swapaxes(_real(arrays["lattice"], name, "lattice"), -1, -2)
    if cells is None:
        return {}
    if cells.shape[-2:] != (3, 3) or cells.ndim not in (2, 3):
        raise InputError(
            f"{name}: its cells have shape {cells.shape}: expected (frames, 3, 3) or (3, 3), vectors as rows."
        )
    if cells.ndim == 2:
        positions = next(arrays[key] for key in ("positions", "coords", "R") if key in arrays)
        count = positions.shape[0] if positions.ndim else 0
        cells = np.repeat(cells[None], count, axis=0)
    flags = arrays.get("pbc", np.ones(3, dtype=bool)).reshape(-1)[:3]
    if len(flags) != 3 or flags.dtype.kind not in "bui":
        raise InputError(f"{name}: its pbc is {flags.tolist()}: expected three truths, one per cell vector.")
    stress = _real(arrays["stress"], name, "stress") if "stress" in arrays else None
    if not flags.any():
        return {}
    return {"cells": cells, "pbc": (bool(flags[0]), bool(flags[1]), bool(flags[2])), "stress": stress}


def _load_npz(path: Path, name: str) -> dict[str, NDArray[Any]]:
    """Read every array that a layout needs, never unpickling."""
    wanted = {key for layout in _LAYOUTS.values() for key in layout[:4]} | {"e_unit", "r_unit"} | _CELLS
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InputError(f"{name}: it holds one bare array: expected an npz archive of named arrays.")
            with loaded as archive:
                unread = {key: np.empty(0) for key in archive.files if key not in wanted}
                arrays = unread | {key: archive[key] for key in archive.files if key in wanted}
    except InputError:
        raise
    except Exception as error:  # a damaged zip or header raises almost anything; all of it means the same
        start = _start(path)
        if "pickle" in str(error).lower() and not start.startswith(b"PK"):
            raise InputError(f"{name}: it is not an npz archive: expected a zip of arrays.") from error
        whole = start in (
            b"PK\x03\x04",
            b"PK\x05\x06",
        )  # NumPy takes anything else for a pickle, a cut zip too
        if whole and ("pickle" in str(error).lower() or "object arrays" in str(error).lower()):
            raise InputError(
                f"{name}: it holds pickled Python objects, which can run code when they are read, so "
                "they are never loaded: save plain numeric arrays with numpy.savez."
            ) from error
        raise InputError(
            f"{name}: the npz is damaged or cut short ({type(error).__name__}): download or write it again."
        ) from error
    for key, values in arrays.items():
        if not isinstance(values, np.ndarray):  # numpy hands out the bytes of a member that is no array
            raise InputError(f"{name}: its member {key!r} is no array: download or write the npz again.")
    return arrays


def _word(value: NDArray[Any]) -> str:
    """Text of a 0-d string array."""
    item = value.reshape(-1)[0] if value.size == 1 else ""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _real(values: NDArray[Any], name: str, key: str) -> NDArray[np.float64]:
    if values.dtype.kind not in "fiu":
        raise InputError(f"{name}: {key!r} holds {values.dtype} values: expected real numbers.")
    return np.ascontiguousarray(values, dtype=np.float64)


def _column(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _composition(values: NDArray[Any], name: str, key: str) -> NDArray[np.int64]:
    """Atomic numbers (A,), also from (N, A) if all frames agree."""
    real = _real(values, name, key)
    whole = np.where(np.isfinite(real), real, -1.0)
    numbers: NDArray[np.int64] = np.rint(np.clip(whole, -1, 10_000)).astype(np.int64)
    if not np.array_equal(numbers, real):
        raise InputError(f"{name}: {key!r} holds values that are no whole numbers: expected atomic numbers.")
    if numbers.ndim == 2 and len(numbers):
        if (numbers != numbers[0]).any():
            raise InputError(
                f"{name}: frame {int(np.flatnonzero((numbers != numbers[0]).any(axis=1))[0])} has other "
                "atoms than frame 0: expected one composition and one atom order, so split the file by molecule."
            )
        return np.asarray(numbers[0])
    return numbers
